/** What the helpers add to the classes of the client, as types. */

import type { RequestOptions } from "../options.js";
import type { ChatCompletionStreamParams } from "../types.js";
import type { ChatCompletionStream } from "./completion-stream.js";

/** The helpers of chat completions. */
export interface CompletionsHelpers {
  /**
   * Asks for a streamed answer, to be followed by events, chunk by chunk, or at its end. The request is sent when the
   * program has had the time to add its listeners.
   *
   * @example
   * const stream = client.chat.completions.stream({ model, messages });
   * stream.on("content", (delta) => process.stdout.write(delta));
   * const message = await stream.finalMessage();
   */
  stream<Params extends ChatCompletionStreamParams, ParsedT = null>(
    body: Params,
    options?: RequestOptions,
  ): ChatCompletionStream<ParsedT>;
}

/** The helpers of a client. */
export interface ClientHelpers {}
