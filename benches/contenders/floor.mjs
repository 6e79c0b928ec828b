/**
 * The floor, against which all ratios are: the loop that one would write by hand for this one format. A decoder, `indexOf`, and
 * one `JSON.parse` an event; nothing asynchronous but the reads, no errors, no retries, no end of line but LF.
 */

import { REQUEST } from "../lib/sample.mjs";

export default {
  name: "floor",
  gives: "chunks",
  setup({ fetch, baseURL }) {
    const post = (body) =>
      fetch(`${baseURL}/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer k", "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    return {
      async stream({ read }) {
        const reader = (await post({ ...REQUEST, stream: true })).body.getReader();
        const decoder = new TextDecoder();
        let [buffer, text, count] = ["", "", 0];
        // A function of its own, so that the engine compiles it as a whole.
        const feed = (bytes) => {
          buffer += decoder.decode(bytes, { stream: true });
          let from = 0;
          for (let end; (end = buffer.indexOf("\n\n", from)) !== -1; from = end + 2) {
            const data = buffer.slice(from + 6, end);
            if (data === "[DONE]") continue;
            text += read(JSON.parse(data));
            count++;
          }
          buffer = buffer.slice(from);
        };
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return { text, count };
          feed(value);
        }
      },
      complete: async () => (await (await post(REQUEST)).json()).choices[0].message.content,
    };
  },
};
