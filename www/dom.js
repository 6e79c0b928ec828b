/** Elements, icons and the clipboard. Nothing here takes markup as text. */

/**
 * An element. Attributes that are `undefined`, `null` or `false` are left out; `on…` attributes are functions.
 * Never hand over attribute names or addresses that a model wrote: markdown.js decides which links are safe.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  // One by one: an argument list has a limit, a list that a model writes has none.
  for (const child of children.flat()) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export const byId = (id) => document.getElementById(id);

/** Where there is a keyboard. On a phone the focus would pull one up over the answer. */
export function focusPrompt() {
  if (matchMedia("(hover: hover)").matches) byId("prompt").focus();
}

/** Says something to people who listen to the page. Whole events only, never single tokens. */
export function announce(text) {
  byId("status").textContent = text;
}

/** A button that copies what `text()` returns, and says whether it could. */
export function copyButton(text, { label = "Copy", compact = false, ...attributes } = {}) {
  const words = h("span", {}, label);
  const button = h("button", { type: "button", class: "quiet copy", title: compact ? label : undefined, ...attributes });
  const show = (name, message) => {
    button.replaceChildren(icon(name), ...(compact && message === label ? [] : [words]));
    words.textContent = message;
    button.dataset.state = name;
  };
  let timer;
  button.addEventListener("click", async () => {
    const copied = await copy(text(), button);
    show(copied ? "check" : "copy", copied ? "Copied" : "Could not copy");
    announce(copied ? "Copied" : "Could not copy");
    clearTimeout(timer);
    timer = setTimeout(() => show("copy", label), 1600);
  });
  show("copy", label);
  return button;
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Missing where the page is neither on HTTPS nor on this machine, or not allowed.
    return copyBySelection(text, button);
  }
}

function copyBySelection(text, button) {
  const area = h("textarea", { class: "visually-hidden", tabindex: "-1", "aria-hidden": "true" });
  area.value = text;
  // Beside the button: while a dialog is open, nothing outside of it can be selected.
  button.after(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  button.focus();
  return copied;
}
