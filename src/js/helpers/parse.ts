/** Structured output: what is sent for a request with schemas, and what is made of its answer. */

import { ChatmuxError, ContentFilterFinishReasonError, LengthFinishReasonError } from "../errors.js";
import type {
  ChatCompletion,
  ChatCompletionChoice,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionMessageToolCall,
  ExtractParsedContentFromParams,
  ParsedChatCompletion,
  ParsedChatCompletionMessageToolCall,
  ParsedChoice,
} from "../types.js";
import { hide, InvalidJSONError, SchemaValidationError } from "./parse-errors.js";
import { resolveFormat, resolveTool } from "./response-format.js";
import { withoutParsed } from "./to-message.js";

/** What the helpers read of a request. */
interface Params {
  response_format?: unknown;
  tools?: readonly unknown[] | undefined;
}

/** The parameters of a request, as the wire has them. */
export type Body<Of> = Omit<Of, "response_format" | "tools"> &
  Pick<ChatCompletionCreateParamsNonStreaming, "response_format" | "tools">;

/**
 * The body of a request: schemas in `response_format` and in the parameters of tools become what the wire has for them, and
 * messages of the model lose what parsing has added to them. Everything else is as it is; functions in tools are no JSON, and so not sent.
 *
 * @throws {ChatmuxError} for a schema that cannot be used.
 */
export function toBody<Of extends object>(params: Of): Body<Of> {
  // What is no object, `create()` answers.
  if (typeof params !== "object" || params === null) return params;
  const { response_format: format, tools, messages } = params as Params & { messages?: unknown };
  const wire: Params & { messages?: unknown } = {};
  if (Array.isArray(messages)) wire.messages = messages.map(withoutParsed);
  if (format !== undefined) wire.response_format = resolveFormat(format).wire();
  if (Array.isArray(tools)) wire.tools = tools.map((tool) => resolveTool(tool).wire());
  return { ...(params as Of), ...wire } as unknown as Body<Of>;
}

/** Whether the answer of a request has something to parse: its content, or arguments of tools. */
export function isParseable(params: object | null | undefined): boolean {
  return isContentParseable(params) || toolsOf(params).some((tool) => resolveTool(tool).parse);
}

/** Whether the content of the answer is parsed. */
export function isContentParseable(params: object | null | undefined): boolean {
  return !!resolveFormat((params as Params | null | undefined)?.response_format).parse;
}

/** Whether the arguments of a function are parsed. */
export function isArgumentsParseable(params: object | null | undefined, name: string): boolean {
  return !!resolveTool(toolNamed(params, name)).parse;
}

/**
 * What `content` comes to by the request's `response_format`; null where that asks for no parsing. A promise where a schema
 * validates asynchronously.
 *
 * @throws {InvalidJSONError | SchemaValidationError}
 */
export function parseContent(params: object, content: string): unknown {
  return resolveFormat((params as Params).response_format).parse?.(content) ?? null;
}

/**
 * What the arguments of a function come to by its tool in the request; null where that asks for no parsing. A promise where
 * a schema validates asynchronously.
 *
 * @throws {InvalidJSONError | SchemaValidationError}
 */
export function parseArguments(params: object, name: string, args: string): unknown {
  return resolveTool(toolNamed(params, name)).parse?.(args) ?? null;
}

/**
 * A completion, parsed by its request. A promise where a schema validates asynchronously.
 *
 * A refusal is not parsed: `parsed` is null then.
 * @throws {LengthFinishReasonError} for an answer that was cut at its length.
 * @throws {ContentFilterFinishReasonError} for an answer that the provider held back.
 * @throws {InvalidJSONError | SchemaValidationError} for an answer that is not what was asked for.
 */
export function parseChatCompletion<Of extends { response_format?: unknown }, Parsed = ExtractParsedContentFromParams<Of>>(
  completion: ChatCompletion,
  params: Of,
): ParsedChatCompletion<Parsed> | Promise<ParsedChatCompletion<Parsed>> {
  const finish = (choices: unknown[]): ParsedChatCompletion<Parsed> =>
    hide({ ...completion, choices } as ParsedChatCompletion<Parsed>, hiddenOf(completion));
  const told = (error: unknown): never => {
    const isOurs = error instanceof InvalidJSONError || error instanceof SchemaValidationError;
    throw isOurs ? hide(error, { completion }) : error;
  };
  try {
    const choices = completion.choices.map((choice) => {
      if (choice.finish_reason === "length") throw hide(new LengthFinishReasonError(), { completion });
      if (choice.finish_reason === "content_filter") throw hide(new ContentFilterFinishReasonError(), { completion });
      return parseChoice(choice, params);
    });
    return choices.some(isPromise) ? Promise.all(choices).then(finish).catch(told) : finish(choices);
  } catch (error) {
    return told(error);
  }
}

