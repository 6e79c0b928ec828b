import type { ServiceTier } from "./completion.js";
import type { Cacheable } from "./extensions.js";
import type { ChatCompletionContentPartText, ChatCompletionMessageParam } from "./messages.js";

/**
 * What to ask a model: `stream: true` for an answer in chunks.
 *
 * A literal with a field that is not listed is refused, which catches misspelt names; what a provider has beyond
 * the list goes into `extra_body`.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 * @see https://docs.aihubmix.com/en/api-playground/inferUsages
 */
export type ChatCompletionCreateParams =
  | ChatCompletionCreateParamsNonStreaming
  | ChatCompletionCreateParamsStreaming;

export declare namespace ChatCompletionCreateParams {
  export type Function = ChatCompletionFunctionParam;
  export type Moderation = ChatCompletionModerationParam;
  export namespace Moderation {
    export type Policy = ChatCompletionModerationPolicy;
    export namespace Policy {
      export type Input = ChatCompletionModerationMode;
      export type Output = ChatCompletionModerationMode;
    }
  }
  export type PromptCacheOptions = ChatCompletionPromptCacheOptions;
  export type WebSearchOptions = ChatCompletionWebSearchOptions;
  export namespace WebSearchOptions {
    export type UserLocation = ChatCompletionUserLocation;
    export namespace UserLocation {
      export type Approximate = ChatCompletionApproximateLocation;
    }
  }
  // By import(), because the names inside hide those outside.
  export type ChatCompletionCreateParamsNonStreaming = import("./request.js").ChatCompletionCreateParamsNonStreaming;
  export type ChatCompletionCreateParamsStreaming = import("./request.js").ChatCompletionCreateParamsStreaming;
}

/** A request for one whole answer. */
export interface ChatCompletionCreateParamsNonStreaming extends ChatCompletionCreateParamsBase {
  /** The answer comes whole. */
  stream?: false | null;
}

/** A request for an answer in chunks. */
export interface ChatCompletionCreateParamsStreaming extends ChatCompletionCreateParamsBase {
  /** The answer comes in chunks, as it is made. */
  stream: true;
}

/**
 * What both kinds of request have. Not every model takes every field: while a model reasons, OpenAI refuses the
 * sampling fields.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 * @see https://docs.aihubmix.com/en/api-playground/inferUsages
 */
export interface ChatCompletionCreateParamsBase {
  /** The conversation so far, oldest first. */
  messages: ChatCompletionMessageParam[];

  /** Which model: the id on its card in the provider's list. */
  model: string;

  /** How to speak; needed when `modalities` has `audio`. */
  audio?: ChatCompletionAudioParam | null;

  /** Makes tokens less likely the more often they have come up, -2–2; 0 unless told. */
  frequency_penalty?: number | null;

  /** @deprecated Which function to call, before `tool_choice` existed. */
  function_call?: "none" | "auto" | ChatCompletionFunctionCallOption;

  /** @deprecated The functions to choose from, before `tools` existed. */
  functions?: ChatCompletionFunctionParam[];

  /** Makes single tokens likelier or less likely: from the token's id to -100 (never) … 100 (always). */
  logit_bias?: Record<string, number> | null;

  /** Whether to say how likely each token of the answer was. */
  logprobs?: boolean | null;

  /** The most tokens an answer may have, reasoning included. */
  max_completion_tokens?: number | null;

  /**
   * The same under its older name, which AIHubMix documents and most other providers know. AIHubMix may cut at 1024
   * when neither is given.
   */
  max_tokens?: number | null;

  /** Up to 16 notes to store with the completion: names of up to 64 characters, values of up to 512. */
  metadata?: Metadata | null;

  /**
   * What the answer is made of; `["text"]` unless told. For images from Gemini through AIHubMix send
   * `extra_body: { modalities: ["text", "image"] }`.
   */
  modalities?: ChatCompletionModality[] | null;

  /** Has the prompt and the answer moderated. */
  moderation?: ChatCompletionModerationParam | null;

  /** How many answers, 1–128; each is charged. 1 unless told. */
  n?: number | null;

  /** Whether the model may want several tools run at once; true unless told. */
  parallel_tool_calls?: boolean;

  /** Text that much of the answer will repeat, for instance a file to be edited: makes it faster. */
  prediction?: ChatCompletionPredictionContent | null;

  /** Makes tokens less likely once they have come up at all, -2–2; 0 unless told. */
  presence_penalty?: number | null;

