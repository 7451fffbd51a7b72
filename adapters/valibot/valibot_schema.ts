/**
 * Lets schemas of valibot describe the arguments of tools. valibot writes no JSON Schema itself; its sister package
 * `@valibot/to-json-schema` does, and is a peer of this entry.
 *
 * @module
 */
import type { toJsonSchema } from "@valibot/to-json-schema";
import { AgentError } from "../../src/base/error.ts";
import type { SchemaPair } from "../../src/tool/schema.ts";
import type { StandardSchemaV1 } from "../../src/tool/standard_schema.ts";

type Writable = Parameters<typeof toJsonSchema>[0];

// Asked for once, and missed when it is used: what is made of this module must load without its peer.
let writer: typeof toJsonSchema | undefined;
try {
  ({ toJsonSchema: writer } = await import("@valibot/to-json-schema"));
} catch {
  writer = undefined;
}

/**
 * A valibot schema with its JSON Schema, for the `parameters` of a tool.
 *
 * @throws {AgentError} `tool.bad_definition` when the schema holds something that JSON Schema cannot say, such as a date,
 * or the schema is of another library; `runtime.missing` when the package `@valibot/to-json-schema` is not installed.
 *
 * @example
 * ```ts
 * const weather = tool({
 *   name: "weather",
 *   description: "The weather in a city today.",
 *   parameters: valibotSchema(v.object({ city: v.pipe(v.string(), v.description("Its English name")) })),
 *   execute: ({ city }) => forecast(city),
 * });
 * ```
 */
export function valibotSchema<Schema extends StandardSchemaV1>(schema: Schema): SchemaPair<Schema> {
  const { vendor } = schema["~standard"];
  if (vendor !== "valibot") {
    throw new AgentError(
      "tool.bad_definition",
      `Cannot use a schema as it must be of valibot: current value is of ${vendor}`,
    );
  }
  if (writer === undefined) {
    throw new AgentError(
      "runtime.missing",
      "Cannot use a valibot schema as the package `@valibot/to-json-schema` must be installed: current value is none",
    );
  }
  try {
    // What the model writes is the input: a default makes a property optional there.
    const { $schema: _dialect, ...jsonSchema } = writer(schema as unknown as Writable, {
      typeMode: "input",
      target: "draft-2020-12",
    });
    return { schema, jsonSchema };
  } catch (cause) {
    throw new AgentError(
      "tool.bad_definition",
      `Cannot use a valibot schema as JSON Schema must be able to say it: current value is one that it cannot say`,
      { cause },
    );
  }
}
