/** Tabs that show a request in several languages, and its response. */

import { curlCommand, javaScriptProgram, pythonProgram, responseJson } from "./code.js";
import { byId, element, showText } from "./dom.js";

const TABS = { curl: curlCommand, Python: pythonProgram, JavaScript: javaScriptProgram, Response: responseJson };

let selected = "curl";
let shown = null;

const idOf = (name) => `tab-${name.toLowerCase()}`;

/** Write only the selected one: texts may be long. */
function render() {
  for (const name of Object.keys(TABS)) {
    const isSelected = name === selected;
    byId(idOf(name)).ariaSelected = String(isSelected);
    byId(idOf(name)).tabIndex = isSelected ? 0 : -1;
  }
  byId("snippet").setAttribute("aria-labelledby", idOf(selected));
  if (shown) byId("snippet").textContent = TABS[selected](shown);
  showText("copied", "");
}

function select(name) {
  selected = name;
  render();
}

/** Arrows, Home and End move between tabs, as in the ARIA Authoring Practices. */
function move(event) {
  const names = Object.keys(TABS);
  const place = names.indexOf(selected);
  const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  select(names.at(next % names.length));
  byId(idOf(selected)).focus();
}

/** Copy the snippet. Without https there is no clipboard; the selection can be copied there. */
async function copy() {
  try {
    await navigator.clipboard.writeText(byId("snippet").textContent);
    showText("copied", "Copied.");
  } catch {
    getSelection().selectAllChildren(byId("snippet"));
    showText("copied", document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard.");
  }
}

export function makeTabs() {
  const make = (name) => {
    const properties = { id: idOf(name), type: "button", role: "tab", onclick: () => select(name) };
    const tab = element("button", properties, name);
    tab.setAttribute("aria-controls", "snippet");
    return tab;
  };
  byId("tabs").replaceChildren(...Object.keys(TABS).map(make));
  byId("tabs").addEventListener("keydown", move);
  byId("copy").addEventListener("click", copy);
  render();
}

/** Show an exchange: `address`, `request`, `withKey` and `prediction`; or nothing if it is null. */
export function showCode(exchange) {
  shown = exchange;
  byId("code").hidden = !exchange;
  render();
}
