/** Shows a copy of the text in which the words are marked that spoke for the answer or against it. */

import { byId, element, showText } from "./dom.js";

/** More would make typing slow, and nobody reads them. */
const MOST_WORDS = 4_000;
/** The service explains texts up to so many words. */
export const MOST_MARKED = Number(document.querySelector("meta[name=max-explained-words]").content);
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\p{Cf}'’]*/gu;
/** Marked from this share of the strongest word on. */
const MARKED = 0.05;
const STRONG = 0.3;
/** Scores differ by less than this for no reason. */
const NOISE = 1e-5;
const IN_SUMMARY = 6;
/** What is less is shown as 0.0. */
const LEAST_IN_SUMMARY = 0.0005;

/**
 * Cut a text at its words: pairs of a piece and its word, which is undefined between words.
 * Offsets count Unicode code points, but JavaScript's strings are made of UTF-16 code units.
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
  if (share < MARKED) return piece;
  const kind = change > 0 ? "for" : "against";
  const className = share < STRONG ? kind : `${kind} strong`;
  return element("mark", { className, title: points(change) }, piece);
}

function showMarked(id, text, words, strongest) {
  const pieces = [...cut(text, words)].filter(([piece]) => piece);
  byId(id).replaceChildren(...pieces.map(([piece, word]) => (word ? mark(piece, word, strongest) : piece)));
}

/** Name the words of one direction, the strongest first, each once. */
function list(words, direction) {
  const ranked = words
    .filter(({ known, score_change: change }) => known && direction * change >= LEAST_IN_SUMMARY)
    .sort((one, other) => direction * (other.score_change - one.score_change));
  const distinct = new Map();
  for (const { word, score_change: change } of ranked) {
    const name = word.toLowerCase();
    if (!distinct.has(name)) distinct.set(name, `${word} ${points(change)}`);
  }
  return [...distinct.values()].slice(0, IN_SUMMARY).join(", ");
}

export function summary(words, name) {
  const [favour, against] = [list(words, 1), list(words, -1)];
  return [
    favour ? `For ${name}: ${favour}.` : `No word by itself spoke for ${name}.`,
    against ? `Against: ${against}.` : "",
  ].join(" ");
}

/** Whether the service would refuse to explain a text: it counts runs of letters and digits. */
export function isTooLongToMark(...fields) {
  let words = 0;
  for (const field of fields) words += field.match(WORD)?.length ?? 0;
  return words > MOST_MARKED;
}

/** Mark the words of the request's title and text, if the response has an explanation. */
export function showWords({ title = "", text = "" }, { explanation, topics }) {
  byId("words").hidden = !explanation;
  if (!explanation) return;
  const shown = explanation.words.slice(0, MOST_WORDS);
  const strongest = Math.max(NOISE / MARKED, ...shown.map(({ score_change: change }) => Math.abs(change)));
  const inField = (name) => shown.filter(({ field }) => field === name);
  byId("marked-title").hidden = !title;
  byId("marked-text").hidden = !text;
  showMarked("marked-title", title, inField("title"), strongest);
  showMarked("marked-text", text, inField("text"), strongest);
  const { name } = topics.find(({ topic }) => topic === explanation.topic) ?? topics[0];
  showText("summary", summary(explanation.words, name));
  showText("cut", shown.length < explanation.words.length ? `Only the first ${MOST_WORDS} words are marked.` : "");
}
