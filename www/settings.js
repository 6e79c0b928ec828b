/**
 * Where the page sends its questions, and with which key.
 *
 * The key lives in this module's memory. It is written to localStorage only while "Remember" is ticked, and erased in the
 * moment the tick is taken away.
 */

import { byId } from "./dom.js";

const STORE = "chatmux-demo";

const LOCAL = { baseURL: `${location.origin}/v1`, apiKey: "demo", model: "gpt-4o-mini" };
const PRESETS = {
  local: LOCAL,
  aihubmix: { baseURL: "https://aihubmix.com/v1", apiKey: "" },
};

export class Settings {
  #values = { ...LOCAL, ...remembered() };
  #remember = remembered() !== undefined;
  #dialog = byId("settings");
  #changed;

  /** `changed()` is called after the address or the key was saved. */
  constructor({ changed }) {
    this.#changed = changed;
    byId("settings-open").addEventListener("click", () => this.open());
    byId("settings-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("remember").addEventListener("change", ({ target }) => {
      if (!target.checked) this.#forget();
    });
    byId("key-show").addEventListener("click", () => this.#showKey(byId("api-key").type === "password"));
    byId("base-url").addEventListener("input", () => this.#showURLError(""));
    for (const button of this.#dialog.querySelectorAll("[data-preset]")) {
      button.addEventListener("click", () => this.#fill(PRESETS[button.dataset.preset]));
    }
  }

  get baseURL() {
    return this.#values.baseURL;
  }

  get apiKey() {
    return this.#values.apiKey;
  }

  get model() {
    return this.#values.model;
  }

  set model(id) {
    this.#values.model = id;
    if (this.#remember) this.#store();
  }

  get isLocal() {
    return this.baseURL === LOCAL.baseURL;
  }

  /** `notice` says why the dialog opened by itself; `field` is where the person should look. */
  open({ notice = "", field } = {}) {
    const line = byId("settings-notice");
    line.textContent = notice;
    line.hidden = notice === "";
    byId("remember").checked = this.#remember;
    this.#showKey(false);
    this.#fill(this.#values);
    this.#dialog.showModal();
    const focused = byId(field ?? "base-url");
    focused.focus();
    focused.select();
  }

  #fill({ baseURL, apiKey }) {
    byId("base-url").value = baseURL;
    byId("api-key").value = apiKey;
    this.#showURLError("");
    for (const button of this.#dialog.querySelectorAll("[data-preset]")) {
      button.setAttribute("aria-pressed", String(PRESETS[button.dataset.preset].baseURL === baseURL));
    }
    if (apiKey === "") byId("api-key").focus();
  }

  #showKey(shown) {
    byId("api-key").type = shown ? "text" : "password";
    byId("key-show").textContent = shown ? "Hide" : "Show";
    byId("key-show").setAttribute("aria-pressed", String(shown));
  }

  #showURLError(message) {
    byId("base-url-error").textContent = message;
    byId("base-url").setAttribute("aria-invalid", String(message !== ""));
  }

  #save() {
    const baseURL = byId("base-url").value.trim().replace(/\/+$/, "");
    const wrong = faultOf(baseURL);
    if (wrong) {
      this.#showURLError(wrong);
      byId("base-url").focus();
      return;
    }
    Object.assign(this.#values, { baseURL, apiKey: byId("api-key").value.trim() });
    this.#remember = byId("remember").checked;
    if (this.#remember) this.#store();
    else this.#forget();
    this.#dialog.close();
    this.#changed();
  }

  #store() {
    try {
      localStorage.setItem(STORE, JSON.stringify(this.#values));
    } catch {
      // Storage is off or full: the settings last as long as the page.
    }
  }

  #forget() {
    this.#remember = false;
    try {
      localStorage.removeItem(STORE);
    } catch {
      // Nothing could be stored, so there is nothing to forget.
    }
  }
}

function faultOf(baseURL) {
  if (!URL.canParse(baseURL)) return "That is not an address. It looks like https://aihubmix.com/v1.";
  const { protocol } = new URL(baseURL);
  return ["http:", "https:"].includes(protocol) ? "" : "The address begins with https:// or http://.";
}

function remembered() {
  try {
    const { baseURL, apiKey, model } = JSON.parse(localStorage.getItem(STORE));
    if (typeof baseURL !== "string" || faultOf(baseURL) || typeof apiKey !== "string" || typeof model !== "string") return undefined;
    return { baseURL, apiKey, model };
  } catch {
    return undefined;
  }
}
