/** Whom calls tell what they do: nobody, until the helpers are there. All that the client itself knows of logs and events. */

import type { Items } from "./chunks.js";
import type { CallOptions, ClientOptions } from "./options.js";
import type { Body } from "./response-body.js";

/** Sees one call. It changes nothing of it, and throws nothing. */
export interface CallObserver {
  /** The answer is there, or its stream; or its response is handed over, unread. */
  answered(answer?: unknown): void;
  /** The call has failed, or its stream. */
  failed(error: unknown): void;
  /** The stream is about to be read as these items. */
  reads(items: Items<unknown>): void;
  /** The stream is over, or was left. */
  closed(body: Body): void;
}

/** What the helpers do for all calls. */
export interface Observing {
  /** The options that say what is seen, checked and with their defaults. */
  settings(options: ClientOptions): ClientOptions;
  /** Sees a call from here on, where somebody wants to know of it. */
  observe(options: CallOptions & { model?: unknown }): CallObserver | undefined;
}

export let observing: Observing | undefined;

/** Has calls seen. Called by the helpers alone. */
export function setObserving(by: Observing): void {
  observing = by;
}
