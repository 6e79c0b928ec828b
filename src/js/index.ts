/** `chatmux`: the client, its errors and its types. */

export { Chatmux, Chatmux as default, Chatmux as OpenAI, type Chat, type Completions, type Models, type ModelsPage } from "./client.js";
export * from "./errors.js";
export { ChatmuxError as OpenAIError } from "./errors.js";
export { ChatCompletionStream, type ChatCompletionStreamEvents, type ReadableStreamOptions } from "./helpers/completion-stream.js";
export type { ChatRun, ChatRunEvents } from "./helpers/chat-run.js";
export type { BaseEvents, EventStream } from "./helpers/event-stream.js";
export { InvalidJSONError, SchemaValidationError } from "./helpers/parse-errors.js";
export { standardFunction, standardResponseFormat } from "./helpers/standard.js";
export type * from "./helpers/standard.js";
export { ChatCompletionStreamingRunner } from "./helpers/streaming-tool-runner.js";
export { toMessage, type HasMessage } from "./helpers/to-message.js";
export type { ChatCompletionRunnerContext, RunnerOptions } from "./helpers/tool-loop.js";
export { ChatCompletionRunner, type ChatCompletionRunnerEvents } from "./helpers/tool-runner.js";
export { ParsingToolFunction } from "./helpers/tools.js";
export type {
  BaseFunctionsArgs,
  ChatCompletionStreamingToolRunnerParams,
  ChatCompletionStreamingToolRunnerParamsWithContext,
  ChatCompletionStreamingToolRunnerParamsWithoutContext,
  ChatCompletionToolRunnerParams,
  ChatCompletionToolRunnerParamsWithContext,
  ChatCompletionToolRunnerParamsWithoutContext,
  RunnableFunction,
  RunnableFunctions,
  RunnableFunctionWithoutParse,
  RunnableFunctionWithParse,
  RunnableToolFunction,
  RunnableToolFunctionWithContext,
  RunnableToolFunctionWithoutParse,
  RunnableToolFunctionWithParse,
  RunnableTools,
  ToolRun,
  ToolRunner,
} from "./helpers/tools.js";
export { toUsage } from "./helpers/usage.js";
export type * from "./options.js";
export { APIPromise, type WithRequestID } from "./promise.js";
export { ChunkStream, Stream } from "./stream.js";
export type * from "./types.js";
export type * from "./types/namespace.js";
export { init, type WasmSource } from "./wasm.js";
