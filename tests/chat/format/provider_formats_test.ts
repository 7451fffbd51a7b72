/** One conversation in the form of each provider, and what holds for any conversation. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "../../property.ts";
import { AgentError } from "../../../src/base/error.ts";
import { ChatContext } from "../../../src/chat/context.ts";
import { toAnthropic } from "../../../src/chat/format/anthropic.ts";
import { toGoogle } from "../../../src/chat/format/google.ts";
import { toMistral } from "../../../src/chat/format/mistral.ts";
import { toOpenAI } from "../../../src/chat/format/openai.ts";
import { toOpenAIResponses } from "../../../src/chat/format/openai_responses.ts";
import { Instructions } from "../../../src/chat/instructions.ts";
import type { ChatContent, ChatItem, ChatRole } from "../../../src/chat/item.ts";
import {
  agentConfigUpdate,
  agentHandoff,
  chatMessage,
  functionCall,
  functionCallOutput,
  itemFactory,
} from "../../../src/chat/make.ts";
import { pairToolCalls } from "../../../src/chat/render.ts";

type Json = Record<string, unknown>;

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/formats/${name}.json`, import.meta.url), "utf8"));
const conversation = ChatContext.fromJSON(fixture("conversation")).items;
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const { image } = itemFactory({ now: () => 0, random: () => 0 });
const says = (role: ChatRole, content: ChatContent | readonly ChatContent[], id = `${role}_message`): ChatItem =>
  chatMessage({ id, createdAt: 0, role, content });
const calls = (id: string, callId: string, args = "{}"): ChatItem =>
  functionCall({ id, createdAt: 0, callId, name: "look", args });

test("the conversation is written as each provider's fixture says, and its open call is left out with a note", () => {
  const options = { unanswered: "drop" } as const;
  const { notes, ...anthropic } = toAnthropic(conversation, options);
  assert.deepEqual(plain(anthropic), fixture("anthropic"));
  const { notes: _g, ...google } = toGoogle(conversation, options);
  assert.deepEqual(plain(google), fixture("google"));
  const { notes: _m, ...mistral } = toMistral(conversation, options);
  assert.deepEqual(plain(mistral), fixture("mistral"));
  const { notes: _o, ...responses } = toOpenAIResponses(conversation, options);
  assert.deepEqual(plain(responses), fixture("openai_responses"));
  assert.deepEqual(notes, [{ type: "unanswered_call", callId: "call_c", itemId: "late/fnc_0" }]);
});

test("by default a call without an output is answered by a placeholder", () => {
  const items = [says("user", "hi"), calls("c", "1")];
  const stateOf = (): "running" => "running";
  assert.match(JSON.stringify(toAnthropic(items, { stateOf }).messages.at(-1)), /tool_result.*still in progress/);
  assert.match(JSON.stringify(toGoogle(items, { stateOf }).contents.at(-1)), /functionResponse.*still in progress/);
  assert.match(JSON.stringify(toMistral(items, { stateOf }).entries.at(-1)), /function\.result.*still in progress/);
  assert.match(JSON.stringify(toOpenAIResponses(items, { stateOf }).messages.at(-1)), /_output.*still in progress/);
});

test("a provider that demands a message of the user gets one where there is none, and not when it is switched off", () => {
  const agent = [says("assistant", "Hello.")];
  assert.deepEqual(toAnthropic(agent).messages[0], { role: "user", content: [{ type: "text", text: "(empty)" }] });
  assert.deepEqual(toGoogle(agent).contents.at(-1), { role: "user", parts: [{ text: "." }] });
  assert.deepEqual(toMistral([says("system", "Be brief.")]).entries, [
    { type: "message.input", role: "user", content: "." },
  ]);
  assert.equal(toMistral(agent).entries.length, 1);
  const off = { injectDummyUserMessage: false };
  assert.equal(toAnthropic(agent, off).messages.length, 1);
  assert.equal(toGoogle(agent, off).contents.length, 1);
  assert.deepEqual(toMistral([], off).entries, []);
  assert.deepEqual(toAnthropic(agent, { injectTrailingUserMessage: true }).messages.at(-1), {
    role: "user",
    content: [{ type: "text", text: "." }],
  });
});

test("a per-reply instruction before the first words of the user is sent as the user's, at its place", () => {
  const items = [says("system", "Base."), says("system", "Greet.", "s2")];
  const { system, messages } = toAnthropic(items);
  assert.equal(system, "Base.");
  assert.deepEqual(messages, [
    { role: "user", content: [{ type: "text", text: "<instructions>\nGreet.\n</instructions>" }] },
  ]);
  assert.deepEqual(toGoogle(items).contents, [
    { role: "user", parts: [{ text: "<instructions>\nGreet.\n</instructions>" }] },
  ]);
});

test("a leading developer message is the user's, and is no preamble", () => {
  const { system, messages } = toAnthropic([says("developer", "Base."), says("user", "hi")]);
  assert.equal(system, undefined);
  assert.deepEqual(messages, [
    { role: "user", content: [{ type: "text", text: "Base." }, { type: "text", text: "hi" }] },
  ]);
});

test("instructions are sent in the variant of the modality", () => {
  const items = [says("system", new Instructions({ audio: "speak", text: "write" }))];
  assert.equal(toAnthropic(items, { modality: "text" }).system, "write");
  assert.equal(toGoogle(items, { modality: "audio" }).system, "speak");
  assert.equal(toMistral(items, { modality: "text" }).instructions, "write");
  assert.equal(toOpenAIResponses(items, { modality: "text" }).messages[0]!["content"], "write");
});

test("an agent's instructions come first, also where a call stands before them, as in a task", () => {
  const items = [calls("c", "1"), says("system", "Ask.", "lk.agent_task.instructions"), says("user", "hi")];
  assert.equal(toOpenAI(items).messages[0]!["role"], "system");
  assert.equal(toOpenAIResponses(items).messages[0]!["role"], "system");
  assert.equal(toAnthropic(items).system, "Ask.");
  assert.equal(toGoogle(items).system, "Ask.");
  assert.equal(toMistral(items).entries[0]!["type"], "function.call");
});

test("arguments that are no object are sent as empty ones with a note, and the request goes out", () => {
  for (const args of ["{oops", "[1]", "null", '"x"']) {
    const { messages, notes } = toAnthropic([says("user", "hi"), calls("c", "1", args)]);
    assert.deepEqual((messages[1]!.content[0] as Json)["input"], {});
    assert.deepEqual(notes.find(({ type }) => type === "unreadable_arguments"), {
      type: "unreadable_arguments",
      callId: "1",
      itemId: "c",
    });
    assert.equal(toGoogle([calls("c", "1", args)]).notes.at(-1)!.type, "unreadable_arguments");
  }
});

test("a picture of a kind that the providers do not take is refused, and its declared kind wins", () => {
  const svg = says("user", image({ image: "data:image/svg+xml;base64,AAAA" }));
  const text = says("user", image({ image: "data:image/png,AAAA" }));
  for (const item of [svg, text]) {
    for (const write of [toAnthropic, toGoogle]) {
      assert.throws(() => write([item]), (error) => error instanceof AgentError && error.code === "chat.bad_item");
    }
  }
  const declared = says("user", image({ image: "data:;base64,AAAA", mimeType: "image/webp" }));
  assert.match(JSON.stringify(toAnthropic([declared]).messages), /"media_type":"image\/webp"/);
});

test("a signature of a thought is sent with its call, from the call or by its id", () => {
  const own = functionCall({
    id: "c",
    createdAt: 0,
    callId: "1",
    name: "n",
    args: "{}",
    extra: { google: { thought_signature: "own" } },
  });
  const signature = (options = {}): unknown => toGoogle([own], options).contents[0]!.parts[0]!["thoughtSignature"];
  assert.equal(signature(), "own");
  assert.equal(signature({ thoughtSignatures: { 1: "given" } }), "given");
});

test("sound is never sent", () => {
  const sound: ChatContent = { type: "audio_content", frame: [], transcript: "secret" };
  const items = [says("user", ["hi", sound])];
  for (const write of [toAnthropic, toGoogle, toMistral, toOpenAI, toOpenAIResponses]) {
    assert.doesNotMatch(JSON.stringify(write(items)), /secret|frame/);
  }
});

// --- any conversation --------------------------------------------------------------------------------------------------

const callId = fc.constantFrom("a", "b", "c", "d");
const content = fc.array(fc.constantFrom("", "one", "two [3]", "[1]"), { maxLength: 3 });
const anyItem: fc.Arbitrary<(id: string) => ChatItem> = fc.oneof(
  fc.tuple(fc.constantFrom("user", "assistant", "system", "developer"), content).map(([role, parts]) => (id: string) =>
    chatMessage({ id, createdAt: 0, role: role as ChatRole, content: parts })
  ),
  fc.tuple(callId, fc.option(fc.constantFrom("g", "h"), { nil: undefined })).map(([call, groupId]) => (id: string) =>
    functionCall({
      id,
      createdAt: 0,
      callId: call,
      name: "look",
      args: '{"at":1}',
      ...(groupId !== undefined && { groupId }),
    })
  ),
  fc.tuple(callId, fc.boolean()).map(([call, isError]) => (id: string) =>
    functionCallOutput({ id, createdAt: 0, callId: call, output: `of ${call}`, isError })
  ),
  fc.constant((id: string) => agentHandoff({ id, createdAt: 0, newAgentId: "b" })),
  fc.constant((id: string) => agentConfigUpdate({ id, createdAt: 0, toolsAdded: ["x"] })),
);
const anyItems = fc.array(anyItem, { maxLength: 14 }).chain((makers) =>
  fc.array(fc.constantFrom("x", "y", "z"), { minLength: makers.length, maxLength: makers.length }).map((prefixes) =>
    makers.map((make, index) => make(`${prefixes[index]}${index % 4 === 0 ? "" : index}/${index}`))
  )
);
const anyUnanswered = fc.constantFrom("placeholder", "drop") as fc.Arbitrary<"placeholder" | "drop">;

/** Calls and outputs as they stand in a request, in their order. */
function toolTrail(blocks: readonly Json[]): { readonly calls: string[]; readonly outputs: string[] } {
  const found = { calls: [] as string[], outputs: [] as string[] };
  for (const block of blocks) {
    const call = (block["functionCall"] as Json | undefined)?.["id"] ??
      (block["type"] === "tool_use" ? block["id"] : undefined) ??
      (block["type"] === "function.call" ? block["tool_call_id"] : undefined) ??
      (block["type"] === "function_call" ? block["call_id"] : undefined);
    const output = (block["functionResponse"] as Json | undefined)?.["id"] ?? block["tool_use_id"] ??
      (block["type"] === "function.result" ? block["tool_call_id"] : undefined) ??
      (block["type"] === "function_call_output" ? block["call_id"] : undefined);
    if (call !== undefined) found.calls.push(call as string);
    if (output !== undefined) found.outputs.push(output as string);
  }
  return found;
}

