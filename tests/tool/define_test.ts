import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { valibotSchema } from "../../adapters/valibot/valibot_schema.ts";
import { AgentError } from "../../src/base/error.ts";
import { prepareArguments } from "../../src/tool/arguments.ts";
import { providerTool, tool, type ToolDefinition, toolset } from "../../src/tool/define.ts";
import { CONFIRM_DUPLICATE_PARAM, withConfirmation } from "../../src/tool/schema.ts";
import type { AnyFunctionTool, JSONSchema } from "../../src/tool/tool.ts";

const execute = (): string => "";
const properties = (made: AnyFunctionTool): unknown => made.jsonSchema["properties"];

/** The same parameters in every form: a city, and a number of days that is 3 when it is not given. */
const forms: Readonly<Record<string, AnyFunctionTool>> = {
  zod: tool({
    name: "weather",
    description: "",
    parameters: z.object({ city: z.string(), days: z.number().default(3) }),
    execute: ({ city, days }) => `${city} ${days}`,
  }),
  arktype: tool({
    name: "weather",
    description: "",
    parameters: type({ city: "string", days: "number = 3" }),
    execute: ({ city, days }) => `${city} ${days}`,
  }),
  valibot: tool({
    name: "weather",
    description: "",
    parameters: valibotSchema(v.object({ city: v.string(), days: v.optional(v.number(), 3) })),
    execute: ({ city, days }) => `${city} ${days}`,
  }),
  pair: tool({
    name: "weather",
    description: "",
    parameters: {
      schema: z.object({ city: z.string(), days: z.number().default(3) }),
      jsonSchema: {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "number", default: 3 } },
        required: ["city"],
      },
    },
    execute: ({ city, days }) => `${city} ${days}`,
  }),
};

for (const [name, weather] of Object.entries(forms)) {
  test(`a tool of ${name} has a JSON Schema of its input, and its function gets what the schema makes of it`, async () => {
    assert.equal(weather.jsonSchema["type"], "object");
    assert.equal(weather.jsonSchema["$schema"], undefined);
    assert.deepEqual(weather.jsonSchema["required"], ["city"]);
    assert.deepEqual(Object.keys(properties(weather) as object), ["city", "days"]);
    const prepared = await prepareArguments(weather, '{"city":"Oslo"}');
    assert.ok(prepared.ok);
    assert.deepEqual(prepared.args, { city: "Oslo", days: 3 });
    const refused = await prepareArguments(weather, '{"city":7}');
    assert.ok(!refused.ok);
    assert.match(refused.message, /weather.*\n- .*city/);
  });
}

test("a plain JSON Schema is taken as it is, and its arguments are not checked", async () => {
  const jsonSchema: JSONSchema = { type: "object", properties: { city: { type: "string" } }, title: "Kept" };
  const weather = tool({ name: "weather", description: "", parameters: jsonSchema, execute });
  assert.deepEqual(weather.jsonSchema, jsonSchema);
  assert.equal(weather.schema, undefined);
  const prepared = await prepareArguments(weather, '{"city":7,"more":null}');
  assert.ok(prepared.ok);
  assert.deepEqual(prepared.args, { city: 7, more: null });
});

test("a tool without parameters has no properties and no required ones", () => {
  const hangUp = tool({ name: "hang_up", description: "", execute });
  assert.deepEqual(hangUp.jsonSchema, { type: "object", properties: {} });
});

test("a tool is frozen to its schema, and leaves the schema it was given as it was", () => {
  const jsonSchema = { type: "object", properties: { city: { type: "string" } } };
  const weather = tool({ name: "weather", description: "", parameters: jsonSchema, execute });
  assert.ok(Object.isFrozen(weather) && Object.isFrozen(weather.jsonSchema));
  assert.ok(Object.isFrozen((properties(weather) as Record<string, object>)["city"]));
  assert.ok(!Object.isFrozen(jsonSchema.properties));
});

test("flags and the rule for duplicates are kept", () => {
  const flags = { ignoreOnEnter: true, cancellable: true, speculative: "safe" } as const;
  const made = tool({ name: "a", description: "", execute, flags, onDuplicate: "replace" });
  assert.deepEqual(made.flags, flags);
  assert.equal(made.onDuplicate, "replace");
  assert.equal(tool({ name: "b", description: "", execute }).onDuplicate, "allow");
});

