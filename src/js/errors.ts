/**
 * The errors that chatmux throws. Names and fields are those of the `openai` package; every class has a literal
 * `name`, which minifiers leave alone, and every error a `kind`, which is the same whichever copy of the module made it.
 */

import { define } from "./classes.js";

import type { ChatCompletion } from "./types.js";

/** What went wrong, as one word. */
export type ErrorKind =
  | "invalid_request"
  | "missing_api_key"
  | "wasm_not_loaded"
  | "wasm_failed"
  | "bad_request"
  | "authentication"
  | "permission_denied"
  | "not_found"
  | "conflict"
  | "unprocessable_entity"
  | "rate_limit"
  | "internal_server"
  | "api"
  | "redirect"
  | "malformed_response"
  | "too_large"
  | "connection"
  | "timeout"
  | "stream_timeout"
  | "stream_truncated"
  | "abort"
  | "callback"
  | "length_finish_reason"
  | "content_filter_finish_reason"
  | "invalid_json"
  | "schema_validation";

/**
 * The base of every error of chatmux. By itself: a request or an option that cannot be used, before anything was sent; or
 * chatmux's own WebAssembly, which could not be loaded (`wasm_not_loaded`) or failed (`wasm_failed`); or a function that was
 * given to a helper (`callback`), such as a tool or a listener, with what it threw as the `cause`.
 */
export class ChatmuxError extends Error {
  /** What went wrong, as one word. */
  declare readonly kind: ErrorKind;

  static {
    define(this, "ChatmuxError", "invalid_request");
  }
}

/** The provider answered with an error, or could not be reached. */
export class APIError extends ChatmuxError {
  /** The HTTP status; the one the provider's error object stands for, where it came under another. */
  readonly status: number | undefined;
  /** The headers of the response. */
  readonly headers: Headers | undefined;
  /** The provider's error object, as it was sent. */
  readonly error: object | undefined;
  /** The provider's code of the error, such as `invalid_api_key`. */
  readonly code: string | null | undefined;
  /** The parameter of the request that was wrong. */
  readonly param: string | null | undefined;
  /** The provider's type of the error, such as `invalid_request_error`. */
  readonly type: string | undefined;
  /** The id of the request in the provider's logs, from the header `x-request-id`. */
  readonly requestID: string | null | undefined;
  /** The HTTP status as it arrived, where `status` says something else. */
  declare readonly upstreamStatus?: number;
  /** How many retries were made before it. */
  declare readonly retryCount?: number;
  /** Of a stream: the completion as assembled until it failed, and the usage in it, if known. */
  declare readonly partial?: ChatCompletion | null;
  declare readonly usage?: ChatCompletion["usage"];

  static {
    define(this, "APIError", "api");
  }

  constructor(
    status: number | undefined,
    error: object | undefined,
    message: string | undefined,
    headers: Headers | undefined,
    options?: { cause?: unknown },
  ) {
    super(APIError.makeMessage(status, error, message), options);
    const said = error as { code?: string | null; param?: string | null; type?: string } | undefined;
    this.status = status;
    this.headers = headers;
    this.error = error;
    this.code = said?.code;
    this.param = said?.param;
    this.type = said?.type;
    this.requestID = requestID(headers);
  }

  /** The error for an answer: of the class of its status, or an {@link APIConnectionError} where there is none. */
  static generate(
    status: number | undefined,
    errorResponse: object | undefined,
    message: string | undefined,
    headers: Headers | undefined,
  ): APIError {
    if (!status || !headers) return new APIConnectionError({ message, cause: errorResponse });
    const ofStatus: Record<number, typeof APIError> = {
      400: BadRequestError,
      401: AuthenticationError,
      403: PermissionDeniedError,
      404: NotFoundError,
      409: ConflictError,
      422: UnprocessableEntityError,
      429: RateLimitError,
    };
    const error = (errorResponse as { error?: object } | undefined)?.error;
    const Class = ofStatus[status] ?? (status < 500 ? APIError : InternalServerError);
    return new Class(status, error, error ? undefined : message, headers);
  }

