/** Puts the helpers where people look for them: on the client's classes. Imported for that alone. */

import { Chatmux, Completions } from "../client.js";
import { setObserving } from "../observe.js";
import { APIPromise } from "../promise.js";
import { Stream } from "../stream.js";
import type { ChatCompletion } from "../types.js";
import { ChatCompletionStream } from "./completion-stream.js";
import { cost } from "./cost.js";
import { observe } from "./events.js";
import { settings } from "./log.js";
import type { ClientHelpers, CompletionsHelpers } from "./methods.js";
import { readStream } from "./json-lines.js";
import { checkParams, parseChatCompletion, toBody } from "./parse.js";
import { ChatCompletionStreamingRunner } from "./streaming-tool-runner.js";
import type { RunnerOptions, ToolLoopParams } from "./tool-loop.js";
import { ChatCompletionRunner } from "./tool-runner.js";

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

  runTools(body: ToolLoopParams & { stream?: boolean | null }, options?: RunnerOptions): never {
    const Runner = body?.stream ? ChatCompletionStreamingRunner : ChatCompletionRunner;
    // Which of the two it is, the overloads say.
    return Runner.runTools({ chat: { completions: this } }, body, options) as never;
  },
};

const ofClient: ClientHelpers & ThisType<Chatmux> = {
  cost(of, options) {
    return cost(this, of, options);
  },
};

const ofStream: Pick<typeof Stream, "fromReadableStream"> = {
  fromReadableStream: (stream, controller) => new Stream(() => readStream(stream, controller), controller),
};

const added = [[Completions.prototype, ofCompletions], [Chatmux.prototype, ofClient], [Stream, ofStream]] as const;
for (const [of, methods] of added) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(of, name, { value, configurable: true, writable: true });
  }
}

setObserving({ observe, settings });
