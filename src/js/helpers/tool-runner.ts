/** A run of tools whose answers come whole. */

import type { ChatCompletionMessageParam } from "../types.js";
import { ChatRun, type ChatRunEvents, type CompletionsClient } from "./chat-run.js";
import { type RunnerOptions, runToolLoop, type ToolLoopParams } from "./tool-loop.js";

/** What happens in a run of tools. */
export interface ChatCompletionRunnerEvents extends ChatRunEvents {
  /** The text of a message of the model, if it has any. */
  content: (content: string) => void;
}

/**
 * A run of tools: `client.chat.completions.runTools()` gives it.
 *
 * @example
 * const runner = client.chat.completions.runTools({ model, messages, tools });
 * runner.on("functionToolCall", ({ name }) => console.log(`calling ${name}`));
 * console.log(await runner.finalContent());
 */
export class ChatCompletionRunner<ParsedT = null> extends ChatRun<ChatCompletionRunnerEvents, ParsedT> {
  /** Begins a run. */
  static runTools<ParsedT = null>(
    client: CompletionsClient,
    params: ToolLoopParams,
    options?: RunnerOptions,
  ): ChatCompletionRunner<ParsedT> {
    const runner = new ChatCompletionRunner<ParsedT>();
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

  protected override _addMessage(
    this: ChatCompletionRunner<ParsedT>,
    message: ChatCompletionMessageParam,
    isNew = true,
  ): void {
    super._addMessage(message, isNew);
    if (isNew && message.role === "assistant" && message.content) this._emit("content", message.content as string);
  }
}
