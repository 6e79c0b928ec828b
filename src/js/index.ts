/** `chatmux`: the client, its errors and its types. */

export { Chatmux, Chatmux as default, type Completions, type Models, type ModelsPage } from "./client.js";
export * from "./errors.js";
export { ChatmuxError as OpenAIError } from "./errors.js";
export type { ClientOptions, Fetch, HeadersLike, QueryLike, RequestOptions } from "./options.js";
export { ChunkStream, Stream } from "./stream.js";
export type * from "./types.js";
export { init, type WasmSource } from "./wasm.js";
