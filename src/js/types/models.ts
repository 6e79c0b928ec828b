/**
 * A model, as `GET /v1/models` lists it.
 * @see https://platform.openai.com/docs/api-reference/models/object
 */
export interface Model {
  /** What to put into a request's `model`. */
  id: string;

  /** When it was made, in seconds since the epoch. */
  created: number;

  /** What this is; always the same. */
  object: "model";

  /** Who offers it. */
  owned_by: string;

  /** From when on it is not served any more, `YYYY-MM-DD`; null when no date is set. */
  shutdown_date?: string | null;
}

/**
 * The answer of `GET /v1/models`.
 * @see https://platform.openai.com/docs/api-reference/models/list
 */
export interface ModelList {
  /** What this is; always the same. */
  object: "list";

  /** The models. */
  data: Model[];
}

/**
 * A model of AIHubMix's catalogue, as `GET /api/v1/models` describes it, read into numbers and lists.
 * @see https://docs.aihubmix.com/en/api/Models-API
 */
export interface CatalogueModel {
  /** What to put into a request's `model`. */
  id: string;

  /** Its name for people. */
  name: string;

  /** Who made it, by AIHubMix's id for them. */
  developer: string;

  /** What it is for, in English. */
  description: string;

  /** What kinds of model it is. */
  types: CatalogueType[];

  /** What it can do. */
  features: CatalogueFeature[];

  /** What it takes as input. AIHubMix warns that these are not always right. */
  input_modalities: CatalogueModality[];

  /** The protocols it is reached by. */
  endpoints: CatalogueEndpoint[];

  /** How much prompt it takes, in tokens; null when the catalogue does not say. */
  context_length: number | null;

  /** How much it can answer, in tokens; null when the catalogue does not say. */
  max_output: number | null;

  /** What it costs. */
  pricing: CataloguePricing;
}

/**
 * What a model costs, in USD per million tokens. (AIHubMix's page says per thousand; its own code divides by a
 * million.)
 * @see https://docs.aihubmix.com/en/api/Models-API
 */
export interface CataloguePricing {
  /** The prompt, in USD per million tokens; not a number (`NaN`) where the catalogue does not say. */
  input: number;

  /** The answer, in USD per million tokens; not a number (`NaN`) where the catalogue does not say. */
  output: number;

  /** The part of the prompt that is read from the cache, in USD per million tokens. */
  cache_read?: number;

  /** The part of the prompt that is written to the cache, in USD per million tokens. */
  cache_write?: number;
}

/**
 * Which models to list, and in what order. Several values are sent as one list with commas.
 * @see https://docs.aihubmix.com/en/api/Models-API
 */
export interface CatalogueFilters {
  /** The kind of model; AIHubMix documents one value, not a list. */
  type?: CatalogueType | readonly CatalogueType[];

  /** What the model must take as input. */
  modalities?: CatalogueModality | readonly CatalogueModality[];

  /** Models with this in their name. */
  model?: string;

  /** What the model must be able to do. */
  features?: CatalogueFeature | readonly CatalogueFeature[];

  /** The order: by value for money, by context length, models for coding first, or the catalogue's own. */
  sort_by?: "model_ratio" | "context_length" | "coding" | "order" | (string & {});

  /** Smallest or largest first. */
  sort_order?: "asc" | "desc";
}

/** A kind of model: answers text, draws, films, speaks (`tts`), listens (`stt`), embeds, ranks. */
export type CatalogueType =
  | "llm"
  | "image_generation"
  | "video"
  | "tts"
  | "stt"
  | "embedding"
  | "rerank"
  | (string & {});

/** What a model can do. */
export type CatalogueFeature =
  | "thinking"
  | "tools"
  | "function_calling"
  | "web"
  | "deepsearch"
  | "long_context"
  | "structured_outputs"
  | (string & {});

/** What a model takes as input. */
export type CatalogueModality = "text" | "image" | "audio" | "video" | "pdf" | (string & {});

/** A protocol that a model is reached by. */
export type CatalogueEndpoint = "chat_completions" | "responses" | "claude_api" | "gemini_api" | (string & {});
