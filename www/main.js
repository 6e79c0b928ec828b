/** Puts the page together. */

import { Catalogue } from "./catalogue.js";
import { Chat } from "./chat.js";
import { byId, focusPrompt, h } from "./dom.js";
import { Settings } from "./settings.js";

const HINTS = [
  ["What is the meaning of life?", "Meaning of life"],
  ["Show me some markdown", "Markdown"],
  ["/tool", "Tool call"],
  ["/reason Why is the sky blue?", "Reasoning"],
  ["/slow Tell me something", "Slow"],
  ["/cut Tell me something", "Cut off"],
  ["/error 429", "Error 429"],
];

const prompt = byId("prompt");
let client;

/** The package is loaded with the first question, or with the catalogue. */
async function theClient() {
  const { default: Chatmux } = await import("../dist/entry/default.js");
  // A function needs no permission to run in a browser; a key written into the page would.
  client ??= new Chatmux({ apiKey: async () => settings.apiKey, baseURL: settings.baseURL });
  return client;
}

const settings = new Settings({
  changed() {
    client = undefined;
    showWhereabouts();
    void catalogue.load();
  },
});

const catalogue = new Catalogue({
  client: theClient,
  model: () => settings.model,
  choose(id) {
    settings.model = id;
    byId("current-model").textContent = id;
    focusPrompt();
  },
});

const chat = new Chat({
  client: theClient,
  settings,
  catalogue,
  busy(busy) {
    const hadFocus = [byId("send"), byId("stop")].includes(document.activeElement);
    byId("send").hidden = busy;
    byId("stop").hidden = !busy;
    for (const hint of byId("hints").children) hint.disabled = busy;
    if (hadFocus) focusPrompt();
  },
});

function showWhereabouts() {
  const { host } = new URL(settings.baseURL);
  byId("whereabouts").textContent = settings.isLocal
    ? "The small provider that serves this page answers here; its key is filled in already. Change the address in the " +
      "settings, and the same page talks to any model there is."
    : `Questions go to ${host}.`;
}

function send() {
  if (!chat.send(prompt.value)) return;
  prompt.value = "";
  grow();
}

/** For browsers that cannot size a text field to its content by themselves. */
function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
prompt.addEventListener("input", grow);
prompt.addEventListener("keydown", (event) => {
  // While a word is being composed (Chinese, Japanese…), Enter belongs to the input method.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
});
byId("stop").addEventListener("click", () => chat.stop());
byId("new-chat").addEventListener("click", () => {
  chat.clear();
  focusPrompt();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chat.isBusy && !document.querySelector("dialog[open]")) chat.stop();
});

for (const dialog of document.querySelectorAll("dialog")) {
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  // A press beside the sheet closes it; one that began inside, selecting text, does not.
  dialog.addEventListener("pointerdown", (event) => event.target === dialog && dialog.close());
}

byId("hints").append(...HINTS.map(([text, label]) =>
  h("button", { type: "button", "data-testid": "hint", title: text, onclick: () => chat.send(text) }, label)
));
byId("current-model").textContent = settings.model;
showWhereabouts();
void catalogue.load();
