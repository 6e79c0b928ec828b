import { setDialectsSource } from "../dialects.js";
import wasm from "../dialects.wasm?module";
import "../providers/install.js";

setDialectsSource(() => wasm);
export * from "./edge-light.js";
export { default } from "./edge-light.js";
