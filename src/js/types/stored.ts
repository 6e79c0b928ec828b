import type { ChatCompletionMessage } from "./completion.js";
import type { ChatCompletionContentPartImage, ChatCompletionContentPartText } from "./messages.js";
import type { Metadata } from "./request.js";

/**
 * A message of a stored completion: see `store`.
 * @see https://platform.openai.com/docs/api-reference/chat/getMessages
 */
export interface ChatCompletionStoreMessage extends ChatCompletionMessage {
  /** Its name. */
  id: string;

  /** Its text and images, where it was sent in parts. */
  content_parts?: Array<ChatCompletionContentPartText | ChatCompletionContentPartImage> | null;
}

/**
 * What to change in a stored completion.
 * @see https://platform.openai.com/docs/api-reference/chat/update
 */
export interface ChatCompletionUpdateParams {
  /** The new notes, in place of the old. */
  metadata: Metadata | null;
}

/**
 * Which stored completions to list.
 * @see https://platform.openai.com/docs/api-reference/chat/list
 */
export interface ChatCompletionListParams {
  /** The id of the completion before the first one of the list. */
  after?: string;

  /** How many. */
  limit?: number;

  /** The notes that they must have. */
  metadata?: Metadata | null;

  /** The model that they must be from. */
  model?: string;

  /** Oldest or newest first; `asc` unless told. */
  order?: "asc" | "desc";
}

/**
 * What comes of deleting a stored completion.
 * @see https://platform.openai.com/docs/api-reference/chat/delete
 */
export interface ChatCompletionDeleted {
  /** The completion. */
  id: string;

  /** Whether it is deleted. */
  deleted: boolean;

  /** What this is; always the same. */
  object: "chat.completion.deleted";
}
