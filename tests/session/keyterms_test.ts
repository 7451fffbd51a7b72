/** Words to listen for, in a whole session: the recogniser is told them, and a model finds more. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { type VirtualRuntime, virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { type AudioInputPart, type ContextMark, isMark } from "../../src/model/marks.ts";
import { APIConnectionError } from "../../src/model/error.ts";
import type { STT, STTOptions } from "../../src/model/stt.ts";
import { Agent } from "../../src/session/agent.ts";
import type { KeytermsOptions } from "../../src/session/keyterms.ts";
import { type ScriptedLLM, scriptedLLM, type ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { refusesWith, type World, world } from "./harness.ts";

/** A recogniser that understands nothing and writes down what it is told. */
function notingSTT(capabilities: Partial<STT["capabilities"]> = { keyterms: true, chatContext: true }) {
  const opened: STTOptions[] = [];
  const marks: ContextMark[] = [];
  const stt: STT = {
    kind: "stt",
    model: "notes",
    provider: "repartee",
    capabilities: { streaming: true, interimResults: false, ...capabilities },
    stream(options = {}) {
      opened.push(options);
      return new TransformStream({
        transform(part: AudioInputPart) {
          if (isMark(part) && part.type === "context") marks.push(part);
        },
      });
    },
  };
  return {
    stt,
    opened,
    marks,
    keyterms: () => marks.flatMap((mark) => mark.keyterms === undefined ? [] : [mark.keyterms]),
  };
}

/** A model that records this, call by call. */
function picker(runtime: VirtualRuntime, passes: readonly object[], ttftMs = 50): ScriptedLLM {
  const replies: ScriptedReply[] = passes.map((args, n) => ({
    when: { request: n },
    ttftMs,
    toolCalls: [{ name: "record_keyterms", id: `k${n}`, args: args as Record<string, unknown> }],
  }));
  return scriptedLLM(replies, { clock: runtime.clock });
}

async function converse(
  runtime: VirtualRuntime,
  ear: ReturnType<typeof notingSTT>,
  keytermsOptions: KeytermsOptions,
  turns: readonly string[] = ["My name is Priya.", "Priya, with a y."],
): Promise<World> {
  const w = world({ runtime, ears: true, llm: [{ text: "Hello." }], options: { stt: ear.stt, keytermsOptions } });
  await w.start();
  for (const [i, userInput] of turns.entries()) {
    w.clock.schedule(1_000 + i * 1_000, () => void w.session.generateReply({ userInput }));
  }
  await w.clock.runUntil(1_000 + turns.length * 1_000);
  return w;
}

test("the program's words are known as the stream opens, and new ones are told while it runs", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const ear = notingSTT();
  const w = await converse(runtime, ear, { keyterms: ["Orly", "Moby Dick"] }, []);
  assert.deepEqual(ear.opened[0]?.keyterms, ["Orly", "Moby Dick"]);
  w.session.updateOptions({ keyterms: ["Orly", "Ahab"] });
  w.session.updateOptions({ keyterms: ["Orly", "Ahab"] });
  await w.clock.runUntil(2_000);
  assert.deepEqual(ear.keyterms(), [["Orly", "Ahab"]]);
  w.session.clearUserTurn(); // a fresh stream
  await w.clock.runUntil(3_000);
  assert.deepEqual(ear.opened[1]?.keyterms, ["Orly", "Ahab"]);
  await w.close();
});

test("a pass after each message of the user confirms words, which the recogniser is told; candidates it is not", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const ear = notingSTT();
  const llm = picker(runtime, [{ pending: ["Priya"], confirm: [], remove: [] }, { confirm: ["Priya"] }]);
  const w = await converse(runtime, ear, { keyterms: ["Orly"], keytermDetection: { enabled: true, llm } });
  assert.deepEqual(ear.keyterms(), [["Orly", "Priya"]]);
  assert.equal(llm.requests.length, 2);
  const { chatCtx, toolChoice } = llm.requests[1]?.request ?? {};
  assert.deepEqual(toolChoice, { type: "function", function: { name: "record_keyterms" } });
  const prompt = chatCtx?.items.map((item) => item.type === "message" ? item.textContent : "").join("\n") ?? "";
  assert.match(prompt, /"applied":\["Orly"\],"candidates":\["Priya"\]/);
  assert.match(prompt, /user: My name is Priya\.\nassistant: Hello\.\nuser: Priya, with a y\./);
  const counted = w.events.filter((e) => e.type === "metrics_collected" && e.metrics.type === "llm_metrics").length;
  assert.equal(counted, 4, "two replies and two passes");
  await w.close();
});

