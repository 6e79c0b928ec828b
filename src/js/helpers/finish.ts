/** What a stream has come to, as a completion. */

import { StreamTruncatedError } from "../errors.js";
import type {
  ChatCompletion,
  ChatCompletionChoice,
  ChatCompletionCustomCall,
  ChatCompletionMessageToolCall,
  ChatCompletionSnapshot,
  ChatCompletionSnapshotChoice,
  ChatCompletionSnapshotFunctionToolCall,
  ChatCompletionSnapshotToolCall,
} from "../types.js";

/**
 * The completion that a snapshot is in the end, as if it had come whole.
 *
 * @param isSpoken whether an answer has ended with all of its speech, which may come without a finish reason.
 * @throws {StreamTruncatedError} when an answer was not finished, or is not whole.
 */
export function toCompletion(snapshot: ChatCompletionSnapshot, isSpoken: (index: number) => boolean): ChatCompletion {
  const choices = snapshot.choices.map((choice, at) => toChoice(choice, `choices[${at}]`, isSpoken(choice.index)));
  return { ...(snapshot as ChatCompletion), object: "chat.completion", choices };
}

function toChoice(choice: ChatCompletionSnapshotChoice, path: string, isSpoken: boolean): ChatCompletionChoice {
  const { index, message } = choice;
  const finish_reason =
    choice.finish_reason ?? (isSpoken && isWhole(message.audio) ? "stop" : missing(`finish_reason for choice ${index}`));
  const { function_call: call, tool_calls: calls, content = null, refusal = null, role = "assistant" } = message;
  if (call && call.name == null) missing(`function_call.name for choice ${index}`);
  if (call && call.arguments == null) missing(`function_call.arguments for choice ${index}`);
  const tool_calls = calls?.map((call, at) => toCall(call, `${path}.tool_calls[${at}]`));
  const said = { ...without(message, "parsed"), content, refusal, role, ...(tool_calls && { tool_calls }) };
  return { ...choice, finish_reason, message: said as ChatCompletionChoice["message"] };
}

function toCall(of: ChatCompletionSnapshotToolCall, path: string): ChatCompletionMessageToolCall {
  // While a call is being made, what it is may not have been said.
  const call = of as Partial<ChatCompletionSnapshotFunctionToolCall> & { custom?: Partial<ChatCompletionCustomCall> };
  const { id = "", custom, function: made } = call;
  if (of.type === "custom" || custom) {
    const { name, input = "" } = custom ?? {};
    return { ...call, id, type: "custom", custom: { ...custom, name: name ?? missing(`${path}.custom.name`), input } };
  }
  if (made?.name == null) return missing(`${path}.function.name`);
  const said = without(made, "parsed_arguments");
  return { ...call, id, type: "function", function: { ...said, arguments: said.arguments ?? "" } };
}

/** A copy without a member, which is not looked at: it may take work to make. */
function without<Of extends object>(object: Of, name: string): Of {
  const names = Object.keys(object).filter((other) => other !== name);
  return Object.fromEntries(names.map((other) => [other, object[other as keyof Of]])) as Of;
}

function isWhole(audio: { id?: string; data?: string; transcript?: string; expires_at?: number } | null | undefined): boolean {
  return audio?.id != null && audio.data != null && audio.transcript != null && audio.expires_at != null;
}

/** In openai's words, which programs compare. */
function missing(what: string): never {
  throw new StreamTruncatedError({ message: `missing ${what}` });
}
