import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { z } from "zod";
import { AgentError } from "../../src/base/error.ts";
import { allowsNull, supportsStrict, toStrictSchema } from "../../src/tool/strict.ts";
import type { JSONSchema } from "../../src/tool/tool.ts";

const object = (
  properties: Record<string, unknown>,
  required: readonly string[] = Object.keys(properties),
): JSONSchema => ({
  type: "object",
  properties,
  required,
});
const property = (schema: unknown, options?: { readonly nullForDefault?: boolean }, isRequired = true): unknown => {
  const strict = toStrictSchema(object({ p: schema }, isRequired ? ["p"] : []), options);
  return (strict["properties"] as Record<string, unknown>)["p"];
};
const isBad = (error: unknown): boolean => error instanceof AgentError && error.code === "tool.bad_definition";

test("every property becomes required, in the order of declaration, and nothing else is allowed, at any depth", () => {
  const strict = toStrictSchema(object({
    b: { type: "string" },
    a: { type: "array", items: object({ inner: { type: "number" } }, []) },
  }, []));
  assert.deepEqual(strict["required"], ["b", "a"]);
  assert.equal(strict["additionalProperties"], false);
  const { items } = (strict["properties"] as Record<string, JSONSchema>)["a"]!;
  assert.deepEqual(items, {
    type: "object",
    properties: { inner: { type: ["number", "null"] } },
    required: ["inner"],
    additionalProperties: false,
  });
});

test("an object without properties has none that are required", () => {
  assert.deepEqual(toStrictSchema({ type: "object", properties: {}, required: [] }), {
    type: "object",
    properties: {},
    additionalProperties: false,
  });
});

test("titles, discriminators and defaults are removed, but not properties of these names", () => {
  const strict = toStrictSchema({
    ...object({ title: { type: "string", title: "T" }, default: { type: "string", default: "x" } }),
    title: "Whole",
    discriminator: { propertyName: "title" },
  });
  assert.deepEqual(strict, {
    type: "object",
    properties: { title: { type: "string" }, default: { type: ["string", "null"] } },
    required: ["title", "default"],
    additionalProperties: false,
  });
});

test("variants stand under anyOf, without empty ones, and what is no choice is written without it", () => {
  const [text, number, flag] = [{ type: "string" }, { type: "number" }, { type: "boolean" }];
  assert.deepEqual(property({ oneOf: [text, number] }), { anyOf: [text, number] });
  assert.deepEqual(property({ anyOf: [text, {}], description: "d" }), { type: "string", description: "d" });
  assert.deepEqual(property({ anyOf: [{}], description: "d" }), { description: "d" });
  assert.deepEqual(property({ anyOf: [text, number], oneOf: [flag] }), { anyOf: [text, number, flag] });
  assert.deepEqual(property({ allOf: [text], description: "d" }), { type: "string", description: "d" });
});

test("a choice between something and null is folded into its type", () => {
  const none = { type: "null" };
  assert.deepEqual(property({ anyOf: [{ type: "string" }, none] }), { type: ["string", "null"] });
  assert.deepEqual(property({ anyOf: [none, { type: "string", enum: ["a"] }] }), {
    type: ["string", "null"],
    enum: ["a", null],
  });
  const untyped = { anyOf: [{ enum: ["a"] }, none] };
  assert.deepEqual(property(untyped), untyped);
  const constant = { anyOf: [{ type: "string", const: "a" }, none] };
  assert.deepEqual(property(constant), constant);
});

test("a reference with something beside it is replaced by its target, which the siblings overrule", () => {
  const strict = toStrictSchema({
    ...object({ at: { $ref: "#/$defs/place", description: "mine" }, by: { $ref: "#/$defs/place" } }),
    $defs: { place: { ...object({ x: { type: "number" } }), description: "theirs", title: "P" } },
  });
  const { at, by } = strict["properties"] as Record<string, JSONSchema>;
  assert.deepEqual(at, {
    type: "object",
    properties: { x: { type: "number" } },
    required: ["x"],
    additionalProperties: false,
    description: "mine",
  });
  assert.deepEqual(by, { $ref: "#/$defs/place" });
});

test("references that lead out of the schema, or nowhere, are refused", () => {
  assert.throws(() => property({ $ref: "https://example.com/a", description: "" }), isBad);
  assert.throws(() => property({ $ref: "#/$defs/nobody", description: "" }), isBad);
});

test("a reference to itself does not run for ever", () => {
  const tree: JSONSchema = {
    ...object({ root: { $ref: "#/$defs/node" } }),
    $defs: { node: object({ next: { $ref: "#/$defs/node" } }, []) },
  };
  const strict = toStrictSchema(tree);
  const { node } = strict["$defs"] as Record<string, JSONSchema>;
  assert.deepEqual((node!["properties"] as JSONSchema)["next"], {
    anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }],
  });
  const endless: JSONSchema = {
    ...object({ root: { $ref: "#/$defs/node" } }),
    $defs: { node: { $ref: "#/$defs/node", description: "beside" } },
  };
  assert.throws(() => toStrictSchema(endless), isBad);
});

test("null stands for a default, in the way that fits the schema", () => {
  assert.deepEqual(property({ type: "number", default: 5 }), { type: ["number", "null"] });
  assert.deepEqual(property({ type: "number" }, {}, false), { type: ["number", "null"] });
  assert.deepEqual(property({ anyOf: [{ type: "number" }, { type: "string" }], default: 5 }), {
    anyOf: [{ type: "number" }, { type: "string" }, { type: "null" }],
  });
  assert.deepEqual(property({ type: "string", enum: ["a"], default: "a", description: "d" }), {
    anyOf: [{ type: "string", enum: ["a"] }, { type: "null" }],
    description: "d",
  });
  assert.deepEqual(property({ type: ["number", "null"], default: 5 }), { type: ["number", "null"] });
  assert.deepEqual(property({ type: "string", const: "a", default: "a" }), { type: "string", const: "a" });
  assert.deepEqual(property({ default: 5 }), {});
});

