/** chatmux, for who wants the whole text once it is there. */

import { Stream } from "chatmux";
import { REQUEST } from "../lib/sample.mjs";
import { clientOf } from "./chatmux.mjs";

export default {
  name: "chatmux, text()",
  gives: "content",
  lacks: "text" in Stream.prototype ? undefined : "Stream.text()",
  skips: ["tools"],
  setup(options) {
    const client = clientOf(options);
    return {
      stream: async () => ({ text: await (await client.chat.completions.create({ ...REQUEST, stream: true })).text() }),
    };
  },
};