test("two user turns during a running pass start no second pass", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const llm = picker(runtime, [{ confirm: ["a"] }, { confirm: ["b"] }], 2_500);
  const w = await converse(runtime, notingSTT(), { keytermDetection: { enabled: true, llm } }, ["one", "two", "three"]);
  assert.equal(llm.requests.length, 1);
  await w.close();
});

test("the interval counts messages of the user", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const llm = picker(runtime, [{}, {}, {}]);
  const w = await converse(runtime, notingSTT(), { keytermDetection: { enabled: true, llm, turnInterval: 2 } }, [
    "one",
    "two",
    "three",
    "four",
    "five",
  ]);
  assert.equal(llm.requests.length, 2);
  await w.close();
});

test("a pass that fails, answers nonsense or takes too long changes nothing, and the session goes on", async () => {
  for (const reply of [{ error: new Error("no") }, { text: "I would rather not." }, { ttftMs: 60_000, text: "late" }]) {
    const runtime = virtualRuntime({ seed: 1 });
    const ear = notingSTT();
    const llm = scriptedLLM([reply as ScriptedReply], { clock: runtime.clock });
    const w = await converse(runtime, ear, { keytermDetection: { enabled: true, llm, timeout: 500 } });
    assert.deepEqual(ear.keyterms(), []);
    assert.ok(w.session.isRunning);
    assert.ok(!w.events.some((event) => event.type === "error"));
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("a close during a pass calls it off and leaves nothing behind", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const llm = picker(runtime, [{ confirm: ["a"] }], 5_000);
  const w = await converse(runtime, notingSTT(), { keytermDetection: { enabled: true, llm } }, ["one"]);
  await w.close();
  assert.equal(w.clock.armed, 0);
  assert.equal(llm.requests[0]?.cancelled, true);
});

test("confirmed words outlive a hand-off: the next agent's recogniser opens with them", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const next = notingSTT();
  const llm = picker(runtime, [{ confirm: ["Priya"] }, {}]);
  const w = await converse(runtime, notingSTT(), { keytermDetection: { enabled: true, llm } });
  w.session.updateAgent(new Agent({ instructions: "Second.", stt: next.stt }));
  await w.clock.runUntil(6_000);
  assert.deepEqual(next.opened[0]?.keyterms, ["Priya"]);
  await w.close();
});

test("messages are told to a recogniser that wants them, unless switched off", async () => {
  const messages = async (options: KeytermsOptions, capabilities: Partial<STT["capabilities"]>) => {
    const ear = notingSTT(capabilities);
    const w = await converse(virtualRuntime({ seed: 1 }), ear, options, ["one"]);
    await w.close();
    return ear.marks.flatMap((mark) => mark.messages ?? []).map(({ role, text }) => `${role}: ${text}`);
  };
  assert.deepEqual(await messages({}, { chatContext: true }), ["user: one", "assistant: Hello."]);
  assert.deepEqual(await messages({ forwardChatContext: false }, { chatContext: true }), []);
  assert.deepEqual(await messages({}, {}), []);
});

test("a recogniser that cannot listen for words is warned of once, and told nothing", async () => {
  const ear = notingSTT({});
  const w = await converse(virtualRuntime({ seed: 1 }), ear, { keyterms: ["Orly"] }, []);
  w.session.updateAgent(new Agent({ instructions: "Second." }));
  await w.clock.runUntil(3_000);
  assert.equal(w.log.filter(({ message }) => message === "keyterms.unsupported").length, 1);
  assert.equal(ear.opened[0]?.keyterms, undefined);
  await w.close();
});

test("a connection that is opened anew knows the newest words", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const ear = notingSTT();
  const { stream } = ear.stt;
  const breaking: STT = {
    ...ear.stt,
    stream(options) {
      if (ear.opened.length > 0) return stream!(options);
      ear.opened.push(options ?? {});
      return new TransformStream<AudioInputPart, never>({
        transform() {},
        start: (controller) =>
          void runtime.clock.schedule(3_000, () => controller.error(new APIConnectionError({ message: "gone" }))),
      });
    },
  };
  const w = await converse(runtime, { ...ear, stt: breaking }, { keyterms: ["Orly"] }, []);
  w.session.updateOptions({ keyterms: ["Ahab"] });
  await w.clock.runUntil(8_000);
  assert.deepEqual(ear.opened.map(({ keyterms }) => keyterms), [["Orly"], ["Ahab"]]);
  await w.close();
});

test("options that do not fit are refused", async () => {
  await refusesWith("session.bad_option", () => world({ options: { keytermsOptions: { keyterms: "a" } as never } }));
  await refusesWith(
    "session.bad_option",
    () => world({ options: { keytermsOptions: { keytermDetection: { turnInterval: 0 } } } }),
  );
  const w = world();
  await refusesWith("session.bad_option", () => w.session.updateOptions({ keyterms: [1] as never }));
});
