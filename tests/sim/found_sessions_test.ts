/** What simulation has found in whole sessions, each cut down to the events that it takes. All of these broke a rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PLAIN } from "./script.ts";
import { playSession } from "./session_checks.ts";

test("a reply that was begun for words that never became a turn does not keep a run open", async () => {
  const { violation } = await playSession({
    seed: 910_321,
    setup: PLAIN,
    faults: [],
    events: [
      { t: 300, do: "speak", ms: 80, words: 2, interims: 0, late: 0, lost: false, hum: false },
      { t: 2_100, do: "run" },
      { t: 4_600, do: "words", kind: "preflight", words: 1 },
    ],
    deadline: 20_000,
  });

  assert.equal(violation?.message, undefined);
});
