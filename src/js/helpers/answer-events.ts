/** What happens in one answer of a stream: pieces that come, and wholes that are complete. */

import type {
  ChatCompletionChunk,
  ChatCompletionChunkToolCall,
  ChatCompletionLogprobs,
  ChatCompletionSnapshotChoice,
  ChatCompletionSnapshotFunction,
} from "../types.js";
import type { ChatCompletionStreamEvents } from "./completion-stream.js";
import type { EventParameters } from "./event-stream.js";
import { isArgumentsParseable, parseArguments, parseContent } from "./parse.js";
import { PartialJson } from "./partial-json.js";
import { toolCallAt } from "./snapshot.js";

type Events = ChatCompletionStreamEvents<unknown>;
type ChunkChoice = ChatCompletionChunk["choices"][number];

/** Who is told, and whether anybody is. */
export interface Audience {
  emit<Event extends keyof Events>(event: Event, ...args: EventParameters<Events, Event>): void;
  hears(event: keyof Events): boolean;
}

/** What the answers of a request have in common. */
export interface Asked {
  /** The parameters, where they are known. */
  params: object | null;
  /** Whether the content is JSON that is parsed. */
  isContentParsed: boolean;
  /** Whether an answer that was cut or held back is an error, so that nothing in it is ever whole. */
  needsWhole: boolean;
}

/** A tool call under way. */
interface Call {
  /** Its arguments, as far as they have come. */
  json: PartialJson;
  /** Whether it is a function whose arguments are parsed; unknown before its name is. */
  isParsed?: boolean;
  /** How much of its arguments was said to be all of them. */
  saidWhole?: number;
}

/** The events of one answer. */
export class AnswerEvents {
  readonly #choice: ChatCompletionSnapshotChoice;
  readonly #asked: Asked;
  readonly #audience: Audience;
  readonly #json = new PartialJson();
  readonly #calls = new Map<number, Call>();
  /** The call that is being made. */
  #current: number | undefined;
  #isReasoning = false;
  /** Whether the last that came was when the speech expires, which is said when there is no more of it. */
  isSpoken = false;
  /** What has been said to be whole. */
  readonly #whole = new Set<keyof Events>();

