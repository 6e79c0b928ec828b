import { setDialectsSource } from "../dialects.js";
import wasm from "../dialects.wasm";
import "../providers/install.js";

setDialectsSource(() => wasm);
export * from "./workerd.js";
export { default } from "./workerd.js";
