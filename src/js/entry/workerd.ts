import wasm from "../chatmux.wasm";
import { setSource } from "../wasm.js";

setSource(() => wasm);
export * from "../index.js";
export { default } from "../index.js";
