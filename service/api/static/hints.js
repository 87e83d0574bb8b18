/** Hints at what may be wrong with a text: another language, and leftover HTML. */

/** Below this share of known words, a text that the model abstains from may be in another language. */
const MIN_KNOWN_WORDS = 0.7;
/** Of a text, in characters; shorter ones may still be typed. */
const MIN_LENGTH = 16;
/** A closing tag, a tag with an attribute, a line break or a comment. Not `<IBM>`, a company's ticker. */
const MARKUP = /<\/[a-z][a-z0-9-]*\s*>|<[a-z][a-z0-9-]*\s+[a-z-]+\s*=|<(?:br|hr|p)\s*\/?>|<!--/i;
const TAG = /<!--[^]*?-->|<(script|style)\b[^]*?<\/\1\s*>|<\/?([a-z][a-z0-9-]*)(?:\s[^<>]*)?\/?>/gi;

/** Return a sentence, or "" if the text is as short as a few words or most of its words are known. */
export function languageHint({ title = "", text = "" }, knownWords, description) {
  if (knownWords >= MIN_KNOWN_WORDS || (title + text).trim().length < MIN_LENGTH) return "";
  const learned = description ? `: the model learned from ${description}` : " than the model’s";
  return `The text may be in another language${learned}.`;
}

export const hasMarkup = (text) => MARKUP.test(text);

const isHtml = (name) => !(document.createElement(name) instanceof HTMLUnknownElement);

/** Return a text without comments, scripts, styles and tags of HTML; entities stay, the model decodes them. */
export const withoutMarkup = (text) =>
  text
    .replace(TAG, (tag, _, name) => (name === undefined || isHtml(name) ? " " : tag))
    .replace(/[^\S\n]{2,}/g, " ")
    .trim();
