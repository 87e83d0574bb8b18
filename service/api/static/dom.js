/** Text goes into the page as text, here and everywhere: nothing is ever parsed as HTML. */

export const byId = (id) => document.getElementById(id);

/** Make an element. `properties` are its own, such as `className`; `children` nodes or text. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Show a text, or nothing. A live region is read out when it is set: only set what changed. */
export function showText(id, text) {
  const shown = byId(id);
  if (shown.textContent !== text) shown.textContent = text;
  shown.hidden = !text;
}
