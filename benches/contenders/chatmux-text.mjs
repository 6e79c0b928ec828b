/** chatmux, for who wants the whole text once it is there. */

import { REQUEST } from "../lib/sample.mjs";
import { clientOf } from "./chatmux.mjs";

export default {
  name: "chatmux, text()",
  gives: "content",
  skips: ["tools"],
  setup(options) {
    const client = clientOf(options);
    return {
      stream: async () => ({ text: await (await client.chat.completions.create({ ...REQUEST, stream: true })).text() }),
    };
  },
};
