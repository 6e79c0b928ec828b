/** The provider's models as cards: look, compare, copy an id, choose. */

import { announce, byId, copyButton, h } from "./dom.js";
import { price, size } from "./format.js";

export class Catalogue {
  #client;
  #model;
  #choose;
  #models = [];
  #loading;
  #dialog = byId("models");
  #search = byId("model-search");

  /** `client()` and `model()` are asked anew each time; `choose(id)` is told what the person chose. */
  constructor({ client, model, choose }) {
    this.#client = client;
    this.#model = model;
    this.#choose = choose;
    byId("models-open").addEventListener("click", () => this.open());
    this.#search.addEventListener("input", () => this.#show());
    byId("model-sort").addEventListener("change", () => this.#show());
  }

  /** The prices of a model, as far as its card is known. */
  pricing(id) {
    return this.#models.find((model) => model.id === id)?.pricing;
  }

  open() {
    this.#search.value = "";
    this.#dialog.showModal();
    this.#search.focus();
    this.#show();
    if (this.#models.length === 0) void this.load();
  }

  /** Asks the provider that is set now. A failure is shown where the cards would be, and nowhere else. */
  async load() {
    const loading = (this.#loading = Symbol());
    this.#models = [];
    this.#notice("Asking the provider for its models…");
    let models;
    try {
      models = await (await this.#client()).models.catalogue();
    } catch (error) {
      if (loading === this.#loading) this.#failed(error);
      return;
    }
    // Somebody may have changed the provider meanwhile.
    if (loading !== this.#loading) return;
    this.#models = models;
    this.#show();
  }

  #notice(...content) {
    byId("models-count").textContent = "";
    byId("cards").replaceChildren(h("div", { class: "empty" }, content));
  }

  #failed(error) {
    const again = h("button", { type: "button", class: "primary", onclick: () => void this.load() }, "Try again");
    const details = h("details", {}, h("summary", {}, "Details"), h("p", {}, `${error.name}: ${error.message}`));
    this.#notice(
      h("p", {}, "This provider did not send its catalogue. You can still type a model’s id into the search and use it."),
      again,
      details,
    );
  }

  #show() {
    const wanted = this.#search.value.trim();
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.#models.filter((model) => words.every((word) => textOf(model).includes(word)));
    sort(found, byId("model-sort").value);
    const cards = found.map((model) => this.#card(model));
    if (/^\S+$/.test(wanted) && !this.#models.some(({ id }) => id === wanted)) cards.push(this.#typed(wanted, found.length));
    if (this.#models.length === 0 && cards.length === 0) return;
    if (cards.length === 0) return this.#notice("No model here matches.");
    byId("cards").replaceChildren(...cards);
    byId("models-count").textContent = words.length > 0 ? `${found.length} of ${this.#models.length}` : String(this.#models.length);
  }

  #use(id) {
    this.#choose(id);
    this.#dialog.close();
    announce(`Now using ${id}`);
  }

  /** Any id can be used: no catalogue is complete, and some providers have none. */
  #typed(id, found) {
    return h("div", { class: "typed" },
      h("p", {}, found === 0 ? "No model here matches." : "Looking for another one?"),
      h("button", { type: "button", class: "use", "data-testid": "model-use-typed", onclick: () => this.#use(id) }, "Use ", h("code", {}, id)),
    );
  }

  #card(model) {
    const { id, name, description, pricing, context_length: context } = model;
    const current = id === this.#model();
    const fact = (term, value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
    const copy = copyButton(() => id, { label: "Copy the model’s id", compact: true, "data-testid": "model-copy" });
    const use = h(
      "button",
      { type: "button", class: "use", "data-testid": "model-use", onclick: () => this.#use(id), "aria-label": `Use ${name || id}` },
      current ? "In use" : "Use",
    );
    return h("article", { class: "card", "data-testid": "model-card", "data-model-id": id, "aria-current": current ? "true" : undefined },
      h("header", {}, h("div", {}, h("h3", {}, name || id), h("p", { class: "developer" }, developerOf(model))), use),
      h("p", { class: "model-id" }, h("code", {}, id), copy),
      description && h("p", { class: "description" }, description),
      h("dl", {},
        fact("In, per 1M", price(pricing.input)),
        fact("Out, per 1M", price(pricing.output)),
        fact("Context", context === null ? "–" : size(context)),
      ),
      h("p", { class: "tags" }, tagsOf(model).map((tag) => h("span", {}, tag))),
    );
  }
}

function sort(models, by) {
  // A price that the catalogue does not say is not a number, and comes last.
  const cost = ({ pricing }) => (Number.isNaN(pricing.input + pricing.output) ? Infinity : pricing.input + pricing.output);
  if (by === "price") models.sort((one, other) => (cost(one) < cost(other) ? -1 : Number(cost(one) > cost(other))));
  if (by === "context") models.sort((one, other) => (other.context_length ?? 0) - (one.context_length ?? 0));
}

const TAGS = {
  thinking: "reasoning",
  tools: "tools",
  function_calling: "tools",
  web: "web search",
  deepsearch: "deep search",
  long_context: "long context",
  structured_outputs: "structured output",
  image_generation: "makes images",
};

function tagsOf({ features, types, input_modalities: inputs }) {
  const senses = inputs.filter((input) => input !== "text").map((input) => `${input} in`);
  const kinds = types.filter((type) => type !== "llm");
  return [...new Set([...kinds, ...features, ...senses].map((tag) => TAGS[tag] ?? tag.replaceAll("_", " ")))];
}

function textOf(model) {
  return `${model.id} ${model.name} ${developerOf(model)} ${tagsOf(model).join(" ")}`.toLowerCase();
}

/** AIHubMix's catalogue has numbers for developers; the id nearly always tells the name. */
function developerOf({ id, developer }) {
  if (developer && !/^\d+$/.test(developer)) return String(developer);
  return DEVELOPERS.find(([pattern]) => pattern.test(id))?.[1] ?? "";
}

const DEVELOPERS = [
  [/^(gpt|o\d|chatgpt|text-embedding|dall-e|sora|codex)/i, "OpenAI"],
  [/claude/i, "Anthropic"],
  [/gemini|gemma|imagen|veo/i, "Google"],
  [/deepseek/i, "DeepSeek"],
  [/qwen|qwq|wan\d/i, "Alibaba"],
  [/glm|cogview/i, "Zhipu AI"],
  [/kimi|moonshot/i, "Moonshot AI"],
  [/doubao|seed/i, "ByteDance"],
  [/grok/i, "xAI"],
  [/llama/i, "Meta"],
  [/mistral|magistral|codestral/i, "Mistral AI"],
  [/minimax/i, "MiniMax"],
  [/ernie/i, "Baidu"],
];
