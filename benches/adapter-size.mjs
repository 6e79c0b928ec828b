/** The app whose size a comparison from outside takes: one whole answer, one streamed. */

import { Chatmux } from "chatmux";

export async function main(baseURL, apiKey, out) {
  const { completions } = new Chatmux({ baseURL, apiKey, dangerouslyAllowBrowser: true }).chat;
  const request = { model: "gpt-5-mini", messages: [{ role: "user", content: "hi" }] };
  out((await completions.create(request)).choices[0].message.content);
  for await (const { choices } of await completions.create({ ...request, stream: true })) out(choices[0]?.delta.content ?? "");
}
