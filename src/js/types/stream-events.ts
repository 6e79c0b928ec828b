import type { ChatCompletionTokenLogprob } from "./completion.js";
import type { ChatCompletionParseFields } from "./parsed.js";
import type { ChatCompletionCreateParamsBase } from "./request.js";

/** A request whose answer is streamed to a helper: `stream` need not be said. */
export type ChatCompletionStreamParams = Omit<ChatCompletionCreateParamsBase, "stream"> & {
  /** The answer is streamed, whether this says so or not. */
  stream?: true;
};

/** The same, where the form of the answer and the parameters of tools may be schemas: what `stream()` takes. */
export type ChatCompletionStreamSchemaParams = Omit<ChatCompletionStreamParams, keyof ChatCompletionParseFields> &
  ChatCompletionParseFields;

/** New text. */
export interface ContentDeltaEvent {
  /** The new text. */
  delta: string;

  /** All text so far. */
  snapshot: string;

  /** What the text says so far, where `response_format` asks for JSON of a schema. */
  parsed: unknown;
}

/** The text is whole. */
export interface ContentDoneEvent<ParsedT = null> {
  /** The text. */
  content: string;

  /** What it says, parsed and checked as `response_format` asks; else null. */
  parsed: ParsedT | null;
}

/** New text of a refusal. */
export interface RefusalDeltaEvent {
  /** The new text. */
  delta: string;

  /** All of the refusal so far. */
  snapshot: string;
}

/** The refusal is whole. */
export interface RefusalDoneEvent {
  /** The refusal. */
  refusal: string;
}

/** New reasoning: `reasoning_content`, or `reasoning` where the provider calls it that. */
export interface ReasoningDeltaEvent {
  /** The new text. */
  delta: string;

  /** All reasoning so far. */
  snapshot: string;
}

/** The model has stopped reasoning: it answers, calls a tool, or is done. It may reason again after a while. */
export interface ReasoningDoneEvent {
  /** All reasoning so far. */
  reasoning: string;
}

/** New arguments of a function. */
export interface FunctionToolCallArgumentsDeltaEvent {
  /** The function. */
  name: string;

  /** Which call of the answer, from 0. */
  index: number;

  /** All arguments so far: JSON that is not whole yet. */
  arguments: string;

  /** What they say so far, where they are to be parsed: those of a function with `strict: true`, or that brings a parser. */
  parsed_arguments: unknown;

  /** The new part. */
  arguments_delta: string;
}

/** The arguments of a function are whole. */
export interface FunctionToolCallArgumentsDoneEvent {
  /** The function. */
  name: string;

  /** Which call of the answer, from 0. */
  index: number;

  /** The arguments: JSON, if the model is right. */
  arguments: string;

  /** What they say, where they are to be parsed; else null. */
  parsed_arguments: unknown;
}

/** How likely the new tokens of the text were. */
export interface LogProbsContentDeltaEvent {
  /** The new tokens. */
  content: ChatCompletionTokenLogprob[];

  /** All tokens so far. */
  snapshot: ChatCompletionTokenLogprob[];
}

/** How likely the tokens of the text were. */
export interface LogProbsContentDoneEvent {
  /** The tokens. */
  content: ChatCompletionTokenLogprob[];
}

/** How likely the new tokens of the refusal were. */
export interface LogProbsRefusalDeltaEvent {
  /** The new tokens. */
  refusal: ChatCompletionTokenLogprob[];

  /** All tokens so far. */
  snapshot: ChatCompletionTokenLogprob[];
}

/** How likely the tokens of the refusal were. */
export interface LogProbsRefusalDoneEvent {
  /** The tokens. */
  refusal: ChatCompletionTokenLogprob[];
}
