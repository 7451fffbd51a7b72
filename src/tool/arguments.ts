/**
 * From the text that a model wrote to the arguments of a tool's function.
 *
 * @module
 */
import { repairJson, stripTemplateMarkers } from "./repair_json.ts";
import { CONFIRM_DUPLICATE_PARAM } from "./schema.ts";
import type { StandardIssue, StandardResult } from "./standard_schema.ts";
import { allowsNull, resolve } from "./strict.ts";
import type { AnyFunctionTool, JSONSchema } from "./tool.ts";

/** What became of a model's text. */
export type ParsedArguments =
  | {
    readonly ok: true;
    readonly value: Readonly<Record<string, unknown>>;
    /** Valid JSON, to put into the call before anything else happens, so that history never holds what cannot be read. */
    readonly canonical: string;
    /** The text was no JSON, and was mended: worth a line in the log. */
    readonly repaired: boolean;
  }
  | { readonly ok: false; readonly message: string; readonly canonical: "{}" };

/** Arguments that are ready for the tool's function, or what to tell the model. */
export type ArgumentsResult =
  | {
    readonly ok: true;
    readonly args: unknown;
    readonly canonical: string;
    readonly repaired: boolean;
    /** The model says that the user confirmed a second call. Only of tools with `onDuplicate: "confirm"`. */
    readonly confirmed: boolean;
  }
  | { readonly ok: false; readonly message: string; readonly canonical: string };

const MAX_UNWRAP = 8; // chosen: providers encode twice, not more
const MAX_ISSUES = 10; // chosen: what a model can act on at once
const MAX_DEPTH = 64;

/**
 * Reads the text that a model wrote. Empty text and `null` are no arguments; JSON within a string is read again; broken JSON
 * is mended if it can be. JSON that is valid is never changed.
 */
export function parseArguments(name: string, text: string): ParsedArguments {
  if (text.trim() === "") return { ok: true, value: {}, canonical: "{}", repaired: false };
  let value: unknown = text;
  let repaired = false;
  for (let round = 0; typeof value === "string" && round < MAX_UNWRAP; round++) {
    const parsed = parse(value);
    if (parsed === undefined) return unreadable(name, "they are not valid JSON");
    value = parsed.value;
    repaired ||= parsed.repaired;
  }
  if (value === null) value = {};
  if (typeof value !== "object" || Array.isArray(value)) {
    return unreadable(name, `they must be a JSON object, not ${Array.isArray(value) ? "a list" : `a ${typeof value}`}`);
  }
  return { ok: true, value: value as Record<string, unknown>, canonical: JSON.stringify(value), repaired };
}

/**
 * Reads and checks the arguments of a call. Synchronous where the schema is.
 *
 * A null for a parameter that need not be given, and does not allow null, counts as not given, at any depth. A tool of plain
 * JSON Schema gets the object as it is.
 *
 * @returns The arguments as the schema returns them, or a message for the model that lists what is wrong. Rejects or throws
 * only if the schema itself does.
 */
export function prepareArguments(tool: AnyFunctionTool, text: string): ArgumentsResult | Promise<ArgumentsResult> {
  const parsed = parseArguments(tool.name, text);
  if (!parsed.ok) return parsed;
  const { canonical, repaired } = parsed;
  const { value, confirmed } = takeConfirmation(tool, parsed.value);
  const ready = (args: unknown): ArgumentsResult => ({ ok: true, args, canonical, repaired, confirmed });
  if (tool.schema === undefined) return ready(value);
  const judge = (result: StandardResult<unknown>): ArgumentsResult =>
    result.issues === undefined
      ? ready(result.value)
      : { ok: false, canonical, message: issuesMessage(tool.name, result.issues) };
  const result = tool.schema["~standard"].validate(dropNulls(value, tool.jsonSchema, tool.jsonSchema, 0));
  return result instanceof Promise ? result.then(judge) : judge(result);
}

function parse(text: string): { readonly value: unknown; readonly repaired: boolean } | undefined {
  try {
    return { value: JSON.parse(text) as unknown, repaired: false };
  } catch {
    const value = repairJson(text);
    return value === undefined ? undefined : { value: stripTemplateMarkers(value), repaired: true };
  }
}

function unreadable(name: string, why: string): ParsedArguments {
  return { ok: false, message: `The arguments of ${name} could not be read: ${why}.`, canonical: "{}" };
}

