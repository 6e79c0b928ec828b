import { createParser } from "eventsource-parser";
import { REQUEST } from "../lib/sample.mjs";

/** Fed by hand, which is its fastest way; the JSON of an event is left to its user. */
export default {
  name: "eventsource-parser",
  package: "eventsource-parser",
  gives: "chunks",
  setup: ({ fetch, baseURL }) => ({
    async stream({ read }) {
      let [text, count] = ["", 0];
      const parser = createParser({
        onEvent({ data }) {
          if (data === "[DONE]") return;
          text += read(JSON.parse(data));
          count++;
        },
      });
      const body = JSON.stringify({ ...REQUEST, stream: true });
      const response = await fetch(`${baseURL}/chat/completions`, { method: "POST", body });
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { text, count };
        parser.feed(decoder.decode(value, { stream: true }));
      }
    },
  }),
};
