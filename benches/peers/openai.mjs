import OpenAI from "openai";
import { readThrough } from "../lib/openai-like.mjs";

export default {
  name: "openai",
  package: "openai",
  gives: "chunks",
  setup: (options) => readThrough(new OpenAI({ apiKey: "k", dangerouslyAllowBrowser: true, ...options })),
};