function issuesMessage(name: string, issues: readonly StandardIssue[]): string {
  const lines = issues.slice(0, MAX_ISSUES).map(({ path, message }) => {
    const keys = (path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
    return keys.length === 0 ? `- ${message}` : `- ${keys.join(".")}: ${message}`;
  });
  if (issues.length > MAX_ISSUES) lines.push(`- and ${issues.length - MAX_ISSUES} more`);
  return `The arguments of ${name} do not fit its parameters:\n${lines.join("\n")}`;
}

type Values = Readonly<Record<string, unknown>>;

function takeConfirmation(
  tool: AnyFunctionTool,
  value: Values,
): { readonly value: Values; readonly confirmed: boolean } {
  if (tool.onDuplicate !== "confirm" || !(CONFIRM_DUPLICATE_PARAM in value)) return { value, confirmed: false };
  const { [CONFIRM_DUPLICATE_PARAM]: confirmed, ...rest } = value;
  return { value: rest, confirmed: confirmed === true };
}

/** A copy without the nulls that mean "not given". */
function dropNulls(value: unknown, schema: unknown, root: JSONSchema, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  const fitting = pick(schema, value, root, depth);
  if (fitting === undefined) return value;
  if (Array.isArray(value)) {
    const { prefixItems, items } = fitting;
    return value.map((entry: unknown, index) => {
      const inner = (Array.isArray(prefixItems) ? prefixItems[index] : undefined) ?? items;
      if (entry === null && isSchema(inner) && "default" in inner && !allowsNull(inner, root)) return inner["default"];
      return dropNulls(entry, inner, root, depth + 1);
    });
  }
  const properties = isSchema(fitting["properties"]) ? fitting["properties"] : {};
  const required = new Set(fitting["required"] as readonly string[] | undefined);
  const kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : fitting["additionalProperties"];
    if (inner === null && isSchema(property) && !allowsNull(property, root)) {
      if (!required.has(key) && Object.hasOwn(properties, key)) continue;
      if ("default" in property) {
        kept.push([key, property["default"]]);
        continue;
      }
    }
    kept.push([key, dropNulls(inner, property, root, depth + 1)]);
  }
  return Object.fromEntries(kept);
}

/** The schema that says something of a value: behind references, and of variants the first that fits. */
function pick(schema: unknown, value: object, root: JSONSchema, depth: number): JSONSchema | undefined {
  if (!isSchema(schema) || depth > MAX_DEPTH) return undefined;
  if (typeof schema["$ref"] === "string") return pick(resolve(root, schema["$ref"]), value, root, depth + 1);
  const variants = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(variants)) {
    for (const variant of variants) {
      const found = pick(variant, value, root, depth + 1);
      if (found !== undefined && fits(found, value, root)) return found;
    }
    return undefined;
  }
  if (Array.isArray(schema["allOf"]) && schema["allOf"].length === 1) {
    return pick(schema["allOf"][0], value, root, depth + 1);
  }
  return schema;
}

/** Whether a variant is meant: by its type, what it requires, what it allows and its constants. */
function fits(schema: JSONSchema, value: object, root: JSONSchema): boolean {
  const types = [schema["type"]].flat();
  if (Array.isArray(value)) return types.includes("array");
  if (schema["type"] !== undefined && !types.includes("object")) return false;
  const properties = isSchema(schema["properties"]) ? schema["properties"] : {};
  const required = (schema["required"] as readonly string[] | undefined) ?? [];
  if (!required.every((key) => Object.hasOwn(value, key))) return false;
  return Object.entries(value).every(([key, inner]: [string, unknown]) => {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) return schema["additionalProperties"] !== false;
    if (!isSchema(property)) return true;
    if ("const" in property) return property["const"] === inner;
    if (Array.isArray(property["enum"]) && inner !== null) return property["enum"].includes(inner);
    return inner === null || fitsType(property, inner, root);
  });
}

function fitsType(schema: JSONSchema, value: unknown, root: JSONSchema): boolean {
  const target = typeof schema["$ref"] === "string" ? resolve(root, schema["$ref"]) : schema;
  if (target["type"] === undefined) return true;
  const types = [target["type"]].flat();
  const type = Array.isArray(value) ? "array" : typeof value;
  return types.includes(type) || (type === "number" && types.includes("integer") && Number.isInteger(value));
}

function isSchema(value: unknown): value is JSONSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
