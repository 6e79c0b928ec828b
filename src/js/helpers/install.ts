/** Puts the helpers where people look for them: on the client's classes. Imported for that alone. */

import { Chatmux, Completions } from "../client.js";
import { setObserving } from "../observe.js";
import { cost } from "./cost.js";
import { observe } from "./events.js";
import { settings } from "./log.js";
import type { ClientHelpers, CompletionsHelpers } from "./methods.js";

const ofCompletions: CompletionsHelpers & ThisType<Completions> = {};

const ofClient: ClientHelpers & ThisType<Chatmux> = {
  cost(of, options) {
    return cost(this, of, options);
  },
};

for (const [of, methods] of [[Completions, ofCompletions], [Chatmux, ofClient]] as const) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(of.prototype, name, { value, configurable: true, writable: true });
  }
}

setObserving({ observe, settings });
