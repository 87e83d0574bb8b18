/** Elements of the page. Text is always set as text, never parsed as HTML. */

export const byId = (id) => document.getElementById(id);

/** Create an element. `properties` are DOM properties such as `className`, `children` nodes or text. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Show a text, or hide it if empty. Set only changed text: live regions are read out when set. */
export function showText(id, text) {
  const shown = byId(id);
  if (shown.textContent !== text) shown.textContent = text;
  shown.hidden = !text;
}
