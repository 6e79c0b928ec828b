/** One answer: what has arrived of it, and how it looks on the page. */

import { copyButton, h, icon } from "./dom.js";
import { cost, costOf, count, seconds } from "./format.js";
import { MarkdownView } from "./markdown.js";

export class Answer {
  content = "";
  reasoning = "";
  calls = [];
  #byIndex = new Map();
  /** Results that the person gave for the calls, by the call's id. */
  results = new Map();
  usage;
  model;
  element;
  #started = performance.now();
  #first;
  #reasoned;
  #frame = 0;
  #parts;
  #markdown;
  #thoughts;
  #changed;

  /** `changed()` is called after every redraw. */
  constructor(model, changed) {
    this.model = model;
    this.#changed = changed;
    this.#parts = {
      reasoning: h("details", { class: "reasoning", hidden: true }, h("summary", {}, "Thinking…"), h("div", { class: "prose" })),
      content: h("div", { class: "prose" }),
      calls: h("div", { class: "calls" }),
      error: h("div"),
      foot: h("footer"),
    };
    const { reasoning, content, calls, error, foot } = this.#parts;
    const waiting = h("div", { class: "waiting" }, h("span"), h("span"), h("span"));
    const attributes = {
      class: "message assistant",
      "data-testid": "message-assistant",
      "data-state": "waiting",
      "aria-busy": "true",
      "aria-label": `Answer of ${model}`,
    };
    this.element = h("article", attributes, h("p", { class: "by" }, model), reasoning, content, calls, waiting, error, foot);
    this.#markdown = new MarkdownView(content);
    this.#thoughts = new MarkdownView(reasoning.lastElementChild);
  }

  get isEmpty() {
    return this.content === "" && this.calls.length === 0;
  }

  /** Takes one chunk of the stream. The page is drawn at most once a frame, however many there are. */
  feed(chunk) {
    if (chunk.usage) this.usage = chunk.usage;
    const delta = chunk.choices?.[0]?.delta;
    if (!delta) return;
    const reasoning = delta.reasoning_content ?? delta.reasoning ?? "";
    this.reasoning += reasoning;
    this.content += delta.content ?? "";
    this.content += delta.refusal ?? "";
    for (const call of delta.tool_calls ?? []) this.#feedCall(call);
    if (!reasoning && this.isEmpty) return;
    this.#first ??= performance.now();
    if (this.reasoning && !this.isEmpty) this.#reasoned ??= performance.now();
    this.element.dataset.state = "streaming";
    this.#frame ||= requestAnimationFrame(() => this.#draw(true));
  }

  /** Calls are kept in the order in which they appear: an index need not begin at 0, nor be a sane number. */
  #feedCall({ index = Math.max(0, this.calls.length - 1), id, function: part }) {
    let call = this.#byIndex.get(index);
    if (!call) {
      call = { id: "", name: "", arguments: "" };
      this.#byIndex.set(index, call);
      this.calls.push(call);
    }
    call.id ||= id ?? "";
    call.name += part?.name ?? "";
    call.arguments += part?.arguments ?? "";
  }

  #draw(open) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { reasoning, calls } = this.#parts;
    this.#markdown.update(this.content, open);
    if (this.reasoning) {
      reasoning.hidden = false;
      this.#thoughts.update(this.reasoning, open && this.isEmpty);
      const took = this.#reasoned && seconds(this.#reasoned - this.#first);
      reasoning.firstElementChild.textContent = took ? `Thought for ${took}` : open ? "Thinking…" : "Thoughts";
    }
    // Arguments come in fragments; they are shown as they are until they are whole.
    if (this.calls.length > 0) calls.replaceChildren(...this.calls.map((call) => callView(call, open)));
    this.#changed();
  }

  /** How it ended: "done", "stopped" or "failed". `pricing` is undefined where the model has no card. */
  finish(state, pricing) {
    this.#draw(false);
    this.element.dataset.state = state;
    this.element.setAttribute("aria-busy", "false");
    const total = performance.now() - this.#started;
    const facts = [];
    if (state === "stopped") facts.push(h("span", { class: "ended" }, "Stopped"));
    if (this.usage) facts.push(h("span", { "data-testid": "usage" }, usageText(this.usage)));
    const usd = this.usage && pricing ? costOf(this.usage, pricing) : NaN;
    if (!Number.isNaN(usd)) {
      const title = "By the prices on the model’s card";
      facts.push(h("span", { "data-testid": "cost", title }, cost(usd)));
    }
    if (this.#first) facts.push(h("span", { "data-testid": "ttft" }, `first token ${seconds(this.#first - this.#started)}`));
    if (this.#first) facts.push(h("span", { "data-testid": "total-time" }, `${seconds(total)} in all`));
    const copy = this.content && copyButton(() => this.content, { label: "Copy the answer", compact: true });
    this.#parts.foot.replaceChildren(h("p", { class: "facts" }, facts), h("div", { class: "actions" }, copy));
    this.#changed();
  }

  /** The error below whatever had arrived. `buttons` come before its details. */
  fail({ title, advice, raw }, buttons) {
    const rows = raw.map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]);
    this.#parts.error.replaceChildren(
      h("div", { class: "error", "data-testid": "error" },
        h("p", { class: "error-title" }, title),
        advice && h("p", {}, advice),
        h("div", { class: "error-actions" }, buttons),
        h("details", {}, h("summary", {}, "Details"), h("dl", {}, rows.flat()))),
    );
    this.#changed();
  }

  /** Buttons that only the last answer has. */
  offer(...buttons) {
    this.#parts.foot.querySelector(".actions")?.append(...buttons);
  }

  /** Lets the person play the tool; `send` is called when every call has its result. */
  askForResults(send) {
    this.calls.forEach((call, at) => {
      const id = this.#idOf(call, at);
      const input = h("input", {
        "aria-label": `Result of ${call.name}`,
        placeholder: "What the tool returns",
        autocomplete: "off",
        "data-testid": "tool-result",
      });
      const form = h("form", { class: "result" }, input, h("button", { type: "submit", class: "primary" }, "Return"));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.results.set(id, input.value);
        form.replaceWith(h("p", { class: "result" }, h("span", {}, "Returned"), h("code", {}, input.value || "nothing")));
        if (this.results.size === this.calls.length) send();
      });
      this.#parts.calls.children[at].append(form);
    });
  }

  /** Takes away what only the last answer offers. */
  settle() {
    for (const gone of this.element.querySelectorAll(".last-only, form.result")) gone.remove();
  }

  #idOf(call, at) {
    return call.id || `call_${at}`;
  }

  /** The answer as the next request tells it, with a result for every call: providers insist on that. */
  messages() {
    if (this.isEmpty) return [];
    const message = { role: "assistant", content: this.content || null };
    // Some providers refuse a turn whose reasoning is missing; those that have none ignore it.
    if (this.reasoning) message.reasoning_content = this.reasoning;
    if (this.calls.length === 0) return [message];
    message.tool_calls = this.calls.map((call, at) => ({
      id: this.#idOf(call, at),
      type: "function",
      function: { name: call.name, arguments: call.arguments },
    }));
    const results = message.tool_calls.map(({ id }) => ({
      role: "tool",
      tool_call_id: id,
      content: this.results.get(id) ?? "This page runs no tools.",
    }));
    return [message, ...results];
  }
}

function usageText({ prompt_tokens: prompt = 0, completion_tokens: completion = 0, completion_tokens_details: details }) {
  const reasoning = details?.reasoning_tokens ? `, ${count(details.reasoning_tokens)} of them reasoning` : "";
  return `${count(prompt)} tokens in, ${count(completion)} out${reasoning}`;
}

function callView({ name, arguments: text }, open) {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Unfinished, or no JSON at all: shown as it is.
  }
  const head = h("p", { class: "call-head" }, icon("tool"), open ? "Calling " : "Wants to call ", h("code", {}, name || "…"));
  return h("div", { class: "call", "data-testid": "tool-call" }, head, h("pre", { tabindex: "0" }, h("code", {}, shown)));
}
