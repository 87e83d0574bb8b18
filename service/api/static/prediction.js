/** Shows a prediction: a sentence, and a bar for each topic. */

import { byId, element, showText } from "./dom.js";

/** Above this probability, "none of these topics" has a row of its own. */
const MIN_NO_TOPIC = 0.1;

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Return the prediction as a sentence. Without numbers: screen readers read each change. */
export function sentence({ abstained, group, topics: [{ name }] }) {
  if (group) return `Not sure which topic it is, but its group is clear: ${group.name}.`;
  switch (abstained) {
    case null:
      return name;
    case "too_few_known_words":
      return `Not sure: the model knows too few of these words. Its best guess is ${name}.`;
    case "no_topic":
      return "None of the topics this model knows fits this text.";
    case "low_confidence":
      return `Not sure: no topic is likely enough to rely on. Its best guess is ${name}.`;
    default:
      return `Not sure (${abstained}). Its best guess is ${name}.`;
  }
}

/** Return the rows of the list: the topics, and "none of these" if it is the likeliest or above 10 %. */
export function rows({ topics, no_topic: noTopic }) {
  const isShown = noTopic > Math.min(MIN_NO_TOPIC, topics[0].score); // null is not
  if (!isShown) return topics;
  const none = { name: "None of these topics", topic: "", score: noTopic };
  return [...topics, none].sort((one, other) => other.score - one.score);
}

function makeRow() {
  return element(
    "li",
    {},
    element("span", {}, element("span", { className: "name" }), " ", element("code")),
    element("span", { className: "score" }),
    element("span", { className: "track", ariaHidden: "true" }, element("div", { className: "bar" })),
  );
}

/** Reuse the rows, so that their bars move to the new length. */
function showTopics(topics) {
  const list = byId("topics");
  while (list.children.length > topics.length) list.lastChild.remove();
  while (list.children.length < topics.length) list.append(makeRow());
  topics.forEach(({ name, topic, score }, rank) => {
    const row = list.children[rank];
    row.querySelector(".name").textContent = name;
    row.querySelector("code").textContent = topic;
    row.querySelector(".score").textContent = percent(score);
    row.querySelector(".bar").style.transform = `scaleX(${score})`;
  });
}

export function showPrediction(prediction, milliseconds) {
  const { abstained, group, known_words: knownWords } = prediction;
  showText("error", "");
  showText("verdict", sentence(prediction));
  byId("verdict").classList.toggle("unsure", abstained !== null);
  showText("group", group ? `${group.name}, all its topics together: ${percent(group.score)}` : "");
  showTopics(rows(prediction));
  showText("facts", `${percent(knownWords)} of the words are known · classified in ${milliseconds.toFixed(0)} ms`);
}

/** Show an error or a hint in place of a prediction. */
export function showNoPrediction({ error = "", hint = "" }) {
  showText("error", error);
  showText("verdict", hint);
  byId("verdict").classList.remove("unsure");
  showText("group", "");
  showText("facts", "");
  showTopics([]);
}
