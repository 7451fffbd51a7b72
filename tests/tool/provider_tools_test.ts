import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { AgentError } from "../../src/base/error.ts";
import { providerTool, tool } from "../../src/tool/define.ts";
import {
  toAnthropicTools,
  toGeminiSchema,
  toGoogleTools,
  toMistralTools,
  toOpenAIResponsesTools,
} from "../../src/tool/provider_tools.ts";
import { CONFIRM_DUPLICATE_PARAM } from "../../src/tool/schema.ts";
import { toolContext } from "../../src/tool/tool_context.ts";

const execute = (): string => "";
const weather = tool({
  name: "weather",
  description: "The weather.",
  parameters: z.object({ city: z.string(), days: z.number().default(3) }),
  execute,
});
const rawSchema = { type: "object", properties: { q: { type: "string", title: "Q" } } };
const raw = tool({ name: "ask", description: "Asks.", parameters: rawSchema, execute });
const none = tool({ name: "hang_up", description: "Ends.", execute });
const toolCtx = toolContext([weather, providerTool({ id: "search" }), none, raw]);

test("Anthropic gets tools by name, strict where a library wrote the schema, without those of providers", () => {
  assert.deepEqual(toAnthropicTools(toolCtx), [
    { name: "ask", description: "Asks.", input_schema: rawSchema },
    { name: "hang_up", description: "Ends.", input_schema: { type: "object", properties: {} } },
    {
      name: "weather",
      description: "The weather.",
      input_schema: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: ["number", "null"] } },
        required: ["city", "days"],
        additionalProperties: false,
      },
      strict: true,
    },
  ]);
  const [, , loose] = toAnthropicTools(toolCtx, { strict: false });
  assert.deepEqual(loose, { name: "weather", description: "The weather.", input_schema: weather.jsonSchema });
});

test("OpenAI's responses API gets them flat, and Mistral as chat completions without the strict form", () => {
  assert.deepEqual(toOpenAIResponsesTools(toolContext([raw])), [
    { type: "function", name: "ask", description: "Asks.", parameters: rawSchema },
  ]);
  assert.deepEqual(toMistralTools(toolContext([weather])), [
    { type: "function", function: { name: "weather", description: "The weather.", parameters: weather.jsonSchema } },
  ]);
});

test("Google gets its own schemas, JSON Schemas as they are or converted, and null for no parameters", () => {
  assert.deepEqual(toGoogleTools(toolCtx), [
    { name: "ask", description: "Asks.", parametersJsonSchema: rawSchema },
    { name: "hang_up", description: "Ends.", parameters: null },
    {
      name: "weather",
      description: "The weather.",
      parameters: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "number" } },
        required: ["city"],
      },
    },
  ]);
  const live = toGoogleTools(toolContext([raw]), { parametersJsonSchema: false, behavior: "NON_BLOCKING" });
  assert.deepEqual(live, [{
    name: "ask",
    description: "Asks.",
    parameters: { type: "object", properties: { q: { type: "string" } } },
    behavior: "NON_BLOCKING",
  }]);
});

test("a tool that wants confirmation has the parameter for it in every form", () => {
  const confirm = tool({ name: "pay", description: "", parameters: rawSchema, onDuplicate: "confirm", execute });
  for (const write of [toAnthropicTools, toGoogleTools, toMistralTools, toOpenAIResponsesTools]) {
    assert.ok(JSON.stringify(write(toolContext([confirm]))).includes(CONFIRM_DUPLICATE_PARAM));
  }
});

test("a schema for Gemini has its references written out, constants as lists, and null as a mark", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    title: "Order",
    additionalProperties: false,
    $defs: { Size: { title: "Size", enum: ["s", "m"], description: "How big" } },
    properties: {
      kind: { const: "pizza" },
      size: { $ref: "#/$defs/Size", default: "m" },
      note: { anyOf: [{ type: "string", maxLength: 9 }, { type: "null" }] },
      count: { type: ["integer", "null"], minimum: 1 },
      mixed: { type: ["integer", "string"] },
      choice: { oneOf: [{ type: "string" }, { type: "number" }, { type: "null" }], description: "Either" },
      list: { type: "array", items: { allOf: [{ $ref: "#/$defs/Size" }] }, minItems: 1 },
      level: { enum: [1, 2] },
      title: { type: "string" },
    },
    required: ["kind"],
  };
  const before = structuredClone(schema);
  assert.deepEqual(toGeminiSchema(schema), {
    type: "object",
    properties: {
      kind: { enum: ["pizza"], type: "string" },
      size: { enum: ["s", "m"], description: "How big", type: "string" },
      note: { type: "string", maxLength: 9, nullable: true },
      count: { minimum: 1, type: "integer", nullable: true },
      mixed: { anyOf: [{ type: "integer" }, { type: "string" }] },
      choice: { description: "Either", nullable: true, anyOf: [{ type: "string" }, { type: "number" }] },
      list: { type: "array", items: { enum: ["s", "m"], description: "How big", type: "string" }, minItems: 1 },
      level: { enum: [1, 2], type: "integer" },
      title: { type: "string" },
    },
    required: ["kind"],
  });
  assert.deepEqual(schema, before);
  assert.equal(toGeminiSchema({ type: "object", properties: {} }), null);
});

test("a schema that refers to itself, or to nothing, is refused for Gemini", () => {
  const tree = {
    type: "object",
    properties: { next: { $ref: "#/$defs/Node" } },
    $defs: { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" } } } },
  };
  for (const schema of [tree, { type: "object", properties: { x: { $ref: "#/$defs/No" } } }]) {
    assert.throws(
      () => toGeminiSchema(schema),
      (error) => error instanceof AgentError && error.code === "tool.bad_definition",
    );
  }
});
