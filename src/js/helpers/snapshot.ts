/**
 * The completion as its chunks so far come to. The rules are those of `stream.partial`, which the core puts together
 * (src/partial.rs): here they are said once more for those who need it after each chunk.
 */

import { APIError } from "../errors.js";
import type { ChatCompletionChunk } from "../types.js";
import type {
  ChatCompletionSnapshot,
  ChatCompletionSnapshotChoice,
  ChatCompletionSnapshotMessage,
  ChatCompletionSnapshotToolCall,
} from "../types/snapshot.js";

export type { ChatCompletionSnapshot } from "../types/snapshot.js";

type Members = Record<string, unknown>;
/** What the members of an object are to a completion. */
type Place = "choice" | "message" | "call" | "other";

/** The members of a delta whose strings are whole each time they come, and not a part of a longer one. */
const NAMES = new Set(["role", "id", "type", "name", "object", "format", "signature", "thought_signature", "finish_reason"]);
/** The highest index of a choice, or of a call in it, that OpenAI's API gives. */
const MAX_INDEX = 127;
/** The lists whose items are pieces of reasoning, though they may have no index. */
const REASONING = new Set(["reasoning_details", "thinking_blocks"]);
/** How many items of a list are told apart. */
const MAX_ITEMS = 1024;
/** How deep a delta is followed; what is below is kept as it came last. */
const MAX_FOLLOWED = 16;
/** How deep values may nest at all. */
const MAX_DEPTH = 128;

/** What the first items of a list are known by. They may have left their index off. */
const known = new WeakMap<unknown[], Known[]>();

interface Known {
  index: number;
  /** Of a list whose items have types, that of the item, if it has said one. */
  type: string;
}

/**
 * Adds a chunk to a completion: to a new one without `snapshot`. Changes it and gives it back; nothing in it is shared
 * with the chunk. Its cost is that of the chunk, however long the completion is.
 *
 * Strings grow, but for names such as `id` and `type`; objects are merged; items of a list are merged by their `index`
 * where they have one, and appended where not; an item of another `type` is another item, whatever its index, and text of
 * reasoning without an index goes on until it is signed. All else is replaced, and never by `null` or `""`. Choices and tool
 * calls are in the order of their indexes, without holes: see {@link choiceAt} and {@link toolCallAt}.
 *
 * @param n how many choices the request asked for; anything but a number of them stands for the most there can be.
 * @throws {APIError} of kind `malformed_response` for an index that is no integer from 0 to 127, or for a choice not below
 *   `n`, before it is used as one; and for a chunk of another form.
 */
export function accumulate(
  snapshot: ChatCompletionSnapshot | undefined,
  chunk: ChatCompletionChunk,
  n?: number | null,
): ChatCompletionSnapshot {
  const whole = (snapshot ?? {}) as ChatCompletionSnapshot & Members;
  const from: unknown = chunk;
  if (!isObject(from)) throw malformed("A chunk of the stream is no object.");
  for (const name of Object.keys(from)) {
    if (name === "choices") addChoices(listAt(whole, name), from[name], n);
    // Azure's verdicts, which come late, are of no time.
    else if (name === "created" && from[name] === 0 && own(whole, name)) continue;
    // Padding, so that nobody learns the length of a token on its way.
    else if (name !== "obfuscation") say(whole, name, name === "object" ? "chat.completion" : from[name]);
  }
  listAt(whole, "choices");
  return whole;
}

/** The choice of this index, if it has begun. */
export function choiceAt(snapshot: ChatCompletionSnapshot, index: number): ChatCompletionSnapshotChoice | undefined {
  return snapshot.choices[placeOf(snapshot.choices, index)];
}

/** The tool call that came under this index, if it has begun. */
export function toolCallAt(message: ChatCompletionSnapshotMessage, index: number): ChatCompletionSnapshotToolCall | undefined {
  const calls = message.tool_calls;
  return calls && calls[placeOf(calls, index)];
}

function placeOf(list: unknown[], index: number): number {
  return known.get(list)?.findIndex((item) => item.index === index) ?? -1;
}

function addChoices(list: unknown[], choices: unknown, n: number | null | undefined): void {
  if (choices == null) return;
  if (!Array.isArray(choices)) throw malformed("The `choices` of a chunk are no list.");
  const highest = Number.isSafeInteger(n) && n! > 0 ? Math.min(n! - 1, MAX_INDEX) : MAX_INDEX;
  for (const choice of choices as unknown[]) {
    if (!isObject(choice)) throw malformed("A choice of a chunk is no object.");
    // Where there is one answer some servers do not number it.
    const index = checked("choice", own(choice, "index") ?? 0, highest);
    const into = itemAt(list, index, () => ({ index, message: { role: "assistant", content: null }, finish_reason: null }))!;
    addMembers(into, choice, "choice", 0);
  }
}

/** Adds the members of an object to those of another. */
function addMembers(into: Members, from: Members, place: Place, depth: number): void {
  for (const name of Object.keys(from)) {
    if (name === "index" && (place === "call" || place === "choice")) continue;
    const value = from[name];
    if (place !== "choice") grow(into, name, value, place, depth + 1);
    else if (name === "logprobs") grow(into, name, value, "other", depth + 1);
    else if (name !== "delta" && name !== "message") say(into, name, value);
    else if (value != null && !isObject(value)) throw malformed("The `delta` of a choice is no object.");
    else if (name === "message") say(into, name, value);
    else if (value != null) addMembers(objectAt(into, "message"), value, "message", depth + 1);
  }
}

