/** The API key, where the service wants one: kept until the tab is closed, sent in a header, never in an address. */

import { byId, element } from "./dom.js";

const NAME = "newswire-api-key";

export const hasKey = () => sessionStorage.getItem(NAME) !== null;

export const keyHeaders = () => (hasKey() ? { Authorization: `Bearer ${sessionStorage.getItem(NAME)}` } : {});

/** Ask for the key, and go on when it is given. */
export function askForKey(goOn) {
  if (byId("key")) return;
  const input = element("input", { id: "key", type: "password", required: true, pattern: "[!-~]+", autocomplete: "off" });
  const form = element(
    "form",
    {},
    element("p", {}, element("label", { htmlFor: "key" }, "The service wants an API key"), input),
    element("button", {}, "Use it"),
  );
  const section = element("section", { className: "wide", ariaLabel: "API key" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(NAME, input.value);
    section.remove();
    goOn();
  });
  document.querySelector("main").prepend(section);
}
