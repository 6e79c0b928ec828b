/** chatmux as its users have it: typed chunks through `for await`. */

import { Chatmux } from "chatmux";
import { readThrough } from "../lib/openai-like.mjs";

export const clientOf = (options) => new Chatmux({ apiKey: "sk-bench", dangerouslyAllowBrowser: true, ...options });

export default {
  name: "chatmux, chunks",
  gives: "chunks",
  setup: (options) => readThrough(clientOf(options)),
};
