/** A `fetch` that takes OpenAI's requests and gives OpenAI's answers, and speaks another dialect to the provider. */

import { isBrowser } from "../complete.js";
import { type DialectName, type DialectRequest, dialects } from "../dialects.js";
import type { Fetch } from "../options.js";
import { toReadableStream } from "../request-body.js";
import { ignore, toBytes } from "../response-body.js";
import type { Travelling } from "../roads.js";

/** A request in a dialect. */
interface Spoken {
  dialect: DialectName;
  sent: DialectRequest;
  /** Whether AIHubMix is spoken to in it: then the base URL is that of OpenAI's form. */
  isAihubmix: boolean;
  /** Whether the headers that the caller gives have a credential of another kind, such as a token of OAuth. */
  isBearer: boolean;
}

/** The header that the key goes in: https://platform.claude.com/docs/en/api/overview, https://ai.google.dev/gemini-api/docs/api-key */
const KEY_HEADER = { anthropic: "x-api-key", gemini: "x-goog-api-key" };
/** What the core puts after a base URL. */
const OPENAI_PATH = "/chat/completions";
/** How long the body of an error may take, in milliseconds: of one that is repeated, and of others; and how much of it is read, in bytes. */
const REPEATED_MS = 1250;
const ERROR_MS = 12_000;
const MAX_ERROR = 1 << 20;
const [LIST, LIST_END] = [new Uint8Array([0x5b]), new Uint8Array([0x5d])];

/** Makes `fetch` of the options speak a dialect. */
export function inDialect(options: Travelling, spoken: Spoken): Fetch {
  const { dialect, sent } = spoken;
  const fetch = options.fetch!;
  return async (url, init) => {
    // Whether an address is there at all is asked in no dialect.
    if (!url.split("?", 1)[0]!.endsWith(OPENAI_PATH)) return fetch(url, init);
    const headers = new Headers(init.headers);
    // One credential: that which the headers of the provider or of the call say, or else the key.
    const key = headers.get("authorization");
    const own = KEY_HEADER[dialect];
    if (key !== null && !headers.has(own) && !spoken.isBearer) headers.set(own, key.replace(/^Bearer /, ""));
    if (headers.has(own)) headers.delete("authorization");
    // Without it Anthropic answers no page: https://platform.claude.com/docs/en/api/client-sdks
    if (dialect === "anthropic" && !spoken.isAihubmix && isBrowser()) headers.set("anthropic-dangerous-direct-browser-access", "true");
    for (const [name, value] of Object.entries(sent.headers)) headers.set(name, joinedValue(name, headers.get(name), value));
    const response = await fetch(addressOf(url, spoken), { ...init, headers, body: sent.body });
    return toOpenAI(response, options, spoken);
  };
}

/** What a dialect says in a header, with what the caller says: of `anthropic-beta` both count, else the caller's. */
function joinedValue(name: string, callers: string | null, value: string): string {
  if (callers === null || name === "content-type") return value;
  if (name.toLowerCase() !== "anthropic-beta") return callers;
  return [...new Set([callers, value].flatMap((list) => list.split(",")).map((one) => one.trim()))].join();
}

/** Where a request goes of which the core thinks that it goes to OpenAI's path under a base URL. */
function addressOf(url: string, { dialect, sent, isAihubmix }: Spoken): string {
  const [before, search = ""] = url.split(/\?(.*)/s) as [string, string?];
  const base = before.slice(0, -OPENAI_PATH.length);
  const root = isAihubmix ? base.replace(/\/v1$/, "") + (dialect === "gemini" ? "/gemini" : "") : base;
  // A version that the base URL ends in takes the place of the path's own.
  const path = /\/v\d+[a-z0-9]*$/i.test(root) ? sent.path.replace(/^\/v\d+[a-z0-9]*/i, "") : sent.path;
  return root + path + (search && (path.includes("?") ? "&" : "?") + search);
}

