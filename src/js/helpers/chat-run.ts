/** A run of chat completions: what its requests come to. The base of a streamed completion and of the runs of tools. */

import { ChatmuxError } from "../errors.js";
import type { RequestOptions } from "../options.js";
import type {
  ChatCompletion,
  ChatCompletionFunctionCall,
  ChatCompletionMessage,
  ChatCompletionMessageParam,
  ChatCompletionStreamSchemaParams,
  CompletionUsage,
  ParsedChatCompletion,
} from "../types.js";
import type { Completions } from "../client.js";
import { type BaseEvents, EventStream } from "./event-stream.js";
import { parseChatCompletion, toBody } from "./parse.js";
import { newCallId } from "./snapshot.js";
import { addUsage } from "./usage.js";

/** What a run asks: a client, or as much of it as is needed. */
export interface CompletionsClient {
  /** Chat. */
  readonly chat: { readonly completions: Pick<Completions, "create"> };
}

/** What a run asks for: whether the answers are streamed is the run's affair. */
export type ChatRunParams = Omit<ChatCompletionStreamSchemaParams, "stream"> & { stream?: boolean | null };

/** What happens in every run of chat completions. */
export interface ChatRunEvents extends BaseEvents {
  /** A completion is there, whole. */
  chatCompletion: (completion: ChatCompletion) => void;
  /** A message has been added to the conversation: the model's, or the result of a tool. */
  message: (message: ChatCompletionMessageParam) => void;
  /** The model wants a function called: once for each call of a message. */
  functionToolCall: (call: ChatCompletionFunctionCall) => void;
  /** A function has been called; what it gave, as it is sent to the model. */
  functionToolCallResult: (content: string) => void;
  /** The text of the last message of the model, if it has any. */
  finalContent: (content: string) => void;
  /** The last message of the model. */
  finalMessage: (message: ChatCompletionMessageParam) => void;
  /** The last completion. */
  finalChatCompletion: (completion: ChatCompletion) => void;
  /** The last call of a function, if there was any. */
  finalFunctionToolCall: (call: ChatCompletionFunctionCall) => void;
  /** What the last function that was called gave, if any was. */
  finalFunctionToolCallResult: (content: string) => void;
  /** The tokens of all completions, where any says so. */
  totalUsage: (usage: CompletionUsage) => void;
}

/** A run of chat completions. */
export class ChatRun<EventTypes extends ChatRunEvents, ParsedT> extends EventStream<EventTypes> {
  /** The conversation: what was sent, and what was answered since. */
  messages: ChatCompletionMessageParam[] = [];
  protected readonly _chatCompletions: ParsedChatCompletion<ParsedT>[] = [];

  /** The last completion, when the run is over. @throws {ChatmuxError} when there is none. */
  async finalChatCompletion(): Promise<ParsedChatCompletion<ParsedT>> {
    await this.done();
    const completion = this._chatCompletions.at(-1);
    if (!completion) throw new ChatmuxError("The stream ended without producing a ChatCompletion.");
    return completion;
  }

  /** The text of the model's last message, when the run is over; null when it has none. */
  async finalContent(): Promise<string | null> {
    return (await this.finalMessage()).content;
  }

  /** The model's last message, when the run is over. @throws {ChatmuxError} when there is none. */
  async finalMessage(): Promise<ChatCompletionMessage> {
    await this.done();
    return this.#lastMessage();
  }

  /** The last call of a function, when the run is over; undefined when there was none. */
  async finalFunctionToolCall(): Promise<ChatCompletionFunctionCall | undefined> {
    await this.done();
    return this.#lastCall();
  }

  /** What the last function that was called gave, when the run is over; undefined when none was called. */
  async finalFunctionToolCallResult(): Promise<string | undefined> {
    await this.done();
    return this.#lastResult();
  }

  /** The tokens of all completions, when the run is over: zeros where none says so. */
  async totalUsage(): Promise<CompletionUsage> {
    await this.done();
    return this.#totalUsage();
  }

  /** The completions that there are so far. */
  allChatCompletions(): ChatCompletion[] {
    return [...this._chatCompletions];
  }