/** Adds a value below a delta to what came before it. */
function grow(into: Members, name: string, value: unknown, place: Place, depth: number): void {
  if (typeof value === "string" && !NAMES.has(name)) {
    const before = own(into, name);
    put(into, name, typeof before === "string" ? before + value : value);
  } else if (Array.isArray(value) && depth <= MAX_FOLLOWED) {
    const list = listAt(into, name);
    if (place === "message" && name === "tool_calls") addCalls(list, value, depth);
    else addItems(list, value, depth, REASONING.has(name));
  } else if (isObject(value) && depth <= MAX_FOLLOWED) {
    addMembers(objectAt(into, name), value, "other", depth);
  } else {
    say(into, name, value, depth);
  }
}

function addCalls(list: unknown[], calls: unknown[], depth: number): void {
  for (const call of calls) {
    if (!isObject(call)) throw malformed("A tool call of a chunk is no object.");
    const index = checked("tool call", own(call, "index"), MAX_INDEX);
    addMembers(itemAt(list, index, () => ({ id: own(call, "id") || newCallId() }))!, call, "call", depth);
  }
}

/** Adds the items of a list: to those with the same index, or after all others. */
function addItems(list: unknown[], items: unknown[], depth: number, isReasoning: boolean): void {
  for (const item of items) {
    const index = isObject(item) ? own(item, "index") : undefined;
    const last = list.at(-1);
    let into: Members | undefined;
    if (isObject(item) && isIndex(index, MAX_INDEX)) {
      const type = own(item, "type");
      // Gemini's text and what is encrypted come under one index.
      into = itemAt(list, index, () => ({}), typeof type === "string" ? type : "");
    } else if (isReasoning && isObject(item) && isObject(last) && goesOn(last, item)) {
      into = last;
    }
    if (into) addMembers(into, item as Members, "other", depth);
    else list.push(clone(item, depth));
  }
}

/** Whether a piece of reasoning that has no index is more of the last one's text, which nobody has signed yet. */
function goesOn(last: Members, piece: Members): boolean {
  const type = own(piece, "type");
  const isSame = own(last, "type") === type && own(last, "index") == null && own(piece, "index") == null;
  return isSame && (type === "reasoning.text" || type === "thinking") && !own(last, "signature");
}

/**
 * The item of this index, and of this type if there is one; it is put in its place where there is none. `undefined` when
 * there are too many.
 */
function itemAt(list: unknown[], index: number, make: () => Members, type = ""): Members | undefined {
  const items = known.get(list) ?? [];
  known.set(list, items);
  let at = items.findIndex((item) => item.index === index && (!type || !item.type || item.type === type));
  if (at < 0 && items.length >= MAX_ITEMS) return undefined;
  if (at < 0) {
    at = items.filter((item) => item.index <= index).length;
    items.splice(at, 0, { index, type });
    list.splice(at, 0, make());
  }
  items[at]!.type ||= type;
  const item = list[at];
  return isObject(item) ? item : ((list[at] = make()) as Members);
}

/** Puts a value in the place of the last one, if it says more than that. */
function say(into: Members, name: string, value: unknown, depth = 0): void {
  if (value === undefined || ((value === null || value === "") && own(into, name) != null)) return;
  put(into, name, clone(value, depth));
}

function listAt(into: Members, name: string): unknown[] {
  const before = own(into, name);
  return Array.isArray(before) ? before : put(into, name, []);
}

function objectAt(into: Members, name: string): Members {
  const before = own(into, name);
  return isObject(before) ? before : put(into, name, {});
}

/** What an object has of its own: names such as `constructor` are found on every object. */
function own(object: Members, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Makes a value an object's own: an assignment to `__proto__` would change what the object is. */
function put<Value>(into: Members, name: string, value: Value): Value {
  if (name !== "__proto__") into[name] = value;
  else Object.defineProperty(into, name, { value, writable: true, enumerable: true, configurable: true });
  return value;
}

function clone(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) throw malformed(`Values of the stream nest deeper than ${MAX_DEPTH} levels.`);
  if (Array.isArray(value)) return value.map((item) => clone(item, depth + 1));
  const copy: Members = {};
  for (const name of Object.keys(value)) put(copy, name, clone((value as Members)[name], depth + 1));
  return copy;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIndex(value: unknown, highest: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= highest;
}

function checked(what: string, index: unknown, highest: number): number {
  if (isIndex(index, highest)) return index;
  const said = typeof index === "object" && index ? "an object" : String(index);
  const message = `Chat completion stream contains an invalid ${what} index: ${said}`;
  throw malformed(`${message.slice(0, 200)}. It must be an integer from 0 to ${highest}.`);
}

/** An id like those of OpenAI, for a call that came without. */
export function newCallId(): string {
  const digits = Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => (byte % 36).toString(36));
  return `call_${digits.join("")}`;
}

function malformed(message: string): APIError {
  const error = new APIError(undefined, undefined, message, undefined);
  return Object.defineProperty(error, "kind", { value: "malformed_response" });
}
