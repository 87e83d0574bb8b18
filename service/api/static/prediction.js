/** Shows a prediction: a badge, a headline with its reason, and a bar for each topic. */

import { byId, element, showText } from "./dom.js";
import { languageHint } from "./hints.js";

/** Above this probability, "none of these topics" has a row of its own. */
const MIN_NO_TOPIC = 0.1;
const BADGES = { reliable: "Reliable", unsure: "Unsure", none: "None of the topics" };

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/**
 * Return badge, headline and reason of a prediction, and the topic that the headline names.
 * Without numbers: screen readers read each change.
 */
export function judge({ abstained, group, known_words: knownWords, topics: [best] }) {
  if (knownWords === 0) {
    return { badge: "unsure", headline: "No guess", reason: "The model knows none of these words." };
  }
  if (group) {
    const reason = `The group of the topic is clear, the topic is not. The likeliest is ${best.name}.`;
    return { badge: "unsure", headline: group.name, reason };
  }
  switch (abstained) {
    case null:
      return { badge: "reliable", headline: best.name, reason: "", topic: best.topic };
    case "no_topic": {
      const reason = "None of the topics that the model knows fits this text.";
      return { badge: "none", headline: "Something else", reason };
    }
    case "too_few_known_words":
      return { badge: "unsure", headline: "No guess", reason: "The model knows too few of these words." };
    default: {
      const isLow = abstained === "low_confidence";
      const reason = isLow ? "No topic is likely enough to rely on." : `The model abstains: ${abstained}.`;
      return { badge: "unsure", headline: `Perhaps ${best.name}`, reason, topic: best.topic };
    }
  }
}

/** Return the rows of the list: the topics, and "none of these" if it is the likeliest or above 10 %. */
export function rows({ topics, no_topic: noTopic, known_words: knownWords }) {
  if (knownWords === 0) return [];
  const isShown = noTopic > Math.min(MIN_NO_TOPIC, topics[0].score); // null is not
  if (!isShown) return topics;
  const none = { name: "None of these topics", topic: "", score: noTopic };
  return [...topics, none].sort((one, other) => other.score - one.score);
}

function makeRow() {
  return element(
    "li",
    {},
    element("span", {}, element("bdi", { className: "name" }), " ", element("code")),
    element("span", { className: "score" }),
    element("span", { className: "track", ariaHidden: "true" }, element("div", { className: "bar" })),
  );
}

/** Reuse the rows, so that their bars move to the new length. */
function showRows(list, topics) {
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

/** Show the topics. Folded are those whose score is rounded to zero; all where there is no guess. */
function showTopics(topics, isGuess = true) {
  const isFolded = ({ score }, rank) => !isGuess || (rank > 0 && percent(score) === percent(0));
  const folded = topics.filter(isFolded);
  showRows(byId("topics"), topics.filter((topic, rank) => !isFolded(topic, rank)));
  const rest = byId("rest");
  rest.hidden = !folded.length;
  rest.firstElementChild.textContent = isGuess ? `${folded.length} more with ${percent(0)}` : "Show the scores anyway";
  showRows(rest.lastElementChild, folded);
}

/** Return the sentence on the topics that the text has besides the one of the headline. */
export function alsoAbout({ abstained, all_topics: found = [] }, topic) {
  const others = found.filter((each) => each.topic !== topic);
  if (!others.length) return "";
  const names = others.map(({ name, score }) => `${name} (${percent(score)})`).join(", ");
  return `${abstained ? "May be about" : "Also about"} ${names}.`;
}

function showVerdict({ badge = "", headline = "", reason = "" }) {
  showText("badge", BADGES[badge] ?? "");
  byId("badge").className = `badge ${badge}`;
  byId("result").className = badge;
  showText("headline", headline);
  showText("reason", reason);
}

/** Show a prediction of a model, of which `config` is known. */
export function showPrediction({ request, prediction, milliseconds }, config) {
  const { abstained, group, known_words: knownWords } = prediction;
  const { topic, ...verdict } = judge(prediction);
  const hint = abstained || knownWords === 0 ? languageHint(request, knownWords, config.description) : "";
  // a model without thresholds never abstains: its predictions are not all reliable
  const badge = verdict.badge === "reliable" && !config.abstains ? "" : verdict.badge;
  byId("welcome").hidden = true;
  showText("error", "");
  showVerdict({ ...verdict, badge, reason: [verdict.reason, hint].filter(Boolean).join(" ") });
  const described = config.topics.find(({ code }) => code === topic);
  showText("about", described ? `${described.description} Group: ${described.group}.` : "");
  showText("also", alsoAbout(prediction, topic));
  showTopics(rows(prediction), abstained !== "too_few_known_words");
  const facts = [
    group && `All topics of ${group.name} together: ${percent(group.score)}`,
    `${Math.round(100 * knownWords)} % of the words are known`,
    `${milliseconds.toFixed(0)} ms`,
  ];
  showText("facts", facts.filter(Boolean).join(" · "));
}

/** Show an error in place of a prediction, or how to begin. */
export function showNoPrediction(error = "") {
  showText("error", error);
  byId("welcome").hidden = Boolean(error);
  showVerdict({});
  showText("about", "");
  showText("also", "");
  showText("facts", "");
  showTopics([]);
}