  #lastMessage(): ChatCompletionMessage {
    const message = last(this.messages, ({ role }) => role === "assistant");
    if (!message) throw new ChatmuxError("The stream ended without producing a ChatCompletionMessage with role=assistant.");
    const { content, refusal } = message as ChatCompletionMessage;
    return { ...(message as ChatCompletionMessage), content: content ?? null, refusal: refusal ?? null };
  }

  #lastCall(): ChatCompletionFunctionCall | undefined {
    const calls = this.messages.flatMap((message) => (message.role === "assistant" && message.tool_calls) || []);
    const call = last(calls, ({ type }) => type === "function");
    return call?.type === "function" ? call.function : undefined;
  }

  #lastResult(): string | undefined {
    const ids = new Set<string>();
    let last: string | undefined;
    for (const message of this.messages) {
      if (message.role === "assistant") for (const { type, id } of message.tool_calls ?? []) if (type === "function") ids.add(id);
      if (message.role === "tool" && typeof message.content === "string" && ids.has(message.tool_call_id)) last = message.content;
    }
    return last;
  }

  #totalUsage(): CompletionUsage {
    const total: CompletionUsage = { completion_tokens: 0, prompt_tokens: 0, total_tokens: 0 };
    for (const { usage } of this._chatCompletions) if (usage) addUsage(total, usage);
    return total;
  }

  /** Adds a completion to the run, and the first of its messages to the conversation. */
  protected _addChatCompletion(
    this: ChatRun<ChatRunEvents, ParsedT>,
    completion: ParsedChatCompletion<ParsedT>,
  ): ParsedChatCompletion<ParsedT> {
    for (const { message } of completion.choices) for (const call of message.tool_calls ?? []) call.id ||= newCallId();
    this._chatCompletions.push(completion);
    this._emit("chatCompletion", completion);
    const message = completion.choices[0]?.message;
    if (message) this._addMessage(message as ChatCompletionMessageParam);
    return completion;
  }

  /** Adds a message to the conversation; one that was there before the run is not news. */
  protected _addMessage(this: ChatRun<ChatRunEvents, ParsedT>, message: ChatCompletionMessageParam, isNew = true): void {
    if (isNew && !("content" in message)) (message as { content: null }).content = null;
    this.messages.push(message);
    if (!isNew) return;
    this._emit("message", message);
    if (message.role === "tool" && message.content) {
      this._emit("functionToolCallResult", message.content as string);
    } else if (message.role === "assistant") {
      for (const call of message.tool_calls ?? []) if (call.type === "function") this._emit("functionToolCall", call.function);
    }
  }

  /** Adds the messages of a request to the conversation, and makes it. */
  protected async _runChatCompletion(
    client: CompletionsClient,
    params: ChatRunParams,
    options?: RequestOptions,
  ): Promise<ParsedChatCompletion<ParsedT>> {
    // What is no request, `create()` answers.
    if (Array.isArray(params?.messages)) for (const message of params.messages) this._addMessage(message, false);
    return this._createChatCompletion(client, params, options);
  }

  /** Makes a request, and adds its completion to the run. A streamed run does it in its own way. */
  protected async _createChatCompletion(
    client: CompletionsClient,
    params: ChatRunParams,
    options?: RequestOptions,
  ): Promise<ParsedChatCompletion<ParsedT>> {
    this._listenForAbort(options?.signal);
    if ((params.n ?? 1) > 1) throw new ChatmuxError("Helpers only support n=1: for more answers call `chat.completions.create()`.");
    const body = { ...toBody(params), stream: false as const };
    const completion = await client.chat.completions.create(body, { ...options, signal: this.controller.signal });
    this._connected();
    return this._addChatCompletion((await parseChatCompletion(completion, params)) as ParsedChatCompletion<ParsedT>);
  }

  protected override _emitFinal(this: ChatRun<ChatRunEvents, ParsedT>): void {
    const completion = this._chatCompletions.at(-1);
    if (completion) this._emit("finalChatCompletion", completion);
    const message = this.#lastMessage();
    this._emit("finalMessage", message as ChatCompletionMessageParam);
    if (message.content) this._emit("finalContent", message.content);
    const call = this.#lastCall();
    if (call) this._emit("finalFunctionToolCall", call);
    const result = this.#lastResult();
    if (result !== undefined) this._emit("finalFunctionToolCallResult", result);
    if (this._chatCompletions.some(({ usage }) => usage)) this._emit("totalUsage", this.#totalUsage());
  }
}

/** The last item that passes a test: what newer runtimes call `findLast`. */
function last<Item>(items: readonly Item[], test: (item: Item) => boolean): Item | undefined {
  return [...items].reverse().find(test);
}
