import type {
  ChatCompletionMessageImage,
  CompletionExtensions,
  ExtraContent,
  MultiModalContentPart,
  ReasoningFields,
} from "./extensions.js";
import type { Warning } from "../options.js";
import type { Metadata } from "./request.js";

/**
 * The answer to a request that does not stream.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 */
export interface ChatCompletion extends CompletionExtensions {
  /** The provider's name for this completion. */
  id: string;

  /** The answers: as many as `n` asked for, one unless told. */
  choices: ChatCompletionChoice[];

  /** When it was made, in seconds since the epoch. */
  created: number;

  /** The model that answered; may be a dated variant of the one asked for. */
  model: string;

  /** Tells a completion from a chunk. */
  object: "chat.completion";

  /** The request's `metadata`, given back when the completion is stored. */
  metadata?: Metadata | null;

  /** What moderation found, if the request asked for `moderation`. */
  moderation?: ChatCompletionModeration | null;

  /** How the request was in fact served; may differ from what it asked for. */
  service_tier?: ServiceTier | null;

  /** The configuration of the backend that answered: with the same `seed`, a change explains a different answer. */
  system_fingerprint?: string;

  /** What was consumed, in tokens. */
  usage?: CompletionUsage;

  /**
   * What was not sent as the request said it, because the provider has no way to say it. Not enumerable, so not sent on; absent
   * where the client has no dialects.
   */
  readonly _warnings?: readonly Warning[];
}

export declare namespace ChatCompletion {
  export type Choice = ChatCompletionChoice;
  export namespace Choice {
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

/** One answer of a completion. */
export interface ChatCompletionChoice {
  /** Why the model stopped. */
  finish_reason: FinishReason;

  /** Its place among the answers, from 0. */
  index: number;

  /** How likely its tokens were, if the request asked for `logprobs`. */
  logprobs: ChatCompletionLogprobs | null;

  /** What the model said. Push it into `messages` as it is to go on. */
  message: ChatCompletionMessage;

  /** The vendor's own word for why the model stopped. OpenRouter, and chatmux where it translates. */
  native_finish_reason?: string | null;
}

/**
 * Why the model stopped: `stop`, it had finished or met a stop sequence; `length`, the token limit;
 * `tool_calls` (formerly `function_call`), it wants tools run; `content_filter`, something was withheld.
 */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "function_call";

/** How a request is served: price and speed differ. */
export type ServiceTier = "auto" | "default" | "flex" | "scale" | "priority" | "fast";

/**
 * What the model said.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 */
export interface ChatCompletionMessage extends ReasoningFields {
  /** The text; null when there are only tool calls, a refusal or audio. */
  content: string | null;

  /** Why the model declines, in its words; null when it does not. */
  refusal: string | null;

  /** Whose message. */
  role: "assistant";

  /** The sources of passages in `content`, if a web search was made. */
  annotations?: ChatCompletionAnnotation[];

  /** The spoken answer, if the request asked for the modality `audio`. */
  audio?: ChatCompletionAudio | null;

  /** @deprecated The one function to call, before `tool_calls` existed. */
  function_call?: ChatCompletionFunctionCall | null;

  /** The tools to run. Answer each with a `tool` message. */
  tool_calls?: ChatCompletionMessageToolCall[];

  /**
   * Images the model made. OpenRouter, and chatmux where it translates.
   * @see https://openrouter.ai/docs/features/multimodal/image-generation
   */
  images?: ChatCompletionMessageImage[] | null;

  /**
   * Text and images in order. AIHubMix, when the request asks for the modality `image`.
   * @see https://docs.aihubmix.com/en/api/Multimodal-Interaction-with-Gemini
   */
  multi_mod_content?: MultiModalContentPart[] | null;
}

export declare namespace ChatCompletionMessage {
  export type Annotation = ChatCompletionAnnotation;
  export namespace Annotation {
    export type URLCitation = ChatCompletionURLCitation;
  }
  export type FunctionCall = ChatCompletionFunctionCall;
}

/** A mark on a passage of the text. */
export interface ChatCompletionAnnotation {
  /** The kind of mark; there is only this one. */
  type: "url_citation";