test("any conversation: every call is paired with one output, in order, as many as the pairing has", () => {
  fc.assert(fc.property(anyItems, anyUnanswered, (items, unanswered) => {
    const wanted = pairToolCalls(items, { unanswered });
    const expected = {
      calls: wanted.flatMap((item) => item.type === "function_call" ? [item.callId] : []),
      outputs: wanted.flatMap((item) => item.type === "function_call_output" ? [item.callId] : []),
    };
    const options = { unanswered };
    const written: Json[][] = [
      toAnthropic(items, options).messages.flatMap((message) => message.content as Json[]),
      toGoogle(items, options).contents.flatMap((turn) => turn.parts as Json[]),
      [...toMistral(items, options).entries],
      [...toOpenAIResponses(items, options).messages],
    ];
    for (const blocks of written) assert.deepEqual(toolTrail(blocks), expected);
    assert.deepEqual(expected.calls.toSorted(), expected.outputs.toSorted());
    assert.equal(new Set(expected.calls).size, expected.calls.length);
  }));
});

test("any conversation: Anthropic gets turns that alternate, begin with the user, and answer calls at once", () => {
  fc.assert(fc.property(anyItems, anyUnanswered, (items, unanswered) => {
    const { messages } = toAnthropic(items, { unanswered });
    messages.forEach(({ role, content }, index) => {
      assert.equal(role, index % 2 === 0 ? "user" : "assistant");
      assert.ok(content.length > 0);
      for (const block of content) if (block["type"] === "text") assert.notEqual(block["text"], "");
      const asked = content.flatMap((block) => block["type"] === "tool_use" ? [block["id"]] : []);
      const next = messages[index + 1]?.content ?? [];
      assert.deepEqual(next.slice(0, asked.length).map((block) => block["tool_use_id"]), asked);
      assert.ok(next.slice(asked.length).every((block) => block["type"] !== "tool_result"));
    });
  }));
});

