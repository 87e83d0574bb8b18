/** Shows an answer: what it comes to, in words, and each topic as a bar. */

import { byId, element, showText } from "./dom.js";

/** Above this probability, "none of these topics" has a row of its own. */
const LEAST_NO_TOPIC = 0.1;

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Say what to make of an answer. No numbers: this is read out, but not for each key. */
export function verdict({ abstained, group, topics: [{ name }] }) {
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

/** Return the rows of the list: the topics, and none of them if that is the likeliest or above 10 %. */
export function rows({ topics, no_topic: noTopic }) {
  const isShown = noTopic > Math.min(LEAST_NO_TOPIC, topics[0].score); // null is not
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

/** Rows are kept, so that bars move to their new length. */
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

export function showAnswer(answer, milliseconds) {
  showText("error", "");
  showText("verdict", verdict(answer));
  byId("verdict").classList.toggle("unsure", answer.abstained !== null);
  showText("group", answer.group ? `${answer.group.name}, all its topics together: ${percent(answer.group.score)}` : "");
  showTopics(rows(answer));
  const facts = [`${percent(answer.known_words)} of the words are known`, `answered in ${milliseconds.toFixed(0)} ms`];
  showText("facts", facts.join(" · "));
}

/** Show no answer, but why there is none. */
export function showNoAnswer({ error = "", hint = "" }) {
  showText("error", error);
  showText("verdict", hint);
  byId("verdict").classList.remove("unsure");
  showText("group", "");
  showText("facts", "");
  showTopics([]);
}
