/**
 * A chat provider that fits in one function: `(Request) => Promise<Response>`. The demo page, the tests and the testing
 * kit talk to it, so it speaks as OpenAI and AIHubMix do on the wire, faults included.
 *
 * It shares no code with the client: a mistake in a common reader-and-writer would hide itself. It uses nothing but the
 * fetch API, so it runs wherever the client does.
 *
 * The last user message may begin with slash words that ask for special behaviour: `/error 429`, `/error 200`, `/html`,
 * `/tool`, `/reason`, `/slow`, `/cut`, `/long`. They add up: `/slow /reason why?`. A question that names a tool of the
 * request ("the weather?", `get_weather`) is answered by a call of it, and one with a `response_format` of `json_schema` by
 * JSON that fits it. DeepSeek's models want their reasoning back with a tool call, as the real ones do.
 */

import { aboutResult, longAnswer, reasoningAbout, reply } from "./answers.js";
import { catalogue, knows, modelList, thinks } from "./catalogue.js";

export interface ProviderOptions {
  /** Factor on the realistic pauses between chunks: 1 is realistic (the default), 0 is none at all. */
  pace?: number;
}

export function createProvider(options: ProviderOptions = {}): (request: Request) => Promise<Response> {
  const pace = options.pace ?? 1;
  if (!(pace >= 0 && Number.isFinite(pace))) throw new TypeError("`pace` is a factor of 0 or more, for example 0.5.");
  return async (request) => {
    const response = await route(request, pace);
    response.headers.set("access-control-allow-origin", "*");
    response.headers.set("access-control-expose-headers", "x-request-id, retry-after");
    response.headers.set("x-request-id", `req_${crypto.randomUUID().replaceAll("-", "")}`);
    return response;
  };
}

export const provider = createProvider();

type Body = Record<string, unknown>;

async function route(request: Request, pace: number): Promise<Response> {
  const url = new URL(request.url);
  if (request.method === "OPTIONS") return preflight();
  switch (url.pathname) {
    case "/v1/chat/completions":
      if (request.method !== "POST") return wrongMethod(request.method, url.pathname, "POST");
      return keyFailure(request) ?? chat(request, pace);
    case "/v1/models":
      if (request.method !== "GET") return wrongMethod(request.method, url.pathname, "GET");
      return keyFailure(request) ?? json(modelList());
    case "/api/v1/models":
      if (request.method !== "GET") return wrongMethod(request.method, url.pathname, "GET");
      return json(catalogue(url.searchParams), 200, { "cache-control": "max-age=300" });
    default:
      return failure(404, `Invalid URL (${request.method} ${url.pathname})`);
  }
}

/** Only these two headers pass: a client that sends more fails here as it would with a strict provider. */
function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization, content-type",
      "access-control-max-age": "600",
    },
  });
}

function wrongMethod(method: string, path: string, allow: string): Response {
  return failure(405, `Not allowed to ${method} on ${path}.`, { code: "method_not_supported" }, { allow });
}

function keyFailure(request: Request): Response | undefined {
  const [, key] = /^bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (key === "demo") return undefined;
  const message = key
    ? `Incorrect API key provided: ${masked(key)}. The key of this local provider is "demo".`
    : "You didn't provide an API key. Send it as `Authorization: Bearer <key>`; the key of this local provider is \"demo\".";
  return failure(401, message, { code: key ? "invalid_api_key" : null });
}

/** Short keys are hidden whole: a few characters of them are most of them. */
function masked(key: string): string {
  return key.length < 16 ? "***" : `${key.slice(0, 3)}***${key.slice(-4)}`;
}

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  // Indented, as OpenAI's own service sends it.
  return new Response(JSON.stringify(value, null, 2), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

interface Details {
  type?: string;
  param?: string | null;
  code?: string | null;
}

function failure(status: number, message: string, details: Details = {}, headers: Record<string, string> = {}): Response {
  const { type = "invalid_request_error", param = null, code = null } = details;
  return json({ error: { message, type, param, code } }, status, headers);
}

// ── The request ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Question {
  model: string;
  messages: Body[];
  tools: Body[];
  /** The tool that `tool_choice` insists on, and the one that the last turn names. */
  forced: Body | undefined;
  named: Body | undefined;
  /** What the answer must be JSON of. */
  schema: Body | undefined;
  stream: boolean;
  usageChunk: boolean;
  obfuscate: boolean;
  reasoning: boolean;
  maxTokens: number;
  /** The user messages without their slash words. */
  turns: string[];
  /** The slash words of the last of them → their argument, which may be empty. */
  commands: Map<string, string>;
}

