import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { AgentError } from "../../src/base/error.ts";
import { tool } from "../../src/tool/define.ts";
import { type LatencyMarks, latencySpans } from "../../src/trace/latency.ts";
import { type TraceRecord, type TraceStep, traceWriter } from "../../src/trace/record.ts";
import { parseTrace, replay } from "../../src/trace/replay.ts";
import { timelineOf } from "../../src/trace/timeline.ts";
import { timelinePage } from "../../src/trace/timeline_page.ts";
import { holdConversation } from "../session/conversation.ts";
import { refusesWith, told, world } from "../session/harness.ts";

const toLines = (records: readonly TraceRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join("");

/** A hash that is the same everywhere, of the text's code units. */
function hashOf(text: string): string {
  let h = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) h = ((h ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n) & 0xffffffffffffffffn;
  return h.toString(16).padStart(16, "0");
}

/** Changes when a decision, an order or the recorded form changes: then look at the difference, and write the new value. */
const TRACE_HASH = "c4c07fa2c1d114f8";

test("a whole conversation goes as it should", async () => {
  const w = await holdConversation();
  const lines = told(w.session.history.items);
  assert.equal(lines[0], "assistant: Good evening, this is the bookshop.");
  assert.deepEqual(lines.slice(1, 5), [
    "user: Do you have Moby Dick",
    "assistant: Let me look.",
    'call stock c1 {"title":"Moby Dick"}',
    'output c1: {"count":3}',
  ]);
  assert.match(lines[5] ?? "", /^assistant: Yes, we have three copies .*\/$/);
  assert.deepEqual(lines.slice(6, 9), [
    "user: Hold one for me",
    "assistant: Gladly. It waits for you.",
    "user: Thanks bye",
  ]);
  assert.equal(w.events.filter((e) => e.type === "agent_false_interruption" && e.resumed).length, 1);
  assert.equal(w.clock.armed, 0);
});

test("the trace of a conversation is the same, byte for byte, on every runtime", async () => {
  const first = toLines((await holdConversation()).trace);
  const second = toLines((await holdConversation()).trace);
  assert.equal(second, first);
  assert.notEqual(toLines((await holdConversation({ seed: 8 })).trace), first);
  assert.equal(hashOf(first), TRACE_HASH, "the trace is another one than when TRACE_HASH was written");
});

test("a recorded conversation replays without a difference, also from its lines", async () => {
  const { trace, session } = await holdConversation();
  const result = replay(trace);
  assert.equal(result.difference, undefined);
  assert.equal(result.stepCount, trace.filter(({ kind }) => kind === "step").length);
  const again = replay(parseTrace(toLines(trace)));
  assert.equal(again.difference, undefined);
  assert.equal(again.stepCount, result.stepCount);
  assert.equal(again.root.stage.phase, "closed");
  assert.deepEqual(
    JSON.parse(JSON.stringify(again.root.shared)),
    JSON.parse(JSON.stringify(session["~core"].root.shared)),
  );
});

test("a record that was changed is named by its line, with what was recorded and what was replayed", async () => {
  const { trace } = await holdConversation();
  const records = parseTrace(toLines(trace));
  const steps = records.flatMap((record, index) => record.kind === "step" && record.effects.length > 0 ? [index] : []);
  for (const index of [steps[0], steps[Math.floor(steps.length / 2)], steps.at(-1)] as number[]) {
    const changed = [...records];
    changed[index] = { ...(records[index] as TraceStep), effects: [] };
    const { difference } = replay(changed);
    assert.equal(difference?.line, index + 1);
    assert.deepEqual(difference.recorded, []);
    assert.deepEqual(JSON.parse(JSON.stringify(difference.replayed)), (records[index] as TraceStep).effects);
  }
  const lost = records.findIndex((r) => r.kind === "step" && r.effects.some(({ type }) => type === "turn.commit"));
  const missing = records.filter((_, index) => index !== lost);
  assert.ok(replay(missing).difference !== undefined);
});

test("a trace that is cut off is read as far as it goes; a damaged one names its line", async () => {
  const { trace } = await holdConversation();
  const text = toLines(trace);
  const cut = parseTrace(text.slice(0, Math.floor(text.length / 2)));
  assert.equal(replay(cut).difference, undefined);
  await refusesWith("trace.bad_record", () => parseTrace(text.replace("\n", "\n{broken\n")));
  await refusesWith("trace.bad_record", () => parseTrace("7\n{}\n"));
  await refusesWith("trace.bad_record", () => replay([]));
  await refusesWith("trace.bad_record", () => replay(cut.slice(1)));
  await refusesWith("trace.bad_record", () => replay([{ ...cut[0], version: 99 } as TraceRecord]));
  await refusesWith("trace.bad_record", () => replay(parseTrace('{"kind":"header","version":1}\n')));
  await refusesWith("trace.bad_record", () => replay([...cut, { kind: "step", t: 0 } as TraceRecord]));
});

test("sessions that fail, hand over, run and are cut off replay too", async () => {
  const w = world({
    tts: { errors: [{ text: "Broken.", retryable: false }] },
    trace: true,
    llm: [{ when: { user: "Go" }, toolCalls: [{ name: "stuck", id: "c1", args: {} }] }, {
      error: { retryable: false },
    }],
    agent: { tools: [tool({ name: "stuck", description: "Never ends.", execute: () => new Promise(() => {}) })] },
  });
  await w.start();
  await w.until(w.session.say("Broken."));
  await assert.rejects(w.until(w.session.run({ userInput: "Fails" })), /failed as its script says/);
  w.session.generateReply({ userInput: "Go" });
  await w.clock.advance(1_000);
  w.session.updateOptions({ turnHandling: { endpointing: { minDelay: 100 } } });
  w.session.updateAgent(w.agent);
  await w.clock.advance(20_000);
  w.session.say("A last long sentence that is cut off.");
  await w.clock.advance(300);
  await w.close({ deadline: 100 });
  const result = replay(parseTrace(toLines(w.trace)));
  assert.equal(result.difference, undefined);
  assert.equal(result.root.stage.phase, "closed");
});

test("a close that is given all the time there is leaves a trace that replays", async () => {
  const w = world({ trace: true });
  await w.start();
  await refusesWith("session.bad_option", () => w.session.close({ deadline: Infinity }));
  await w.close({ deadline: 1e9 });
  assert.equal(replay(parseTrace(toLines(w.trace))).difference, undefined);
});

test("numbers of models that are none do not keep a trace from replaying", async () => {
  const w = world({ ears: true, tts: {}, trace: true });
  await w.start();
  const nan = Number.NaN;
  w.stt.push({
    type: "final_transcript",
    alternatives: [{ text: "Hello", language: "en", startTimeMs: nan, endTimeMs: Infinity, confidence: nan }],
  });
  w.vad.push({
    type: "start_of_speech",
    timestampMs: nan,
    speechDurationMs: nan,
    silenceDurationMs: nan,
    rawSpeechMs: nan,
    rawSilenceMs: -Infinity,
    speaking: true,
    probability: nan,
    inferenceDurationMs: nan,
  });
  w.vad.push({
    type: "end_of_speech",
    timestampMs: nan,
    speechDurationMs: nan,
    silenceDurationMs: nan,
    rawSpeechMs: nan,
    rawSilenceMs: nan,
    speaking: false,
    probability: nan,
    inferenceDurationMs: nan,
  });
  await w.clock.advance(10_000);
  assert.deepEqual(told(w.session.history.items), ["user: Hello", "assistant: Hello there."]);
  await w.close();
  assert.equal(replay(parseTrace(toLines(w.trace))).difference, undefined);
  assert.equal(w.clock.armed, 0);
});

// --- latency -------------------------------------------------------------------------------------------------------

const mark = fc.option(fc.integer({ min: -500, max: 9_000 }), { nil: undefined });

test("the spans of a turn follow one another and add up to what the user waited, whatever came when", () => {
  fc.assert(
    fc.property(
      fc.record({
        stoppedSpeakingAt: fc.integer({ min: 0, max: 3_000 }),
        finalAt: mark,
        committedAt: fc.integer({ min: 0, max: 9_000 }),
        hookDoneAt: mark,
        playedAt: mark,
        steps: fc.array(
          fc.tuple(
            fc.constantFrom("llm" as const, "tools" as const, "tts" as const),
            fc.integer({ min: 0, max: 9_000 }),
          ),
        ),
        startedAt: fc.integer({ min: 0, max: 9_000 }),
      }) as fc.Arbitrary<LatencyMarks>,
      (marks) => {
        const spans = latencySpans(marks);
        const total = marks.startedAt - marks.stoppedSpeakingAt;
        if (total <= 0) return assert.deepEqual(spans, []);
        assert.equal(spans[0]?.from, marks.stoppedSpeakingAt);
        assert.equal(spans.at(-1)?.to, marks.startedAt);
        spans.forEach((span, index) => {
          assert.ok(span.to > span.from);
          if (index > 0) assert.equal(span.from, spans[index - 1]?.to);
        });
        assert.equal(spans.reduce((sum, { from, to }) => sum + to - from, 0), total);
      },
    ),
  );
});

// --- timeline ------------------------------------------------------------------------------------------------------

test("the timeline shows who spoke when, the cough, the barge-in, the tool and the accounts", async () => {
  const { trace } = await holdConversation();
  const timeline = timelineOf(parseTrace(toLines(trace)));
  assert.deepEqual(timeline, timelineOf(trace));
  assert.equal(timeline.falseInterruptions.length, 1);
  assert.deepEqual(timeline.commits.map(({ text }) => text), [
    "Do you have Moby Dick",
    "Hold one for me",
    "Thanks bye",
  ]);
  assert.deepEqual(timeline.tools.map(({ label, to, from }) => [label, to - from]), [["stock", 400]]);
  assert.equal(timeline.playout.filter(({ cut }) => cut).length, 1);
  assert.ok(timeline.pauses.length >= 1);
  assert.equal(timeline.vad.length, 4);
  assert.ok(timeline.vad.every(({ from, to }) => to > from));
  for (const states of [timeline.userStates, timeline.agentStates]) {
    states.forEach(({ from }, index) => index > 0 && assert.ok(from >= (states[index - 1]?.from ?? 0)));
  }
  assert.equal(timeline.accounts.length, 3);
  for (const { from, to, totalMs, spans } of timeline.accounts) {
    assert.equal(to - from, totalMs);
    assert.equal(spans.reduce((sum, span) => sum + span.to - span.from, 0), totalMs);
    assert.equal(spans[0]?.from, from);
    assert.equal(spans.at(-1)?.to, to);
  }
  assert.equal(timeline.messages.some(({ interrupted }) => interrupted), true);
});

test("the timeline of a trace that ends anywhere is made, and so is its page", async () => {
  const { trace } = await holdConversation();
  for (let end = 0; end <= trace.length; end += 7) {
    const page = timelinePage(timelineOf(trace.slice(0, end)), { title: "cut" });
    assert.doesNotMatch(page, /NaN|Infinity|undefined ms/);
  }
});

test("nothing that anybody said can run in the page", async () => {
  const evil = `</script><script>alert(1)</script><img src=x onerror="alert(2)"> & ' \u2028 <!-- ]]>`;
  const { trace } = await holdConversation({ words: evil });
  const page = timelinePage(timelineOf(trace), { title: evil });
  assert.equal(page.match(/<script/gi)?.length, 2, "its own data and its own script");
  assert.equal(page.match(/<\/script/gi)?.length, 2);
  assert.doesNotMatch(page, /<img/i);
  assert.doesNotMatch(page, /<!--/);
  const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? "";
  const { timeline } = JSON.parse(data) as { timeline: { commits: { text: string }[] } };
  assert.equal(timeline.commits[0]?.text, evil);
});

// --- sinks ---------------------------------------------------------------------------------------------------------

test("a sink of the trace that fails is given up, told once, and the session goes on", async () => {
  for (
    const sink of [
      new WritableStream<TraceRecord>({ write: () => Promise.reject(new Error("disk full")) }),
      new WritableStream<TraceRecord>({
        start: () => Promise.reject(new Error("no disk")),
      }),
      new WritableStream<TraceRecord>({
        write() {
          throw new Error("disk full");
        },
      }),
    ]
  ) {
    const w = world({ options: { trace: sink } });
    await w.start();
    await w.until(w.session.run({ userInput: "Hi" }));
    await w.close();
    assert.equal(w.log.filter(({ fields }) => fields["area"] === "trace").length, 1);
    assert.equal(w.session.history.items.length >= 3, true);
  }
});

test("a sink of the trace that never takes anything does not hold up the close", async () => {
  const w = world({
    options: { trace: new WritableStream<TraceRecord>({ write: () => new Promise<void>(() => {}) }) },
  });
  await w.start();
  await w.until(w.session.run({ userInput: "Hi" }));
  await w.close();
  assert.equal(w.session.isRunning, false);
});

test("a sink that is too slow is given up at its limit", () => {
  const lost: unknown[] = [];
  const writer = traceWriter(
    new WritableStream({ write: () => new Promise<void>(() => {}) }),
    (error) => lost.push(error),
  );
  for (let n = 0; n < 70_000; n++) writer.write({ kind: "note", t: n, name: "x", fields: {} });
  assert.equal(lost.length, 1);
});

test("a sink of the trace that somebody else writes to is refused", async () => {
  const sink = new WritableStream<TraceRecord>();
  sink.getWriter();
  await refusesWith("session.bad_option", () => world({ options: { trace: sink } }));
  await refusesWith("session.bad_option", () => world({ options: { trace: {} as never } }));
});

test("the sink of the trace is closed with the session", async () => {
  let isClosed = false;
  const w = world({ options: { trace: new WritableStream<TraceRecord>({ close: () => void (isClosed = true) }) } });
  await w.start();
  await w.close();
  await w.clock.advance(1);
  assert.equal(isClosed, true);
});

test("what goes wrong in a trace is an error with a code", () => {
  try {
    parseTrace("x\n{}\n");
    assert.fail("it must throw");
  } catch (error) {
    assert.ok(error instanceof AgentError);
    assert.match(error.message, /line 1/);
  }
});
