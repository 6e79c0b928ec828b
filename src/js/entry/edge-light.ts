import wasm from "../chatmux.wasm?module";
import { setDialectsSource } from "../dialects.js";
import dialects from "../dialects.wasm?module";
import { setSource } from "../wasm.js";

setSource(() => wasm);
setDialectsSource(() => dialects);
export * from "../index.js";
export { default } from "../index.js";
