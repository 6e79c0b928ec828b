import type {
  ChatCompletion,
  ChatCompletionChoice,
  ChatCompletionFunctionCall,
  ChatCompletionMessage,
  ChatCompletionMessageCustomToolCall,
  ChatCompletionMessageFunctionToolCall,
} from "./completion.js";
import type { ChatCompletionCreateParamsNonStreaming } from "./request.js";

/** A request whose answer is to be parsed, by its `response_format` and its tools. */
export type ChatCompletionParseParams = ChatCompletionCreateParamsNonStreaming;

/** A completion whose JSON has been parsed. */
export interface ParsedChatCompletion<Parsed> extends ChatCompletion {
  /** The answers. */
  choices: ParsedChoice<Parsed>[];
}

/** One answer of a completion, parsed. */
export interface ParsedChoice<Parsed> extends ChatCompletionChoice {
  /** What the model said. */
  message: ParsedChatCompletionMessage<Parsed>;
}

/** What the model said, parsed. */
export interface ParsedChatCompletionMessage<Parsed> extends ChatCompletionMessage {
  /** What `content` holds; null when there is none. */
  parsed: Parsed | null;

  /** The tools to run. */
  tool_calls?: ParsedChatCompletionMessageToolCall[];
}

/** A tool that the model wants run; the arguments of a function are parsed. */
export type ParsedChatCompletionMessageToolCall = ParsedFunctionToolCall | ChatCompletionMessageCustomToolCall;

/** A call of a function, parsed. */
export interface ParsedFunctionToolCall extends ChatCompletionMessageFunctionToolCall {
  /** What to call. */
  function: ParsedFunction;
}

/** A function and its arguments, parsed. */
export interface ParsedFunction extends ChatCompletionFunctionCall {
  /** What `arguments` holds, where it was parsed. */
  parsed_arguments?: unknown;
}
