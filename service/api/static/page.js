/** Classifies what is typed while it is typed. */

import { showAnswer, showNoAnswer } from "./answer.js";
import { byId, element, showText } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { Unreadable, readText } from "./file.js";
import { askForKey, hasKey } from "./key.js";
import { CLASSIFY, Problem, classify, describeModel } from "./service.js";
import { curlCommand } from "./shell.js";
import { MOST_MARKED, isTooLongToMark, showWords } from "./words.js";

/** Shorter than the pause between two words, longer than between two keys. */
const PAUSE_MILLISECONDS = 120;
const HINT = "Type something, or try an example.";

let timer;
let underWay = new AbortController();

function readRequest() {
  const [title, text] = [byId("title").value, byId("text").value];
  const request = {};
  if (title.trim()) request.title = title;
  if (text.trim()) request.text = text;
  request.top_k = Number(byId("top-k").value);
  if (byId("explain").checked && !isTooLongToMark(title, text)) request.explain = true;
  return request;
}

function showNothing(reason) {
  showNoAnswer(reason);
  byId("words").hidden = true;
  byId("shell").hidden = true;
  showText("unmarked", "");
}

function show({ request, answer, milliseconds }) {
  showAnswer(answer, milliseconds);
  showWords(request, answer);
  const isUnmarked = byId("explain").checked && !request.explain;
  showText("unmarked", isUnmarked ? `The words are not marked: the text has more than ${MOST_MARKED} of them.` : "");
  byId("curl").textContent = curlCommand(CLASSIFY, request, hasKey());
  byId("shell").hidden = false;
  showText("copied", "");
}

/** Ask now; an answer that is still under way is of a text that is no more. */
async function update() {
  clearTimeout(timer);
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  const request = readRequest();
  if (!("text" in request || "title" in request)) {
    showNothing({ hint: HINT });
    return;
  }
  try {
    const asked = await classify(request, signal);
    if (!signal.aborted) show(asked);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    showNothing({ error: error.message });
    needKey(error);
  }
}

function updateSoon() {
  showText("file-note", "");
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE_MILLISECONDS);
}

function fill({ title = "", text = "" }) {
  byId("title").value = title;
  byId("text").value = text;
  showText("file-note", "");
  update();
}

/** Show a file's text, or say why not and keep what is there. */
async function open(file) {
  try {
    const { text, note } = await readText(file);
    fill({ text });
    showText("file-note", note);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    showText("file-note", error.message);
  }
}

/** Copy the command; an address without https is given no clipboard, but may still copy what is selected. */
async function copy() {
  try {
    await navigator.clipboard.writeText(byId("curl").textContent);
    showText("copied", "Copied.");
  } catch {
    getSelection().selectAllChildren(byId("curl"));
    showText("copied", document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard.");
  }
}

function showModel() {
  describeModel().then(
    ({ name, version }) => showText("model", `Model ${name}, version ${version}`),
    needKey, // if it is something else, the first text will say what
  );
}

function needKey({ status }) {
  if (status !== 401) return;
  askForKey(() => {
    showModel();
    update();
  });
}

function acceptDrops() {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dropping", on);
  // also beside the field: the browser would leave the page to show the file
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

function start() {
  byId("examples").append(
    ...EXAMPLES.map((example) =>
      element("button", { type: "button", onclick: () => fill(example) }, example.label),
    ),
  );
  for (const id of ["title", "text"]) byId(id).addEventListener("input", updateSoon);
  for (const id of ["top-k", "explain"]) byId(id).addEventListener("change", update);
  byId("file").addEventListener("change", ({ target }) => {
    if (target.files.length) open(target.files[0]);
    target.value = ""; // so that the same file can be opened again
  });
  byId("clear").addEventListener("click", () => {
    fill({});
    byId("text").focus();
  });
  byId("copy").addEventListener("click", copy);
  acceptDrops();
  showModel();
  update(); // a browser may have kept what was typed before a reload
}

start();
