/**
 * Tools as the APIs of Anthropic, Google and Mistral want them, and as OpenAI's responses API does.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { toOpenAITools } from "./openai_tools.ts";
import { withConfirmation } from "./schema.ts";
import { resolve, supportsStrict, toStrictSchema } from "./strict.ts";
import type { AnyFunctionTool, JSONSchema, ToolContext } from "./tool.ts";
import { sortedTools } from "./tool_context.ts";

/** A tool of a request. Plain JSON. */
export type ProviderToolJSON = Readonly<Record<string, unknown>>;

/** What models are told about the arguments. */
const schemaOf = (tool: AnyFunctionTool): JSONSchema =>
  tool.onDuplicate === "confirm" ? withConfirmation(tool.jsonSchema) : tool.jsonSchema;

/**
 * Writes tools for the field `tools` of Anthropic's messages API, by name, so that the provider's cache holds.
 *
 * @param options `strict`: hold the model to the schema, where the schema allows it; those of plain JSON Schema are sent as
 * they are. Default true.
 */
export function toAnthropicTools(
  toolCtx: ToolContext,
  options: { readonly strict?: boolean } = {},
): readonly ProviderToolJSON[] {
  return sortedTools(toolCtx).map((tool) => {
    const given = schemaOf(tool);
    const strict = (options.strict ?? true) && tool.schema !== undefined && supportsStrict(given);
    return {
      name: tool.name,
      description: tool.description,
      input_schema: strict ? toStrictSchema(given) : given,
      ...(strict && { strict: true }),
    };
  });
}

/** Writes tools for the field `tools` of Mistral's API, which are those of OpenAI's chat completions without the strict form. */
export function toMistralTools(toolCtx: ToolContext): readonly ProviderToolJSON[] {
  return toOpenAITools(toolCtx, { strict: false });
}

/** Writes tools for the field `tools` of OpenAI's responses API: flat, and with the schema as it is. */
export function toOpenAIResponsesTools(toolCtx: ToolContext): readonly ProviderToolJSON[] {
  return sortedTools(toolCtx).map((tool) => ({
    type: "function",
    name: tool.name,
    description: tool.description,
    parameters: schemaOf(tool),
  }));
}

/**
 * Writes tools for the field `functionDeclarations` of Gemini, by name.
 *
 * @param options `behavior`: as the API has it, such as `"NON_BLOCKING"`. `parametersJsonSchema`: send plain JSON Schemas as they
 * are; false: in Gemini's own form, as its live API demands. Default true.
 * @throws {AgentError} `tool.bad_definition` for a schema that refers to itself, or to nothing.
 */
export function toGoogleTools(
  toolCtx: ToolContext,
  options: { readonly behavior?: string; readonly parametersJsonSchema?: boolean } = {},
): readonly ProviderToolJSON[] {
  const asJson = options.parametersJsonSchema ?? true;
  return sortedTools(toolCtx).map((tool) => ({
    name: tool.name,
    description: tool.description,
    ...(tool.schema === undefined && asJson && !isEmpty(tool.jsonSchema)
      ? { parametersJsonSchema: schemaOf(tool) }
      : { parameters: toGeminiSchema(schemaOf(tool)) }),
    ...(options.behavior !== undefined && { behavior: options.behavior }),
  }));
}

type Schema = Record<string, unknown>;

/** Keywords that Gemini refuses. */
const UNKNOWN_TO_GEMINI: ReadonlySet<string> = new Set([
  "title",
  "default",
  "additionalProperties",
  "$schema",
  "$defs",
  "definitions",
  "discriminator",
  "examples",
]);

/**
 * Writes a JSON Schema in the form of Gemini's own schemas: references are written out, a constant is a list of one value,
 * and null is a mark. The input stays as it is.
 *
 * @returns `null` for an object without properties, which stands for no parameters.
 * @throws {AgentError} `tool.bad_definition` for a schema that refers to itself, or to nothing.
 */
export function toGeminiSchema(schema: JSONSchema): ProviderToolJSON | null {
  return isEmpty(schema) ? null : simplify(schema, schema, []);
}

function isEmpty(schema: JSONSchema): boolean {
  return schema["type"] === "object" && Object.keys((schema["properties"] ?? {}) as object).length === 0;
}

function simplify(input: JSONSchema, root: JSONSchema, path: readonly string[]): Schema {
  if (typeof input["$ref"] === "string") {
    const reference = input["$ref"];
    if (path.includes(reference)) {
      throw new AgentError(
        "tool.bad_definition",
        `Cannot write a schema for Gemini as it must not refer to itself: current value is ${reference}`,
      );
    }
    const { $ref: _reference, ...beside } = input as Schema;
    return simplify({ ...resolve(root, reference), ...beside }, root, [...path, reference]);
  }
  const inner = (schema: unknown): Schema => simplify(isSchema(schema) ? schema : {}, root, path);
  const output: Schema = {};
  for (const [key, value] of Object.entries(input)) {
    if (UNKNOWN_TO_GEMINI.has(key)) continue;
    if (key === "const") output["enum"] = [value];
    else if (key === "properties" && isSchema(value)) {
      output[key] = Object.fromEntries(Object.entries(value).map(([name, property]) => [name, inner(property)]));
    } else if (key === "items" && isSchema(value)) output[key] = inner(value);
    else if (key !== "anyOf" && key !== "oneOf" && key !== "allOf" && key !== "type") output[key] = value;
  }
  const types = [input["type"] ?? []].flat() as string[];
  const plain = types.filter((type) => type !== "null");
  if (plain.length === 1) output["type"] = plain[0];
  const variants = [input["anyOf"], input["oneOf"], plain.length > 1 ? plain.map((type) => ({ type })) : undefined]
    .flatMap((list) => Array.isArray(list) ? list as unknown[] : []);
  const kept = variants.filter((variant) => !(isSchema(variant) && variant["type"] === "null"));
  const [only] = kept;
  if (kept.length < variants.length || types.includes("null")) output["nullable"] = true;
  if (kept.length > 1) output["anyOf"] = kept.map(inner);
  else if (only !== undefined) return { ...inner(only), ...output };
  const [all] = Array.isArray(input["allOf"]) && input["allOf"].length === 1 ? input["allOf"] as unknown[] : [];
  if (all !== undefined) return { ...inner(all), ...output };
  if (output["type"] === undefined && Array.isArray(output["enum"]) && output["enum"].length > 0) {
    output["type"] = typeOf(output["enum"][0]);
  }
  return output;
}

function typeOf(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "boolean" ? "boolean" : "string";
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
