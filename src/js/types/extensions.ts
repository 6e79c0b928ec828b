/*
 * What providers add to OpenAI's format. Everything here is optional where it is used, so that an object
 * typed by the openai package fits ours and ours fits theirs. Fields that no type names are kept and sent
 * back all the same.
 */

/** The fields in which providers carry a model's reasoning, on messages, deltas and replayed assistant messages. */
export interface ReasoningFields {
  /**
   * The reasoning as text, for display. AIHubMix, DeepSeek, Kimi, GLM, Qwen. DeepSeek refuses the next turn of a
   * tool call (400) when it is not sent back.
   * @see https://docs.aihubmix.com/en/api/unified-inference
   * @see https://api-docs.deepseek.com/guides/thinking_mode
   */
  reasoning_content?: string | null;

  /**
   * The same under the name that OpenRouter, Ollama and newer vLLM use.
   * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
   */
  reasoning?: string | null;

  /**
   * The reasoning in full, in the order it was made: send it back unchanged in the next turn. In a delta, the
   * pieces that are new. AIHubMix, OpenRouter.
   * @see https://docs.aihubmix.com/en/api/unified-inference
   */
  reasoning_details?: ReasoningDetail[] | null;

  /**
   * Claude's thinking blocks with their signatures. LiteLLM.
   * @see https://docs.litellm.ai/docs/reasoning_content
   */
  thinking_blocks?: ThinkingBlock[] | null;

  /**
   * Claude's blocks, text and thinking alike, when strict OpenAI compliance is off. Portkey.
   * @see https://portkey.ai/docs/product/ai-gateway/multimodal-capabilities/thinking-mode
   */
  content_blocks?: ContentBlock[] | null;

  /** What only one provider has, by its own names; a map on the wire. LiteLLM. */
  provider_specific_fields?: Record<string, unknown> | null;

  /** Gemini's signature, when the turn called no tool that could carry it. */
  extra_content?: ExtraContent;
}

/**
 * One piece of a model's reasoning. Which fields are there depends on `type` and on the vendor, hence one open
 * interface and not a union: AIHubMix documents the inner shape as vendor-specific.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export interface ReasoningDetail {
  /** What the piece is, and so which of the fields below it has. */
  type: "reasoning.text" | "reasoning.summary" | "reasoning.encrypted" | "reasoning.server_tool_call" | (string & {});

  /** The vendor's name for the piece. */
  id?: string | null;

  /** Its place among the pieces, from 0; pieces of a stream with the same index belong together. */
  index?: number;

  /** Who made it, and so who can read it back. */
  format?:
    | "unknown"
    | "anthropic-claude-v1"
    | "google-gemini-v1"
    | "openai-responses-v1"
    | "azure-openai-responses-v1"
    | "bedrock-openai-responses-v1"
    | "bedrock-xai-responses-v1"
    | "xai-responses-v1"
    | "meta-responses-v1"
    | (string & {})
    | null;

  /** `reasoning.text`: the text; empty when there is only a signature. */
  text?: string | null;

  /** `reasoning.text`: the vendor's proof that the text is its own; valid only byte for byte. */
  signature?: string | null;

  /** `reasoning.summary`: the summary that stands for hidden reasoning. */
  summary?: string;

  /** `reasoning.encrypted`: reasoning that only its vendor can read, usually base64. */
  data?: string;

  /** The model that made it, where this package has translated the answer: no other model can read it back. */
  model?: string;

  /**
   * How much of the message came before the piece, where that is not its beginning and this package has translated the
   * answer: so that thoughts between calls go back where they stood, as Claude demands. A piece that says nothing else keeps
   * apart what would change places.
   * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
   */
  after?: {
    /** Of its `content`, in bytes of UTF-8. */
    text_bytes?: number;
    /** Of its `images`. */
    images?: number;
    /** Of its `tool_calls`. */
    calls?: number;
  };
}

/**
 * A thinking block in Anthropic's own words.
 * @see https://docs.litellm.ai/docs/reasoning_content
 */
export type ThinkingBlock = ThinkingTextBlock | RedactedThinkingBlock;

/** A thinking block that can be read. */
export interface ThinkingTextBlock {
  /** The kind of block. */
  type: "thinking";

  /** The thinking; empty when the vendor hides it and sends only the signature. */
  thinking: string;

