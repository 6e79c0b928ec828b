import { inflate } from "../inline.js";
import { setSource } from "../wasm.js";

setSource(inflate);
export * from "../core.js";
