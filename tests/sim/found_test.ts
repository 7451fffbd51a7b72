/** What simulation has found, each cut down to the events that it takes. All of these broke a rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { playMachines } from "./machine_checks.ts";
import { type Event, type Fault, PLAIN, type Setup } from "./script.ts";

function found(
  name: string,
  events: readonly Event[],
  o: {
    readonly setup?: Partial<Setup>;
    readonly faults?: readonly Fault[];
    readonly seed?: number;
    deadline?: number;
  } = {},
): void {
  test(name, () => {
    const { seed = 0, setup, faults = [], deadline = 20_000 } = o;
    const { violation } = playMachines({ seed, setup: { ...PLAIN, ...setup }, faults, events, deadline });
    assert.equal(violation?.message, undefined);
  });
}

const speak = (t: number, ms: number, words: number, late: number): Event => ({
  do: "speak",
  t,
  ms,
  words,
  interims: 0,
  late,
  lost: false,
});

found("the user is away in time, though the agent who waited for it has left", [
  { t: 1_800, do: "say", protect: false, recorded: true },
  { t: 4_300, do: "agent", kind: "stuckEnter" },
], { setup: { userAwayTimeout: 4_000 } });

found("the warm-up of the echo canceller ends, though the agent who began it has left", [
  { t: 3_200, do: "say", protect: false, recorded: true },
  { t: 4_100, do: "sink" },
  { t: 4_100, do: "agent", kind: "farewell" },
], { setup: { aecWarmup: 1_000 } });

found("the span of a turn that begins while the agent enters begins once", [speak(3_200, 600, 2, 150)], {
  faults: ["toolset is slow"],
  seed: 18,
});

found("the span of a turn ends as it began when the session closes on an agent that never came", [
  speak(600, 600, 3, 300),
  { t: 4_500, do: "close", drain: true, deadline: 20_000 },
], { faults: ["toolset is slow"], seed: 1_165 });

found("nobody waits for an agent to come once the session closes", [
  speak(600, 3_000, 1, 0),
  { t: 2_000, do: "close", drain: true, deadline: 20_000 },
], { faults: ["toolset is slow"], seed: 1_165 });

found("words whose turn was in the user's hook when the agent left are the next agent's", [
  speak(700, 900, 1, 300),
  { t: 7_500, do: "agent", kind: "slow" },
], { faults: ["hook hangs"], seed: 164 });

found("words that a close without time leaves over are discarded with a reason", [speak(200, 80, 1, 300)], {
  setup: { mode: "manual" },
  deadline: 0,
});

found("a paused speech that is protected goes on, and the agent is said to speak", [
  { t: 300, do: "reply", protect: false },
  speak(1_200, 1_500, 3, 300),
  { t: 3_000, do: "protect", n: 0, value: false },
], { seed: 3_486 });
