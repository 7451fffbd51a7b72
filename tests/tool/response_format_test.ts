import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { valibotSchema } from "../../adapters/valibot/mod.ts";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import { toOpenAIResponseFormat } from "../../src/tool/openai_tools.ts";
import { responseFormat } from "../../src/tool/response_format.ts";

const mood = z.object({
  mood: z.enum(["calm", "angry"]),
  note: z.string().nullable(),
  level: z.number().default(1),
});

function refuses(code: ErrorCode, message: RegExp, body: () => unknown): void {
  assert.throws(body, (error) => error instanceof AgentError && error.code === code && message.test(error.message));
}

test("an answer must have all properties in their order; what has a default is not null, what may be null stays so", () => {
  const format = responseFormat(mood, "mood");
  assert.equal(format.name, "mood");
  assert.deepEqual(format.schema["required"], ["mood", "note", "level"]);
  const properties = format.schema["properties"] as Record<string, Record<string, unknown>>;
  assert.deepEqual(properties["level"], { type: "number" });
  assert.deepEqual(properties["note"], { type: ["string", "null"] });
  assert.equal(format.schema["additionalProperties"], false);
});

test("what satisfies the schema validates as it is, for each library", () => {
  const payload = '{"mood":"calm","note":null,"level":2}';
  assert.deepEqual(responseFormat(mood).parse(payload), { mood: "calm", note: null, level: 2 });
  const ark = type({ mood: "'calm' | 'angry'", note: "string | null", level: "number" });
  assert.deepEqual(responseFormat(ark).parse(payload), { mood: "calm", note: null, level: 2 });
  const val = valibotSchema(v.object({
    mood: v.picklist(["calm", "angry"]),
    note: v.nullable(v.string()),
    level: v.number(),
  }));
  assert.deepEqual(responseFormat(val).parse(payload), { mood: "calm", note: null, level: 2 });
  assert.deepEqual(responseFormat({ schema: mood, jsonSchema: { type: "object" } }).parse(payload).level, 2);
});

test("a named JSON Schema is sent as it is, and its answer is read without checks", () => {
  const schema = { type: "object", properties: { a: { type: "string", default: "x" } } };
  const format = responseFormat({ name: "letters", schema });
  assert.equal(format.name, "letters");
  assert.deepEqual(format.schema, schema);
  assert.deepEqual(format.parse('{"b":1}'), { b: 1 });
  assert.equal(responseFormat({ name: "letters", schema }, "other").name, "other");
});

test("chat completions get the same strict schema, whether it was made strict before or not", () => {
  const format = responseFormat(mood, "mood");
  assert.deepEqual(toOpenAIResponseFormat(format), {
    type: "json_schema",
    json_schema: { name: "mood", schema: format.schema, strict: true },
  });
});

test("an answer that is no JSON or does not fit is refused, with what is wrong", () => {
  const format = responseFormat(mood);
  refuses("model.bad_response", /must be JSON/, () => format.parse("calm"));
  refuses("model.bad_response", /does not, mood: .+; note: /, () => format.parse('{"mood":"sad","level":1}'));
  refuses("model.bad_response", /answer: /, () => format.parse("7"));
});

test("what is no schema of an object is refused", () => {
  refuses("tool.bad_definition", /the schema of an object/, () => responseFormat(z.string()));
  refuses("tool.bad_definition", /valibotSchema/, () => responseFormat(v.object({})));
  const later = z.object({ a: z.string() }).refine(async () => true);
  assert.throws(() => responseFormat(later).parse('{"a":"b"}'));
});
