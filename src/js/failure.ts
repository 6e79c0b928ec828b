/** The core's errors: data on their way in, errors of this package on their way out. */

import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ChatmuxError,
  ConflictError,
  type ErrorKind,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  StreamTimeoutError,
  StreamTruncatedError,
  UnprocessableEntityError,
} from "./errors.js";

/** An error as the core describes it. */
interface ErrorData {
  kind: ErrorKind;
  message: string;
  status?: number;
  upstreamStatus?: number;
  code?: string;
  error?: unknown;
  headers?: Headers;
  cause?: unknown;
}

const STATUS_CLASSES: Partial<Record<ErrorKind, typeof APIError>> = {
  bad_request: BadRequestError,
  authentication: AuthenticationError,
  permission_denied: PermissionDeniedError,
  not_found: NotFoundError,
  conflict: ConflictError,
  unprocessable_entity: UnprocessableEntityError,
  rate_limit: RateLimitError,
  internal_server: InternalServerError,
};

const CONNECTION_CLASSES: Partial<Record<ErrorKind, new (options: { message?: string; cause?: unknown }) => APIError>> = {
  abort: APIUserAbortError,
  connection: APIConnectionError,
  timeout: APIConnectionTimeoutError,
  stream_timeout: StreamTimeoutError,
  stream_truncated: StreamTruncatedError,
};

/** The error for what the core threw; anything that is no error data of the core passes as it is. */
export function toError(thrown: unknown): unknown {
  if (thrown instanceof Error || typeof thrown !== "object" || thrown === null || !("kind" in thrown)) return thrown;
  const { kind, message, status, upstreamStatus, code, error, headers, cause } = thrown as ErrorData;
  const Connection = CONNECTION_CLASSES[kind];
  if (Connection) return new Connection({ message, cause });
  if (kind === "invalid_request" || kind === "missing_api_key") {
    return Object.defineProperty(new ChatmuxError(message, cause === undefined ? undefined : { cause }), "kind", { value: kind });
  }
  // Some servers send a mere text as the error; it is kept as they sent it.
  const said = (error ?? undefined) as object | undefined;
  const made = new (STATUS_CLASSES[kind] ?? APIError)(status, said, message, headers, cause === undefined ? undefined : { cause });
  if (made.kind !== kind) Object.defineProperty(made, "kind", { value: kind });
  return Object.assign(made, code !== undefined && { code }, upstreamStatus !== undefined && { upstreamStatus });
}