async function chat(request: Request, pace: number): Promise<Response> {
  let body: unknown;
  try {
    body = JSON.parse(await request.text());
  } catch {
    return failure(400, "We could not parse the JSON body of your request.");
  }
  if (!isObject(body)) return failure(400, "The JSON body of a request is an object.");
  const refused = refusal(body);
  if (refused) return failure(400, refused.message, refused);
  if (!knows(String(body.model))) return noChannel(String(body.model));

  const question = read(body);
  const special = asked(question);
  if (special) return special;
  const answer = think(question);
  return question.stream
    ? streamed(question, answer, pace, request.signal)
    : whole(question, answer, pace, request.signal);
}

function refusal(body: Body): (Details & { message: string }) | undefined {
  if (typeof body.model !== "string" || body.model === "") {
    return { message: "you must provide a model parameter", param: "model" };
  }
  if (body.messages === undefined) {
    return { message: "Missing required parameter: 'messages'.", param: "messages", code: "missing_required_parameter" };
  }
  if (!Array.isArray(body.messages)) {
    return { message: "Invalid type for 'messages': expected an array of objects.", param: "messages", code: "invalid_type" };
  }
  if (body.messages.length === 0) {
    return { message: "Invalid 'messages': empty array. Expected at least one message.", param: "messages", code: "empty_array" };
  }
  const wrong = body.messages.findIndex((message) => !isObject(message) || !ROLES.includes(String(message.role)));
  if (wrong >= 0) {
    const param = `messages[${wrong}].role`;
    return { message: `Invalid value for '${param}'. Supported values are: ${ROLES.join(", ")}.`, param, code: "invalid_value" };
  }
  if (body.stream_options != null && body.stream !== true) {
    return { message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param: "stream_options" };
  }
  const unthinking = (body.messages as Body[]).findIndex((message) => Array.isArray(message.tool_calls) && !message.reasoning_content);
  if (/^deepseek/.test(String(body.model)) && isThinking(body.reasoning_effort, body.model) && unthinking >= 0) {
    return { message: "The `reasoning_content` in the thinking mode must be passed back to the API.", param: `messages[${unthinking}]` };
  }
  if (body.n != null && body.n !== 1) {
    return { message: "This provider answers with one choice: 'n' must be 1.", param: "n", code: "invalid_value" };
  }
  return undefined;
}

const ROLES = ["developer", "system", "user", "assistant", "tool", "function"];

/** AIHubMix says 503, not 404, for a model id that it does not know. */
function noChannel(model: string): Response {
  return failure(503, `No available channel for model ${model} under the current group (tid: ${Date.now()})`, {
    type: "Aihubmix_api_error",
  });
}

function read(body: Body): Question {
  const messages = body.messages as Body[];
  const tools = Array.isArray(body.tools) ? body.tools.filter(isObject) : [];
  const turns = messages.filter((message) => message.role === "user").map((message) => slashWords(textOf(message)));
  const commands = turns.at(-1)?.commands ?? new Map<string, string>();
  const options = isObject(body.stream_options) ? body.stream_options : {};
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    model: String(body.model),
    messages,
    tools,
    forced: forcedTool(body.tool_choice, tools),
    named: namedTool(turns.at(-1)?.text ?? "", tools),
    schema: schemaOf(body.response_format),
    stream: body.stream === true,
    usageChunk: options.include_usage === true,
    obfuscate: options.include_obfuscation !== false,
    reasoning: commands.has("reason") || isThinking(body.reasoning_effort, body.model),
    maxTokens: typeof limit === "number" && limit > 0 ? limit : Infinity,
    turns: turns.map((turn) => turn.text),
    commands,
  };
}

function isThinking(effort: unknown, model: unknown): boolean {
  return typeof effort === "string" && effort !== "none" && thinks(String(model));
}

function forcedTool(choice: unknown, tools: Body[]): Body | undefined {
  if (choice === "required") return tools[0];
  if (!isObject(choice) || !isObject(choice.function)) return undefined;
  const name = choice.function.name;
  return tools.find((tool) => isObject(tool.function) && tool.function.name === name);
}

function namedTool(text: string, tools: Body[]): Body | undefined {
  const words = (tool: Body): string[] => (isObject(tool.function) ? String(tool.function.name).match(/[a-z]{4,}/gi) ?? [] : []);
  return tools.find((tool) => words(tool).some((word) => new RegExp(`\\b${word}\\b`, "i").test(text)));
}

function schemaOf(format: unknown): Body | undefined {
  if (!isObject(format) || format.type !== "json_schema" || !isObject(format.json_schema)) return undefined;
  return isObject(format.json_schema.schema) ? format.json_schema.schema : undefined;
}