/** The same for a request that may ask for no parsing: then the answer is as it is, and `parsed` is null. */
export function maybeParseChatCompletion<Of extends { response_format?: unknown }, Parsed = ExtractParsedContentFromParams<Of>>(
  completion: ChatCompletion,
  params: Of,
): ParsedChatCompletion<Parsed> | Promise<ParsedChatCompletion<Parsed>> {
  if (isParseable(params)) return parseChatCompletion(completion, params);
  const choices = completion.choices.map((choice) => ({ ...choice, message: { ...choice.message, parsed: null } }));
  return hide({ ...completion, choices } as ParsedChatCompletion<Parsed>, hiddenOf(completion));
}

/** @throws {ChatmuxError} for a request of a stream, and for a tool whose arguments would not be parsed. */
export function checkParams(params: object): void {
  if ((params as { stream?: unknown } | null)?.stream) throw new ChatmuxError("`parse()` is for whole answers: use `stream()`, or leave `stream` out.");
  for (const tool of toolsOf(params) as { type?: string; function?: { name?: string } }[]) {
    if (tool?.type === "custom" || resolveTool(tool).parse) continue;
    if (tool?.type !== "function") throw new ChatmuxError("A tool must be of the type `function` or `custom`.");
    throw new ChatmuxError(
      `The tool \`${tool.function?.name}\` is not marked with \`strict: true\`, so its arguments cannot be relied on: mark it, or use \`create()\`.`,
    );
  }
}

function parseChoice(choice: ChatCompletionChoice, params: Params): ParsedChoice<unknown> | Promise<ParsedChoice<unknown>> {
  const { message } = choice;
  const { content, refusal, tool_calls } = message;
  // An empty text beside calls is how some providers say that there is none.
  const isWritten = typeof content === "string" && !refusal && (content !== "" || (!tool_calls?.length && !message.function_call));
  const calls = tool_calls?.map((call) => parseCall(call, params));
  const finish = (parsed: unknown, calls: unknown): ParsedChoice<unknown> =>
    ({ ...choice, message: { ...message, ...(tool_calls && { tool_calls: calls }), parsed } }) as ParsedChoice<unknown>;
  const parsed = !isWritten ? null : tool_calls?.length ? parseBesideCalls(params, content) : parseContent(params, content);
  if (!isPromise(parsed) && !calls?.some(isPromise)) return finish(parsed, calls);
  return Promise.all([parsed, calls && Promise.all(calls)]).then(([parsed, calls]) => finish(parsed, calls));
}

/** What is said beside calls may be the answer, or a word about the calls: the answer comes when they are answered. */
function parseBesideCalls(params: Params, content: string): unknown {
  const ignored = (error: unknown): null => {
    if (error instanceof InvalidJSONError || error instanceof SchemaValidationError) return null;
    throw error;
  };
  try {
    const parsed = parseContent(params, content);
    return isPromise(parsed) ? parsed.catch(ignored) : parsed;
  } catch (error) {
    return ignored(error);
  }
}

function parseCall(
  call: ChatCompletionMessageToolCall,
  params: Params,
): ParsedChatCompletionMessageToolCall | Promise<ParsedChatCompletionMessageToolCall> {
  if (call.type === "custom") return call;
  // Some servers leave the type out.
  const type = call.type ?? "function";
  if (type !== "function" || !call.function) throw new ChatmuxError("A tool call must be of the type `function` or `custom`.");
  const finish = (parsed_arguments: unknown): ParsedChatCompletionMessageToolCall => ({
    ...call,
    type,
    function: { ...call.function, parsed_arguments },
  });
  const parsed = parseArguments(params, call.function.name, call.function.arguments);
  return isPromise(parsed) ? parsed.then(finish) : finish(parsed);
}

function toolsOf(params: object | null | undefined): readonly unknown[] {
  const tools = (params as Params | null | undefined)?.tools;
  return Array.isArray(tools) ? tools : [];
}

function toolNamed(params: object | null | undefined, name: string): unknown {
  return toolsOf(params).find((tool) => (tool as { function?: { name?: string } } | null)?.function?.name === name);
}

/** What an answer has beside what the server sent: the id of its request and the like. */
function hiddenOf(completion: object): object {
  const hidden = Object.getOwnPropertyNames(completion).filter((name) => !Object.prototype.propertyIsEnumerable.call(completion, name));
  return Object.fromEntries(hidden.map((name) => [name, (completion as Record<string, unknown>)[name]]));
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === "function";
}
