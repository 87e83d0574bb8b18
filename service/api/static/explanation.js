/** Shows the text with its words marked: for the topic ranked first, or against it. */

import { byId, element, showText } from "./dom.js";

/** More marks make typing slow. */
const MAX_MARKS = 4_000;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Cf}'’]*/gu;
/** Smallest share of the largest score change that is marked, and that is marked as strong. */
const MIN_SHARE = 0.05;
const MIN_STRONG_SHARE = 0.3;
/** Rounding errors of scores are smaller. */
const NOISE = 1e-5;
const MAX_IN_SUMMARY = 6;
/** Smaller changes are rounded to 0.0. */
const MIN_IN_SUMMARY = 0.0005;

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

function mark(piece, { known, score_change: change }, strongest) {
  if (!known) return element("span", { className: "unknown", title: "not known" }, piece);
  const share = Math.abs(change) / strongest;
  if (share < MIN_SHARE) return piece;
  const kind = change > 0 ? "for" : "against";
  const className = share < MIN_STRONG_SHARE ? kind : `${kind} strong`;
  return element("mark", { className, title: points(change) }, piece);
}

function showMarked(id, text, words, strongest) {
  const pieces = [...cut(text, words)].filter(([piece]) => piece);
  byId(id).replaceChildren(...pieces.map(([piece, word]) => (word ? mark(piece, word, strongest) : piece)));
}

/** List the words of one direction without repetitions, strongest first. */
function list(words, direction) {
  const ranked = words
    .filter(({ known, score_change: change }) => known && direction * change >= MIN_IN_SUMMARY)
    .sort((one, other) => direction * (other.score_change - one.score_change));
  const distinct = new Map();
  for (const { word, score_change: change } of ranked) {
    const name = word.toLowerCase();
    if (!distinct.has(name)) distinct.set(name, `${word} ${points(change)}`);
  }
  return [...distinct.values()].slice(0, MAX_IN_SUMMARY).join(", ");
}

export function summary(words, name) {
  const [favour, against] = [list(words, 1), list(words, -1)];
  return [
    favour ? `For ${name}: ${favour}.` : `No single word spoke for ${name}.`,
    against ? `Against: ${against}.` : "",
  ].join(" ");
}

/** Count the words as the service does: runs of letters and digits. */
export const countWords = (...fields) => fields.reduce((sum, field) => sum + (field.match(WORD)?.length ?? 0), 0);

/** Mark the words of the request's title and text, if the response has an explanation. */
export function showExplanation({ title = "", text = "" }, { explanation, topics }) {
  byId("words").hidden = !explanation;
  if (!explanation) return;
  const shown = explanation.words.slice(0, MAX_MARKS);
  const strongest = Math.max(NOISE / MIN_SHARE, ...shown.map(({ score_change: change }) => Math.abs(change)));
  const inField = (name) => shown.filter(({ field }) => field === name);
  byId("marked-title").hidden = !title;
  byId("marked-text").hidden = !text;
  showMarked("marked-title", title, inField("title"), strongest);
  showMarked("marked-text", text, inField("text"), strongest);
  const { name } = topics.find(({ topic }) => topic === explanation.topic) ?? topics[0];
  showText("summary", summary(explanation.words, name));
  showText("cut", shown.length < explanation.words.length ? `Only the first ${MAX_MARKS} words are marked.` : "");
}