  /** @param choice the answer so far, which is what the chunks make of it. */
  constructor(choice: ChatCompletionSnapshotChoice, asked: Asked, audience: Audience) {
    this.#choice = choice;
    this.#asked = asked;
    this.#audience = audience;
    choice.logprobs ??= null;
    const { message } = choice;
    if (asked.isContentParsed) grow(message, "parsed", () => (message.refusal ? null : (this.#json.value ?? null)));
  }

  /** Takes note of a piece that was added to the answer, so that what it says can be asked for. */
  read({ delta }: ChunkChoice): void {
    if (this.#asked.isContentParsed && isText(delta?.content)) this.#json.add(delta.content);
    if (!Array.isArray(delta?.tool_calls)) return;
    for (const { index, function: piece } of delta.tool_calls) if (isText(piece?.arguments)) this.#callAt(index).json.add(piece.arguments);
  }

  /**
   * Tells of a piece that was added to the answer. What is whole with it is parsed, and so told later where its parser takes
   * its time.
   */
  add({ delta, logprobs, finish_reason }: ChunkChoice): Promise<void> | undefined {
    if (delta) {
      this.isSpoken = delta.audio?.expires_at != null && delta.audio.data == null && delta.audio.transcript == null;
      this.#tellText(delta);
    }
    if (logprobs) this.#tellLogprobs(logprobs);
    const calls = Array.isArray(delta?.tool_calls) ? delta.tool_calls : undefined;
    if (finish_reason || calls?.some(({ index }) => index !== this.#current)) return this.#addEnds(calls ?? []);
    if (calls) for (const call of calls) this.#tellCall(call);
    return undefined;
  }

  #tellText({ content, refusal, reasoning_content, reasoning }: ChunkChoice["delta"]): void {
    const { message } = this.#choice;
    if (isText(reasoning_content)) this.#tellReasoning(reasoning_content, message.reasoning_content);
    else if (isText(reasoning)) this.#tellReasoning(reasoning, message.reasoning);
    if (this.#isReasoning && (content || refusal)) this.#endReasoning();
    const { emit, hears } = this.#audience;
    if (content != null && message.content) {
      if (hears("content")) emit("content", content, message.content);
      if (hears("content.delta")) emit("content.delta", { delta: content, snapshot: message.content, parsed: message.parsed });
    }
    if (refusal != null && message.refusal && hears("refusal.delta")) {
      emit("refusal.delta", { delta: refusal, snapshot: message.refusal });
    }
  }

  #tellReasoning(delta: string, snapshot: string | null | undefined): void {
    this.#isReasoning = true;
    if (this.#audience.hears("reasoning.delta")) this.#audience.emit("reasoning.delta", { delta, snapshot: snapshot ?? delta });
  }

  #tellLogprobs({ content, refusal }: ChatCompletionLogprobs): void {
    const { emit } = this.#audience;
    const all = this.#choice.logprobs;
    if (content != null) emit("logprobs.content.delta", { content, snapshot: all?.content ?? [] });
    if (refusal != null) emit("logprobs.refusal.delta", { refusal, snapshot: all?.refusal ?? [] });
  }

  #tellCall({ index, function: piece }: ChatCompletionChunkToolCall): void {
    this.#current = index;
    const call = this.#callAt(index);
    const made = this.#functionAt(index);
    if (!made) return;
    if (call.isParsed === undefined && made.name) {
      call.isParsed = isArgumentsParseable(this.#asked.params, made.name);
      if (call.isParsed) grow(made, "parsed_arguments", () => call.json.value);
    }
    if (!this.#audience.hears("tool_calls.function.arguments.delta")) return;
    const { name, arguments: args = "", parsed_arguments } = made;
    const arguments_delta = piece?.arguments ?? "";
    this.#audience.emit("tool_calls.function.arguments.delta", { name, index, arguments: args, parsed_arguments, arguments_delta });
  }

  /** A piece with which something ends: with a call that begins, all before it; with a finish reason, everything. */
  async #addEnds(calls: readonly ChatCompletionChunkToolCall[]): Promise<void> {
    for (const call of calls) {
      if (call.index !== this.#current) {
        await this.#endTexts();
        if (this.#current !== undefined) await this.#endCall(this.#current, false);
      }
      this.#tellCall(call);
    }
    const { finish_reason } = this.#choice;
    if (!finish_reason) return;
    if (this.#isReasoning) this.#endReasoning();
    if (this.#asked.needsWhole && (finish_reason === "length" || finish_reason === "content_filter")) return;
    await this.#endTexts();
    for (const index of this.#calls.keys()) await this.#endCall(index, true);
  }

  #endReasoning(): void {
    this.#isReasoning = false;
    const { reasoning_content, reasoning } = this.#choice.message;
    this.#audience.emit("reasoning.done", { reasoning: reasoning_content || reasoning || "" });
  }

  async #endTexts(): Promise<void> {
    if (this.#isReasoning) this.#endReasoning();
    const { message, logprobs } = this.#choice;
    const { content, refusal } = message;
    const { emit } = this.#audience;
    // An empty text beside something else is how some providers say that there is none.
    const isWritten = content || (content === "" && !refusal && !message.tool_calls?.length && !message.function_call);
    if (isWritten && this.#isNews("content.done")) {
      const parsed = this.#asked.isContentParsed && !refusal ? await parseContent(this.#asked.params!, content) : null;
      emit("content.done", { content, parsed });
    }
    if (refusal && this.#isNews("refusal.done")) emit("refusal.done", { refusal });
    if (logprobs?.content && this.#isNews("logprobs.content.done")) emit("logprobs.content.done", { content: logprobs.content });
    if (logprobs?.refusal && this.#isNews("logprobs.refusal.done")) emit("logprobs.refusal.done", { refusal: logprobs.refusal });
  }

  /** Whether a whole is to be told of: once, and if somebody hears it. */
  #isNews(event: keyof Events): boolean {
    if (this.#whole.has(event)) return false;
    this.#whole.add(event);
    return this.#audience.hears(event);
  }

  /**
   * Says that a call is whole. That another one has begun does not prove it, where calls come in turns: it is held back then
   * while it is no JSON.
   */
  async #endCall(index: number, isOver: boolean): Promise<void> {
    const event = "tool_calls.function.arguments.done";
    if (!this.#audience.hears(event)) return;
    const call = this.#calls.get(index)!;
    const made = this.#functionAt(index);
    if (!made) return;
    const { name, arguments: args = "" } = made;
    if (call.saidWhole === args.length || (!isOver && !call.json.isWhole)) return;
    call.saidWhole = args.length;
    const parsed_arguments = call.isParsed ? await parseArguments(this.#asked.params!, name, args) : null;
    this.#audience.emit(event, { name, index, arguments: args, parsed_arguments });
  }

  #callAt(index: number): Call {
    let call = this.#calls.get(index);
    if (!call) this.#calls.set(index, (call = { json: new PartialJson() }));
    return call;
  }

  /** The function of a call; a tool of another kind has none. */
  #functionAt(index: number): ChatCompletionSnapshotFunction | undefined {
    const call = toolCallAt(this.#choice.message, index);
    return (call as { function?: ChatCompletionSnapshotFunction } | undefined)?.function;
  }
}

/** Makes a member of what JSON says that grows: read no further than somebody looks. */
function grow(of: object, name: string, get: () => unknown): void {
  // What a server sends under this name is not what was parsed.
  Object.defineProperty(of, name, { get, set: () => {}, enumerable: true, configurable: true });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
