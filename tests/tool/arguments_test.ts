import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { z } from "zod";
import { valibotSchema } from "../../adapters/valibot/valibot_schema.ts";
import { type ArgumentsResult, parseArguments, prepareArguments } from "../../src/tool/arguments.ts";
import { tool } from "../../src/tool/define.ts";
import type { ToolParameters } from "../../src/tool/schema.ts";

const prepare = async (parameters: ToolParameters, value: unknown): Promise<ArgumentsResult> =>
  await prepareArguments(
    tool({ name: "book", description: "", parameters, execute: () => "" }),
    typeof value === "string" ? value : JSON.stringify(value),
  );
const argsOf = async (parameters: ToolParameters, value: unknown): Promise<unknown> => {
  const result = await prepare(parameters, value);
  assert.ok(result.ok, result.ok ? "" : result.message);
  return result.args;
};
const messageOf = async (parameters: ToolParameters, value: unknown): Promise<string> => {
  const result = await prepare(parameters, value);
  assert.ok(!result.ok);
  return result.message;
};

test("no text, an empty text and null are no arguments", () => {
  for (const text of ["", "  ", "null", '"null"', "{}"]) {
    assert.deepEqual(parseArguments("n", text), { ok: true, value: {}, canonical: "{}", repaired: false }, text);
  }
});

test("JSON within a string is read again, as often as a provider wrapped it", () => {
  const twice = JSON.stringify(JSON.stringify({ a: 1 }));
  assert.deepEqual(parseArguments("n", twice), { ok: true, value: { a: 1 }, canonical: '{"a":1}', repaired: false });
  const thrice = parseArguments("n", JSON.stringify(twice));
  assert.ok(thrice.ok && thrice.canonical === '{"a":1}');
});

test("valid JSON with marks of a template in it is not changed", () => {
  const text = '{"a":"<|x|>"}';
  assert.deepEqual(parseArguments("n", text), { ok: true, value: { a: "<|x|>" }, canonical: text, repaired: false });
});

test("broken JSON is mended, marks of a template are taken out, and the canonical text is valid", () => {
  const parsed = parseArguments("n", "{city: 'Oslo<|end|>', list: ['<|x|>', 'a'");
  assert.deepEqual(parsed, {
    ok: true,
    value: { city: "Oslo", list: ["a"] },
    canonical: '{"city":"Oslo","list":["a"]}',
    repaired: true,
  });
});

test("what is no object is refused with a sentence for the model, and stored as no arguments", () => {
  for (
    const [text, why] of [["[1]", "a list"], ["7", "a number"], ["true", "a boolean"], ["hello", "not valid JSON"]]
  ) {
    const parsed = parseArguments("book", text!);
    assert.ok(!parsed.ok);
    assert.equal(parsed.canonical, "{}");
    assert.match(parsed.message, new RegExp(`arguments of book .*${why}`));
  }
});

test("null for a parameter with a default calls the tool with the default, in nested objects too", async () => {
  const inner = z.object({ count: z.number().default(5), note: z.string().nullable().default("none") });
  const schema = z.object({ count: z.number().default(5), inner, list: z.array(inner), maybe: z.string().optional() });
  assert.deepEqual(
    await argsOf(schema, {
      count: null,
      inner: { count: null, note: null },
      list: [{ count: null, note: null }],
      maybe: null,
    }),
    { count: 5, inner: { count: 5, note: null }, list: [{ count: 5, note: null }] },
  );
});

test("null for a parameter with a default works for valibot, and for records and tuples", async () => {
  const inner = v.object({ count: v.optional(v.number(), 5) });
  const schema = valibotSchema(v.object({ count: v.optional(v.number(), 5), inner }));
  assert.deepEqual(await argsOf(schema, { count: null, inner: { count: null } }), { count: 5, inner: { count: 5 } });
  const deep = z.object({
    map: z.record(z.string(), z.object({ count: z.number().default(5) })),
    pair: z.tuple([z.number().default(1), z.object({ count: z.number().default(5) })]),
  });
  assert.deepEqual(await argsOf(deep, { map: { a: { count: null } }, pair: [null, { count: null }] }), {
    map: { a: { count: 5 } },
    pair: [1, { count: 5 }],
  });
});

test("of a union, the variant that fits says what null means", async () => {
  const schema = z.object({
    what: z.union([
      z.strictObject({ kind: z.literal("a"), size: z.number() }),
      z.strictObject({ kind: z.literal("b"), size: z.number().default(2), color: z.string().nullable() }),
    ]),
  });
  assert.deepEqual(await argsOf(schema, { what: { kind: "b", size: null, color: null } }), {
    what: { kind: "b", size: 2, color: null },
  });
  assert.match(await messageOf(schema, { what: { kind: "a", size: null } }), /what/);
});

test("in a schema that refers to itself, null is understood at every depth", async () => {
  interface Node {
    count?: number | undefined;
    next?: Node | undefined;
  }
  const node: z.ZodType<Node> = z.object({
    count: z.number().default(5),
    get next() {
      return z.optional(node);
    },
  });
  const schema = z.object({ root: node });
  assert.deepEqual(await argsOf(schema, { root: { count: null, next: { count: null, next: null } } }), {
    root: { count: 5, next: { count: 5 } },
  });
});

test("null for a required parameter that does not allow it is reported to the model", async () => {
  assert.match(await messageOf(z.object({ count: z.number() }), { count: null }), /- count: .*null/);
});

test("all that is wrong is listed with its place, up to ten things", async () => {
  const schema = z.object({ city: z.string(), days: z.array(z.number().max(7)) });
  const message = await messageOf(schema, { days: [1, 9] });
  assert.match(message, /^The arguments of book do not fit its parameters:\n- city: .*\n- days\.1: /);
  const many = z.object(Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`p${index}`, z.string()])));
  const lines = (await messageOf(many, {})).split("\n");
  assert.equal(lines.length, 12);
  assert.equal(lines.at(-1), "- and 3 more");
});

test("the canonical text is there even when the arguments do not fit", async () => {
  const result = await prepare(z.object({ count: z.number() }), "{count: 'many'");
  assert.deepEqual([result.ok, result.canonical], [false, '{"count":"many"}']);
});

test("a plain JSON Schema gets the object unchecked, with its nulls", async () => {
  const schema = { type: "object", properties: { count: { type: "number", default: 5 } } };
  assert.deepEqual(await argsOf(schema, { count: null, more: 1 }), { count: null, more: 1 });
});

test("a schema that transforms gives the tool what it made, and the history what the model wrote", async () => {
  const schema = z.object({ when: z.string().transform((text) => text.length) });
  const result = await prepare(schema, { when: "noon" });
  assert.ok(result.ok);
  assert.deepEqual(result.args, { when: 4 });
  assert.equal(result.canonical, '{"when":"noon"}');
});

test("a synchronous schema is answered at once, and an asynchronous one later", async () => {
  const make = (parameters: ToolParameters): ArgumentsResult | Promise<ArgumentsResult> =>
    prepareArguments(tool({ name: "n", description: "", parameters, execute: () => "" }), '{"a":"x"}');
  assert.ok(!(make(z.object({ a: z.string() })) instanceof Promise));
  const schema = v.objectAsync({ a: v.pipeAsync(v.string(), v.checkAsync(async (text) => text !== "x", "not x")) });
  const later = make({ schema, jsonSchema: { type: "object", properties: { a: { type: "string" } } } });
  assert.ok(later instanceof Promise);
  const result = await later;
  assert.ok(!result.ok && result.message.includes("- a: not x"));
});
