import assert from "node:assert/strict";
import { test } from "node:test";
import { unflattenAgent, unflattenSession } from "../../src/session/flat_options.ts";

test("each flat option is put where it belongs, and told by its new name", () => {
  const { options, moved } = unflattenSession({
    maxToolSteps: 5,
    turnDetection: "vad",
    minEndpointingDelay: 300,
    maxEndpointingDelay: 900,
    allowInterruptions: false,
    discardAudioIfUninterruptible: false,
    minInterruptionDuration: 100,
    minInterruptionWords: 2,
    falseInterruptionTimeout: 1_000,
    agentFalseInterruptionTimeout: null,
    resumeFalseInterruption: false,
    preemptiveGeneration: false,
  });
  assert.deepEqual(options, {
    maxToolSteps: 5,
    turnHandling: {
      turnDetection: "vad",
      endpointing: { minDelay: 300, maxDelay: 900 },
      interruption: {
        enabled: false,
        discardAudioIfUninterruptible: false,
        minDuration: 100,
        minWords: 2,
        falseInterruptionTimeout: null,
        resumeFalseInterruption: false,
      },
      preemptiveGeneration: { enabled: false },
    },
  });
  assert.equal(moved.length, 11);
  assert.ok(moved.includes("minEndpointingDelay -> turnHandling.endpointing.minDelay"));
});

test("beside `turnHandling` flat options count for nothing, and are told all the same", () => {
  const { options, moved } = unflattenSession({
    turnHandling: { endpointing: { maxDelay: 2_000 } },
    minEndpointingDelay: 300,
  });
  assert.deepEqual(options, { turnHandling: { endpointing: { maxDelay: 2_000 } } });
  assert.deepEqual(moved, ["minEndpointingDelay -> turnHandling.endpointing.minDelay"]);
});

test("`turnHandling` wins over `voiceOptions` key by key", () => {
  const { options, moved } = unflattenSession({
    turnHandling: { endpointing: { maxDelay: 2_000 } },
    userAwayTimeout: 9_000,
    voiceOptions: { minEndpointingDelay: 300, maxEndpointingDelay: 900, maxToolSteps: 7, userAwayTimeout: 1_000 },
  });
  assert.deepEqual(options, {
    turnHandling: { endpointing: { minDelay: 300, maxDelay: 2_000 } },
    userAwayTimeout: 9_000,
    maxToolSteps: 7,
  });
  assert.deepEqual(moved, [
    "voiceOptions.minEndpointingDelay -> turnHandling.endpointing.minDelay",
    "voiceOptions.maxEndpointingDelay -> turnHandling.endpointing.maxDelay",
    "voiceOptions.maxToolSteps -> maxToolSteps",
    "voiceOptions.userAwayTimeout -> userAwayTimeout",
  ]);
});

test("an allowed interruption writes nothing, a group of preemptive options is one, and new options stay as they are", () => {
  assert.deepEqual(unflattenSession({ allowInterruptions: true }).options, {});
  assert.deepEqual(unflattenSession({ preemptiveGeneration: { maxRetries: 1 } }).options, {
    turnHandling: { preemptiveGeneration: { maxRetries: 1 } },
  });
  const given = { turnHandling: {} };
  assert.equal(unflattenSession(given).options, given);
});

test("an agent takes four of them", () => {
  assert.deepEqual(unflattenAgent({ instructions: "x", allowInterruptions: false, minInterruptionWords: 2 }).options, {
    instructions: "x",
    minInterruptionWords: 2,
    turnHandling: { interruption: { enabled: false } },
  });
});
