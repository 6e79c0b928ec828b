/** The writer of JSON Schema for zod 3, which the build puts in here: zod 3 has none. */

import { zodToJsonSchema } from "zod-to-json-schema";

/** Writes a schema of zod 3 as JSON Schema of what goes into it. */
export const toJSONSchema = (schema: object, definitions: Record<string, object>): Record<string, unknown> =>
  zodToJsonSchema(schema as never, {
    target: "jsonSchema7",
    pipeStrategy: "input",
    ...(Object.keys(definitions).length > 0 && { definitions: definitions as never }),
  });
