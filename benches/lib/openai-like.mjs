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

/** The same through `stream()`, with listeners for chunks and text. */
export const followThrough = ({ chat: { completions } }) => ({
  async stream() {
    let [text, count] = ["", 0];
    const stream = completions.stream(REQUEST);
    stream.on("chunk", () => count++);
    stream.on("content", (_, snapshot) => {
      text = snapshot;
    });
    await stream.done();
    return { text, count };
  },
});
