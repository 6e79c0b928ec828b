/** The conversation: what was said, what is under way, and what can be done about it. */

import { Answer } from "./answer.js";
import { announce, byId, focusPrompt, h, icon } from "./dom.js";
import { explain } from "./errors.js";

export class Chat {
  #client;
  #settings;
  #catalogue;
  #busy;
  /** `{ text }` for the person's turns, Answers for the others. */
  #turns = [];
  #abort;
  #scroller = byId("scroller");
  #follows = true;

  /** `client()` is asked anew for every request; `busy(boolean)` is told when an answer is under way. */
  constructor({ client, settings, catalogue, busy }) {
    this.#client = client;
    this.#settings = settings;
    this.#catalogue = catalogue;
    this.#busy = busy;
    this.#scroller.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
      this.#follows = scrollHeight - scrollTop - clientHeight < 60;
    }, { passive: true });
  }

  get isBusy() {
    return this.#abort !== undefined;
  }

  send(text) {
    if (this.isBusy || text.trim() === "") return false;
    const element = h("article", { class: "message user", "data-testid": "message-user", "aria-label": "You" }, text);
    this.#turns.push({ text });
    byId("messages").append(element);
    byId("welcome").hidden = true;
    void this.#answer();
    return true;
  }

  stop() {
    this.#abort?.abort();
  }

  /** Asks again for the last answer. */
  retry() {
    if (this.isBusy) return;
    if (this.#turns.at(-1) instanceof Answer) this.#turns.pop().element.remove();
    // The button that was pressed is gone.
    focusPrompt();
    void this.#answer();
  }

  clear() {
    this.stop();
    this.#abort = undefined;
    this.#busy(false);
    this.#turns = [];
    byId("messages").replaceChildren();
    byId("welcome").hidden = false;
    announce("New conversation");
  }

  #history() {
    return this.#turns.flatMap((turn) => (turn instanceof Answer ? turn.messages() : [{ role: "user", content: turn.text }]));
  }

  async #answer() {
    const messages = this.#history();
    for (const turn of this.#turns) if (turn instanceof Answer) turn.settle();
    const abort = (this.#abort = new AbortController());
    const answer = new Answer(this.#settings.model, () => this.#follow());
    this.#turns.push(answer);
    byId("messages").append(answer.element);
    this.#busy(true);
    this.#follow(true);
    announce(`Waiting for ${answer.model}`);

    let failure;
    try {
      await this.#read(answer, messages, abort.signal);
    } catch (error) {
      // An abort before the first byte is an error, one after it is a quiet end. Both are what the person wanted.
      if (!abort.signal.aborted) failure = error;
    }
    // A new conversation has begun meanwhile: this answer belongs to nobody.
    if (this.#abort !== abort) return;
    this.#abort = undefined;
    this.#busy(false);
    this.#finish(answer, abort.signal.aborted, failure);
  }

  async #read(answer, messages, signal) {
    const client = await this.#client();
    const stream = await client.chat.completions.create(
      { model: answer.model, messages, stream: true, stream_options: { include_usage: true } },
      { signal },
    );
    for await (const chunk of stream) answer.feed(chunk);
  }

  #finish(answer, stopped, failure) {
    const state = failure ? "failed" : stopped ? "stopped" : "done";
    answer.finish(state, this.#catalogue.pricing(answer.model));
    if (failure) {
      this.#fail(answer, failure);
    } else {
      answer.offer(this.#retryButton(true));
      if (answer.calls.length > 0 && !stopped) answer.askForResults(() => void this.#answer());
      announce(stopped ? "Stopped" : "The answer is complete");
    }
    this.#follow();
  }

  #fail(answer, failure) {
    // What the package threw is on the page, details and all; a mistake of the page needs its stack.
    if (!failure?.kind) console.error(failure);
    const explained = explain(failure, { model: answer.model, baseURL: this.#settings.baseURL });
    const buttons = [this.#retryButton(false)];
    const settings = () => this.#settings.open({ notice: `${explained.title}. ${explained.advice}`, field: explained.field });
    if (explained.action === "settings") buttons.push(actionButton("Open the settings", settings));
    if (explained.action === "models") buttons.push(actionButton("Choose a model", () => this.#catalogue.open()));
    answer.fail(explained, buttons);
    announce(`${explained.title}. ${explained.advice}`);
    // A wrong key has one remedy, so the page goes there by itself.
    if (["authentication", "missing_api_key"].includes(failure.kind) && !document.querySelector("dialog[open]")) settings();
  }

  #retryButton(compact) {
    const attributes = { type: "button", class: `last-only ${compact ? "quiet" : "primary"}`, "data-testid": "retry", onclick: () => this.retry() };
    return h("button", { ...attributes, "aria-label": compact ? "Answer again" : undefined }, icon("retry"), compact ? undefined : "Try again");
  }

  /** Keeps the end in sight, unless the person has scrolled away from it. */
  #follow(always = false) {
    if (always) this.#follows = true;
    if (this.#follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

function actionButton(label, action) {
  return h("button", { type: "button", class: "quiet last-only", onclick: action }, label);
}
