/** Classifies the text while it is typed. */

import { byId, element, showText } from "./dom.js";
import { countWords, showExplanation } from "./explanation.js";
import { Unreadable, acceptDrops, readText } from "./file.js";
import { hasMarkup, withoutMarkup } from "./hints.js";
import { askForKey, hasKey } from "./key.js";
import { showCard, showCatalogue, showModel } from "./model.js";
import { showNoPrediction, showPrediction } from "./prediction.js";
import { CLASSIFY, Problem, classify, load } from "./service.js";
import { makeTabs, showCode } from "./snippets.js";

/** Shorter than the pause between two words, longer than between two keys. */
const PAUSE_MILLISECONDS = 120;

let timer;
let pending = new AbortController();
let config = { max_explained_words: Infinity, topics: [] };

function readRequest() {
  const [title, text] = [byId("title").value, byId("text").value];
  const request = {};
  if (title.trim()) request.title = title;
  if (text.trim()) request.text = text;
  if (config.all_topics) request.all_topics = true;
  if (byId("top-k").value) request.top_k = Number(byId("top-k").value);
  if (byId("explain").checked && countWords(title, text) <= config.max_explained_words) request.explain = true;
  return request;
}

function showNothing(error) {
  showNoPrediction(error);
  byId("words").hidden = true;
  showCode(null);
  showText("unmarked", "");
}

function show(exchange) {
  const { request, prediction } = exchange;
  showPrediction(exchange, config);
  showExplanation(request, prediction);
  const isUnmarked = byId("explain").checked && !request.explain;
  const limit = `The words are not marked: the text has more than ${config.max_explained_words} of them.`;
  showText("unmarked", isUnmarked ? limit : "");
  showCode({ ...exchange, address: CLASSIFY, withKey: hasKey() });
}

/** Offer to remove the HTML, if there is some. */
function showMarkup() {
  const fields = [byId("title"), byId("text")];
  const isShown = fields.some(({ value }) => hasMarkup(value));
  if (isShown !== byId("markup").hidden) return;
  const remove = () => {
    for (const field of fields) field.value = withoutMarkup(field.value);
    update();
    byId("text").focus();
  };
  const button = element("button", { type: "button", onclick: remove }, "Remove the tags");
  byId("markup").hidden = !isShown;
  byId("markup").replaceChildren("There is HTML in the text. The model takes tags for words. ", button);
}

/** Load what depends on the served model. */
async function loadModel() {
  config = await load("page/config.json");
  showModel(config, fill);
  showCatalogue(config.topics);
  byId("card").hidden = false;
}

/** Classify. A rejected request is sent again with the options of the model that is served by now. */
async function classifyByServedModel(request, signal) {
  try {
    return await classify(request, signal);
  } catch (error) {
    if (error.status !== 422) throw error;
    await loadModel();
    return classify(readRequest(), signal);
  }
}

/** Classify now; the response to an earlier text is dropped. */
async function update() {
  clearTimeout(timer);
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  const request = readRequest();
  showMarkup();
  byId("result").ariaBusy = "false";
  if (!("text" in request || "title" in request)) {
    showNothing();
    return;
  }
  byId("result").ariaBusy = "true";
  try {
    const exchange = await classifyByServedModel(request, signal);
    if (!signal.aborted) show(exchange);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    showNothing(error.message);
    if (error.status === 401) askForKey(start);
  } finally {
    if (!signal.aborted) byId("result").ariaBusy = "false";
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
  byId("card").addEventListener("toggle", async () => {
    if (byId("card").open) await ignoreProblems(async () => showCard(await load("model")));
  });
  acceptDrops(open);
}

/** Errors of the service show with the text that is classified; without a key it is asked for. */
async function ignoreProblems(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) askForKey(start);
  }
}

/** Load the model, then classify: a browser may keep the text over a reload. */
async function start() {
  await ignoreProblems(loadModel);
  update();
}

makeTabs();
listen();
start();
