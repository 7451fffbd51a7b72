import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { providerTool, tool } from "../../src/tool/define.ts";
import { toOpenAIResponseFormat, toOpenAITools } from "../../src/tool/openai_tools.ts";
import { CONFIRM_DUPLICATE_PARAM } from "../../src/tool/schema.ts";
import { toolContext } from "../../src/tool/tool_context.ts";

const execute = (): string => "";
const weather = tool({
  name: "weather",
  description: "The weather.",
  parameters: z.object({ city: z.string(), days: z.number().default(3) }),
  execute,
});
const rawSchema = { type: "object", properties: { q: { type: "string", default: "x", title: "Q" } } };
const raw = tool({ name: "ask", description: "Asks.", parameters: rawSchema, execute });

test("tools are sent by name, in strict form where they have a schema of a library, and unchanged where not", () => {
  const tools = toOpenAITools(toolContext([weather, providerTool({ id: "search" }), raw]));
  assert.deepEqual(tools, [
    { type: "function", function: { name: "ask", description: "Asks.", parameters: rawSchema } },
    {
      type: "function",
      function: {
        name: "weather",
        description: "The weather.",
        parameters: {
          type: "object",
          properties: { city: { type: "string" }, days: { type: ["number", "null"] } },
          required: ["city", "days"],
          additionalProperties: false,
        },
        strict: true,
      },
    },
  ]);
});

test("a tool without parameters is sent without required ones", () => {
  const [sent] = toOpenAITools(toolContext([tool({ name: "hang_up", description: "", execute })]));
  assert.deepEqual(sent!["function"], {
    name: "hang_up",
    description: "",
    parameters: { type: "object", properties: {}, additionalProperties: false },
    strict: true,
  });
});

test("the strict form can be switched off", () => {
  const [sent] = toOpenAITools(toolContext([weather]), { strict: false });
  const { parameters, strict } = sent!["function"] as Record<string, unknown>;
  assert.equal(strict, undefined);
  assert.deepEqual(parameters, weather.jsonSchema);
});

test("a schema that cannot be strict is sent as it is", () => {
  const free = tool({
    name: "free",
    description: "",
    parameters: z.object({ counts: z.record(z.string(), z.number()) }),
    execute,
  });
  const [sent] = toOpenAITools(toolContext([free]));
  assert.deepEqual(sent!["function"], { name: "free", description: "", parameters: free.jsonSchema });
});

test("a tool that asks for confirmation of duplicates shows the parameter for it", () => {
  const book = tool({
    name: "book",
    description: "",
    parameters: z.object({ seats: z.number() }),
    execute,
    onDuplicate: "confirm",
  });
  const [sent] = toOpenAITools(toolContext([book]));
  const { parameters } = sent!["function"] as { parameters: Record<string, unknown> };
  assert.deepEqual(parameters["required"], ["seats", CONFIRM_DUPLICATE_PARAM]);
});

test("a tool is written once, and writing changes neither the tool nor its schema", () => {
  const before = structuredClone(weather.jsonSchema);
  const [first] = toOpenAITools(toolContext([weather]));
  const [second] = toOpenAITools(toolContext([weather]));
  assert.equal(first, second);
  assert.deepEqual(weather.jsonSchema, before);
});

test("the format of an answer is strict, and requires what has a default", () => {
  const format = toOpenAIResponseFormat({ name: "answer", schema: weather.jsonSchema });
  assert.deepEqual(format, {
    type: "json_schema",
    json_schema: {
      name: "answer",
      strict: true,
      schema: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "number" } },
        required: ["city", "days"],
        additionalProperties: false,
      },
    },
  });
});
