/** What the model said, as the message that goes back to it: with all that a provider needs, and nothing that one refuses. */

import { ChatmuxError } from "../errors.js";
import type {
  ChatCompletion,
  ChatCompletionAssistantMessageParam,
  ChatCompletionChoice,
  ChatCompletionMessage,
  ChatCompletionMessageParam,
  ChatCompletionSnapshot,
  ChatCompletionSnapshotChoice,
} from "../types.js";

/** What has a message of the model: a completion or the snapshot of one, one of its choices, or the message itself. */
export type HasMessage =
  | Pick<ChatCompletion, "choices">
  | Pick<ChatCompletionChoice, "message">
  | ChatCompletionMessage
  | Pick<ChatCompletionSnapshot, "choices">
  | Pick<ChatCompletionSnapshotChoice, "message">
  | ChatCompletionAssistantMessageParam;

/**
 * The message for the next turn: of a completion (its first choice), of a choice, of a message, or of the snapshot of one.
 *
 * All that the model said goes back unchanged and in its order, with fields that chatmux does not know: text and refusal,
 * tool calls with their `extra_content`, `reasoning_content`, `reasoning`, `reasoning_details`, `thinking_blocks`,
 * `content_blocks`, `provider_specific_fields`, images. Reasoning is valid only byte for byte, and a block that is empty but
 * for its signature is still a block: DeepSeek, Gemini and Claude answer 400 when some of it is missing.
 *
 * Left out is what was made for the reader and not for the model:
 * - `parsed`, and `parsed_arguments` of a call: made here, of what is sent anyway; providers refuse them.
 * - `index` of a call: its place in a stream, which is no part of a request.
 * - `annotations`, but for those of files: marks on the text, for display. A file's are what OpenRouter has read from it: sent
 *   back, they spare reading the file again, and paying for it.
 * - `audio`, but for its `id`, which stands for the sound: the sound itself is refused.
 * - An empty `tool_calls`, which OpenAI refuses, and those of the fields above that are null, which say nothing and which
 *   some refuse. `content` stays null, and becomes it when it is missing: others refuse a message without.
 *
 * The result is a copy: to change one does not change the other.
 *
 * @example
 * const completion = await client.chat.completions.create({ model, messages });
 * messages.push(toMessage(completion), { role: "user", content: "Go on." });
 * @see https://docs.aihubmix.com/en/api/unified-inference
 * @see https://api-docs.deepseek.com/guides/thinking_mode
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 * @see https://openrouter.ai/docs/features/multimodal/pdfs
 * @throws {ChatmuxError} for something that has no message of the model.
 */
export function toMessage(of: HasMessage): ChatCompletionAssistantMessageParam {
  const said: Fields = messageOf(of);
  // A spread keeps the order of the names; `role` and `content` are added where they are missing.
  const whole = { ...(said["role"] == null && { role: null }), ...said, ...(!("content" in said) && { content: null }) };
  return mapFields(whole, toField) as unknown as ChatCompletionAssistantMessageParam;
}

/**
 * A message of the conversation as it is sent: the caller's own words as they are, but for what parsing has added to them and
 * for sound that has an id. Who goes on with the `messages` of an earlier run has them in it.
 */
export function withoutParsed(message: ChatCompletionMessageParam): ChatCompletionMessageParam {
  if (message?.role !== "assistant") return message;
  const { tool_calls: calls, audio } = message;
  // A helper has filled it in: a refusal that is none says nothing, and some providers refuse it.
  const isOurs = "parsed" in message;
  return {
    ...mapFields(message as unknown as Fields, (name, value) => (name === "parsed" || (isOurs && name === "refusal" && value === null) ? undefined : value)),
    ...(Array.isArray(calls) && { tool_calls: calls.map((call) => mapFields(call as unknown as Fields, toCallField)) }),
    ...(audio != null && { audio: { id: audio.id } }),
  } as ChatCompletionMessageParam;
}

type Fields = Record<string, unknown>;

/** The fields that some providers fill with null where others leave them out. */
const NULLABLE = [
  ...["refusal", "function_call", "images", "multi_mod_content", "reasoning_content", "reasoning", "reasoning_details"],
  ...["thinking_blocks", "content_blocks", "provider_specific_fields", "extra_content"],
];

/** A field of the message as it is sent; `undefined` for one that is not. */
function toField(name: string, value: unknown): unknown {
  switch (name) {
    case "role":
      return "assistant";
    case "content":
      return copy(value ?? null);
    case "parsed":
      return undefined;
    case "audio":
      return isObject(value) && value["id"] != null ? { id: value["id"] } : undefined;
    case "annotations":
      return filled(value, (annotation) => annotation["type"] === "file");
    case "tool_calls":
      return filled(value)?.map((call) => mapFields(call, toCallField));
    default:
      return value === null && NULLABLE.includes(name) ? undefined : copy(value);
  }
}

/** A field of a tool call as it is sent. */
function toCallField(name: string, value: unknown): unknown {
  if (name === "index") return undefined;
  if (name !== "function" || !isObject(value)) return copy(value);
  return mapFields(value, (name, value) => (name === "parsed_arguments" ? undefined : copy(value)));
}

/** The objects of a list of which there is something to say, if there are any. */
function filled(list: unknown, isWanted: (item: Fields) => boolean = () => true): Fields[] | undefined {
  const wanted = Array.isArray(list) ? list.filter((item) => isObject(item) && isWanted(item)).map((item) => copy(item)) : [];
  return wanted.length ? (wanted as Fields[]) : undefined;
}

/** Written by hand, for `structuredClone` refuses the proxies in which frameworks keep their state. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  return isObject(value) ? mapFields(value, (_, field) => copy(field)) : value;
}

/** Not by assignment: a field called `__proto__` would be none. */
function mapFields(of: Fields, map: (name: string, value: unknown) => unknown): Fields {
  return Object.fromEntries(
    Object.entries(of).flatMap(([name, value]) => {
      const mapped = map(name, value);
      return mapped === undefined ? [] : [[name, mapped]];
    }),
  );
}

function messageOf(of: unknown): Fields {
  const choices = isObject(of) ? of["choices"] : undefined;
  const choice = Array.isArray(choices) ? choices[0] : of;
  const message = isObject(choice) && isObject(choice["message"]) ? choice["message"] : choice;
  if (isObject(message) && !("then" in message)) {
    const role = message["role"];
    // A stream's first chunks, and some providers, say nothing of the role.
    if (role === "assistant" || (role == null && ["content", "tool_calls", ...NULLABLE].some((name) => name in message))) {
      return message;
    }
  }
  throw new ChatmuxError(`toMessage() takes a completion, a choice or a message of the model: ${fault(of, choices, message)}.`);
}

/** What is wrong with something that has no message. */
function fault(of: unknown, choices: unknown, message: unknown): string {
  if (isObject(of) && "then" in of) return "`await` the promise first";
  if (Array.isArray(choices) && !choices.length) return "this completion has no choices";
  const role = isObject(message) ? message["role"] : undefined;
  if (typeof role === "string") return `this is a message of the role \`${role}\``;
  return of === null || of === undefined ? `it was given ${of}` : "this has none";
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
