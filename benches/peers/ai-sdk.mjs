import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { REQUEST } from "../lib/sample.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const properties = { content: { type: "string" } };
const inputSchema = jsonSchema({ type: "object", properties, required: ["content"] });
const tools = { write_file: tool({ description: "Writes a file", inputSchema }) };

/** `streamText`, by the parts of its `fullStream`. */
export default {
  name: "AI SDK",
  package: "ai",
  gives: "deltas",
  setup({ fetch, baseURL }) {
    const model = createOpenAICompatible({ name: "bench", apiKey: "k", baseURL, fetch })(REQUEST.model);
    const options = { model, messages: REQUEST.messages };
    return {
      async stream({ name }) {
        let [text, count] = ["", 0];
        for await (const part of streamText({ ...options, ...(name === "tools" ? { tools } : {}) }).fullStream) {
          if (part.type === "error") throw part.error;
          const delta = part.type === "tool-input-delta" ? part.delta : /^(text|reasoning)-delta$/.test(part.type) ? part.text : "";
          if (!delta) continue;
          text += delta;
          count++;
        }
        return { text, count };
      },
      complete: async () => (await generateText(options)).text,
    };
  },
};