function slashWords(message: string): { text: string; commands: Map<string, string> } {
  const commands = new Map<string, string>();
  let text = message.trim();
  for (;;) {
    const match = /^\/(?:(error)\s+(\d{3})|(html|tool|reason|slow|cut|long))(?=\s|$)\s*/.exec(text);
    if (!match) return { text, commands };
    commands.set((match[1] ?? match[3])!, match[2] ?? "");
    text = text.slice(match[0].length);
  }
}

/** The text of a message, whether its content is a string or parts. */
function textOf(message: Body): string {
  if (typeof message.content === "string") return message.content;
  if (!Array.isArray(message.content)) return "";
  return message.content.map((part) => (isObject(part) && typeof part.text === "string" ? part.text : "")).join("");
}

// ── The answer ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Answer {
  reasoning: string;
  content: string;
  call: { id: string; name: string; arguments: string } | undefined;
  finish: "stop" | "length" | "tool_calls";
}

/** The slash words that are answered by something else than an answer. */
function asked({ commands }: Question): Response | undefined {
  if (commands.has("html")) {
    const page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body></html>\n";
    return new Response(page, { status: 502, headers: { "content-type": "text/html; charset=utf-8" } });
  }
  const status = Number(commands.get("error"));
  if (status === 200 || (status >= 400 && status <= 599)) {
    const message = status === 200
      ? "You asked for an error with HTTP 200, as AIHubMix sends some."
      : `You asked for an error with status ${status}.`;
    const code = status === 429 ? "rate_limit_exceeded" : null;
    return failure(status, message, { type: errorType(status), code }, status === 429 ? { "retry-after": "1" } : {});
  }
  return undefined;
}

function errorType(status: number): string {
  const types: Record<number, string> = {
    200: "Aihubmix_api_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
  };
  return types[status] ?? (status >= 500 ? "server_error" : "invalid_request_error");
}

function think(question: Question): Answer {
  const { commands, messages } = question;
  const last = messages.at(-1)!;
  const answersTool = last.role === "tool";
  const reasoning = question.reasoning ? reasoningAbout(question.turns.at(-1) ?? "") : "";
  if (question.forced || ((commands.has("tool") || question.named) && !answersTool)) {
    return { reasoning, content: "", call: toolCall(question), finish: "tool_calls" };
  }
  const content = said(question, answersTool ? textOf(last) : undefined);
  const room = Math.max(0, question.maxTokens - tokens(reasoning)) * 4;
  const short = utf8(content).length > room ? cutAt(content, room) : content;
  return { reasoning, content: short, call: undefined, finish: short === content ? "stop" : "length" };
}

function said(question: Question, result: string | undefined): string {
  if (question.schema) return JSON.stringify(sampleOf(question.schema, "", 0));
  if (result !== undefined) return aboutResult(result);
  return question.commands.has("long") ? longAnswer() : reply(question);
}

function cutAt(text: string, bytes: number): string {
  // `stream: true` holds back a character that the cut went through.
  return new TextDecoder().decode(utf8(text).subarray(0, bytes), { stream: true });
}

const WEATHER: Body = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
      required: ["city"],
    },
  },
};

function toolCall({ forced, named, tools }: Question): Answer["call"] {
  const tool = forced ?? named ?? tools.find((candidate) => isObject(candidate.function)) ?? WEATHER;
  const target = isObject(tool.function) ? tool.function : {};
  const sample = isObject(target.parameters) ? sampleOf(target.parameters, "", 0) : {};
  return { id: `call_${randomText(24)}`, name: String(target.name ?? "unnamed"), arguments: JSON.stringify(sample) };
}

/** A value that fits the schema well enough to be worth calling a tool with. */
function sampleOf(schema: Body, name: string, depth: number): unknown {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "integer" || type === "number") return typeof schema.minimum === "number" ? schema.minimum : 1;
  if (type === "boolean") return true;
  if (type === "null") return null;
  if (type === "array") {
    return isObject(schema.items) && depth < 4 ? [sampleOf(schema.items, name, depth + 1)] : [];
  }
  if (isObject(schema.properties) && depth < 4) {
    const fields = Object.entries(schema.properties).filter(([, field]) => isObject(field));
    return Object.fromEntries(fields.map(([key, field]) => [key, sampleOf(field as Body, key, depth + 1)]));
  }
  if (type === "object" || depth === 0) return {};
  return /city|location|place/i.test(name) ? "Paris" : "example";
}

// ── The answer on the wire ───────────────────────────────────────────────────────────────────────────────────────────

