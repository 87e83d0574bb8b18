/** The API key, where the service requires one: kept until the tab is closed, sent in a header, never in an address. */

import { byId, element } from "./dom.js";

const NAME = "newswire-api-key";

export const hasKey = () => sessionStorage.getItem(NAME) !== null;

export const keyHeaders = () => (hasKey() ? { Authorization: `Bearer ${sessionStorage.getItem(NAME)}` } : {});

/** Show a field for the key, and call back when it is filled in. */
export function askForKey(proceed) {
  if (byId("key")) return;
  const input = element("input", { id: "key", type: "password", required: true, pattern: "[!-~]+", autocomplete: "off" });
  const form = element(
    "form",
    {},
    element("p", {}, element("label", { htmlFor: "key" }, "The service requires an API key"), input),
    element("button", {}, "Use it"),
  );
  const section = element("section", { className: "wide", ariaLabel: "API key" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(NAME, input.value);
    section.remove();
    proceed();
  });
  document.querySelector("main").prepend(section);
}