  /** Names requests with a common beginning, so that they meet the same cache. */
  prompt_cache_key?: string | null;

  /** How the prompt is cached. */
  prompt_cache_options?: ChatCompletionPromptCacheOptions;

  /** @deprecated How long the cached prompt is kept: see `prompt_cache_options.ttl`. */
  prompt_cache_retention?: "in_memory" | "24h" | null;

  /**
   * How hard to think, the same word for every vendor's models. Wins over `reasoning`.
   * @see https://docs.aihubmix.com/en/api/unified-inference
   */
  reasoning_effort?: ReasoningEffort;

  /** How to think, in more detail than `reasoning_effort`. AIHubMix, OpenRouter. */
  reasoning?: ChatCompletionReasoningOptions | null;

  /** The form of the answer: text unless told, or JSON, or JSON of a schema. */
  response_format?: ResponseFormatText | ResponseFormatJSONSchema | ResponseFormatJSONObject;

  /** Names the end user for the provider's abuse checks: something stable that says nothing of who it is. */
  safety_identifier?: string | null;

  /** With the same seed the same request should be answered alike; no promise. Deprecated by OpenAI. */
  seed?: number | null;

  /** How the request is served: price and speed differ. */
  service_tier?: ServiceTier | null;

  /** Up to four texts at which to stop; they are not part of the answer. Some models refuse it. */
  stop?: string | string[] | null;

  /** Whether OpenAI stores the completion, for evaluation and distillation. */
  store?: boolean | null;

  /** Whether the answer comes in chunks, as it is made. */
  stream?: boolean | null;

  /** How chunks come; only with `stream: true`. */
  stream_options?: ChatCompletionStreamOptions | null;

  /** How daring the choice of tokens is, 0–2 (Claude: 0–1). Change this or `top_p`; Claude refuses both. */
  temperature?: number | null;

  /** Whether tools are used, and which. */
  tool_choice?: ChatCompletionToolChoiceOption;

  /** The tools to choose from. */
  tools?: ChatCompletionTool[];

  /** How many of the likeliest tokens to list at each place, 0–20; needs `logprobs: true`. */
  top_logprobs?: number | null;

  /** Chooses only among the likeliest tokens that together have this probability, 0–1; 1 unless told. */
  top_p?: number | null;

  /** Names the end user. OpenAI's newer names: `safety_identifier`, `prompt_cache_key`. */
  user?: string;

  /** How long-winded the answer is; `medium` unless told. */
  verbosity?: "low" | "medium" | "high" | null;

  /** Lets a model that can search the web do so; `{}` is enough. */
  web_search_options?: ChatCompletionWebSearchOptions;

  /**
   * What else to send: its members are merged into the top level of the body and win over the fields above. It is
   * not itself sent. The same as `extra_body` of OpenAI's Python client.
   */
  extra_body?: Record<string, unknown>;
}

/** A model by its id: any text, because chatmux has no list of models. */
export type ChatModel = string;

/** Notes to store with a completion: up to 16 names of up to 64 characters, values of up to 512. */
export type Metadata = Record<string, string>;

/** What an answer is made of. */
export type ChatCompletionModality = "text" | "audio";

/**
 * How hard to think; null for the model's own choice. Models that can only think or not take `none` as off and
 * all else as on.
 * @see https://docs.aihubmix.com/en/api/unified-inference
 */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null;

/** Another name of openai's for `ReasoningEffort`. */
export type ChatCompletionReasoningEffort = ReasoningEffort;

/**
 * How to think. Of the three that say how much, `reasoning_effort` beside this wins over `max_tokens`, and that over
 * `effort`.
 * @see https://docs.aihubmix.com/en/api/unified-inference
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export interface ChatCompletionReasoningOptions {
  /** How hard. */
  effort?: ReasoningEffort;

  /** How much, in tokens; for Claude at least 1024 and less than the request's `max_tokens`. */
  max_tokens?: number | null;

  /** Whether Claude shows a summary of its thinking. Unless told, Opus 4.7 and newer omit it. AIHubMix. */
  display?: "summarized" | "omitted";

  /** Whether to think at all, as hard as the model does by itself. OpenRouter. */
  enabled?: boolean;

  /** Whether to think, but not to send the thoughts. OpenRouter. */
  exclude?: boolean;

  /** How long a summary of hidden reasoning should be. OpenRouter, for OpenAI's models. */
  summary?: "auto" | "concise" | "detailed" | null;
}