  /** The page the passage comes from. */
  url_citation: ChatCompletionURLCitation;
}

/** A page cited, and where in the text. */
export interface ChatCompletionURLCitation {
  /** Where the passage ends in `content`: the index of its last character, from 0. */
  end_index: number;

  /** Where the passage starts in `content`: the index of its first character, from 0. */
  start_index: number;

  /** The page's title. */
  title: string;

  /** Its address. */
  url: string;
}

/** A spoken answer. */
export interface ChatCompletionAudio {
  /** Stands for the audio in later turns of the conversation. */
  id: string;

  /** The bytes, base64, in the format that the request asked for. */
  data: string;

  /** Until when `id` can be used, in seconds since the epoch. */
  expires_at: number;

  /** What is said, as text. */
  transcript: string;
}

/** A function and its arguments, as the model wrote them. */
export interface ChatCompletionFunctionCall {
  /** JSON text, which the model may get wrong: parse and check it before use. Empty for no arguments. */
  arguments: string;

  /** Which function. */
  name: string;
}

/**
 * A tool that the model wants run; `type` says which kind.
 * @see https://platform.openai.com/docs/guides/function-calling
 */
export type ChatCompletionMessageToolCall =
  | ChatCompletionMessageFunctionToolCall
  | ChatCompletionMessageCustomToolCall;

/** A call of a function, with JSON arguments. */
export interface ChatCompletionMessageFunctionToolCall {
  /** The call's name; the `tool` message that answers it repeats it. */
  id: string;

  /** What to call. */
  function: ChatCompletionFunctionCall;

  /** The kind of tool. */
  type: "function";

  /** What the vendor wants back with the call: Gemini's thought signature. */
  extra_content?: ExtraContent;
}

export declare namespace ChatCompletionMessageFunctionToolCall {
  export type Function = ChatCompletionFunctionCall;
}

/** A call of a custom tool, with free text. */
export interface ChatCompletionMessageCustomToolCall {
  /** The call's name; the `tool` message that answers it repeats it. */
  id: string;

  /** What to call. */
  custom: ChatCompletionCustomCall;

  /** The kind of tool. */
  type: "custom";
}

export declare namespace ChatCompletionMessageCustomToolCall {
  export type Custom = ChatCompletionCustomCall;
}

/** A custom tool and its input. */
export interface ChatCompletionCustomCall {
  /** The text for the tool, as the model wrote it. */
  input: string;

  /** Which tool. */
  name: string;
}

/** How likely the tokens of an answer were; null where there are none. */
export interface ChatCompletionLogprobs {
  /** The tokens of `content`. */
  content: ChatCompletionTokenLogprob[] | null;

  /** The tokens of `refusal`. */
  refusal: ChatCompletionTokenLogprob[] | null;
}

/** A token, and what else could have stood there. */
export interface ChatCompletionTokenLogprob extends ChatCompletionTopLogprob {
  /** The likeliest tokens at this place, as many as `top_logprobs` asked for, or fewer. */
  top_logprobs: ChatCompletionTopLogprob[];
}

export declare namespace ChatCompletionTokenLogprob {
  export type TopLogprob = ChatCompletionTopLogprob;
}

/** A token and how likely it was. */
export interface ChatCompletionTopLogprob {
  /** Its text. */
  token: string;

  /** Its UTF-8 bytes, 0–255: a character may be spread over several tokens. Null when it has none. */
  bytes: number[] | null;

  /** The natural logarithm of its probability, 0 or less; -9999 for a very unlikely token. */
  logprob: number;
}

/**
 * What a completion consumed, in tokens.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 */
export interface CompletionUsage {
  /** Tokens of the answer, reasoning included. */
  completion_tokens: number;

