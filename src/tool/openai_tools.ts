/**
 * Tools as the chat completions API of OpenAI wants them, and all that imitate it.
 *
 * @module
 */
import { withConfirmation } from "./schema.ts";
import { supportsStrict, toStrictSchema } from "./strict.ts";
import { sortedTools } from "./tool_context.ts";
import type { AnyFunctionTool, JSONSchema, ToolContext } from "./tool.ts";

/** A tool of a request. Plain JSON, frozen, shared between requests. */
export type OpenAITool = Readonly<Record<string, unknown>>;

const strictForms = new WeakMap<AnyFunctionTool, OpenAITool>();
const looseForms = new WeakMap<AnyFunctionTool, OpenAITool>();

/**
 * Writes tools for chat completions, by name, so that providers' caches hold. Provider tools are left out.
 *
 * @param options `strict`: hold the model to the schema, where the schema allows it; those of plain JSON Schema are sent as
 * they are. Default true.
 * @throws {AgentError} `tool.bad_definition` when a schema has a reference that leads nowhere.
 */
export function toOpenAITools(
  toolCtx: ToolContext,
  options: { readonly strict?: boolean } = {},
): readonly OpenAITool[] {
  const strict = options.strict ?? true;
  const forms = strict ? strictForms : looseForms;
  return sortedTools(toolCtx).map((tool) => {
    let form = forms.get(tool);
    if (form === undefined) forms.set(tool, form = writeTool(tool, strict));
    return form;
  });
}

/** The format of an answer that must fit a schema, for chat completions. */
export function toOpenAIResponseFormat(format: { readonly name: string; readonly schema: JSONSchema }): OpenAITool {
  const strict = supportsStrict(format.schema);
  const schema = strict ? toStrictSchema(format.schema, { nullForDefault: false }) : format.schema;
  return { type: "json_schema", json_schema: { name: format.name, schema, strict } };
}

function writeTool(tool: AnyFunctionTool, strict: boolean): OpenAITool {
  const given = tool.onDuplicate === "confirm" ? withConfirmation(tool.jsonSchema) : tool.jsonSchema;
  const held = strict && (tool.schema !== undefined || isEmpty(tool.jsonSchema)) && supportsStrict(given);
  return Object.freeze({
    type: "function",
    function: Object.freeze({
      name: tool.name,
      description: tool.description,
      parameters: held ? toStrictSchema(given) : given,
      ...(held ? { strict: true } : {}),
    }),
  });
}

function isEmpty(schema: JSONSchema): boolean {
  return Object.keys(schema["properties"] as object).length === 0;
}
