import { inflate } from "../inline.js";
import { setSource } from "../wasm.js";

setSource(inflate);
export * from "../index.js";
export { default } from "../index.js";
