/**
 * JSON Schemas of a tool's arguments: where they come from, and the strict form that models hold to best.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { checkReferences } from "./strict.ts";
import type { InferOutput, StandardSchemaV1 } from "./standard_schema.ts";
import type { JSONSchema } from "./tool.ts";

/**
 * What may describe the arguments of a tool: a schema of a library that speaks Standard Schema and Standard JSON Schema
 * (zod, arktype), a plain JSON Schema, or both side by side.
 */
export type ToolParameters = StandardSchemaV1 | SchemaPair | JSONSchema;

/** A validator and the JSON Schema that says the same, for libraries that cannot write their own. */
export interface SchemaPair<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** Checks the arguments. */
  readonly schema: Schema;
  /** Tells models about them. */
  readonly jsonSchema: JSONSchema;
}

/** The arguments a tool's function gets. Of a plain JSON Schema nothing is known, of no schema that there are none. */
export type ToolArguments<Parameters> = Parameters extends StandardSchemaV1 ? InferOutput<Parameters>
  : Parameters extends SchemaPair<infer Schema> ? InferOutput<Schema>
  : Parameters extends undefined ? Record<string, never>
  : Record<string, unknown>;

/** The parameter that `onDuplicate: "confirm"` adds. It never reaches the tool's function. */
export const CONFIRM_DUPLICATE_PARAM = "lk_agents_confirm_duplicate";

const TARGET = "draft-2020-12";
const NO_PARAMETERS: JSONSchema = Object.freeze({ type: "object", properties: Object.freeze({}) });

/** A resolved description of arguments. */
export interface ResolvedParameters {
  /** What models are told. */
  readonly jsonSchema: JSONSchema;
  /** What checks the arguments, where there is something. */
  readonly schema: StandardSchemaV1 | undefined;
}

/**
 * Finds the JSON Schema and the validator in what a tool was given.
 *
 * @throws {AgentError} `tool.bad_definition` when there is no JSON Schema of an object to be had.
 */
export function resolveParameters(name: string, parameters: ToolParameters | null | undefined): ResolvedParameters {
  if (parameters === undefined || parameters === null) return { jsonSchema: NO_PARAMETERS, schema: undefined };
  if (typeof parameters !== "object" && typeof parameters !== "function") {
    throw badParameters(name, "a schema", typeof parameters);
  }
  if (isStandardSchema(parameters)) {
    const jsonSchema = checkObject(name, readJsonSchema(name, parameters));
    checkReferences(jsonSchema, jsonSchema);
    return { jsonSchema, schema: parameters };
  }
  const { schema, jsonSchema } = parameters as Partial<SchemaPair>;
  if (schema !== undefined && isStandardSchema(schema)) {
    if (typeof jsonSchema !== "object") throw badParameters(name, "`{ schema, jsonSchema }`", "`schema` alone");
    const checked = checkObject(name, jsonSchema);
    checkReferences(checked, checked);
    return { jsonSchema: checked, schema };
  }
  return { jsonSchema: checkObject(name, parameters as JSONSchema), schema: undefined };
}

/** Whether a value validates as Standard Schema says. Schemas of some libraries are functions. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const standard = (value as { "~standard"?: { validate?: unknown } })["~standard"];
  return typeof standard?.validate === "function";
}

function readJsonSchema(name: string, schema: StandardSchemaV1): JSONSchema {
  const standard = schema["~standard"];
  if (standard.jsonSchema === undefined) {
    throw badParameters(
      name,
      "a schema that can write itself as JSON Schema, or `{ schema, jsonSchema }` (for valibot: `valibotSchema(schema)`)",
      `a schema of ${standard.vendor}`,
    );
  }
  try {
    return standard.jsonSchema.input({ target: TARGET });
  } catch (cause) {
    throw new AgentError(
      "tool.bad_definition",
      `Cannot define tool ${name} as ${standard.vendor} must be able to write its parameters as JSON Schema: current value is a schema that it cannot write`,
      { cause },
    );
  }
}

function checkObject(name: string, jsonSchema: JSONSchema): JSONSchema {
  if (jsonSchema["type"] !== "object") {
    throw badParameters(name, "the schema of an object", `a schema of type ${JSON.stringify(jsonSchema["type"])}`);
  }
  const { $schema: _dialect, "~standard": _standard, ...rest } = jsonSchema;
  return deepFreeze("properties" in rest ? rest : { ...rest, properties: {} });
}

function badParameters(name: string, rule: string, value: string): AgentError {
  return new AgentError(
    "tool.bad_definition",
    `Cannot define tool ${name} as \`parameters\` must be ${rule}: current value is ${value}`,
  );
}

/** Freezes a copy, so that nobody's schema is changed and ours cannot be. */
function deepFreeze<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map(deepFreeze)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deepFreeze(inner)]))) as T;
}

/** A schema with the parameter by which a model confirms that it wants a second call while one runs. */
export function withConfirmation(jsonSchema: JSONSchema): JSONSchema {
  return {
    ...jsonSchema,
    properties: {
      ...jsonSchema["properties"] as JSONSchema,
      [CONFIRM_DUPLICATE_PARAM]: {
        type: ["boolean", "null"],
        description: "True only when the user has confirmed that this call shall run beside the one under way.",
      },
    },
    required: [...(jsonSchema["required"] as readonly string[] | undefined) ?? [], CONFIRM_DUPLICATE_PARAM],
  };
}
