/** chatmux as its users have it: typed chunks through `for await`. */

import { Chatmux } from "chatmux";
import { REQUEST } from "../lib/sample.mjs";

export default {
  name: "chatmux, chunks",
  gives: "chunks",
  setup(options) {
    const client = clientOf(options);
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

export const clientOf = (options) => new Chatmux({ apiKey: "sk-bench", dangerouslyAllowBrowser: true, ...options });
