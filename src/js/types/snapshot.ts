import type {
  ChatCompletionAnnotation,
  ChatCompletionAudio,
  ChatCompletionCustomCall,
  ChatCompletionFunctionCall,
  ChatCompletionLogprobs,
  ChatCompletionMessageCustomToolCall,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionModeration,
  CompletionUsage,
  FinishReason,
  ServiceTier,
} from "./completion.js";
import type { ChatCompletionMessageImage, CompletionExtensions, MultiModalContentPart, ReasoningFields } from "./extensions.js";
import type { ChatCompletionRole } from "./messages.js";

/** A completion while it is being streamed: what its chunks so far come to. */
export interface ChatCompletionSnapshot extends CompletionExtensions {
  /** The provider's name for the completion. */
  id: string;

  /** The answers so far, in the order of their indexes: those that have begun. */
  choices: ChatCompletionSnapshotChoice[];

  /** When the completion was begun, in seconds since the epoch. */
  created: number;

  /** The model that answers. */
  model: string;

  /** What it is to be; absent where the chunks do not say what they are. */
  object?: "chat.completion";

  /** What moderation found, if the request asked for `moderation`. */
  moderation?: ChatCompletionModeration | null;

  /** How the request is in fact served. */
  service_tier?: ServiceTier | null;

  /** The configuration of the backend that answers. */
  system_fingerprint?: string;

  /** What was consumed, in tokens, by the last chunk that says so. */
  usage?: CompletionUsage | null;
}

export declare namespace ChatCompletionSnapshot {
  export type Choice = ChatCompletionSnapshotChoice;
  export namespace Choice {
    export type Message = ChatCompletionSnapshotMessage;
    export namespace Message {
      export type FunctionCall = Partial<ChatCompletionFunctionCall>;
      export type ToolCall = ChatCompletionSnapshotToolCall;
      export namespace ToolCall {
        export type FunctionToolCall = ChatCompletionSnapshotFunctionToolCall;
        export type Function = ChatCompletionSnapshotFunction;
        export type CustomToolCall = ChatCompletionMessageCustomToolCall;
        export namespace CustomToolCall {
          export type Custom = ChatCompletionCustomCall;
        }
      }
    }
  }
}

/** One answer while it is being streamed. */
export interface ChatCompletionSnapshotChoice {
  /** What the model has said. */
  message: ChatCompletionSnapshotMessage;

  /** Why the model stopped; null while it has not. */
  finish_reason: FinishReason | null;

  /** How likely the tokens so far were, if the request asked for `logprobs`. */
  logprobs: ChatCompletionLogprobs | null;

  /** Its place among the answers, from 0. */
  index: number;

  /** The vendor's own word for why the model stopped. OpenRouter, and chatmux where it translates. */
  native_finish_reason?: string | null;
}

/** What the model has said. Texts grow; reasoning and what providers add are put together like `content`. */
export interface ChatCompletionSnapshotMessage extends ReasoningFields {
  /** The text so far; null before there is any. */
  content?: string | null;

  /** The refusal so far. */
  refusal?: string | null;

  /** Who speaks. */
  role?: ChatCompletionRole;

  /** What `content` says so far, where it is to be parsed. */
  parsed?: unknown;

  /** The sources of passages in `content`. */
  annotations?: ChatCompletionAnnotation[];

  /** The speech so far. */
  audio?: Partial<ChatCompletionAudio> | null;

  /** @deprecated The one function call, before `tool_calls` existed. */
  function_call?: Partial<ChatCompletionFunctionCall>;

  /** The tool calls that have begun, in the order of their indexes, which they are without. */
  tool_calls?: ChatCompletionSnapshotToolCall[];

  /** Images. OpenRouter, and chatmux where it translates. */
  images?: ChatCompletionMessageImage[] | null;

  /** Text and images in order. AIHubMix, when the request asks for the modality `image`. */
  multi_mod_content?: MultiModalContentPart[] | null;
}

/** A tool call while it is being streamed: its name, and its input so far. */
export type ChatCompletionSnapshotToolCall = ChatCompletionSnapshotFunctionToolCall | ChatCompletionMessageCustomToolCall;

/** A call of a function while it is being streamed. */
export interface ChatCompletionSnapshotFunctionToolCall extends ChatCompletionMessageFunctionToolCall {
  /** What to call. */
  function: ChatCompletionSnapshotFunction;
}

/** A function and its arguments so far. */
export interface ChatCompletionSnapshotFunction extends ChatCompletionFunctionCall {
  /** What `arguments` says so far, where it is to be parsed. */
  parsed_arguments?: unknown;
}
