/** Where else than to its base URL a chat request may go: nowhere, until the dialects are there. All that the client itself
 * knows of providers. */

import type { CallOptions, ClientOptions, Warning } from "./options.js";

/** A chat request under way, as what finds its road sees it. */
export interface Travelling extends CallOptions {
  /** The body as JSON. */
  json?: string;
  /** The headers that other options stand for. */
  ownHeaders?: Record<string, string | null | undefined>;
  /** Which of the base URLs is used: an object that those who have the same ones share. */
  bases?: object;
  /** The query, as it stands in a URL, with its question mark. */
  search?: string;
  /** The providers of the client, in a form of their own. */
  providing?: unknown;
  /** What is not sent as the caller said it. */
  warnings?: readonly Warning[];
}

/** What the dialects do for all chat calls. */
export interface Roads {
  /** The providers of a client, checked. */
  settings(options: ClientOptions): object;
  /** Sends a request on its road: changes the options, and returns the request as OpenAI's form has it. */
  take<Request extends object>(request: Request, options: Travelling): Promise<Request>;
}

export let roads: Roads | undefined;

/** Has requests sent on their roads. Called by the dialects alone. */
export function setRoads(by: Roads): void {
  roads = by;
}