  private static makeMessage(status: number | undefined, error: object | undefined, message: string | undefined): string {
    const own = (error as { message?: unknown } | undefined)?.message;
    const text = message || (typeof own === "string" ? own : JSON.stringify(own ?? error));
    if (status !== undefined) return `${status} ${text || "status code (no body)"}`;
    return text || "(no status code or body)";
  }
}

/** 400: the request is wrong. */
export class BadRequestError extends APIError {
  static {
    define(this, "BadRequestError", "bad_request");
  }
}

/** 401: the key is missing, wrong or expired. */
export class AuthenticationError extends APIError {
  static {
    define(this, "AuthenticationError", "authentication");
  }
}

/** 403: the key may not do this, or its quota is used up. */
export class PermissionDeniedError extends APIError {
  static {
    define(this, "PermissionDeniedError", "permission_denied");
  }
}

/** 404: no such thing, and a model that the provider does not have. */
export class NotFoundError extends APIError {
  static {
    define(this, "NotFoundError", "not_found");
  }
}

/** 409: another request is in the way. */
export class ConflictError extends APIError {
  static {
    define(this, "ConflictError", "conflict");
  }
}

/** 422: the request can be read, but not be done. */
export class UnprocessableEntityError extends APIError {
  static {
    define(this, "UnprocessableEntityError", "unprocessable_entity");
  }
}

/** 429: too many requests. */
export class RateLimitError extends APIError {
  static {
    define(this, "RateLimitError", "rate_limit");
  }
}

/** 500 and above: the provider failed. */
export class InternalServerError extends APIError {
  static {
    define(this, "InternalServerError", "internal_server");
  }
}

/** The caller aborted the request. */
export class APIUserAbortError extends APIError {
  static {
    define(this, "APIUserAbortError", "abort");
  }

  constructor({ message, cause }: { message?: string | undefined; cause?: unknown } = {}) {
    super(undefined, undefined, message || "Request was aborted.", undefined, optional(cause));
  }
}

/** The connection could not be made, or was lost. */
export class APIConnectionError extends APIError {
  static {
    define(this, "APIConnectionError", "connection");
  }

  constructor({ message, cause }: { message?: string | undefined; cause?: unknown } = {}) {
    super(undefined, undefined, message || "Connection error.", undefined, optional(cause));
  }
}

/** The time allowed ran out. */
export class APIConnectionTimeoutError extends APIConnectionError {
  static {
    define(this, "APIConnectionTimeoutError", "timeout");
  }

  constructor({ message, cause }: { message?: string | undefined; cause?: unknown } = {}) {
    super({ message: message ?? "Request timed out.", cause });
  }
}

/** A stream that went silent for longer than allowed. */
export class StreamTimeoutError extends APIConnectionTimeoutError {
  static {
    define(this, "StreamTimeoutError", "stream_timeout");
  }
}

/** A stream that ended in the middle of the answer. */
export class StreamTruncatedError extends APIConnectionError {
  static {
    define(this, "StreamTruncatedError", "stream_truncated");
  }
}

/** The answer cannot be parsed, because it was cut at the length limit. */
export class LengthFinishReasonError extends ChatmuxError {
  /** The completion, as it came; not enumerable. */
  declare readonly completion?: ChatCompletion;

  static {
    define(this, "LengthFinishReasonError", "length_finish_reason");
  }

  constructor() {
    super("The answer was cut at the length limit and cannot be parsed. Raise `max_completion_tokens`.");
  }
}

/** The answer cannot be parsed, because the content filter held it back. */
export class ContentFilterFinishReasonError extends ChatmuxError {
  /** The completion, as it came; not enumerable. */
  declare readonly completion?: ChatCompletion;

  static {
    define(this, "ContentFilterFinishReasonError", "content_filter_finish_reason");
  }

  constructor() {
    super("The answer was held back by the provider's content filter and cannot be parsed.");
  }
}

/** The headers of a caller's `fetch` may be of any class; whatever they do, the error is told. */
function requestID(headers: Headers | undefined): string | null | undefined {
  try {
    return headers?.get("x-request-id");
  } catch {
    return undefined;
  }
}

/** An absent cause is left out, rather than being present and undefined. */
function optional(cause: unknown): { cause: unknown } | undefined {
  return cause === undefined ? undefined : { cause };
}
