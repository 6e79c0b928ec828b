/** What the tests of requests and retries share: answers that refuse, fetches that fail, and what a call was sent with. */

import { ask, clientWith, failure, jsonResponse, KEY, REQUEST } from "./support.mjs";

/** Asks the client to try again at once. */
export const AT_ONCE = { "retry-after-ms": "0" };

/** The three headers of a whole call. */
export const OWN_HEADERS = { accept: "application/json", authorization: `Bearer ${KEY}`, "content-type": "application/json" };

/** A response that is no success. */
export const refusal = (status, headers = AT_ONCE, message = "no") => jsonResponse({ error: { message } }, { status, headers });

/** A promise that nobody keeps. */
export const never = () => new Promise(() => {});

/** What Node's fetch throws: the reason is in the cause, with its code. */
export const failedFetch = (code) =>
  Object.assign(new TypeError("fetch failed"), code && { cause: Object.assign(new Error(`said ${code}`), { code }) });

/** How often a call is sent when every try is answered like this, and what it ends with. */
export async function tries(respond, options, call = ask) {
  let calls = 0;
  const client = clientWith(async (url, init) => respond(++calls, init, url), { maxRetries: 2, ...options });
  const error = await failure(call(client));
  return { calls, error };
}

/** What a call is sent with: its URL, its headers, and everything that `fetch` was given. */
export async function sent(client, call, send = ask) {
  let seen;
  const chatmux = clientWith(async (url, init) => {
    seen = { url, headers: Object.fromEntries(init.headers), init };
    return jsonResponse();
  }, client);
  await send(chatmux, REQUEST, call);
  return seen;
}

/** Runs a call without its pauses: gives the milliseconds that were asked of the runtime's timers. */
export async function delays(call) {
  const own = globalThis.setTimeout;
  const asked = [];
  globalThis.setTimeout = (callback, ms, ...rest) => {
    // Node's fetch has timers of its own, and no pause is longer than a minute; a try's clock is. The bodies of errors have 12 s and 1.25 s.
    if (ms > 60_000 || [1250, 12_000].includes(ms) || !new Error().stack.includes("/dist/")) return own(callback, ms, ...rest);
    asked.push(ms);
    // Short ones are the limits that a test has set: they must not fire early.
    return own(callback, ms < 300 ? ms : 0, ...rest);
  };
  try {
    await call();
  } finally {
    globalThis.setTimeout = own;
  }
  return asked;
}

/** What a call ends with, its pauses left out. */
export async function withoutPauses(call) {
  let outcome;
  await delays(async () => void (outcome = await call()));
  return outcome;
}
