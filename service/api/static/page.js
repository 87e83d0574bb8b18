/** Classifies the text while it is typed. */

import { byId, element, showText } from "./dom.js";
import { countWords, showExplanation } from "./explanation.js";
import { Unreadable, readText } from "./file.js";
import { askForKey, hasKey } from "./key.js";
import { showNoPrediction, showPrediction } from "./prediction.js";
import { CLASSIFY, Problem, classify, loadConfig } from "./service.js";
import { curlCommand } from "./shell.js";

/** Shorter than the pause between two words, longer than between two keys. */
const PAUSE_MILLISECONDS = 120;
const HINT = "Type something, or choose an example.";
const TOP_K = [1, 3, 5, 10];

let timer;
let pending = new AbortController();
let maxExplainedWords = Infinity;

function readRequest() {
  const [title, text] = [byId("title").value, byId("text").value];
  const request = {};
  if (title.trim()) request.title = title;
  if (text.trim()) request.text = text;
  if (byId("top-k").value) request.top_k = Number(byId("top-k").value);
  if (byId("explain").checked && countWords(title, text) <= maxExplainedWords) request.explain = true;
  return request;
}

function showNothing(reason) {
  showNoPrediction(reason);
  byId("words").hidden = true;
  byId("shell").hidden = true;
  showText("unmarked", "");
}

function show({ request, prediction, milliseconds }) {
  showPrediction(prediction, milliseconds);
  showExplanation(request, prediction);
  const isUnmarked = byId("explain").checked && !request.explain;
  showText("unmarked", isUnmarked ? `The words are not marked: the text has more than ${maxExplainedWords} of them.` : "");
  byId("curl").textContent = curlCommand(CLASSIFY, request, hasKey());
  byId("shell").hidden = false;
  showText("copied", "");
}

/** Classify now; the response to an earlier text is dropped. */
async function update() {
  clearTimeout(timer);
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  const request = readRequest();
  if (!("text" in request || "title" in request)) {
    showNothing({ hint: HINT });
    return;
  }
  try {
    const exchange = await classify(request, signal);
    if (!signal.aborted) show(exchange);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    showNothing({ error: error.message });
    if (error.status === 401) askForKey(start);
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

/** Show a file's text; if it cannot be read, say why and keep the text. */
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

/** Copy the command. Without https there is no clipboard; the selection can be copied there. */
async function copy() {
  try {
    await navigator.clipboard.writeText(byId("curl").textContent);
    showText("copied", "Copied.");
  } catch {
    getSelection().selectAllChildren(byId("curl"));
    showText("copied", document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard.");
  }
}

/** Fill in what depends on the served model. */
function showModel({ name, version, n_topics: nTopics, default_top_k: defaultTopK, max_explained_words: maxWords, examples }) {
  maxExplainedWords = maxWords;
  showText("model", `Model ${name}, version ${version}`);
  const choices = new Set([...TOP_K.filter((topK) => topK <= nTopics), defaultTopK]);
  byId("top-k").replaceChildren(
    ...[...choices].sort((one, other) => one - other).map((topK) => new Option(topK, topK, topK === defaultTopK, topK === defaultTopK)),
  );
  byId("examples").replaceChildren(
    ...(examples.length ? ["Examples:"] : []),
    ...examples.map((example) => element("button", { type: "button", onclick: () => fill(example) }, example.label)),
  );
}

function acceptDrops() {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dropping", on);
  // on the whole page: elsewhere the browser would open the file
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

function listen() {
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
}

/** Load what depends on the model, then classify: a browser may keep the text over a reload. */
async function start() {
  try {
    showModel(await loadConfig());
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) askForKey(start); // another error shows with the first text
  }
  update();
}

listen();
start();
