import type { ChatCompletionFunctionCall, ChatCompletionMessageToolCall } from "./completion.js";
import type { Cacheable, ReasoningFields } from "./extensions.js";

/**
 * A message of the conversation so far; `role` says whose. A `ChatCompletionMessage` of an answer is one too.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 * @see https://docs.aihubmix.com/en/api-playground/inferUsages
 */
export type ChatCompletionMessageParam =
  | ChatCompletionDeveloperMessageParam
  | ChatCompletionSystemMessageParam
  | ChatCompletionUserMessageParam
  | ChatCompletionAssistantMessageParam
  | ChatCompletionToolMessageParam
  | ChatCompletionFunctionMessageParam;

/** Whose message. */
export type ChatCompletionRole = "developer" | "system" | "user" | "assistant" | "tool" | "function";

/** What the model must heed whatever the user says: the name that OpenAI's reasoning models have for `system`. */
export interface ChatCompletionDeveloperMessageParam extends Cacheable {
  /** The instructions. */
  content: string | ChatCompletionContentPartText[];

  /** Whose message. */
  role: "developer";

  /** Tells speakers of the same role apart. */
  name?: string;
}

/** What the model must heed whatever the user says. */
export interface ChatCompletionSystemMessageParam extends Cacheable {
  /** The instructions. */
  content: string | ChatCompletionContentPartText[];

  /** Whose message. */
  role: "system";

  /** Tells speakers of the same role apart. */
  name?: string;
}

/** What the user says or shows. */
export interface ChatCompletionUserMessageParam extends Cacheable {
  /** Text, or parts of several kinds. */
  content: string | ChatCompletionContentPart[];

  /** Whose message. */
  role: "user";

  /** Tells speakers of the same role apart. */
  name?: string;
}

/**
 * What the model said in an earlier turn. Its reasoning fields go back unchanged: some vendors answer 400 when they
 * are missing.
 * @see https://docs.aihubmix.com/en/api/unified-inference
 */
export interface ChatCompletionAssistantMessageParam extends Cacheable, ReasoningFields {
  /** Whose message. */
  role: "assistant";

  /** A spoken answer that the model gave. */
  audio?: ChatCompletionAudioReference | null;

  /** The text; may be missing beside `tool_calls` or `function_call`. */
  content?: string | Array<ChatCompletionContentPartText | ChatCompletionContentPartRefusal> | null;

  /** @deprecated The one function that was called, before `tool_calls` existed. */
  function_call?: ChatCompletionFunctionCall | null;

  /** Tells speakers of the same role apart. */
  name?: string;

  /** Why the model declined, in its words. */
  refusal?: string | null;

  /** The tools that the model wanted run; a `tool` message for each must follow. */
  tool_calls?: ChatCompletionMessageToolCall[];
}

export declare namespace ChatCompletionAssistantMessageParam {
  export type Audio = ChatCompletionAudioReference;
  export type FunctionCall = ChatCompletionFunctionCall;
}

/** A spoken answer of an earlier turn. */
export interface ChatCompletionAudioReference {
  /** The `id` that the answer's `audio` had; it expires. */
  id: string;
}

/** What a tool gave back. */
export interface ChatCompletionToolMessageParam extends Cacheable {
  /** The result, or the error that the model should see. */
  content: string | ChatCompletionContentPartText[];

  /** Whose message. */
  role: "tool";

  /** The `id` of the call that this answers. */
  tool_call_id: string;
}

/** @deprecated What a function gave back, before `tool` messages existed. */
export interface ChatCompletionFunctionMessageParam {
  /** The result. */
  content: string | null;

  /** Which function. */
  name: string;

  /** Whose message. */
  role: "function";
}

/**
 * A part of what the user says or shows; `type` says which kind.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export type ChatCompletionContentPart =
  | ChatCompletionContentPartText
  | ChatCompletionContentPartImage
  | ChatCompletionContentPartInputAudio
  | ChatCompletionContentPartFile;

export declare namespace ChatCompletionContentPart {
  export type File = ChatCompletionContentPartFile;
  export namespace File {
    export type File = ChatCompletionFile;
    export type PromptCacheBreakpoint = ChatCompletionPromptCacheBreakpoint;
  }
}

/** Text. */
export interface ChatCompletionContentPartText extends Cacheable {
  /** The text. */
  text: string;

  /** The kind of part. */
  type: "text";

  /** Caches the prompt up to and including this part. OpenAI. */
  prompt_cache_breakpoint?: ChatCompletionPromptCacheBreakpoint;
}

export declare namespace ChatCompletionContentPartText {
  export type PromptCacheBreakpoint = ChatCompletionPromptCacheBreakpoint;
}

/** An image. */
export interface ChatCompletionContentPartImage extends Cacheable {
  /** Where it is, or itself. */
  image_url: ChatCompletionImageURL;

  /** The kind of part. */
  type: "image_url";

  /** Caches the prompt up to and including this part. OpenAI. */
  prompt_cache_breakpoint?: ChatCompletionPromptCacheBreakpoint;
}

export declare namespace ChatCompletionContentPartImage {
  export type ImageURL = ChatCompletionImageURL;
  export type PromptCacheBreakpoint = ChatCompletionPromptCacheBreakpoint;
}

/** An image, and how closely to look at it. */
export interface ChatCompletionImageURL {
  /** An address that the provider can fetch, or a `data:` URL with the image in base64. */
  url: string;

  /** How closely to look: more detail costs more tokens. `auto` unless told. */
  detail?: "auto" | "low" | "high" | "original";
}

/** Speech. */
export interface ChatCompletionContentPartInputAudio {
  /** The audio. */
  input_audio: ChatCompletionInputAudio;

  /** The kind of part. */
  type: "input_audio";

  /** Caches the prompt up to and including this part. OpenAI. */
  prompt_cache_breakpoint?: ChatCompletionPromptCacheBreakpoint;
}

export declare namespace ChatCompletionContentPartInputAudio {
  export type InputAudio = ChatCompletionInputAudio;
  export type PromptCacheBreakpoint = ChatCompletionPromptCacheBreakpoint;
}

/** Audio to listen to. */
export interface ChatCompletionInputAudio {
  /** The bytes, base64. */
  data: string;

  /** What the bytes are. */
  format: "wav" | "mp3";
}

/** A file, for instance a PDF. */
export interface ChatCompletionContentPartFile extends Cacheable {
  /** Where it is, or itself. */
  file: ChatCompletionFile;

  /** The kind of part. */
  type: "file";

  /** Caches the prompt up to and including this part. OpenAI. */
  prompt_cache_breakpoint?: ChatCompletionPromptCacheBreakpoint;
}

/** A file: its bytes with a name, or its id. */
export interface ChatCompletionFile {
  /** A `data:` URL with the bytes in base64. */
  file_data?: string;

  /** The id of a file that was uploaded before. */
  file_id?: string;

  /** Its name, which tells the model what it is. */
  filename?: string;
}

/** The model's own words of declining, in an earlier turn. */
export interface ChatCompletionContentPartRefusal {
  /** The words. */
  refusal: string;

  /** The kind of part. */
  type: "refusal";
}

/**
 * A prompt cache breakpoint of OpenAI's; for Claude's see `cache_control`.
 * @see https://platform.openai.com/docs/guides/prompt-caching
 */
export interface ChatCompletionPromptCacheBreakpoint {
  /** Who set it: you. */
  mode: "explicit";

  /** How long the entry lives at least, in minutes or hours. */
  ttl?: "30m" | "12h";
}
