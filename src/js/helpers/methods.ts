/** What the helpers add to the classes of the client, as types. */

import type { RequestOptions } from "../options.js";
import type { APIPromise } from "../promise.js";
import type {
  ChatCompletionSchemaParams,
  ChatCompletionStreamSchemaParams,
  ExtractParsedContentFromParams,
  ParsedChatCompletion,
} from "../types.js";
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
  stream<Params extends ChatCompletionStreamSchemaParams, ParsedT = ExtractParsedContentFromParams<Params>>(
    body: Params,
    options?: RequestOptions,
  ): ChatCompletionStream<ParsedT>;

  /**
   * Asks a model for an answer in the form of a schema, and parses it.
   *
   * `response_format` may be a schema that brings its own JSON Schema (zod from 4.2, arktype and others),
   * `{ schema, jsonSchema }` for one that does not, a plain JSON Schema, which is parsed without being validated, or what
   * `zodResponseFormat()` of `chatmux/zod` makes. `message.parsed` is null for a refusal.
   *
   * @example
   * const completion = await client.chat.completions.parse({
   *   model: "gpt-4o-mini",
   *   messages: [{ role: "user", content: "Ada was born in 1815." }],
   *   response_format: z.object({ name: z.string(), born: z.number() }),
   * });
   * completion.choices[0].message.parsed?.born; // 1815
   *
   * @see https://platform.openai.com/docs/guides/structured-outputs
   * @throws {LengthFinishReasonError} for an answer that was cut at its length.
   * @throws {ContentFilterFinishReasonError} for an answer that the provider held back.
   * @throws {InvalidJSONError | SchemaValidationError} for an answer that is not what was asked for.
   * @throws {APIError} when the provider answers with an error or cannot be reached.
   */
  parse<Params extends ChatCompletionSchemaParams, Parsed = ExtractParsedContentFromParams<Params>>(
    body: Params,
    options?: RequestOptions,
  ): APIPromise<ParsedChatCompletion<Parsed>>;
}

/** The helpers of a client. */
export interface ClientHelpers {}