  /** Anthropic's signature over the block; in a stream it comes last. */
  signature?: string | null;
}

/** A thinking block that only Anthropic can read. */
export interface RedactedThinkingBlock {
  /** The kind of block. */
  type: "redacted_thinking";

  /** The encrypted thinking. */
  data: string;
}

/**
 * A block of Claude's answer as Portkey passes it on: whole in a message, its `delta` in a stream.
 * @see https://portkey.ai/docs/product/ai-gateway/multimodal-capabilities/thinking-mode
 */
export interface ContentBlock {
  /** What the block is. */
  type?: "text" | "thinking" | "redacted_thinking" | (string & {});

  /** The block's place in the answer, from 0. Streams only. */
  index?: number;

  /** `text`: the text. */
  text?: string;

  /** `thinking`: the thinking. */
  thinking?: string;

  /** `thinking`: Anthropic's signature over it. */
  signature?: string;

  /** `redacted_thinking`: the encrypted thinking. */
  data?: string;

  /** What is new in the block. Streams only. */
  delta?: Omit<ContentBlock, "delta" | "index">;
}

/**
 * What Gemini needs back with a tool call, or with a message that has none.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export interface ExtraContent {
  /** Google's part; no other vendor uses the field. */
  google?: {
    /** The signature of the thought behind the call, base64. Gemini 3 answers 400 when it is missing. */
    thought_signature?: string;

    /** Whether the content is itself a thought. */
    thought?: boolean;
  };
}

/** Where a prompt cache breakpoint can be set for Claude. */
export interface Cacheable {
  /**
   * Caches the prompt up to and including this. At most four in a request. AIHubMix, OpenRouter, LiteLLM; only
   * Claude needs it.
   * @see https://docs.aihubmix.com/en/practices/prompt-caching
   */
  cache_control?: CacheControl | null;
}

/**
 * A prompt cache breakpoint.
 * @see https://docs.aihubmix.com/en/api/Claude-Cache
 */
export interface CacheControl {
  /** The only kind there is. */
  type: "ephemeral";

  /** How long the entry lives, renewed by each use: five minutes unless told, or an hour, at a higher price. */
  ttl?: "5m" | "1h";
}

/**
 * An image in an answer, as OpenRouter sends it.
 * @see https://openrouter.ai/docs/features/multimodal/image-generation
 */
export interface ChatCompletionMessageImage {
  /** The kind of part; there is only this one. */
  type?: "image_url";

  /** The image. */
  image_url: {
    /** A `data:` URL with the image in base64, or an address to fetch it from. */
    url: string;
  };

  /** Its place among the images, from 0. */
  index?: number;
}

/**
 * A part of an answer that mixes text and images, as AIHubMix sends it.
 * @see https://docs.aihubmix.com/en/api/Multimodal-Interaction-with-Gemini
 */
export interface MultiModalContentPart {
  /** Text; empty beside an image. */
  text?: string;

  /** An image, as AIHubMix's page spells the field; empty beside text. */
  inlineData?: {
    /** The bytes, base64. */
    data?: string;

    /** `image/png`, or only `png`. */
    mimeType?: string;
  };

  /** An image, as AIHubMix's Python examples, and so most programs, read the field. */
  inline_data?: {
    /** The bytes, base64. */
    data?: string;

    /** `image/png`, or only `png`. */
    mime_type?: string;
  };
}

/**
 * A web page that an answer draws on, as Perplexity lists it.
 * @see https://docs.perplexity.ai/api-reference/chat-completions-post
 */
export interface SearchResult {
  /** The page's title. */
  title: string;

  /** Its address. */
  url: string;

  /** When it was published, `YYYY-MM-DD`. */
  date?: string | null;

  /** When it last changed, `YYYY-MM-DD`. */
  last_updated?: string | null;

  /** The passage that was used. */
  snippet?: string | null;
}

/** Fields that providers add to the top level of a completion and of each chunk. */
export interface CompletionExtensions {
  /** The upstream that answered, by OpenRouter's name for it. */
  provider?: string;

  /** Addresses of the pages the answer draws on; `[1]` in the text is the first. Perplexity. */
  citations?: string[];

  /** The same pages with title and date. Perplexity. */
  search_results?: SearchResult[];
}
