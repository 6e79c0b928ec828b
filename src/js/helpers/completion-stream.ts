/** A streamed chat completion, followed: its events, and what they come to. */

import { ChatmuxError, ContentFilterFinishReasonError, LengthFinishReasonError } from "../errors.js";
import type { RequestOptions } from "../options.js";
import { Stream } from "../stream.js";
import type {
  ChatCompletionChunk,
  ChatCompletionSnapshot,
  ChatCompletionStreamSchemaParams,
  ContentDeltaEvent,
  ContentDoneEvent,
  FunctionToolCallArgumentsDeltaEvent,
  FunctionToolCallArgumentsDoneEvent,
  LogProbsContentDeltaEvent,
  LogProbsContentDoneEvent,
  LogProbsRefusalDeltaEvent,
  LogProbsRefusalDoneEvent,
  ParsedChatCompletion,
  ReasoningDeltaEvent,
  ReasoningDoneEvent,
  RefusalDeltaEvent,
  RefusalDoneEvent,
} from "../types.js";
import { AnswerEvents, type Asked, type Audience } from "./answer-events.js";
import { ChatRun, type ChatRunEvents, type ChatRunParams, type CompletionsClient } from "./chat-run.js";
import { toCompletion } from "./finish.js";
import { messageOf, readJsonLines } from "./json-lines.js";
import { isContentParseable, isParseable, maybeParseChatCompletion, toBody } from "./parse.js";
import { accumulate, choiceAt } from "./snapshot.js";

/** What happens in a streamed completion. */
export interface ChatCompletionStreamEvents<ParsedT = null> extends ChatRunEvents {
  /** A chunk has come: it, and what the completion is with it, an object that grows. */
  chunk: (chunk: ChatCompletionChunk, snapshot: ChatCompletionSnapshot) => void;
  /** New text, and all text so far. */
  content: (delta: string, snapshot: string) => void;
  /** New text, as an object, with what it says so far where it is to be parsed. */
  "content.delta": (event: ContentDeltaEvent) => void;
  /** The text is whole. */
  "content.done": (event: ContentDoneEvent<ParsedT>) => void;
  /** New text of a refusal. */
  "refusal.delta": (event: RefusalDeltaEvent) => void;
  /** The refusal is whole. */
  "refusal.done": (event: RefusalDoneEvent) => void;
  /** New reasoning. */
  "reasoning.delta": (event: ReasoningDeltaEvent) => void;
  /** The model has stopped reasoning, for now or for good. */
  "reasoning.done": (event: ReasoningDoneEvent) => void;
  /** New arguments of a function; the first time also where there are none yet. */
  "tool_calls.function.arguments.delta": (event: FunctionToolCallArgumentsDeltaEvent) => void;
  /** The arguments of a function are whole. */
  "tool_calls.function.arguments.done": (event: FunctionToolCallArgumentsDoneEvent) => void;
  /** New tokens of the text. */
  "logprobs.content.delta": (event: LogProbsContentDeltaEvent) => void;
  /** The tokens of the text are whole. */
  "logprobs.content.done": (event: LogProbsContentDoneEvent) => void;
  /** New tokens of the refusal. */
  "logprobs.refusal.delta": (event: LogProbsRefusalDeltaEvent) => void;
  /** The tokens of the refusal are whole. */
  "logprobs.refusal.done": (event: LogProbsRefusalDoneEvent) => void;
}

/** How a stream of JSON lines is read: what aborts it, and the most bytes that one line may have. */
export type ReadableStreamOptions = Pick<RequestOptions, "signal" | "maxEventBytes">;

/** What is asked where nobody knows: of a stream that somebody else has asked for. */
const NOTHING: { response_format?: unknown } = {};
const UNKNOWN: Asked = { params: null, isContentParsed: false, needsWhole: false };

