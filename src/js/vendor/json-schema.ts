/** A validator for JSON Schema that makes no code, so that it runs under any policy; the build puts it in here. */

import { dereference as find, validate as check } from "@cfworker/json-schema";

/** Something that is wrong with a value. */
export interface Fault {
  /** The keyword that it does not fit. */
  keyword: string;
  /** Where the value is, as a JSON Pointer with `#` before it. */
  instanceLocation: string;
  /** What is wrong. */
  error: string;
}

/** The drafts of JSON Schema that are known. */
export type Draft = "4" | "7" | "2019-09" | "2020-12";

/** The schemas in a schema, by their addresses. */
export const dereference = (schema: Record<string, unknown>): Record<string, unknown> => find(schema);

/** What is wrong with a value; `isBrief` for the first of it only. */
export const validate = (
  value: unknown,
  schema: Record<string, unknown>,
  draft: Draft,
  schemas: Record<string, unknown>,
  isBrief: boolean,
): Fault[] => check(value, schema, draft, schemas as never, isBrief).errors;
