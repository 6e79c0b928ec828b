export type * from "./types/chunk.js";
export type * from "./types/completion.js";
export type * from "./types/extensions.js";
export type * from "./types/messages.js";
export type * from "./types/models.js";
export type * from "./types/request.js";