/** How to speak. */
export interface ChatCompletionAudioParam {
  /** What the bytes of the audio shall be. */
  format: "wav" | "aac" | "mp3" | "flac" | "opus" | "pcm16";

  /** Whose voice: one of OpenAI's, or one of your own by its id. */
  voice:
    | "alloy"
    | "ash"
    | "ballad"
    | "coral"
    | "echo"
    | "sage"
    | "shimmer"
    | "verse"
    | "marin"
    | "cedar"
    | (string & {})
    | ChatCompletionVoice;
}

export declare namespace ChatCompletionAudioParam {
  export type ID = ChatCompletionVoice;
}

/** A voice of your own. */
export interface ChatCompletionVoice {
  /** Its id. */
  id: string;
}

/** Text that much of the answer will repeat. */
export interface ChatCompletionPredictionContent {
  /** The text. What does not turn up in the answer is charged all the same. */
  content: string | ChatCompletionContentPartText[];

  /** The kind of prediction; there is only this one. */
  type: "content";
}

/**
 * How chunks come.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export interface ChatCompletionStreamOptions {
  /** Whether chunks hide their length behind random characters; true unless told. Costs bandwidth. */
  include_obfuscation?: boolean;

  /** Whether a chunk with `usage` and no choices comes last. It does not when the stream is cut. */
  include_usage?: boolean;
}

/**
 * How OpenAI caches the prompt; GPT-5.6 and newer.
 * @see https://platform.openai.com/docs/guides/prompt-caching
 */
export interface ChatCompletionPromptCacheOptions {
  /** Whether a breakpoint is set by itself or only where `prompt_cache_breakpoint` is; `implicit` unless told. */
  mode?: "implicit" | "explicit";

  /** How long entries live at least, in minutes. */
  ttl?: "30m";
}

/** Has the prompt and the answer moderated. */
export interface ChatCompletionModerationParam {
  /** Which model looks, for instance `omni-moderation-latest`. */
  model: string;

  /** What follows from what it finds. */
  policy?: ChatCompletionModerationPolicy | null;
}

/** What follows from what moderation finds. */
export interface ChatCompletionModerationPolicy {
  /** In the prompt. */
  input?: ChatCompletionModerationMode | null;

  /** In the answer. */
  output?: ChatCompletionModerationMode | null;
}

/** What follows from what moderation finds on one side. */
export interface ChatCompletionModerationMode {
  /** Only say so, or refuse. */
  mode: "score" | "block";
}

/**
 * How to search the web; `{}` leaves it to the model.
 * @see https://docs.aihubmix.com/en/api-playground/inferUsages
 */
export interface ChatCompletionWebSearchOptions {
  /** How much of what is found goes into the prompt; `medium` unless told. */
  search_context_size?: "low" | "medium" | "high";

  /** Roughly where the user is. */
  user_location?: ChatCompletionUserLocation | null;
}

/** Roughly where the user is. */
export interface ChatCompletionUserLocation {
  /** The place. */
  approximate: ChatCompletionApproximateLocation;

  /** How exact the place is; there is only this one. */
  type: "approximate";
}

/** A place, as far as it is known. */
export interface ChatCompletionApproximateLocation {
  /** The city, in free text. */
  city?: string;

  /** The country: two letters of ISO 3166-1. */
  country?: string;

  /** The region, in free text. */
  region?: string;

  /** The time zone by its IANA name, `Europe/Berlin`. */
  timezone?: string;
}

/** Text: what `response_format` is unless told. */
export interface ResponseFormatText {
  /** The kind of format. */
  type: "text";
}

/** Any JSON object; the prompt must ask for JSON too. */
export interface ResponseFormatJSONObject {
  /** The kind of format. */
  type: "json_object";
}

/**
 * JSON of a schema.
 * @see https://platform.openai.com/docs/guides/structured-outputs
 */
export interface ResponseFormatJSONSchema {
  /** The schema, and its name. */
  json_schema: NamedJSONSchema;

  /** The kind of format. */
  type: "json_schema";
}

export declare namespace ResponseFormatJSONSchema {
  export type JSONSchema = NamedJSONSchema;
}

/** A JSON Schema with a name. */
export interface NamedJSONSchema {
  /** Its name: up to 64 letters, digits, `_` and `-`. */
  name: string;

  /** What the answer is for, told to the model. */
  description?: string;

  /** The schema: an object at its root. */
  schema?: Record<string, unknown>;

