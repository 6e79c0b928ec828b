/** Puts the helpers where people look for them: on the client's classes. Imported for that alone. */

import { Chatmux, Completions } from "../client.js";
import { APIPromise } from "../promise.js";
import type { ChatCompletion } from "../types.js";
import { ChatCompletionStream } from "./completion-stream.js";
import type { ClientHelpers, CompletionsHelpers } from "./methods.js";
import { checkParams, parseChatCompletion, toBody } from "./parse.js";

const ofCompletions: CompletionsHelpers & ThisType<Completions> = {
  parse(body, options) {
    let sent: APIPromise<ChatCompletion>;
    try {
      checkParams(body);
      sent = this.create(toBody(body), options);
    } catch (error) {
      // An error of the promise, as those of `create()` are.
      sent = APIPromise.of({}, Promise.reject<ChatCompletion>(error));
    }
    return sent._thenUnwrap((completion) => parseChatCompletion(completion, body));
  },
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