test("any conversation: Google gets a model's turns apart, outputs in a turn of their own, and a last turn that is not the model's", () => {
  fc.assert(fc.property(anyItems, anyUnanswered, (items, unanswered) => {
    const { contents } = toGoogle(items, { unanswered });
    assert.equal(contents.at(-1)?.role, "user");
    contents.forEach(({ role, parts }, index) => {
      assert.ok(parts.length > 0);
      if (role === "model") assert.notEqual(contents[index + 1]?.role, "model");
      const outputs = parts.filter((part) => "functionResponse" in part).length;
      assert.ok(outputs === 0 || outputs === parts.length, "outputs do not share a turn with words");
      const asked = parts.filter((part) => "functionCall" in part).length;
      if (asked > 0) assert.equal(contents[index + 1]?.parts.length, asked);
    });
  }));
});

/** What was said, calls and outputs left out, from any provider's form: `role: text`. */
const words = (items: readonly ChatItem[]): string[] =>
  pairToolCalls(items).flatMap((item) =>
    item.type !== "message" ? [] : item.content.flatMap((part) => part === "" ? [] : [`${item.role}: ${part}`])
  );

test("any conversation: what is written can be read back, word for word and in order", () => {
  fc.assert(fc.property(anyItems, (items) => {
    const spoken = words(items).filter((line) => /^(?:user|assistant)/.test(line));
    const from = (role: string, texts: readonly unknown[]): string[] =>
      texts.flatMap((text) =>
        typeof text !== "string" || text === "(empty)" || text === "." || text.startsWith("<instructions>")
          ? []
          : [`${role}: ${text}`]
      );
    const noPreamble = items.filter((item) => item.type !== "message" || item.role !== "developer");
    const expected = words(noPreamble).filter((line) => /^(?:user|assistant)/.test(line));
    assert.deepEqual(
      toAnthropic(noPreamble).messages.flatMap(({ role, content }) =>
        from(role, content.map((block) => block["text"]))
      ),
      expected,
    );
    assert.deepEqual(
      toGoogle(noPreamble).contents.flatMap(({ role, parts }) =>
        from(role === "model" ? "assistant" : role, parts.map((part) => part["text"]))
      ),
      expected,
    );
    assert.deepEqual(
      toMistral(items).entries.flatMap((entry) =>
        from(entry["role"] as string, String(entry["content"] ?? "").split("\n")).filter((line) => !line.endsWith(": "))
      ),
      spoken,
    );
  }));
});

test("any conversation: hand-offs and configuration updates change nothing, and writing changes no item", () => {
  fc.assert(fc.property(anyItems, (items) => {
    const without = items.filter((item) => item.type !== "agent_handoff" && item.type !== "agent_config_update");
    const before = structuredClone(items);
    for (const write of [toAnthropic, toGoogle, toMistral, toOpenAIResponses, toOpenAI]) {
      assert.deepEqual(write(items), write(without));
    }
    assert.deepEqual(items, before);
  }));
});
