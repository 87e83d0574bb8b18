/** Shows the text with the words marked that mattered: for the topic ranked first, or against it. */

import { byId, element, showText } from "./dom.js";

/** Longer texts are cut: more pieces make typing slow. */
const MAX_WORDS = 4_000;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Cf}'’]*/gu;
/** Smallest share of the largest score change that matters, and that is marked as strong. */
const MIN_SHARE = 0.25;
const MIN_STRONG_SHARE = 0.5;
/** Different words that matter at most, whatever their share. */
const MAX_MATTER = 12;
/** Smaller changes are rounded to 0.0. */
const MIN_CHANGE = 0.0005;

/**
 * Split a text at its words into pairs of a piece and its word, which is undefined between words.
 * Offsets count Unicode code points; JavaScript's strings are made of UTF-16 code units.
 */
export function* cut(text, words) {
  let [unit, point] = [0, 0];
  const upTo = (end) => {
    const start = unit;
    for (; point < end && unit < text.length; point += 1) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
    }
    return text.slice(start, unit);
  };
  for (const word of words) {
    yield [upTo(word.start)];
    yield [upTo(word.end), word];
  }
  yield [text.slice(unit)];
}

const points = (change) => `${change < 0 ? "−" : "+"}${Math.abs(100 * change).toFixed(1)}`;
const size = ({ score_change: change }) => Math.abs(change);
const kindOf = ({ score_change: change }) => (change > 0 ? "for" : "against");
const nameOf = ({ word }) => word.toLowerCase();

/**
 * Return the words that mattered, strongest first: those with at least a quarter of the largest score
 * change, and of these the repetitions of at most 12 different ones.
 */
export function wordsThatMattered(words) {
  const known = words.filter((word) => word.known && size(word) >= MIN_CHANGE);
  const largest = Math.max(...known.map(size));
  const ranked = known
    .filter((word) => size(word) >= MIN_SHARE * largest)
    .sort((one, other) => size(other) - size(one));
  const names = new Set([...new Set(ranked.map(nameOf))].slice(0, MAX_MATTER));
  return ranked.filter((word) => names.has(nameOf(word)));
}

function mark(piece, word, largest) {
  const kind = kindOf(word);
  const className = size(word) < MIN_STRONG_SHARE * largest ? kind : `${kind} strong`;
  return element("mark", { className, title: points(word.score_change) }, piece);
}

const markUnknown = (piece) => element("span", { className: "unknown", title: "not known" }, piece);

/** List the words of one kind without repetitions, strongest first; nothing if there is none. */
function list(words, kind, ...heading) {
  const distinct = new Map();
  for (const word of words) {
    if (kindOf(word) === kind && !distinct.has(nameOf(word))) distinct.set(nameOf(word), word);
  }
  const row = ({ word, score_change: change }) =>
    element("li", {}, element("span", {}, word), " ", element("span", { className: "score" }, points(change)));
  if (!distinct.size) return [];
  return [
    element("h3", {}, element("mark", { className: `${kind} strong` }, ...heading)),
    element("ol", {}, ...[...distinct.values()].map(row)),
  ];
}

/** List the words that mattered for the topic of a name, and against it. */
function effects(words, name) {
  if (!words.length) return [element("p", {}, `No single word spoke for ${name}.`)];
  return [
    ...list(words, "for", "For ", element("bdi", {}, name)),
    ...list(words, "against", "Against ", element("bdi", {}, name)),
    element("p", { className: "quiet" }, "In percentage points: the score with the word, less the score without it."),
  ];
}

/** Count the words as the service does: runs of letters and digits. */
export const countWords = (...fields) => fields.reduce((sum, field) => sum + (field.match(WORD)?.length ?? 0), 0);

/**
 * Mark the words of the request's title and text, if the response has an explanation and there is
 * something to explain: it is of the likeliest topic, not of "none of the topics". Where too few words
 * are known, those that are not are marked: they are the reason.
 */
export function showExplanation({ title = "", text = "" }, prediction) {
  const { explanation, topics, abstained } = prediction;
  byId("words").hidden = !explanation || prediction.known_words === 0 || abstained === "no_topic";
  if (byId("words").hidden) return;
  const marksUnknown = abstained === "too_few_known_words";
  const shown = explanation.words.slice(0, MAX_WORDS);
  const mattered = marksUnknown ? [] : wordsThatMattered(shown);
  const marked = new Set(mattered);
  const largest = mattered.length ? size(mattered[0]) : 0;
  const show = (id, content, field) => {
    const pieces = [...cut(content, shown.filter((word) => word.field === field))].filter(([piece]) => piece);
    const render = ([piece, word]) => {
      if (marked.has(word)) return mark(piece, word, largest);
      return marksUnknown && word && !word.known ? markUnknown(piece) : piece;
    };
    byId(id).hidden = !content;
    byId(id).replaceChildren(...pieces.map(render));
  };
  show("marked-title", title, "title");
  show("marked-text", text, "text");
  const { name } = topics.find(({ topic }) => topic === explanation.topic) ?? topics[0];
  const dotted = element("p", {}, "The model does not know the ", markUnknown("dotted"), " words.");
  byId("effects").replaceChildren(...(marksUnknown ? [dotted] : effects(mattered, name)));
  showText("cut", shown.length < explanation.words.length ? `Only the first ${MAX_WORDS} words are marked.` : "");
}
