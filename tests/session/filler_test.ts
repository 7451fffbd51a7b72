import assert from "node:assert/strict";
import { test } from "node:test";
import { filler, type FillerOptions, type FillerSource } from "../../src/session/filler.ts";
import { tool } from "../../src/tool/define.ts";
import type { RunContext } from "../../src/tool/context.ts";
import { refusesWith, userSays, type World, world } from "./harness.ts";

/** A session whose tool works for so long, with fillers. What was said when, without the last answer. */
function working(
  workMs: number,
  source: FillerSource,
  options: FillerOptions,
  act: (w: World, ctx: () => RunContext) => void = () => {},
) {
  const said: string[] = [];
  let ctx: RunContext | undefined;
  let outcome: unknown;
  const w = world({
    tts: { msPerChar: 50 },
    ears: true,
    llm: [{ when: { user: "Go" }, times: 1, toolCalls: [{ name: "work", id: "c1", args: {} }] }, { text: "Done." }],
    agent: {
      tools: [
        tool({
          name: "work",
          description: "",
          execute: async (_args, o) => {
            ctx = o.ctx;
            outcome = await filler(
              o.ctx,
              source,
              options,
              () => new Promise((end) => w.clock.schedule(w.clock.now() + workMs, () => end("worked"))),
            );
            return outcome;
          },
        }),
      ],
    },
    options: { aecWarmupDuration: null },
  });
  w.session.on("speech_created", (event) => {
    if (event.source === "say") said.push(`say ${w.clock.now()}`);
  });
  const go = async (untilMs: number): Promise<string[]> => {
    await w.start();
    w.session.generateReply({ userInput: "Go" });
    act(w, () => ctx!);
    await w.clock.advance(untilMs);
    return said;
  };
  return { w, go, ctx: () => ctx, outcome: () => outcome };
}

test("work that is over before the delay is not talked over, and leaves nothing behind", async () => {
  const { w, go, outcome } = working(900, "One moment.", { delay: 1_000 });
  assert.deepEqual(await go(5_000), []);
  assert.equal(outcome(), "worked");
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("one filler without an interval; with one, as many as the work takes, or as are wanted", async () => {
  const once = working(20_000, "One moment.", { delay: 1_000 });
  assert.deepEqual(await once.go(15_000), ["say 1000"]);
  await once.w.close();
  // 12 characters of 50 ms each: 550 ms, then 2,000 ms of pause from the start, then silence for 1,000 ms.
  const often = working(20_000, "One moment.", { delay: 1_000, interval: 2_000 });
  assert.deepEqual(await often.go(9_000), ["say 1000", "say 4000", "say 7000"]);
  await often.w.close();
  const twice = working(20_000, "One moment.", { interval: 2_000, maxSteps: 2 });
  assert.deepEqual(await twice.go(9_000), ["say 0", "say 2000"]);
  await twice.w.close();
  const never = working(20_000, "One moment.", { maxSteps: 0 });
  assert.deepEqual(await never.go(9_000), []);
  await never.w.close();
});

test("what the user says, and what the tool tells, puts a filler off by the whole delay", async () => {
  const spoken = working(
    20_000,
    "One moment.",
    { delay: 2_000 },
    (w) => userSays(w, { from: 1_400, until: 1_800, text: "", interims: false }),
  );
  const [first] = await spoken.go(12_000);
  assert.ok(first !== undefined && Number(first.slice(4)) > 3_800, first);
  await spoken.w.close();
  const told = working(
    20_000,
    "One moment.",
    { delay: 2_000 },
    (w, ctx) => w.clock.schedule(1_900, () => void ctx().update("half")),
  );
  const [filler] = await told.go(12_000);
  assert.ok(filler !== undefined && Number(filler.slice(4)) >= 3_900, filler);
  await told.w.close();
});

test("a function is told how many there were; what gives nothing is skipped and not counted", async () => {
  const steps: number[] = [];
  const { w, go } = working(20_000, (step) => {
    steps.push(step);
    return steps.length === 2 ? null : `Still at it, ${step}.`;
  }, { delay: 500, interval: 1_000, maxSteps: 2 });
  assert.equal((await go(12_000)).length, 2);
  assert.deepEqual(steps, [0, 1, 1]);
  await w.close();
});

test("fillers end when the speech of the tool is cut off", async () => {
  const cut = working(
    4_000,
    "One moment.",
    { delay: 3_000 },
    (w) => w.clock.schedule(1_000, () => void w.session.interrupt()),
  );
  assert.deepEqual(await cut.go(4_500), []);
  await cut.w.close();
  assert.equal(cut.w.clock.armed, 0);
});

test("a filler that fails is logged, and the work gives what it gives", async () => {
  const { w, go, outcome } = working(500, () => {
    throw new Error("no words");
  }, {});
  await go(3_000);
  assert.equal(outcome(), "worked");
  assert.ok(w.log.some(({ message }) => message === "a filler failed"));
  await w.close();
});

test("numbers below 0 are refused; a context that is made up only works", async () => {
  const ctx = { signal: new AbortController().signal } as RunContext;
  await refusesWith("session.bad_option", () => filler(ctx, "x", { delay: -1 }, () => 1));
  assert.equal(await filler(ctx, "x", {}, () => 1), 1);
});
