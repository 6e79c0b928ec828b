import OpenAI from "openai";
import { REQUEST } from "../lib/sample.mjs";

export default {
  name: "openai",
  package: "openai",
  gives: "chunks",
  setup({ fetch, baseURL }) {
    const client = new OpenAI({ apiKey: "k", baseURL, fetch, dangerouslyAllowBrowser: true });
    return {
      async stream({ read }) {
        let [text, count] = ["", 0];
        for await (const chunk of await client.chat.completions.create({ ...REQUEST, stream: true })) {
          text += read(chunk);
          count++;
        }
        return { text, count };
      },
      complete: async () => (await client.chat.completions.create(REQUEST)).choices[0].message.content,
    };
  },
};