/**
 * A streamed chat completion with events, which can also be read chunk by chunk with `for await`; leaving that loop aborts
 * the request.
 *
 * @example
 * const stream = client.chat.completions.stream({ model, messages });
 * stream.on("content", (delta) => process.stdout.write(delta));
 * const { choices, usage } = await stream.finalChatCompletion();
 */
export class ChatCompletionStream<ParsedT = null>
  extends ChatRun<ChatCompletionStreamEvents<ParsedT>, ParsedT>
  implements AsyncIterable<ChatCompletionChunk>
{
  #params: ChatCompletionStreamSchemaParams | null;
  #asked = UNKNOWN;
  #snapshot: ChatCompletionSnapshot | undefined;
  readonly #answers = new Map<number, AnswerEvents>();
  readonly #audience: Audience = {
    emit: (event, ...args) => (this as unknown as ChatCompletionStream<unknown>)._emit(event, ...args),
    hears: (event) => this._hasListeners(event),
  };
  /** Whether an answer that was cut or held back is an error, even where nothing in it is to be parsed. */
  protected _rejectsUnfinished = false;

  /** A stream that nothing has been asked for yet; `params` are those of the answer, where they are known. */
  constructor(params: ChatCompletionStreamSchemaParams | null) {
    super();
    this.#params = params;
  }

  /** The completion so far, an object that grows; undefined before the first chunk, and when it is whole. */
  get currentChatCompletionSnapshot(): ChatCompletionSnapshot | undefined {
    return this.#snapshot;
  }

  /**
   * Follows a stream that `toReadableStream()` has written, of this package or of `openai`. Its messages are those of the
   * answer only.
   *
   * @example
   * const response = await fetch("/chat", { method: "POST", body });
   * const stream = ChatCompletionStream.fromReadableStream(response.body);
   */
  static fromReadableStream(stream: ReadableStream, options?: ReadableStreamOptions): ChatCompletionStream<null> {
    const run = new ChatCompletionStream(null);
    run._run(() => run._fromReadableStream(stream, options));
    return run;
  }

  /** Asks for a completion: what `client.chat.completions.stream()` does. */
  static createChatCompletion<ParsedT>(
    client: CompletionsClient,
    params: ChatCompletionStreamSchemaParams,
    options?: RequestOptions,
  ): ChatCompletionStream<ParsedT> {
    const run = new ChatCompletionStream<ParsedT>(params);
    run._run(() => run._runChatCompletion(client, params, options));
    return run;
  }

  /** The chunks, as they come. */
  [Symbol.asyncIterator](): AsyncIterator<ChatCompletionChunk> {
    return this._createIterator<ChatCompletionChunk>(
      (push) => {
        const listener = (chunk: ChatCompletionChunk): void => push(chunk);
        this.on("chunk", listener);
        return () => this.off("chunk", listener);
      },
      { onReturn: () => this.abort() },
    );
  }

  /** The chunks as bytes, one JSON text a line: to send the stream on to someone else. */
  toReadableStream(): ReadableStream<Uint8Array> {
    return new Stream(() => this[Symbol.asyncIterator](), this.controller).toReadableStream();
  }

  protected override async _createChatCompletion(
    client: CompletionsClient,
    params: ChatRunParams,
    options?: RequestOptions,
  ): Promise<ParsedChatCompletion<ParsedT>> {
    this._listenForAbort(options?.signal);
    this.#params = params as ChatCompletionStreamSchemaParams;
    this.#begin();
    const body = { ...toBody(params), stream: true as const };
    const stream = await client.chat.completions.create(body, { ...options, signal: this.controller.signal });
    this._connected();
    for await (const chunk of stream) {
      const wait = this.#addChunk(chunk) ?? this._roomForMore();
      if (wait) await wait;
    }
    return this.#endRequest();
  }

  /** Follows a stream of JSON lines: completions, and messages between them. */
  protected async _fromReadableStream(
    stream: ReadableStream,
    options?: ReadableStreamOptions,
  ): Promise<ParsedChatCompletion<ParsedT>> {
    this._listenForAbort(options?.signal);
    this.#begin();
    this._connected();
    let id: string | undefined;
    for await (const item of readJsonLines(stream, this.controller.signal, options?.maxEventBytes)) {
      const sent = messageOf(item);
      const chunk = item as ChatCompletionChunk;
      // Another id is another request's.
      if (this.#snapshot && (sent || (id && chunk.id && chunk.id !== id))) {
        const calls = this.#snapshot.choices[0]?.message.tool_calls;
        sent?.tool_call_ids?.forEach((id, at) => id && calls?.[at] && (calls[at].id = id));
        await this.#endRequest();
      }
      if (sent) {
        this._addMessage(sent.message);
        id = undefined;
      } else {
        const wait = this.#addChunk(chunk) ?? this._roomForMore();
        if (wait) await wait;
        id = chunk.id || id;
      }
    }
    const last = this._chatCompletions.at(-1);
    return last && !this.#snapshot && !this.controller.signal.aborted ? last : this.#endRequest();
  }

  #begin(): void {
    this.#snapshot = undefined;
    this.#answers.clear();
    const params = this.#params && asSent(this.#params);
    this.#params = params;
    if (!params) return;
    const needsWhole = this._rejectsUnfinished || isParseable(params);
    this.#asked = { params, isContentParsed: isContentParseable(params), needsWhole };
  }

  #addChunk(chunk: ChatCompletionChunk): Promise<void> | undefined {
    // Held before it is filled: what came before something wrong is there to be seen.
    const snapshot = (this.#snapshot ??= {} as ChatCompletionSnapshot);
    accumulate(snapshot, chunk, this.#params?.n);
    const choices = chunk.choices ?? [];
    for (const choice of choices) {
      const index = choice.index ?? 0;
      choice.finish_reason ??= null;
      let answer = this.#answers.get(index);
      if (!answer) this.#answers.set(index, (answer = new AnswerEvents(choiceAt(snapshot, index)!, this.#asked, this.#audience)));
      answer.read(choice);
    }
    this._emit("chunk", chunk, snapshot);
    let told: Promise<void> | undefined;
    for (const choice of choices) {
      const answer = this.#answers.get(choice.index ?? 0)!;
      told = told ? told.then(() => answer.add(choice)) : answer.add(choice);
    }
    return told;
  }

  async #endRequest(): Promise<ParsedChatCompletion<ParsedT>> {
    if (this.controller.signal.aborted) throw this._userAbortError();
    if (!this.#snapshot) throw new ChatmuxError("The request ended without sending any chunks.");
    const completion = toCompletion(this.#snapshot, (index) => this.#answers.get(index)!.isSpoken);
    for (const { finish_reason } of this._rejectsUnfinished ? completion.choices : []) {
      if (finish_reason === "length") throw new LengthFinishReasonError();
      if (finish_reason === "content_filter") throw new ContentFilterFinishReasonError();
    }
    const parsed = await maybeParseChatCompletion(completion, this.#params ?? NOTHING);
    this.#snapshot = undefined;
    this.#answers.clear();
    return this._addChatCompletion(parsed as ParsedChatCompletion<ParsedT>);
  }

  /** An error of a stream knows what had arrived. */
  protected override _toError(thrown: unknown): ChatmuxError {
    const error = super._toError(thrown);
    const partial = this.#snapshot;
    if (partial && !("partial" in error)) {
      Object.defineProperties(error, { partial: { value: partial }, usage: { value: partial.usage ?? undefined } });
    }
    return error;
  }
}

/** The parameters as they are now: the answer is parsed as it was asked for, whatever becomes of the caller's tools meanwhile. */
function asSent<Params extends { tools?: unknown }>(params: Params): Params {
  if (!Array.isArray(params.tools)) return params;
  const tools = params.tools.map((tool) => (tool?.function && !("$parseRaw" in tool) ? { ...tool, function: { ...tool.function } } : tool));
  return { ...params, tools };
}
