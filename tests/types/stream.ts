/* What `stream()` takes and gives, as types; what openai has is the same there. */

import type * as theirs from "openai/lib/ChatCompletionStream";
import Chatmux, { ChatCompletionStream, type ChatCompletionStreamEvents } from "../../src/js/index.js";
import type * as ours from "../../src/js/index.js";

type NotAny<T> = 0 extends 1 & T ? never : T;
declare function bothWays<Theirs, Ours>(toOurs: (theirs: Theirs) => NotAny<Ours>, toTheirs: (ours: Ours) => NotAny<Theirs>): void;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<Expected>(): <Actual>(value: Actual, ...same: Same<Actual, Expected> extends true ? [] : [never]) => void;

bothWays<theirs.ContentDeltaEvent, ours.ContentDeltaEvent>((it) => it, (it) => it);
bothWays<theirs.ContentDoneEvent<{ a: 1 }>, ours.ContentDoneEvent<{ a: 1 }>>((it) => it, (it) => it);
bothWays<theirs.RefusalDeltaEvent, ours.RefusalDeltaEvent>((it) => it, (it) => it);
bothWays<theirs.RefusalDoneEvent, ours.RefusalDoneEvent>((it) => it, (it) => it);
bothWays<theirs.FunctionToolCallArgumentsDeltaEvent, ours.FunctionToolCallArgumentsDeltaEvent>((it) => it, (it) => it);
bothWays<theirs.FunctionToolCallArgumentsDoneEvent, ours.FunctionToolCallArgumentsDoneEvent>((it) => it, (it) => it);
bothWays<theirs.LogProbsContentDeltaEvent, ours.LogProbsContentDeltaEvent>((it) => it, (it) => it);
bothWays<theirs.LogProbsContentDoneEvent, ours.LogProbsContentDoneEvent>((it) => it, (it) => it);
bothWays<theirs.LogProbsRefusalDeltaEvent, ours.LogProbsRefusalDeltaEvent>((it) => it, (it) => it);
bothWays<theirs.LogProbsRefusalDoneEvent, ours.LogProbsRefusalDoneEvent>((it) => it, (it) => it);
bothWays<theirs.ChatCompletionStreamParams, ours.ChatCompletionStreamParams>((it) => it, (it) => it);

/** No event of theirs is missing. */
type Missing = Exclude<keyof theirs.ChatCompletionStreamEvents, keyof ChatCompletionStreamEvents>;
const missing: [Missing] extends [never] ? true : Missing = true;
void missing;

async function program(client: Chatmux, body: ReadableStream) {
  const stream = client.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "x" }] });
  is<ChatCompletionStream<null>>()(stream);
  stream
    .on("content", (delta, snapshot) => (is<string>()(delta), is<string>()(snapshot)))
    .on("chunk", (chunk, snapshot) => (is<ours.ChatCompletionChunk>()(chunk), is<ours.ChatCompletionSnapshot>()(snapshot)))
    .once("content.done", ({ content, parsed }) => (is<string>()(content), is<null>()(parsed)))
    .on("reasoning.delta", ({ delta, snapshot }) => (is<string>()(delta), is<string>()(snapshot)))
    .on("tool_calls.function.arguments.done", ({ index }) => is<number>()(index))
    .on("error", (error) => is<ours.ChatmuxError>()(error))
    .on("abort", (error) => is<ours.APIUserAbortError>()(error))
    .on("end", () => {});
  // @ts-expect-error there is no such event
  stream.on("contents", () => {});
  // @ts-expect-error its listener is called with texts
  stream.on("content", (delta: number) => delta);
  is<void>()(await stream.emitted("end"));
  is<string>()(await stream.emitted("finalContent"));
  is<[string, string]>()((await stream.emitted("content")) as [string, string]);
  for await (const [delta, snapshot] of stream.events("content")) (is<string>()(delta), is<string>()(snapshot));
  for await (const chunk of stream) is<ours.ChatCompletionChunk>()(chunk);
  is<string | null>()(await stream.finalContent());
  is<ours.ParsedChatCompletion<null>>()(await stream.finalChatCompletion());
  is<ours.CompletionUsage>()(await stream.totalUsage());
  is<ReadableStream<Uint8Array>>()(stream.toReadableStream());
  is<ChatCompletionStream<null>>()(ChatCompletionStream.fromReadableStream(body));

  const format = { type: "json_schema", json_schema: { name: "x", schema: {} } } as const;
  const parsed = client.chat.completions.stream({ model: "m", messages: [], response_format: format });
  is<unknown>()((await parsed.finalChatCompletion()).choices[0]!.message.parsed);
  // @ts-expect-error whether it is streamed is not a question
  client.chat.completions.stream({ model: "m", messages: [], stream: false });
}
void program;