  /** Tokens of the prompt, cached ones included. */
  prompt_tokens: number;

  /** The sum of the two. */
  total_tokens: number;

  /** What the tokens of the answer were spent on. */
  completion_tokens_details?: UsageCompletionDetails;

  /** What the tokens of the prompt were. */
  prompt_tokens_details?: UsagePromptDetails;

  /** What was charged, in USD. OpenRouter (whose credits are USD). */
  cost?: number | null;

  /** What of it went upstream. OpenRouter. */
  cost_details?: UsageCostDetails | null;

  /** Whether the upstream was paid with your own key for it. OpenRouter. */
  is_byok?: boolean;

  /** Prompt tokens read from the cache. DeepSeek's name for `prompt_tokens_details.cached_tokens`. */
  prompt_cache_hit_tokens?: number;

  /** Prompt tokens that were not in the cache. DeepSeek. */
  prompt_cache_miss_tokens?: number;
}

export declare namespace CompletionUsage {
  export type CompletionTokensDetails = UsageCompletionDetails;
  export type PromptTokensDetails = UsagePromptDetails;
}

/** What the tokens of an answer were spent on. */
export interface UsageCompletionDetails {
  /** Tokens of `prediction` that turned up in the answer. */
  accepted_prediction_tokens?: number;

  /** Tokens of speech. */
  audio_tokens?: number;

  /** Tokens of images. OpenRouter. */
  image_tokens?: number;

  /** Tokens of reasoning. */
  reasoning_tokens?: number;

  /** Tokens of `prediction` that did not turn up; charged all the same. */
  rejected_prediction_tokens?: number;

  /** Tokens of text. */
  text_tokens?: number;
}

/** What the tokens of a prompt were. */
export interface UsagePromptDetails {
  /** Tokens of speech. */
  audio_tokens?: number;

  /** Tokens written to the prompt cache. */
  cache_write_tokens?: number;

  /** Tokens read from the prompt cache. */
  cached_tokens?: number;

  /** Tokens of images. */
  image_tokens?: number;

  /** Tokens of text. */
  text_tokens?: number;

  /** Tokens of video. OpenRouter. */
  video_tokens?: number;
}

/**
 * What OpenRouter paid upstream, in USD; null where it does not say.
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 */
export interface UsageCostDetails {
  /** In all; known when the upstream was paid with your own key. */
  upstream_inference_cost?: number | null;

  /** For the prompt. */
  upstream_inference_prompt_cost?: number | null;

  /** For the answer. */
  upstream_inference_completions_cost?: number | null;
}

/**
 * What moderation found in the prompt and in the answer, or why it could not look.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 */
export interface ChatCompletionModeration {
  /** The prompt. */
  input: ChatCompletionModerationResults | ChatCompletionModerationError;

  /** The answer. */
  output: ChatCompletionModerationResults | ChatCompletionModerationError;
}

/** What moderation found. */
export interface ChatCompletionModerationResults {
  /** The model that looked. */
  model: string;

  /** What it found, one a text or image. */
  results: ChatCompletionModerationResult[];

  /** Tells results from an error. */
  type: "moderation_results";
}

/** What moderation found in one text or image. The three maps have the same keys: the names of the categories. */
export interface ChatCompletionModerationResult {
  /** Whether each category was met. */
  categories: Record<string, boolean>;

  /** What of the input each category was looked for in. */
  category_applied_input_types: Record<string, Array<"text" | "image">>;

  /** How sure the model is of each category, 0–1. */
  category_scores: Record<string, number>;

  /** Whether any category was met. */
  flagged: boolean;

  /** The model that looked. */
  model: string;

  /** What this is; there is only this one. */
  type: "moderation_result";
}

/** Why moderation could not look. */
export interface ChatCompletionModerationError {
  /** The error for programs. */
  code: string;

  /** The error for people. */
  message: string;

  /** Tells an error from results. */
  type: "error";
}
