import { setDialectsSource } from "../dialects.js";
import { inflateDialects } from "../inline-dialects.js";
import "../providers/install.js";

setDialectsSource(inflateDialects);
export * from "./default.js";
export { default } from "./default.js";
