/** chatmux's dialects: the bytes of another vendor's stream to those of OpenAI's, in wasm. */

import "chatmux";
import { dialects } from "../../dist/dialects.js";
import { REQUEST } from "../lib/dialects.mjs";

export default {
  name: "chatmux",
  async setup(dialect) {
    const { request, stream, body } = await dialects();
    const { back } = request(dialect, JSON.stringify(REQUEST), { model: REQUEST.model });
    return (bytes) => body(bytes, stream(dialect, back));
  },
};
