/** zod's own writer of JSON Schema, which the build puts in here: schemas of zod 4.0, 4.1 and mini do not bring theirs. */

import { globalRegistry, toJSONSchema as write } from "zod/v4/core";

/** What is known of a schema besides its type: its title, description and id. */
export const metadataOf = (schema: object): object | undefined => globalRegistry.get(schema as never);

/** Writes a schema of zod 4 as JSON Schema of what goes into it. */
export const toJSONSchema = (schema: object, get: (schema: object) => object | undefined): Record<string, unknown> =>
  write(schema as never, { target: "draft-7", io: "input", metadata: { get } as never }) as Record<string, unknown>;
