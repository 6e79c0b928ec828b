/** The body of a request that is no chat, in the forms that callers have it. */

import { ChatmuxError } from "./errors.js";
import type { HeadersLike } from "./options.js";
import { write } from "./place.js";

type Parts = AsyncIterable<unknown> | Iterable<unknown>;

/** Whether a body is sent as JSON. A text is, unless a header says what else it is. */
export function isJson(body: unknown, headers: HeadersLike | null | undefined): boolean {
  if (body == null) return false;
  if (typeof body === "string") return contentType(headers) === undefined;
  if (typeof body !== "object") return true;
  const { Blob, FormData, URLSearchParams } = globalThis;
  const isRaw = body instanceof ArrayBuffer || ArrayBuffer.isView(body) || [Blob, FormData, URLSearchParams].some((Class) => Class && body instanceof Class);
  return !isRaw && !isStream(body);
}

/** Whether a body can be read once only: a stream, or what gives its parts one by one. */
export function isStream(body: unknown): body is ReadableStream | Parts {
  if (typeof body !== "object" || body === null) return false;
  return "getReader" in body || Symbol.asyncIterator in body || (Symbol.iterator in body && "next" in body);
}

/** The stream of such a body. */
export function toReadableStream(body: ReadableStream | Parts): ReadableStream {
  if ("getReader" in body) return body;
  const iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

/** The JSON of what `body` gives. @throws {ChatmuxError} when it has none. */
export function toJson(body: () => unknown): string {
  try {
    return JSON.stringify(body());
  } catch (cause) {
    if (cause instanceof ChatmuxError) throw cause;
    throw new ChatmuxError("The request cannot be written as JSON: it holds a cycle or a BigInt, or nests too deep.", { cause });
  }
}

/** What a chat request gives of itself, with the members of `extra_body` in its place, as OpenAI's Python library merges them: they win. */
export function withExtraBody<Request extends object>(request: Request & { toJSON?(): Request }): Request {
  if (typeof request !== "object" || request === null) throw new ChatmuxError("The request must be an object such as `{ model, messages }`.");
  const { extra_body: extra, ...own } = (typeof request.toJSON === "function" ? request.toJSON() : request) as Request & { extra_body?: unknown };
  if (extra != null && (typeof extra !== "object" || Array.isArray(extra))) throw new ChatmuxError("`extra_body` must be an object of members to send.");
  return { ...own, ...extra } as unknown as Request;
}

/** Whether an object is sent as a form, because a header says so. */
export function isForm(body: unknown, headers: HeadersLike | null | undefined): boolean {
  return isJson(body, headers) && typeof body === "object" && /^application\/x-www-form-urlencoded/i.test(String(contentType(headers)));
}

/** The form of an object. @throws {ChatmuxError} when it has none. */
export function toForm(body: object): URLSearchParams {
  const form = new URLSearchParams();
  try {
    for (const [name, value] of Object.entries(body)) write(form, name, value);
  } catch (cause) {
    throw new ChatmuxError("`body` cannot be written as a form.", { cause });
  }
  return form;
}

function contentType(headers: HeadersLike | null | undefined): unknown {
  // What cannot be headers is refused where all of them are read.
  if (typeof headers !== "object" || headers === null) return undefined;
  const pairs = Symbol.iterator in headers ? [...(headers as Iterable<readonly [string, unknown]>)] : Object.entries(headers);
  return pairs.find(([name]) => String(name).toLowerCase() === "content-type")?.[1];
}
