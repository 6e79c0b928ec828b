/** A run of tools whose answers are streamed. */

import { ChatmuxError } from "../errors.js";
import { Stream } from "../stream.js";
import type { ChatCompletionChunk, ChatCompletionMessageParam } from "../types.js";
import type { CompletionsClient } from "./chat-run.js";
import { ChatCompletionStream, type ReadableStreamOptions } from "./completion-stream.js";
import { toMessageChunk } from "./json-lines.js";
import { type RunnerOptions, runToolLoop, type ToolLoopParams } from "./tool-loop.js";

/**
 * A run of tools, streamed: `client.chat.completions.runTools()` gives it for `stream: true`. It has the events of a streamed
 * completion, for each of its completions, and can be read chunk by chunk with `for await`.
 *
 * @example
 * const runner = client.chat.completions.runTools({ model, messages, tools, stream: true });
 * runner.on("content", (delta) => process.stdout.write(delta));
 * await runner.done();
 */
export class ChatCompletionStreamingRunner<ParsedT = null> extends ChatCompletionStream<ParsedT> {
  /** Begins a run. */
  static runTools<ParsedT = null>(
    client: CompletionsClient,
    params: ToolLoopParams,
    options?: RunnerOptions,
  ): ChatCompletionStreamingRunner<ParsedT> {
    const runner = new ChatCompletionStreamingRunner<ParsedT>(null);
    // A call that was cut must not be run.
    runner._rejectsUnfinished = true;
    runner._run(() =>
      runToolLoop(
        {
          runner,
          create: (body) => runner._createChatCompletion(client, body, options),
          add: (message, isNew) => runner._addMessage(message, isNew),
          aborted: () => runner._userAbortError(),
        },
        params,
        options,
      ),
    );
    return runner;
  }

  /**
   * Follows a run that `toReadableStream()` has written, of this package or of `openai`: its completions, and the results of
   * the tools between them. The tools are not run again.
   */
  static override fromReadableStream(
    stream: ReadableStream,
    options?: ReadableStreamOptions,
  ): ChatCompletionStreamingRunner<null> {
    const runner = new ChatCompletionStreamingRunner(null);
    runner._run(() => runner._fromReadableStream(stream, options));
    return runner;
  }

  /** The chunks of all completions and the results of tools between them as bytes, one JSON text a line: to send the run on. */
  override toReadableStream(): ReadableStream<Uint8Array> {
    let last: ChatCompletionChunk | undefined;
    // The ids go with the first result: calls may have been given theirs here, which the chunks do not say.
    let ids: { tool_call_ids?: string[] } = {};
    const iterator = this._createIterator<ChatCompletionChunk>(
      (push) => {
        const onChunk = (chunk: ChatCompletionChunk): void => push((last = chunk));
        const onMessage = (message: ChatCompletionMessageParam): void => {
          if (message.role === "assistant") {
            ids = message.tool_calls ? { tool_call_ids: message.tool_calls.map(({ id }) => id) } : {};
          } else if (message.role === "tool") {
            if (!last) throw new ChatmuxError("The result of a tool cannot be written before any chunk.");
            push(toMessageChunk(last, { message, ...ids }));
            ids = {};
          }
        };
        this.on("chunk", onChunk).on("message", onMessage);
        return () => this.off("chunk", onChunk).off("message", onMessage);
      },
      { onReturn: () => this.abort() },
    );
    return new Stream(() => iterator, this.controller).toReadableStream();
  }
}
