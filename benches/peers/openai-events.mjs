import OpenAI from "openai";
import { followThrough } from "../lib/openai-like.mjs";

export default {
  name: "openai, stream()",
  package: "openai",
  gives: "chunks",
  setup: (options) => followThrough(new OpenAI({ apiKey: "k", dangerouslyAllowBrowser: true, ...options })),
};