test("what is wrong with a definition is named", () => {
  const bad = (definition: object): string => {
    try {
      const fields = { name: "weather", description: "", execute, ...definition };
      tool(fields as unknown as ToolDefinition<undefined, string, unknown>);
    } catch (error) {
      assert.ok(error instanceof AgentError && error.code === "tool.bad_definition", String(error));
      return error.message;
    }
    throw new Error(`it was taken: ${JSON.stringify(definition)}`);
  };
  assert.match(bad({ name: "" }), /`name` must be 1 to 64 letters.*current value is ""/);
  assert.match(bad({ name: "two words" }), /current value is "two words"/);
  assert.match(bad({ name: "x".repeat(65) }), /`name`/);
  assert.match(bad({ name: 7 }), /current value is number/);
  assert.match(bad({ description: undefined }), /tool weather as `description` must be a text/);
  assert.match(bad({ execute: "run" }), /`execute` must be a function: current value is string/);
  assert.match(bad({ onDuplicate: "maybe" }), /`onDuplicate` .* current value is maybe/);
  assert.match(bad({ parameters: "city" }), /`parameters` must be a schema: current value is string/);
  assert.match(bad({ parameters: z.string() }), /the schema of an object: current value is a schema of type "string"/);
  assert.match(bad({ parameters: { city: "string" } }), /the schema of an object/);
  assert.match(bad({ parameters: { schema: z.object({}) } }), /`schema` alone/);
  assert.match(bad({ parameters: v.object({}) }), /valibotSchema\(schema\)`\): current value is a schema of valibot/);
  assert.match(bad({ parameters: z.object({ on: z.date() }) }), /zod must be able to write its parameters/);
});

test("a reference that leads nowhere is refused when the tool is defined, not when it is called", () => {
  const jsonSchema = { type: "object", properties: { at: { $ref: "#/$defs/50%" } } };
  assert.throws(
    () => tool({ name: "go", description: "", parameters: { schema: z.object({}), jsonSchema }, execute }),
    (error) => error instanceof AgentError && /current value is #\/\$defs\/50%/.test(error.message),
  );
  const fine = { ...jsonSchema, $defs: { "50%": { type: "string" } } };
  tool({ name: "go", description: "", parameters: { schema: z.object({}), jsonSchema: fine }, execute });
});

test("a schema of another library is refused by the adapter of valibot", () => {
  assert.throws(
    () => valibotSchema(z.object({})),
    (error) => error instanceof AgentError && /of zod$/.test(error.message),
  );
});

test("a schema of valibot that JSON Schema cannot say is refused by its adapter", () => {
  assert.throws(
    () => valibotSchema(v.object({ on: v.date() })),
    (error) => error instanceof AgentError && error.code === "tool.bad_definition" && error.cause instanceof Error,
  );
});

test("provider tools and toolsets need an id", () => {
  assert.deepEqual(providerTool({ id: "search", config: { depth: 2 } }), {
    type: "provider",
    id: "search",
    config: { depth: 2 },
  });
  assert.deepEqual(toolset({ id: "desk", tools: [] }), { type: "toolset", id: "desk", tools: [] });
  const isBad = (error: unknown): boolean => error instanceof AgentError && error.code === "tool.bad_definition";
  assert.throws(() => providerTool({ id: "" }), isBad);
  assert.throws(() => toolset({ id: "", tools: [] }), isBad);
  assert.throws(() => toolset({ id: "desk", tools: "all" as unknown as [] }), isBad);
});

test("a tool that asks for confirmation of duplicates gets a parameter for it, which its function never sees", async () => {
  const seen = tool({
    name: "book",
    description: "",
    parameters: z.strictObject({ seats: z.number() }),
    execute,
    onDuplicate: "confirm",
  });
  const shown = withConfirmation(seen.jsonSchema);
  assert.deepEqual(shown["required"], ["seats", CONFIRM_DUPLICATE_PARAM]);
  assert.equal(Object.hasOwn(properties(seen) as object, CONFIRM_DUPLICATE_PARAM), false);
  for (const [value, confirmed] of [[true, true], [false, false], [null, false], [undefined, false]] as const) {
    const text = JSON.stringify({ seats: 2, [CONFIRM_DUPLICATE_PARAM]: value });
    const prepared = await prepareArguments(seen, text);
    assert.ok(prepared.ok);
    assert.deepEqual(prepared.args, { seats: 2 });
    assert.equal(prepared.confirmed, confirmed);
  }
});
