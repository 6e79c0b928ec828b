/** The errors of answers that cannot be parsed. */

import { define } from "../classes.js";
import { ChatmuxError } from "../errors.js";
import type { ChatCompletion, StandardSchemaIssue } from "../types.js";

/** So many issues are told in a message; all of them are in `issues`. */
const TOLD = 5;

/** What the model wrote is no JSON, or nests too deep. */
export class InvalidJSONError extends ChatmuxError {
  /** What the model wrote; not enumerable, and not in the message, so that it gets into no log by itself. */
  declare readonly content: string;
  /** The completion that holds it, where it is whole; not enumerable. */
  declare readonly completion?: ChatCompletion;

  static {
    define(this, "InvalidJSONError", "invalid_json");
  }

  constructor(message: string, content: string) {
    super(message);
    hide(this, { content });
  }
}

/** What the model wrote is JSON, but does not fit the schema. */
export class SchemaValidationError extends ChatmuxError {
  /** What is wrong, as the schema's library says it. */
  readonly issues: readonly StandardSchemaIssue[];
  /** What the model wrote; not enumerable, and not in the message, so that it gets into no log by itself. */
  declare readonly content: string;
  /** The completion that holds it, where it is whole; not enumerable. */
  declare readonly completion?: ChatCompletion;

  static {
    define(this, "SchemaValidationError", "schema_validation");
  }

  constructor(issues: readonly StandardSchemaIssue[], content: string) {
    super(`What the model wrote does not fit the schema: ${tell(issues)}.`);
    this.issues = issues;
    hide(this, { content });
  }
}

/** Gives an object fields that are found, but not listed. */
export function hide<Of extends object>(of: Of, fields: object): Of {
  for (const [name, value] of Object.entries(fields)) Object.defineProperty(of, name, { value, configurable: true });
  return of;
}

function tell(issues: readonly StandardSchemaIssue[]): string {
  const told = issues.slice(0, TOLD).map(({ message, path }) => {
    const keys = path?.map((step) => String(typeof step === "object" ? step.key : step)) ?? [];
    return (keys.length ? `${keys.join(".")}: ` : "") + message;
  });
  const more = issues.length - told.length;
  return told.join("; ") + (more > 0 ? `; and ${more} more` : "");
}
