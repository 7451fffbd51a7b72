/**
 * The strict form of a JSON Schema, in which every property is required and nothing else is allowed: models that are held to
 * it can answer nothing that does not fit.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { JSONSchema } from "./tool.ts";

/** How to convert. */
export interface StrictOptions {
  /**
   * Lets a property that has a default, or need not be given, be null, which means "as if not given". For arguments of tools,
   * where null is taken out again before validation. Default true; false for the format of answers, which must validate as
   * they are.
   */
  readonly nullForDefault?: boolean;
}

/** Keywords that no strict schema may have. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  "patternProperties",
  "propertyNames",
  "prefixItems",
  "not",
  "if",
  "then",
  "else",
  "dependentRequired",
  "dependentSchemas",
  "unevaluatedProperties",
  "contains",
]);

const MAX_DEPTH = 64; // chosen: deeper than any real schema, far from the end of the stack

/**
 * Whether a schema can be held to strictly. Objects with free keys, such as records, cannot.
 */
export function supportsStrict(schema: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(schema)) return schema.every((entry) => supportsStrict(entry, depth + 1));
  if (!isSchema(schema)) return true;
  for (const [key, value] of Object.entries(schema)) {
    if (UNSUPPORTED.has(key)) return false;
    if (key === "additionalProperties" && value !== false) return false;
    if (key === "allOf" && Array.isArray(value) && value.length > 1) return false;
    if (VALUES.has(key)) continue;
    const inner = NAMED.has(key) && isSchema(value) ? Object.values(value) : value;
    if (!supportsStrict(inner, depth + 1)) return false;
  }
  return true;
}

/** Keywords whose value is no schema, whatever it looks like. */
const VALUES: ReadonlySet<string> = new Set(["enum", "const", "default", "examples", "required"]);

/** Keywords whose value is schemas by name. */
const NAMED: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);

/**
 * Converts a schema to the strict form. The input stays as it is.
 *
 * The result has no `default`, `title`, `discriminator` and `oneOf`, no empty variant, and no `$ref` with anything beside it.
 *
 * @throws {AgentError} `tool.bad_definition` when a `$ref` leads out of the schema or nowhere, or the schema is too deep.
 */
export function toStrictSchema(schema: JSONSchema, options: StrictOptions = {}): JSONSchema {
  return convert(schema, schema, options.nullForDefault ?? true, 0);
}

type Schema = Record<string, unknown>;

function convert(input: JSONSchema, root: JSONSchema, nulls: boolean, depth: number): Schema {
  if (depth > MAX_DEPTH) throw bad(`be at most ${MAX_DEPTH} levels deep`, "deeper");
  const inner = (schema: unknown): unknown => isSchema(schema) ? convert(schema, root, nulls, depth + 1) : schema;
  const { title: _title, discriminator: _discriminator, default: _default, ...schema } = input as Schema;

  for (const key of ["$defs", "definitions"]) {
    if (isSchema(schema[key])) schema[key] = mapValues(schema[key], inner);
  }
  // A reference stands alone, or not at all: its target is merged under what stands beside it.
  if (typeof schema["$ref"] === "string" && Object.keys(schema).length > 1) {
    const { $ref, ...siblings } = schema;
    return convert({ ...resolve(root, $ref as string), ...siblings }, root, nulls, depth + 1);
  }
  if (schema["type"] === "object" && schema["additionalProperties"] === undefined) {
    schema["additionalProperties"] = false;
  }
  if (isSchema(schema["properties"])) {
    const given = new Set(schema["required"] as readonly string[] | undefined);
    const properties = Object.entries(schema["properties"]);
    schema["properties"] = Object.fromEntries(properties.map(([name, property]) => {
      const converted = inner(property);
      const optional = isSchema(property) && ("default" in property || !given.has(name));
      return [name, nulls && optional && isSchema(converted) ? allowNull(converted, root) : converted];
    }));
    if (properties.length > 0) schema["required"] = properties.map(([name]) => name);
    else delete schema["required"];
  }
  if (isSchema(schema["items"])) schema["items"] = inner(schema["items"]);
  if (Array.isArray(schema["allOf"])) {
    const all = schema["allOf"].map(inner);
    delete schema["allOf"];
    if (all.length === 1) return joinVariants(beside(all[0] as Schema, schema, inner), inner);
    schema["allOf"] = all;
  }
  return joinVariants(schema, inner);
}

