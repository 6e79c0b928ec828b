/** The same as `adapter.mjs` for readers who want the text alone; there is none in the arguments of tools. */

import { clientOf } from "./adapter.mjs";

export default {
  name: "chatmux-text",
  setup(options) {
    const { completions } = clientOf(options).chat;
    return {
      async openaiStream({ tools, request }) {
        if (tools) return null;
        let [events, text] = [0, ""];
        for await (const delta of (await completions.create({ ...request, stream: true })).textDeltas()) {
          events++;
          text += delta;
        }
        return { events, text };
      },
    };
  },
};
