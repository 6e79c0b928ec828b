import { inflate, inflateDialects } from "../inline.js";
import { setDialectsSource } from "../dialects.js";
import { setSource } from "../wasm.js";

setSource(inflate);
setDialectsSource(inflateDialects);
export * from "../core.js";