/** `anyOf` and `oneOf` become one `anyOf` without empty variants; what is then no choice is written without it. */
function joinVariants(schema: Schema, inner: (schema: unknown) => unknown): Schema {
  const { anyOf, oneOf, ...rest } = schema;
  if (anyOf === undefined && oneOf === undefined) return schema;
  const variants = [anyOf, oneOf]
    .flatMap((list) => Array.isArray(list) ? list : [])
    .map(inner)
    .filter((variant) => isSchema(variant) && Object.keys(variant).length > 0) as Schema[];
  if (variants.length === 0) return rest;
  if (variants.length === 1) return beside(variants[0]!, rest, inner);
  if (variants.length === 2) {
    const other = variants.find((variant) => variant["type"] !== "null");
    const hasNull = variants.some((variant) => variant["type"] === "null");
    if (hasNull && other !== undefined && other["type"] !== undefined && !("const" in other)) {
      return { ...foldNull(other), ...rest };
    }
  }
  return { ...rest, anyOf: variants };
}

/** A schema with what stood beside it, which overrules it. A reference must not get anything beside it, so it is resolved. */
function beside(schema: Schema, siblings: Schema, inner: (schema: unknown) => unknown): Schema {
  const joined = { ...schema, ...siblings };
  return "$ref" in schema && Object.keys(siblings).length > 0 ? inner(joined) as Schema : joined;
}

/** A schema with a type, which also allows null. */
function foldNull(schema: Schema): Schema {
  const types = [schema["type"]].flat();
  const folded: Schema = { ...schema, type: types.includes("null") ? schema["type"] : [...types, "null"] };
  const values = schema["enum"];
  if (Array.isArray(values) && !values.includes(null)) folded["enum"] = [...values, null];
  return folded;
}

/** Allows null as "not given", except for a constant, which tells variants apart. */
function allowNull(schema: Schema, root: JSONSchema): Schema {
  if (Object.keys(schema).length === 0 || "const" in schema || allowsNull(schema, root)) return schema;
  if ("enum" in schema || "allOf" in schema || "$ref" in schema) {
    const { description, ...rest } = schema;
    return { anyOf: [rest, { type: "null" }], ...(description === undefined ? {} : { description }) };
  }
  if (Array.isArray(schema["anyOf"])) return { ...schema, anyOf: [...schema["anyOf"], { type: "null" }] };
  return schema["type"] === undefined ? schema : foldNull(schema);
}

/** Whether null fits a schema. Only what can say so is looked at: types, constants, enums, variants and references. */
export function allowsNull(schema: unknown, root: JSONSchema, depth = 0): boolean {
  if (schema === true) return true;
  if (!isSchema(schema) || depth > MAX_DEPTH) return false;
  if (typeof schema["$ref"] === "string") return allowsNull(resolve(root, schema["$ref"]), root, depth + 1);
  const variants = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(variants)) return variants.some((variant) => allowsNull(variant, root, depth + 1));
  if ("const" in schema) return schema["const"] === null;
  if (Array.isArray(schema["enum"])) return schema["enum"].includes(null);
  if (Array.isArray(schema["allOf"])) return schema["allOf"].every((part) => allowsNull(part, root, depth + 1));
  return schema["type"] === undefined || schema["nullable"] === true || [schema["type"]].flat().includes("null");
}

/**
 * What a `$ref` within a schema names.
 *
 * @throws {AgentError} `tool.bad_definition` when it leads out of the schema or nowhere.
 */
export function resolve(root: JSONSchema, reference: string): JSONSchema {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) throw bad("have references that start with #/", reference);
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const key = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = isSchema(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  }
  if (!isSchema(found)) throw bad("have references that lead somewhere", reference);
  return found;
}

/** Percent signs that encode nothing stand for themselves. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Follows every `$ref` of a schema once, so that none can fail while a call is under way.
 *
 * @throws {AgentError} `tool.bad_definition` when one leads out of the schema or nowhere, or the schema is too deep.
 */
export function checkReferences(schema: unknown, root: JSONSchema, depth = 0): void {
  if (depth > MAX_DEPTH) throw bad(`be at most ${MAX_DEPTH} levels deep`, "deeper");
  if (Array.isArray(schema)) { for (const entry of schema) checkReferences(entry, root, depth + 1); }
  if (!isSchema(schema)) return;
  if (typeof schema["$ref"] === "string") resolve(root, schema["$ref"]);
  for (const [key, value] of Object.entries(schema)) {
    if (!VALUES.has(key)) {
      checkReferences(NAMED.has(key) && isSchema(value) ? Object.values(value) : value, root, depth + 1);
    }
  }
}

function bad(rule: string, value: string): AgentError {
  return new AgentError("tool.bad_definition", `Cannot convert a schema as it must ${rule}: current value is ${value}`);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapValues(record: Schema, map: (value: unknown) => unknown): Schema {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
