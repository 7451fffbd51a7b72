import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { agentHandoff, functionCallOutput } from "../../src/chat/make.ts";
import { scriptedLLM, type ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { llmContract } from "../contracts/llm.ts";
import { drain } from "../model/recording.ts";

function talk(...texts: string[]): ChatContext {
  const chatCtx = new ChatContext();
  for (const text of texts) {
    const [role, content] = text.split(": ") as ["user" | "assistant" | "system", string];
    chatCtx.addMessage({ role, content });
  }
  return chatCtx;
}

async function answer(script: readonly ScriptedReply[], ...contexts: ChatContext[]): Promise<string[]> {
  const clock = virtualClock();
  const llm = scriptedLLM(script, { clock });
  const answers: string[] = [];
  for (const chatCtx of contexts) {
    const { parts } = await clock.until(drain(llm.chat({ chatCtx })));
    answers.push(parts.map(({ delta }) => delta?.content ?? "").join(""));
  }
  return answers;
}

test("the first entry that fits answers, and none that fits is silence", async () => {
  const script: ScriptedReply[] = [
    { when: { user: "A" }, text: "1" },
    { when: { system: "Greet." }, text: "2" },
    { when: { lastUser: "B" }, text: "3" },
    { when: { request: 4 }, text: "4" },
  ];
  assert.deepEqual(
    await answer(
      script,
      talk("user: A"),
      talk("user: A", "system: Greet."),
      talk("user: B", "assistant: yes"),
      talk("user: A", "assistant: yes"),
      talk("user: C"),
      talk("user: C"),
    ),
    ["1", "2", "3", "", "4", ""],
  );
});

test("what a tool gave is known by its text or by being an error", async () => {
  const outputs = [{ output: "sunny", isError: false }, { output: "broken", isError: true }].map((fields, index) => {
    const chatCtx = talk("user: A");
    chatCtx.insert(functionCallOutput({ callId: "c", name: "f", id: `i${index}`, createdAt: 1, ...fields }));
    return chatCtx;
  });
  const script: ScriptedReply[] = [
    { when: { output: "sunny" }, text: "1" },
    { when: { outputError: true }, text: "2" },
  ];
  assert.deepEqual(await answer(script, ...outputs), ["1", "2"]);
});

test("a hand-off behind the message does not hide it", async () => {
  const chatCtx = talk("user: A");
  chatCtx.insert(agentHandoff({ id: "h", createdAt: 1, oldAgentId: null, newAgentId: "b" }));
  assert.deepEqual(await answer([{ when: { user: "A" }, text: "1" }], chatCtx), ["1"]);
});

test("an entry answers as often as it may", async () => {
  const script: ScriptedReply[] = [{ times: 1, text: "1" }, { text: "2" }];
  assert.deepEqual(await answer(script, talk("user: A"), talk("user: A")), ["1", "2"]);
});

test("text, pieces and calls come when the script says", async () => {
  const clock = virtualClock();
  const llm = scriptedLLM([{
    ttftMs: 300,
    text: "Hel",
    chunks: [{ text: "lo", afterMs: 100 }],
    toolCalls: [{ name: "f", id: "c1", args: { a: 1 } }, { name: "g", id: "c2", args: "{}" }],
    toolCallsAfterMs: 50,
  }], { clock });
  const came: unknown[] = [];
  const reading = (async () => {
    for await (const { delta } of llm.chat({ chatCtx: talk("user: A") })) {
      came.push([clock.now(), delta?.content ?? delta?.toolCalls?.map(({ callId, args }) => [callId, args])]);
    }
    came.push([clock.now(), "end"]);
  })();
  await clock.until(reading);
  assert.deepEqual(came, [
    [300, "Hel"],
    [400, "lo"],
    [450, [["c1", '{"a":1}'], ["c2", "{}"]]],
    [450, "end"],
  ]);
});

test("a retry is the same request and gets what comes after the failures", async () => {
  const clock = virtualClock();
  const llm = scriptedLLM([{ error: { attempts: 1, afterText: "x" }, text: "Hello" }], { clock });
  const chatCtx = talk("user: A");
  const first = await clock.until(drain(llm.chat({ chatCtx })));
  assert.equal(first.parts.length, 1);
  assert.ok(first.failure instanceof Error);
  const second = await clock.until(drain(llm.chat({ chatCtx, retryCount: 1 })));
  assert.deepEqual([second.parts[0]?.delta?.content, second.failure], ["Hello", undefined]);
  assert.deepEqual(llm.requests.map(({ n, attempts }) => [n, attempts]), [[0, 2]]);
});

test("a stop before the end of the script is told, one after it is not", async () => {
  const clock = virtualClock();
  const stopped: number[] = [];
  const llm = scriptedLLM([{ ttftMs: 100, text: "Hello" }], { clock, onCancel: ({ n }) => void stopped.push(n) });
  const stop = new AbortController();
  const first = drain(llm.chat({ chatCtx: talk("user: A"), signal: stop.signal }));
  await clock.advance(50);
  stop.abort();
  assert.equal((await first).failure, stop.signal.reason);
  const second = llm.chat({ chatCtx: talk("user: A") }).getReader();
  await clock.advance(200);
  await second.cancel();
  assert.deepEqual(stopped, [0]);
  assert.equal(clock.armed, 0);
});

const contractClock = virtualClock();
llmContract("scripted", {
  make: () =>
    scriptedLLM([{ chunks: [{ text: "Hel", afterMs: 10 }, { text: "lo", afterMs: 10 }] }], { clock: contractClock }),
  makeStalled: () => scriptedLLM([{ text: "Hel", hangs: true }], { clock: contractClock }),
  makeBroken: () => scriptedLLM([{ ttftMs: 10, error: {} }], { clock: contractClock }),
  settle: () => contractClock.advance(1_000),
});
