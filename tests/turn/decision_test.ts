/** What must hold of sections 9.2, 14 and 20.1: detectors, the wait, and what is measured of a turn. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { final, type Input, speech, world, type WorldOptions } from "./harness.ts";
import { commits, lines, orders, update } from "./must_hold.ts";

const TURN = [...speech(500, 1_500), final(1_700, "hello")];
const asking: WorldOptions = { config: { detector: "text" } };
const answer = (t: number, outcome: unknown, id?: number): Input => [t, (w) => {
  const asked = orders(w, "detector.ask").at(-1)?.effect.id ?? 0;
  w.send({ type: "detector.answer", id: id ?? asked, outcome } as never);
}];

test("an error, an unsupported language or a missing threshold commits at minDelay", () => {
  for (
    const outcome of [{ kind: "error" }, { kind: "unsupported" }, {
      kind: "probability",
      probability: 0,
      threshold: null,
    }]
  ) {
    const w = world([...TURN, answer(2_300, outcome)], asking);
    w.run();
    assert.deepEqual(commits(w), [[2_300, "hello"]], outcome.kind);
  }
});

test("a probability equal to the threshold uses minDelay", () => {
  const w = world([...TURN, answer(2_050, { kind: "probability", probability: 0.5, threshold: 0.5 })], asking);
  w.run();
  assert.deepEqual(commits(w), [[2_050, "hello"]]);
});

test("a detector that never answers does not hold the turn for ever", () => {
  const w = world(TURN, asking);
  w.run();
  assert.deepEqual(commits(w), [[5_050, "hello"]]);
  assert.equal(orders(w, "detector.cancel").length, 1);
});

test("a superseded or late answer never changes a newer decision or a committed turn", () => {
  const unlikely = { kind: "probability", probability: 0, threshold: 0.5 };
  const likely = { kind: "probability", probability: 1, threshold: 0.5 };
  const w = world([
    ...TURN,
    [2_100, (x) => {
      const [first] = orders(x, "detector.ask");
      x.send(final(0, "again")[1] as never);
      x.send({ type: "detector.answer", id: first?.effect.id ?? 0, outcome: unlikely } as never);
    }],
    answer(2_200, likely),
    answer(2_300, unlikely),
  ], asking);
  w.run();
  assert.deepEqual(commits(w), [[2_200, "hello again"]]);
});

test("a late answer of a streaming detector never resolves a newer question", () => {
  const w = world([...speech(500, 1_500, { silence: 250 }), [1_720, (x) => {
    const asked = orders(x, "eot.predict").at(-1)?.effect.id ?? 0;
    x.send({
      type: "eot.answer",
      id: asked - 1,
      probability: 0,
      threshold: 0.5,
      backchannelProbability: null,
      inferenceDuration: 5,
    });
  }]], { config: { detector: "streaming" } });
  w.run();
  assert.equal(w.turn.streaming.prediction.phase, "pending");
});

test("speech that goes on in the same segment cancels a prediction, and the next pause asks again", () => {
  const w = world([
    ...speech(500, 1_500, { until: 1_700 }),
    [1_720, {
      type: "vad.inference",
      speechDuration: 1_220,
      silenceDuration: 0,
      rawSpeech: 20,
      rawSilence: 0,
      speaking: true,
    }],
    [2_000, {
      type: "vad.inference",
      speechDuration: 1_500,
      silenceDuration: 260,
      rawSpeech: 0,
      rawSilence: 260,
      speaking: true,
    }],
  ], { config: { detector: "streaming" } });
  w.run();
  assert.deepEqual(lines(w, /eot/), ["1700 eot.predict", "1720 eot.cancel", "2000 eot.predict"]);
});

test("the wait runs from the last speech: it commits at the latest of voice, words and delay", () => {
  const at = (inputs: Input[]): number | undefined => {
    const w = world(inputs, { config: { endpointing: { minDelay: 1_000 } } });
    w.run();
    return commits(w)[0]?.[0];
  };
  assert.equal(at([...speech(500, 1_500), final(1_700, "x")]), 2_500);
  assert.equal(at([...speech(500, 1_500), final(2_800, "x")]), 2_800);
  assert.equal(at([...speech(500, 1_500, { silence: 1_200 }), final(1_700, "x")]), 2_700);
});

test("a turn is measured whole or not at all", () => {
  const whole = world(TURN);
  whole.run();
  const unheard = world([final(1_000, "hello")]);
  unheard.run();

  assert.deepEqual(orders(whole, "turn.commit")[0]?.effect.info, {
    transcript: "hello",
    confidence: 0.9,
    skipReply: false,
    language: "en",
    requestIds: [],
    metrics: { startedSpeakingAt: 500, stoppedSpeakingAt: 1_500, transcriptionDelay: 200, endOfTurnDelay: 550 },
    committedAt: 2_050,
  });
  assert.deepEqual(orders(unheard, "turn.commit")[0]?.effect.info.metrics, {});
});

test("a change of delays does not move a decision that waits already", () => {
  const w = world([
    ...TURN,
    update(2_300, { endpointing: { mode: "fixed", minDelay: 100, maxDelay: 200, alpha: 0.9 } }),
  ], {
    config: { endpointing: { minDelay: 2_000 } },
  });
  w.run();
  assert.deepEqual(commits(w), [[3_500, "hello"]]);
});

test("each turn has its own words, confidence and requests", () => {
  const said = (t: number, text: string, requestId: string, confidence: number): Input => [t, {
    ...(final(0, text)[1] as object),
    requestId,
    confidence,
  } as never];
  const w = world([
    ...speech(500, 1_500),
    said(1_600, "a", "r1", 0.2),
    said(1_700, "b", "r1", 0.4),
    ...speech(5_000, 6_000),
    said(6_200, "c", "r2", 0.8),
  ]);
  w.run();
  const infos = orders(w, "turn.commit").map(({ effect }) => effect.info);
  assert.deepEqual(infos.map(({ requestIds }) => requestIds), [["r1"], ["r2"]]);
  assert.ok(Math.abs((infos[0]?.confidence ?? 0) - 0.3) < 1e-9);
  assert.equal(infos[1]?.confidence, 0.8);
});

test("words after a flush are told once loudly, and commit at minDelay", () => {
  const w = world([
    ...speech(500, 2_500, { silence: 250 }),
    final(2_800, "first"),
    final(3_400, "second"),
    final(4_400, "third"),
  ], { config: { detector: "streaming" }, eot: { probability: 0.9, threshold: 0.4, ms: 10 } });
  w.run();
  const told = orders(w, "log").filter(({ effect }) => effect.code === "eot.words_after_flush");
  assert.deepEqual(told.map(({ effect }) => effect.level), ["warn", "debug"]);
  assert.deepEqual(commits(w).map(([, text]) => text), ["first", "second", "third"]);
});

test("a voice that begins takes its question back, and the flush is over", () => {
  const w = world([
    ...speech(500, 2_500, { silence: 250 }),
    final(2_800, "first"),
    ...speech(3_500, 6_000, { until: 3_600 }),
  ], { config: { detector: "streaming" }, eot: { probability: 0.9, threshold: 0.4, ms: 10 } });
  w.run(3_600);
  assert.equal(w.turn.streaming.flushed, false);

  const asked = world([...speech(500, 2_500, { silence: 250 }), ...speech(2_800, 3_500, { until: 2_900 })], {
    config: { detector: "streaming" },
  });
  asked.run(2_900);
  assert.deepEqual(lines(asked, /eot/), ["2700 eot.predict", "2850 eot.cancel"]);
});

test("an answer that comes while the decision waits for it is used at once", () => {
  const w = world([...speech(500, 2_500, { silence: 250 }), final(2_800, "hello")], {
    config: { detector: "streaming", endpointing: { minDelay: 300, maxDelay: 2_500 } },
    eot: { probability: 0.9, threshold: 0.4, ms: 400 },
  });
  w.run();
  assert.deepEqual(commits(w), [[3_100, "hello"]]);
  assert.deepEqual(lines(w, /prediction/), ["3100 prediction 0.9 after 600"]);
});
