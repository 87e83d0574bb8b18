/** Reads text files, chosen or dropped. */

/** Longer than the limit of any service. */
const MAX_BYTES = 10_000_000;
/** First bytes of documents that are not plain text: ZIP (.docx, .odt), PDF, RTF and old Word. */
const DOCUMENT = /^(?:PK\x03\x04|%PDF-|\{\\rtf|\xD0\xCF\x11\xE0)/;
/** Control characters that binary files have, and texts do not. */
const CONTROL = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;

/** A file that cannot be read; its message is shown to the user. */
export class Unreadable extends Error {}

/** Return the text of a file, and a note if its encoding was guessed. */
export async function readText(file) {
  if (file.size > MAX_BYTES) {
    throw new Unreadable(`The file ${file.name} is too large. Copy the part that you want, and paste it here.`);
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const [text, note] = decode(bytes, file.name);
  if (text === null || CONTROL.test(text) || DOCUMENT.test(String.fromCharCode(...bytes.subarray(0, 8)))) {
    throw new Unreadable(
      `The file ${file.name} is not plain text. Save it as plain text (.txt), or copy its text and paste it here.`,
    );
  }
  return { text, note };
}

function decode(bytes, name) {
  const utf16 = { "255,254": "utf-16le", "254,255": "utf-16be" }[bytes.subarray(0, 2).join()];
  const known = tryDecode(utf16 ?? "utf-8", bytes);
  if (utf16 || known !== null) return [known, ""];
  const note = `The file ${name} is not in UTF-8. It was read as Windows-1252: check its accents and quotes.`;
  return [tryDecode("windows-1252", bytes), note];
}

function tryDecode(encoding, bytes) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

/** Call back with a file that is dropped on the page: elsewhere than in the text, the browser would open it. */
export function acceptDrops(open) {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? mark(false));
  addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    mark(false);
    open(event.dataTransfer.files[0]);
  });
}
