export type * from "./types/chunk.js";
export type * from "./types/completion.js";
export type * from "./types/extensions.js";
export type * from "./types/messages.js";
export type * from "./types/models.js";
export type * from "./types/parsed.js";
export type * from "./types/request.js";
export type * from "./types/stored.js";
