/** Puts the helpers where people look for them: on the client's classes. Imported for that alone. */

import { Chatmux, Completions } from "../client.js";
import { ChatCompletionStream } from "./completion-stream.js";
import type { ClientHelpers, CompletionsHelpers } from "./methods.js";

const ofCompletions: CompletionsHelpers & ThisType<Completions> = {
  stream(body, options) {
    return ChatCompletionStream.createChatCompletion({ chat: { completions: this } }, body, options);
  },
};

const ofClient: ClientHelpers & ThisType<Chatmux> = {};

for (const [of, methods] of [[Completions, ofCompletions], [Chatmux, ofClient]] as const) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(of.prototype, name, { value, configurable: true, writable: true });
  }
}