  /** Whether the answer must fit exactly; the schema then may use only a part of JSON Schema. */
  strict?: boolean | null;
}

/**
 * A tool that the model may want run; `type` says which kind.
 * @see https://platform.openai.com/docs/guides/function-calling
 */
export type ChatCompletionTool = ChatCompletionFunctionTool | ChatCompletionCustomTool;

/** A function, called with JSON. */
export interface ChatCompletionFunctionTool extends Cacheable {
  /** The function. */
  function: FunctionDefinition;

  /** The kind of tool. */
  type: "function";
}

/** What the model is told of a function. */
export interface FunctionDefinition {
  /** Its name: up to 64 letters, digits, `_` and `-`. */
  name: string;

  /** What it does, and when to call it. */
  description?: string;

  /** Its arguments; none unless told. */
  parameters?: FunctionParameters;

  /** Whether the arguments must fit exactly; `parameters` then may use only a part of JSON Schema. */
  strict?: boolean | null;
}

/**
 * The arguments of a function: a JSON Schema with an object at its root.
 * @see https://json-schema.org/understanding-json-schema
 */
export type FunctionParameters = Record<string, unknown>;

/** A tool that is called with free text. */
export interface ChatCompletionCustomTool extends Cacheable {
  /** The tool. */
  custom: CustomToolDefinition;

  /** The kind of tool. */
  type: "custom";
}

export declare namespace ChatCompletionCustomTool {
  export type Custom = CustomToolDefinition;
  export namespace Custom {
    export type Text = CustomToolTextFormat;
    export type Grammar = CustomToolGrammarFormat;
    export namespace Grammar {
      export type Grammar = CustomToolGrammar;
    }
  }
}

/** What the model is told of a custom tool. */
export interface CustomToolDefinition {
  /** Its name. */
  name: string;

  /** What it does, and when to call it. */
  description?: string;

  /** What its input looks like; any text unless told. */
  format?: CustomToolTextFormat | CustomToolGrammarFormat;
}

/** Any text. */
export interface CustomToolTextFormat {
  /** The kind of format. */
  type: "text";
}

/** Text of a grammar. */
export interface CustomToolGrammarFormat {
  /** The grammar. */
  grammar: CustomToolGrammar;

  /** The kind of format. */
  type: "grammar";
}

/** A grammar. */
export interface CustomToolGrammar {
  /** Its text. */
  definition: string;

  /** The language it is written in. */
  syntax: "lark" | "regex";
}

/**
 * Whether tools are used: `none`; `auto`, as the model sees fit; `required`, at least one; or these. Without tools it
 * is `none`, with tools `auto`.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export type ChatCompletionToolChoiceOption =
  | "none"
  | "auto"
  | "required"
  | ChatCompletionAllowedToolChoice
  | ChatCompletionNamedToolChoice
  | ChatCompletionNamedToolChoiceCustom;

/** Only some of the tools. */
export interface ChatCompletionAllowedToolChoice {
  /** Which. */
  allowed_tools: ChatCompletionAllowedTools;

  /** The kind of choice. */
  type: "allowed_tools";
}

/** Some of the tools. */
export interface ChatCompletionAllowedTools {
  /** As the model sees fit, or at least one. */
  mode: "auto" | "required";

  /** Which, by kind and name: `{ type: "function", function: { name } }`. */
  tools: Array<Record<string, unknown>>;
}

/** This function. */
export interface ChatCompletionNamedToolChoice {
  /** Which. */
  function: ToolName;

  /** The kind of tool. */
  type: "function";
}

export declare namespace ChatCompletionNamedToolChoice {
  export type Function = ToolName;
}

/** This custom tool. */
export interface ChatCompletionNamedToolChoiceCustom {
  /** Which. */
  custom: ToolName;

  /** The kind of tool. */
  type: "custom";
}

export declare namespace ChatCompletionNamedToolChoiceCustom {
  export type Custom = ToolName;
}

/** A tool by its name. */
export interface ToolName {
  /** Its name. */
  name: string;
}

/** @deprecated This function, before `tool_choice` existed. */
export interface ChatCompletionFunctionCallOption {
  /** Its name. */
  name: string;
}

/** @deprecated What the model is told of a function, before `tools` existed. */
export interface ChatCompletionFunctionParam {
  /** Its name: up to 64 letters, digits, `_` and `-`. */
  name: string;

  /** What it does, and when to call it. */
  description?: string;

  /** Its arguments; none unless told. */
  parameters?: FunctionParameters;
}
