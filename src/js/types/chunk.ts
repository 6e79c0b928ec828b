import type {
  ChatCompletionAudio,
  ChatCompletionCustomCall,
  ChatCompletionFunctionCall,
  ChatCompletionLogprobs,
  ChatCompletionModeration,
  ChatCompletionModerationError,
  ChatCompletionModerationResult,
  ChatCompletionModerationResults,
  CompletionUsage,
  FinishReason,
  ServiceTier,
} from "./completion.js";
import type {
  ChatCompletionMessageImage,
  CompletionExtensions,
  ExtraContent,
  MultiModalContentPart,
  ReasoningFields,
} from "./extensions.js";

/**
 * One piece of a streamed completion.
 * @see https://platform.openai.com/docs/api-reference/chat/streaming
 */
export interface ChatCompletionChunk extends CompletionExtensions {
  /** The provider's name for the completion; the same in all its chunks. */
  id: string;

  /** What is new in each answer. Empty in the chunk that brings `usage`. */
  choices: ChatCompletionChunkChoice[];

  /** When the completion was begun, in seconds since the epoch; the same in all its chunks. */
  created: number;

  /** The model that answers; may be a dated variant of the one asked for. */
  model: string;

  /** Tells a chunk from a whole completion. */
  object: "chat.completion.chunk";

  /** What moderation found, if the request asked for `moderation`. */
  moderation?: ChatCompletionModeration | null;

  /** Random characters that hide the chunk's true length from an eavesdropper; see `stream_options`. */
  obfuscation?: string;

  /** How the request is in fact served; may differ from what it asked for. */
  service_tier?: ServiceTier | null;

  /** The configuration of the backend that answers: with the same `seed`, a change explains a different answer. */
  system_fingerprint?: string;

  /**
   * What was consumed, in tokens: in the last chunk, if `stream_options.include_usage` asked for it, null before.
   * A stream that was cut has none.
   */
  usage?: CompletionUsage | null;
}

export declare namespace ChatCompletionChunk {
  export type Choice = ChatCompletionChunkChoice;
  export namespace Choice {
    export type Delta = ChatCompletionChunkDelta;
    export namespace Delta {
      export type Audio = Partial<ChatCompletionAudio>;
      export type FunctionCall = Partial<ChatCompletionFunctionCall>;
      export type ToolCall = ChatCompletionChunkToolCall;
      export namespace ToolCall {
        export type Custom = Partial<ChatCompletionCustomCall>;
        export type Function = Partial<ChatCompletionFunctionCall>;
      }
    }
    export type Logprobs = ChatCompletionLogprobs;
  }
  export type Moderation = ChatCompletionModeration;
  export namespace Moderation {
    export type ModerationResults = ChatCompletionModerationResults;
    export namespace ModerationResults {
      export type Result = ChatCompletionModerationResult;
    }
    export type Error = ChatCompletionModerationError;
  }
}

/** What is new in one answer. */
export interface ChatCompletionChunkChoice {
  /** The new pieces. */
  delta: ChatCompletionChunkDelta;

  /** Which answer, from 0. */
  index: number;

  /** Why the model stopped; null while it has not. */
  finish_reason: FinishReason | null;

  /** How likely the new tokens were, if the request asked for `logprobs`. */
  logprobs?: ChatCompletionLogprobs | null;

  /** The vendor's own word for why the model stopped. OpenRouter, and chatmux where it translates. */
  native_finish_reason?: string | null;
}

/** The new pieces of an answer: append each text to what came before. */
export interface ChatCompletionChunkDelta extends ReasoningFields {
  /** New speech: the bytes in base64 and the transcript come in pieces. */
  audio?: Partial<ChatCompletionAudio>;

  /** New text. */
  content?: string | null;

  /** @deprecated A piece of the one function call, before `tool_calls` existed. */
  function_call?: Partial<ChatCompletionFunctionCall>;

  /** New text of a refusal. */
  refusal?: string | null;

  /** Who speaks; in the first chunk. */
  role?: "developer" | "system" | "user" | "assistant" | "tool";

  /** Pieces of tool calls. */
  tool_calls?: ChatCompletionChunkToolCall[];

  /**
   * New images, each whole. OpenRouter, and chatmux where it translates.
   * @see https://openrouter.ai/docs/features/multimodal/image-generation
   */
  images?: ChatCompletionMessageImage[] | null;

  /**
   * New text and images in order. AIHubMix, when the request asks for the modality `image`.
   * @see https://docs.aihubmix.com/en/api/Multimodal-Interaction-with-Gemini
   */
  multi_mod_content?: MultiModalContentPart[] | null;
}

/** A piece of a tool call. The first one has `id`, `type` and the name; the others only more input. */
export interface ChatCompletionChunkToolCall {
  /** Which call of the answer, from 0. */
  index: number;

  /** The call's name; the `tool` message that answers it repeats it. */
  id?: string;

  /** A custom tool; `input` comes in pieces. */
  custom?: Partial<ChatCompletionCustomCall>;

  /** A function; `arguments` comes in pieces, which together are JSON. */
  function?: Partial<ChatCompletionFunctionCall>;

  /** Which kind of tool. */
  type?: "function" | "custom";

  /** What the vendor wants back with the call: Gemini's thought signature. */
  extra_content?: ExtraContent;
}
