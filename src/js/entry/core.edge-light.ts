import wasm from "../chatmux.wasm?module";
import { setSource } from "../wasm.js";

setSource(() => wasm);
export * from "../core.js";
