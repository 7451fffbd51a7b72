/** Words over the agent in a whole session: the local policy, one of the program's own, and none. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { BackchannelQuestion } from "../../src/turn/backchannel.ts";
import { judgeBackchannel } from "../../src/turn/backchannel.ts";
import type { TurnHandlingOptions } from "../../src/session/options.ts";
import { replay } from "../../src/trace/replay.ts";
import { timelineOf } from "../../src/trace/timeline.ts";
import { told, userSays, type World, world } from "./harness.ts";

const STORY = "Once upon a time there was a shop with a great many books, and nobody knew how many.";

/** The agent tells a story of some five seconds from 2,000 on, and the user says something over it. */
async function overhear(
  words: { readonly from: number; readonly until: number; readonly text: string },
  interruption: TurnHandlingOptions["interruption"] = {},
  text: string = STORY,
): Promise<World> {
  const w = world({
    tts: { ttfbMs: 100, msPerChar: 60 },
    ears: true,
    trace: true,
    llm: [{ ttftMs: 100, text: "Yes?" }],
    options: { turnHandling: { interruption }, aecWarmupDuration: null },
  });
  await w.start();
  await w.clock.runUntil(2_000);
  w.session.say(text);
  userSays(w, words);
  await w.clock.runUntil(14_000);
  await w.close();
  return w;
}

test("a backchannel leaves the story whole, in the sound and in the history, and its reason is in the trace", async () => {
  const w = await overhear({ from: 4_000, until: 4_700, text: "Okay, I see." });

  assert.deepEqual(told(w.session.history.items), [`assistant: ${STORY}`]);
  assert.equal(w.events.filter((e) => e.type === "agent_false_interruption" && e.resumed).length, 1);
  const { overlaps } = timelineOf(w.trace);
  assert.deepEqual(overlaps.map(({ text, takesFloor, reason }) => [text, takesFloor, reason]), [
    ["Okay, I see.", false, "backchannel"],
  ]);
  const line = w.log.find(({ message }) => message === "backchannel.judged");
  assert.equal(line?.fields["reason"], "backchannel");
  assert.deepEqual(line?.fields["pii"], { text: "Okay, I see." });
  assert.equal(replay(w.trace).difference, undefined);
});

test("null, and the reference, let every word take the floor", async () => {
  const w = await overhear({ from: 4_000, until: 4_700, text: "Okay, I see." }, { backchannel: null });
  assert.match(told(w.session.history.items).join("\n"), /\/\nuser: Okay, I see.\nassistant: Yes\?/);
  assert.deepEqual(timelineOf(w.trace).overlaps, []);
});

test("words that are more take the floor", async () => {
  const w = await overhear({ from: 4_000, until: 4_700, text: "Wait, please." });
  assert.equal(told(w.session.history.items)[1], "user: Wait, please.");
});

test("an answer to a question that is about to end is a turn, since the length of the sound is known by then", async () => {
  const question = "I have found the book for you, it is old and it is green. Shall I hold it?";
  const end = 2_000 + 100 + question.length * 60;
  const early = await overhear({ from: end - 2_500, until: end - 2_100, text: "yes" }, {}, question);
  assert.deepEqual(told(early.session.history.items), [`assistant: ${question}`]);
  const late = await overhear({ from: end - 900, until: end - 500, text: "yes" }, {}, question);
  assert.ok(told(late.session.history.items).includes("user: yes"), told(late.session.history.items).join("\n"));
});

test("a policy of the program's own is asked with what there is, believed, and not needed for a replay", async () => {
  const asked: BackchannelQuestion[] = [];
  const w = await overhear({ from: 4_000, until: 4_700, text: "Stop!" }, {
    backchannel: (question) => {
      if (question.isFinal) asked.push(question);
      return { takesFloor: false, reason: "deaf" };
    },
  });
  assert.deepEqual(told(w.session.history.items), [`assistant: ${STORY}`]);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.text, "Stop!");
  assert.ok(Math.abs((asked[0]?.heardMs ?? 0) - 1_900) < 150, `${asked[0]?.heardMs}`);
  assert.equal(asked[0]?.isQuestion, false);
  assert.equal(timelineOf(w.trace).overlaps.at(-1)?.reason, "deaf");
  assert.equal(replay(w.trace).difference, undefined);
});

test("a policy may answer yes or no, and may ask the local one", async () => {
  const w = await overhear({ from: 4_000, until: 4_700, text: "Okay, I see." }, {
    backchannel: (question) => (question.heardMs ?? 0) > 10_000 ? true : judgeBackchannel(question).takesFloor,
  });
  assert.deepEqual(told(w.session.history.items), [`assistant: ${STORY}`]);
});

test("a policy that throws is told of once for each word, and the local one answers", async () => {
  const w = await overhear({ from: 4_000, until: 4_700, text: "Okay, I see." }, {
    backchannel: () => {
      throw new Error("no");
    },
  });
  assert.deepEqual(told(w.session.history.items), [`assistant: ${STORY}`]);
  assert.ok(w.events.some((e) => e.type === "error" && e.source === "turnHandling.interruption.backchannel"));
});

test("an agent's own policy comes before the session's, and null switches it off for this agent", async () => {
  const w = world({
    tts: { ttfbMs: 100, msPerChar: 60 },
    ears: true,
    llm: [{ ttftMs: 100, text: "Yes?" }],
    agent: { turnHandling: { interruption: { backchannel: null } } },
    options: { turnHandling: { interruption: { backchannel: () => false } }, aecWarmupDuration: null },
  });
  await w.start();
  w.session.say(STORY);
  userSays(w, { from: 4_000, until: 4_700, text: "Okay, I see." });
  await w.clock.runUntil(14_000);
  await w.close();
  assert.ok(told(w.session.history.items).includes("user: Okay, I see."));
});
