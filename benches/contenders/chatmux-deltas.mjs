/** chatmux, for who wants the text as it comes and nothing else. */

import { REQUEST } from "../lib/sample.mjs";
import { clientOf } from "./chatmux.mjs";

export default {
  name: "chatmux, textDeltas()",
  gives: "content",
  skips: ["tools"],
  setup(options) {
    const client = clientOf(options);
    return {
      async stream() {
        let [text, count] = ["", 0];
        const stream = await client.chat.completions.create({ ...REQUEST, stream: true });
        for await (const delta of stream.textDeltas()) {
          text += delta;
          if (delta) count++;
        }
        return { text, count };
      },
    };
  },
};
