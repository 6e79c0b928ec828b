/** The classes of errors by their names, for those who need all of them. */

import type { ChatmuxError, ErrorKind } from "./errors.js";

interface Class {
  prototype: ChatmuxError;
}

/** What `errors.ts` has defined. */
export const classes: Record<string, Class> = {};

/** Name and kind belong to the class: they are found on an error, but not listed among its own fields. */
export function define(Class: Class, name: string, kind: ErrorKind): void {
  Object.defineProperty(Class, "name", { value: name });
  Object.defineProperties(Class.prototype, { name: { value: name }, kind: { value: kind } });
  classes[name] = Class;
}
