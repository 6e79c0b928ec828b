/**
 * chatmux for a comparison from outside: `{ name, setup({ fetch, baseURL }) }`, where the client that `setup` returns reads an
 * OpenAI stream to its end, or asks for a whole answer. `tools` says that the text wanted is that of the tools' arguments.
 */

import { Chatmux } from "chatmux";

export const clientOf = (options) => new Chatmux({ apiKey: "sk-bench", dangerouslyAllowBrowser: true, ...options });

export default {
  name: "chatmux",
  setup(options) {
    const { completions } = clientOf(options).chat;
    return {
      async openaiStream({ tools, request }) {
        let [events, text] = [0, ""];
        for await (const { choices } of await completions.create({ ...request, stream: true })) {
          events++;
          const delta = choices[0]?.delta;
          text += (tools ? delta?.tool_calls?.[0]?.function?.arguments : delta?.content) ?? "";
        }
        return { events, text };
      },
      async complete({ request }) {
        return { text: (await completions.create(request)).choices[0].message.content };
      },
    };
  },
};
