/** What is read through a client with the interface of the `openai` package, which chatmux's has. */

import { REQUEST } from "./sample.mjs";

export const readThrough = ({ chat: { completions } }) => ({
  async stream({ read }) {
    let [text, count] = ["", 0];
    for await (const chunk of await completions.create({ ...REQUEST, stream: true })) {
      text += read(chunk);
      count++;
    }
    return { text, count };
  },
  complete: async () => (await completions.create(REQUEST)).choices[0].message.content,
});