/** The response in OpenAI's form. Its body is read when somebody reads it, but where it is an error, of which the status may depend. */
async function toOpenAI(response: Response, options: Travelling, spoken: Spoken): Promise<Response> {
  const { status, body } = response;
  // A redirect, or nothing: the core says what it thinks of it.
  if (!body || status < 200 || (status >= 300 && status < 400)) return response;
  const headers = headersOf(response);
  const bytes = "getReader" in body ? body : toReadableStream(body);
  if (status >= 400) return toError(bytes, status, headers, spoken);
  const { dialect, sent } = spoken;
  const { maxEventBytes, maxResponseBytes } = options;
  if (!/^text\/event-stream/i.test(headers.get("content-type") ?? "")) {
    headers.set("content-type", "application/json");
    return new Response(toWhole(bytes, maxResponseBytes ?? Infinity, spoken), { status, headers });
  }
  const limits = { ...(maxEventBytes != null && { maxEventBytes }), ...(maxResponseBytes != null && { maxBytes: maxResponseBytes }) };
  const translator = await dialects();
  const stream = translator.stream(dialect, sent.back, { saysCut: false, ...limits });
  return new Response(translator.body(bytes, stream), { status, headers });
}

/** The headers of a response whose body is another. */
function headersOf({ headers: theirs }: Response): Headers {
  const headers = new Headers(theirs);
  for (const name of ["content-length", "content-encoding", "transfer-encoding"]) headers.delete(name);
  const id = headers.get("request-id");
  if (id !== null && !headers.has("x-request-id")) headers.set("x-request-id", id);
  return headers;
}

async function toError(body: ReadableStream<Uint8Array>, status: number, headers: Headers, { dialect, sent }: Spoken): Promise<Response> {
  const isRepeated = status === 408 || status === 409 || status === 429 || status >= 500;
  const bytes = await readAll(body, isRepeated ? REPEATED_MS : ERROR_MS);
  const delay = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(new TextDecoder().decode(bytes));
  if (delay && !headers.has("retry-after") && !headers.has("retry-after-ms")) headers.set("retry-after-ms", String(Number(delay[1]) * 1000));
  const answer = (await dialects()).answer(dialect, bytes, status, sent.back);
  if (answer) headers.set("content-type", "application/json");
  return new Response((answer?.body ?? bytes) as BodyInit, { status: answer?.status ?? status, headers });
}

/** What has come of a body until its end, or until it is too long or too late. */
async function readAll(body: ReadableStream<Uint8Array>, ms: number): Promise<Uint8Array> {
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  const timer = setTimeout(() => void reader.cancel().catch(ignore), ms);
  try {
    for (let size = 0; size < MAX_ERROR; ) {
      const { done, value } = await reader.read();
      if (done) return joined(parts);
      parts.push(toBytes(value));
      size += parts.at(-1)!.length;
    }
    reader.cancel().catch(ignore);
    return joined(parts);
  } finally {
    clearTimeout(timer);
  }
}

/** A whole answer, translated when it is read. One that is too large is passed on as it comes, for the core to refuse. */
function toWhole(body: ReadableStream<Uint8Array>, maxBytes: number, { dialect, sent }: Spoken): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let parts: Uint8Array[] = [];
  let size = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (size <= maxBytes) {
          const { done, value } = await reader.read();
          if (done) {
            const bytes = joined(parts);
            // What is no answer of this dialect is none of OpenAI's either, though it might look like one: as a list it cannot.
            controller.enqueue((await dialects()).answer(dialect, bytes, 200, sent.back)?.body ?? joined([LIST, bytes, LIST_END]));
            controller.close();
            return;
          }
          parts.push(toBytes(value));
          size += parts.at(-1)!.length;
        }
        for (const part of parts) controller.enqueue(part);
        parts = [];
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(toBytes(value));
      },
      async cancel() {
        await reader.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}

function joined(parts: Uint8Array[]): Uint8Array {
  const [first, ...more] = parts;
  if (!more.length) return first ?? new Uint8Array(0);
  const bytes = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
