/**
 * Answers that must fit a schema.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { isStandardSchema, resolveParameters, type SchemaPair } from "./schema.ts";
import type { InferOutput, StandardSchemaV1 } from "./standard_schema.ts";
import { supportsStrict, toStrictSchema } from "./strict.ts";
import type { JSONSchema } from "./tool.ts";

/** What an answer must fit, for `responseFormat` of a request, and how to read it. */
export interface ResponseFormat<Output> {
  /** What the provider calls it. */
  readonly name: string;
  /** What the model is held to: strict where the schema can be. */
  readonly schema: JSONSchema;
  /**
   * Reads an answer.
   *
   * @throws {AgentError} `model.bad_response` when it is no JSON, or does not fit; the message lists what is wrong.
   */
  parse(text: string): Output;
}

/** What describes an answer: a schema of a library, one with its JSON Schema beside it, or a named JSON Schema. */
export type ResponseSchema = StandardSchemaV1 | SchemaPair | { readonly name: string; readonly schema: JSONSchema };

/** What an answer is read as. Of a plain JSON Schema nothing is known. */
export type ResponseOutput<Schema> = Schema extends StandardSchemaV1 ? InferOutput<Schema>
  : Schema extends SchemaPair<infer Inner> ? InferOutput<Inner>
  : unknown;

/**
 * Describes an answer that must fit a schema.
 *
 * All properties are required, and those that have a default may not be null, so that an answer validates as it is.
 *
 * @param schema A schema of zod or arktype, `valibotSchema(...)`, `{ schema, jsonSchema }`, or `{ name, schema }` of plain JSON Schema.
 * @param name What the provider calls it: letters, digits, `_` and `-`. Default `"response"`.
 * @throws {AgentError} `tool.bad_definition` when there is no JSON Schema of an object to be had.
 *
 * @example
 * ```ts
 * const format = responseFormat(z.object({ mood: z.enum(["calm", "angry"]), reply: z.string() }));
 * const chunks = llm.chat({ chatCtx, responseFormat: format });
 * const { mood, reply } = format.parse(await textOf(chunks));
 * ```
 */
export function responseFormat<const Schema extends ResponseSchema>(
  schema: Schema,
  name?: string,
): ResponseFormat<ResponseOutput<Schema>> {
  const isNamed = !isStandardSchema(schema) && "name" in schema;
  const { jsonSchema, schema: validator } = resolveParameters(
    "(response format)",
    isNamed ? (schema as { readonly schema: JSONSchema }).schema : schema as StandardSchemaV1 | SchemaPair,
  );
  const strict = !isNamed && supportsStrict(jsonSchema);
  return Object.freeze({
    name: name ?? (isNamed ? (schema as { readonly name: string }).name : "response"),
    schema: strict ? toStrictSchema(jsonSchema, { nullForDefault: false }) : jsonSchema,
    parse(text: string) {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (cause) {
        throw new AgentError("model.bad_response", `Cannot read an answer as it must be JSON: current value is text`, {
          cause,
        });
      }
      if (validator === undefined) return value as ResponseOutput<Schema>;
      const result = validator["~standard"].validate(value);
      if (result instanceof Promise) {
        throw new AgentError(
          "tool.bad_definition",
          "Cannot read an answer as its schema must validate at once: current value is a promise",
        );
      }
      if (result.issues === undefined) return result.value as ResponseOutput<Schema>;
      const issues = result.issues.map(({ path = [], message }) =>
        `${path.map((key) => String(typeof key === "object" ? key.key : key)).join(".") || "answer"}: ${message}`
      );
      throw new AgentError(
        "model.bad_response",
        `Cannot read an answer as it must fit its schema: current value does not, ${issues.join("; ")}`,
      );
    },
  });
}
