/** Shows what the served model is: what it knows, its topics by group, its examples and its card. */

import { byId, element, showText } from "./dom.js";
import { hasKey } from "./key.js";
import { percent } from "./prediction.js";

const TOP_K = [1, 3, 5, 10];
/** Scores of the card, by their names in the manifest. */
const SCORES = {
  accuracy: "Right topic",
  top_3_accuracy: "Right topic among the first 3",
  coverage: "Not abstained from",
  answered_accuracy: "Right where it does not abstain",
};

const count = (number) => number.toLocaleString("en");
const nTopicsOf = ({ length }) => (length === 1 ? "1 topic" : `${count(length)} topics`);

/** Show what the model knows, its number of topics to choose from, and its examples. */
export function showModel(config, fill) {
  const { name, version, description, default_top_k: defaultTopK, examples } = config;
  byId("scope").replaceChildren(
    "The model knows ",
    element("strong", {}, nTopicsOf(config.topics)),
    description ? `. It learned from ${description}.` : ".",
  );
  const choices = new Set([...TOP_K.filter((topK) => topK <= config.topics.length), defaultTopK]);
  const ordered = [...choices].sort((one, other) => one - other);
  byId("top-k").replaceChildren(...ordered.map((topK) => new Option(topK, topK)));
  byId("top-k").value = defaultTopK;
  byId("examples").replaceChildren(
    ...(examples.length ? [element("span", {}, "Examples:")] : []),
    ...examples.map((example) => element("button", { type: "button", onclick: () => fill(example) }, example.label)),
  );
  byId("legend").hidden = !config.abstains;
  byId("legend-none").hidden = !config.no_topic;
  byId("model").textContent = `Model ${name}, version ${version} · newswire-topics ${config.service_version} ·`;
  const source = () => element("a", { href: config.source, rel: "noreferrer" }, "Source");
  byId("source").replaceChildren(...(config.source ? [" · ", source()] : []));
}

/** List the topics by group, in the order of the alphabet. */
export function showCatalogue(topics) {
  const groups = new Map();
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const sorted = topics.toSorted((one, other) => order(one.group, other.group) || order(one.name, other.name));
  for (const topic of sorted) groups.set(topic.group, [...(groups.get(topic.group) ?? []), topic]);
  const term = ({ name, description }) => element("div", {}, element("dt", {}, name), element("dd", {}, description));
  const sections = [...groups].map(([name, members]) =>
    element("div", { className: "group" }, element("h2", {}, name), element("dl", {}, ...members.map(term))),
  );
  byId("groups").replaceChildren(...sections);
  byId("catalogue").firstElementChild.textContent = `See the ${nTopicsOf(topics)}`;
  byId("catalogue").hidden = false;
}

function scoresTable(scores) {
  const views = Object.entries(scores).filter(([, view]) => typeof view?.accuracy === "number");
  const cell = (share) => element("td", {}, typeof share === "number" ? percent(share) : "–");
  const head = (scope) => (text) => element("th", { scope }, text);
  const row = ([name, view]) =>
    element("tr", {}, head("row")(name.replaceAll("_", " ")), ...Object.keys(SCORES).map((score) => cell(view[score])));
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, head("col")("Measured on"), ...Object.values(SCORES).map(head("col")))),
    element("tbody", {}, ...views.map(row)),
  );
}

/** Say when the model abstains; "" if it never does. */
function abstentions({ min_known_words_ratio: minKnown, min_confidence, topic_min_confidence, no_topic: noTopic }) {
  const thresholds = [min_confidence, ...Object.values(topic_min_confidence)];
  const [lowest, highest] = [Math.min(...thresholds), Math.max(...thresholds)].map(percent);
  const limits = [
    minKnown > 0 && `fewer than ${percent(minKnown)} of the words are known`,
    highest !== percent(0) &&
      `the likeliest topic is below ${lowest === highest ? highest : `${lowest} to ${highest}, by topic`}`,
    noTopic && "it is likelier than not that none of the topics fits",
  ];
  return limits.filter(Boolean).join("; or ");
}

/** Count the texts of a part of the data, "train" or "test"; "" if the manifest does not. */
function texts(data, part) {
  const [newswires, negatives] = [data[`${part}_newswires`], data[`${part}_negatives`]];
  const counts = [newswires > 0 && `${count(newswires)} with a topic`, negatives > 0 && `${count(negatives)} of none`];
  return counts.filter(Boolean).join(", ");
}

/** Show the manifest in plain words. */
export function showCard(manifest) {
  const { name, version, created, data, scores } = manifest;
  const facts = {
    Model: `${name}, version ${version}, of ${created.slice(0, 10)}`,
    "Learned from": typeof data.description === "string" ? data.description : "",
    "Texts to learn from": texts(data, "train"),
    "Texts to test on": texts(data, "test"),
    "Abstains if": abstentions(manifest),
  };
  const shown = Object.entries(facts).filter(([, fact]) => fact);
  const term = ([label, fact]) => element("div", {}, element("dt", {}, label), element("dd", {}, fact));
  const scroller = { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Scores" };
  const table = scoresTable(scores);
  byId("card-content").replaceChildren(
    element("dl", {}, ...shown.map(term)),
    ...(table.tBodies[0].rows.length ? [element("div", scroller, table)] : []),
    ...(hasKey() ? [] : [element("p", {}, element("a", { href: "model" }, "All of it as JSON"))]),
  );
}