async function whole(question: Question, answer: Answer, pace: number, signal: AbortSignal): Promise<Response> {
  const pauses = 250 + 27 * pieces(answer.reasoning + answer.content).length;
  // Nobody should sit in front of a silent page for a minute.
  await sleep(question.commands.has("slow") ? Math.max(50, 4000 * pace) : pace * Math.min(pauses, 5000), signal);
  const message: Body = { role: "assistant", content: answer.call ? null : answer.content };
  if (answer.reasoning) message.reasoning_content = answer.reasoning;
  if (answer.call) {
    const { id, name, arguments: args } = answer.call;
    message.tool_calls = [{ id, type: "function", function: { name, arguments: args } }];
  }
  message.refusal = null;
  message.annotations = [];
  const response = json({
    id: `chatcmpl-${randomText(29)}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model: question.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finish }],
    usage: usageOf(question, answer),
    service_tier: "default",
    system_fingerprint: FINGERPRINT,
  });
  if (!question.commands.has("cut")) return response;
  const text = await response.text();
  return new Response(text.slice(0, text.length / 2), { status: 200, headers: response.headers });
}

const FINGERPRINT = "fp_chatmux_local";

interface Frame {
  text: string;
  /** Milliseconds before it, at pace 1. */
  pause: number;
}

function streamed(question: Question, answer: Answer, pace: number, signal: AbortSignal): Response {
  const frames = framesOf(question, answer);
  const slow = question.commands.has("slow");
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });

  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value: frame, done } = frames.next();
      if (done) {
        signal.removeEventListener("abort", abort);
        controller.close();
        return;
      }
      // Thrown by an abort, this errors the stream.
      await sleep(slow ? Math.max(50, 12 * pace * frame.pause) : pace * frame.pause, stop.signal);
      controller.enqueue(utf8(frame.text));
    },
    cancel(reason) {
      signal.removeEventListener("abort", abort);
      stop.abort(reason);
    },
  }, { highWaterMark: 0 });

  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
  });
}

function* framesOf(question: Question, answer: Answer): Generator<Frame, void> {
  const head = {
    id: `chatcmpl-${randomText(29)}`,
    object: "chat.completion.chunk",
    created: Math.floor(Date.now() / 1000),
    model: question.model,
    service_tier: "default",
    system_fingerprint: FINGERPRINT,
  };
  const chunk = (choices: Body[], usage: Body | null, pause: number): Frame => {
    const event: Body = { ...head, choices };
    if (question.usageChunk) event.usage = usage;
    if (question.obfuscate) event.obfuscation = randomText(1 + Math.floor(Math.random() * 14));
    return { text: `data: ${JSON.stringify(event)}\n\n`, pause };
  };
  const delta = (fields: Body, pause: number, finish: string | null = null): Frame =>
    chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: finish }], null, pause);

  yield delta({ role: "assistant", content: answer.call ? null : "", refusal: null }, 200 + Math.random() * 100);
  const deltas = [...deltasOf(answer)];
  // A cut stream has said something, and ends without a word about it.
  const cut = question.commands.has("cut");
  for (const fields of cut ? deltas.slice(0, Math.ceil(deltas.length / 2)) : deltas) {
    yield delta(fields, 15 + Math.random() * 25);
  }
  if (cut) return;
  yield delta({}, 5, answer.finish);
  if (question.usageChunk) yield chunk([], usageOf(question, answer), 0);
  yield { text: "data: [DONE]\n\n", pause: 0 };
}

function* deltasOf({ reasoning, content, call }: Answer): Generator<Body, void> {
  for (const piece of pieces(reasoning)) yield { reasoning_content: piece };
  for (const piece of pieces(content)) yield { content: piece };
  if (!call) return;
  yield { tool_calls: [{ index: 0, id: call.id, type: "function", function: { name: call.name, arguments: "" } }] };
  for (const piece of pieces(call.arguments)) yield { tool_calls: [{ index: 0, function: { arguments: piece } }] };
}

/** Text in about the pieces a tokeniser makes; joined they are the text again. */
function pieces(text: string): string[] {
  return text.match(/\s*\S{1,6}(?:\s+$)?|\s+$/gu) ?? [];
}

/** The same numbers whether the answer is streamed or not. */
function usageOf(question: Question, answer: Answer): Body {
  const call = answer.call ? tokens(answer.call.name + answer.call.arguments) : 0;
  const reasoning = tokens(answer.reasoning);
  const prompt = question.messages.reduce((sum, message) => sum + promptTokens(message), 0);
  const completion = tokens(answer.content) + reasoning + call;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function promptTokens(message: Body): number {
  return tokens(textOf(message) + (message.tool_calls ? JSON.stringify(message.tool_calls) : ""));
}

/** Four bytes a token: wrong for every tokeniser, and near enough for all of them. */
function tokens(text: string): number {
  return Math.ceil(utf8(text).length / 4);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Ends early, and with the signal's reason, when the signal aborts. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", abort, { once: true });
  });
}

function randomText(length: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from({ length }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join("");
}

function isObject(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