test("for answers, what has a default stays required and without null", () => {
  assert.deepEqual(property({ type: "number", default: 5 }, { nullForDefault: false }), { type: "number" });
});

test("schemas with free keys, patterns and conditions cannot be held to strictly", () => {
  assert.equal(supportsStrict(object({ a: { type: "string" } })), true);
  assert.equal(supportsStrict({ ...object({}), additionalProperties: false }), true);
  assert.equal(supportsStrict(object({ a: { type: "object", additionalProperties: { type: "number" } } })), false);
  assert.equal(supportsStrict(object({ a: { type: "array", prefixItems: [] } })), false);
  assert.equal(supportsStrict(object({ not: { type: "string" }, if: { type: "string" } })), true);
  assert.equal(supportsStrict(object({ a: { not: { type: "string" } } })), false);
  assert.equal(supportsStrict(object({ a: { default: { additionalProperties: true } } })), true);
});

test("whether null fits is read from types, constants, enums, variants and references", () => {
  const root: JSONSchema = { $defs: { maybe: { type: ["string", "null"] } } };
  for (const schema of [{}, true, { type: "null" }, { const: null }, { enum: [null] }, { $ref: "#/$defs/maybe" }]) {
    assert.equal(allowsNull(schema, root), true, JSON.stringify(schema));
  }
  for (const schema of [false, { type: "string" }, { const: "a" }, { enum: ["a"] }, { anyOf: [{ type: "string" }] }]) {
    assert.equal(allowsNull(schema, root), false, JSON.stringify(schema));
  }
});

const leaf = fc.constantFrom<Record<string, unknown>>(
  { type: "string" },
  { type: "number", default: 1, title: "T" },
  { enum: ["a", "b"] },
  { type: "string", const: "k" },
  {},
  { $ref: "#/$defs/leaf", description: "beside", default: "x" },
  { $ref: "#/$defs/leaf" },
);
const plain = { noNullPrototype: true };
const { schema: anySchema } = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.dictionary(fc.constantFrom("a", "b", "title", "default"), tie("schema"), plain).map((properties) => ({
      type: "object",
      title: "O",
      properties,
    })),
    fc.array(tie("schema"), { maxLength: 3 }).map((oneOf) => ({ oneOf, discriminator: { propertyName: "a" } })),
    fc.array(tie("schema"), { maxLength: 3 }).map((anyOf) => ({ anyOf, default: null })),
    fc.array(tie("schema"), { maxLength: 2 }).map((anyOf) => ({ anyOf, description: "beside" })),
    tie("schema").map((only) => ({ allOf: [only], description: "beside" })),
    tie("schema").map((items) => ({ type: "array", items })),
  ),
}));

test("no strict schema has a default, title, oneOf, discriminator, empty variant or a reference with siblings", () => {
  fc.assert(fc.property(fc.dictionary(fc.constantFrom("a", "b"), anySchema, plain), (properties) => {
    const schema = { type: "object", properties, $defs: { leaf: { type: "string", title: "L", default: "x" } } };
    const before = structuredClone(schema);
    const strict = toStrictSchema(schema);
    assert.deepEqual(schema, before);
    walk(strict, (inner) => {
      for (const key of ["default", "title", "oneOf", "discriminator"]) assert.ok(!(key in inner), key);
      if ("allOf" in inner) assert.notEqual((inner["allOf"] as unknown[]).length, 1);
      if ("$ref" in inner) assert.deepEqual(Object.keys(inner), ["$ref"]);
      for (const variant of (inner["anyOf"] as object[] | undefined) ?? []) assert.ok(Object.keys(variant).length > 0);
      if (inner["type"] === "object") {
        assert.equal(inner["additionalProperties"], false);
        assert.deepEqual(inner["required"] ?? [], Object.keys(inner["properties"] as object));
      }
    });
  }));
});

/** Visits every schema within a schema, but not the names of properties. */
function walk(schema: JSONSchema, visit: (schema: JSONSchema) => void): void {
  visit(schema);
  for (const key of ["properties", "$defs"]) {
    for (const inner of Object.values(schema[key] as Record<string, JSONSchema> | undefined ?? {})) walk(inner, visit);
  }
  for (const inner of [schema["items"], ...(schema["anyOf"] as unknown[] | undefined) ?? []]) {
    if (typeof inner === "object" && inner !== null) walk(inner as JSONSchema, visit);
  }
}

test("an answer that fits the schema of an answer fits the schema of the library", () => {
  const source = z.object({
    kind: z.union([z.object({ t: z.literal("a"), n: z.number().nullable() }), z.object({ t: z.literal("b") })]),
    words: z.array(z.string()),
    days: z.number().default(3),
  });
  const strict = toStrictSchema(source["~standard"].jsonSchema.input({ target: "draft-2020-12" }), {
    nullForDefault: false,
  });
  assert.deepEqual(strict["required"], ["kind", "words", "days"]);
  const days = (strict["properties"] as Record<string, JSONSchema>)["days"]!;
  assert.deepEqual(days, { type: "number" });
  assert.ok(source.safeParse({ kind: { t: "a", n: null }, words: [], days: 1 }).success);
});
