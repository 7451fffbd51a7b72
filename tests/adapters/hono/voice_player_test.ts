import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import { voicePlayer } from "../../../adapters/hono/voice_player.ts";
import type { PlayoutReport } from "../../../adapters/hono/voice_wire.ts";

const setUp = () => {
  const reports: PlayoutReport[] = [];
  const player = voicePlayer((report) => void reports.push(report), 100);
  const heard: number[] = [];
  const render = (count: number): void => {
    const output = new Float32Array(count);
    player.render(output);
    for (const sample of output) if (sample !== 0) heard.push(Math.round(sample * 32_768));
  };
  return { player, reports, heard, render };
};

const ramp = (from: number, count: number): Int16Array => Int16Array.from({ length: count }, (_, at) => from + at + 1);

test("sound plays in order, and its end is reported when it was heard", () => {
  const { player, reports, heard, render } = setUp();
  player.sound(1, 0, ramp(0, 10));
  player.control({ type: "segment", segment: 1, samples: 10 });
  render(10);
  assert.deepEqual(reports, [{ segment: 1, event: "started", samples: 0 }]);
  assert.equal(player.isBusy, true);
  render(10);
  assert.deepEqual(reports.at(-1), { segment: 1, event: "finished", samples: 10 });
  assert.deepEqual(heard, [...ramp(0, 10)]);
  assert.equal(player.isBusy, false);
});

test("a later segment waits for the one before, even when its sound comes first", () => {
  const { player, reports, heard, render } = setUp();
  player.sound(2, 0, ramp(100, 5));
  render(10);
  assert.deepEqual(heard, []);
  player.sound(1, 0, ramp(0, 5));
  player.control({ type: "segment", segment: 1, samples: 5 });
  render(20);
  assert.deepEqual(heard, [...ramp(0, 5), ...ramp(100, 5)]);
  assert.deepEqual(reports.map(({ segment, event }) => `${segment} ${event}`), [
    "1 started",
    "1 finished",
    "2 started",
  ]);
});

test("a pause reports the position and keeps it; clearing while paused throws the rest away", () => {
  const { player, reports, heard, render } = setUp();
  player.sound(1, 0, ramp(0, 50));
  render(20);
  player.control({ type: "pause", paused: true });
  player.control({ type: "pause", paused: true });
  render(20);
  assert.deepEqual(reports.slice(1), [{ segment: 1, event: "position", samples: 20 }]);
  player.control({ type: "clear", segment: 1 });
  player.control({ type: "pause", paused: false });
  player.sound(1, 50, ramp(50, 10)); // on its way when it was cleared
  render(50);
  assert.deepEqual(reports.slice(2), [{ segment: 1, event: "cleared", samples: 20 }]);
  assert.deepEqual(heard, [...ramp(0, 20)]);
});

test("one that is cleared before its turn is reported at once, and passed over", () => {
  const { player, reports, heard, render } = setUp();
  player.sound(1, 0, ramp(0, 5));
  player.sound(2, 0, ramp(100, 5));
  player.control({ type: "clear", segment: 2 });
  player.control({ type: "clear", segment: 2 });
  assert.deepEqual(reports, [{ segment: 2, event: "cleared", samples: 0 }]);
  player.control({ type: "segment", segment: 1, samples: 5 });
  player.sound(3, 0, ramp(200, 5));
  render(20);
  assert.deepEqual(heard, [...ramp(0, 5), ...ramp(200, 5)]);
});

test("sound that comes again, in any pieces, is heard once; what comes too early is waited for", () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(99), fc.integer({ min: 1, max: 40 }))), (pieces) => {
    const { player, reports, heard, render } = setUp();
    let sent = 0;
    for (const [from, length] of pieces) {
      if (from <= sent) sent = Math.max(sent, Math.min(100, from + length));
      player.sound(1, from, ramp(from, Math.min(length, 100 - from)));
      render(7);
    }
    player.sound(1, 0, ramp(0, 100));
    player.control({ type: "segment", segment: 1, samples: 100 });
    render(200);
    render(1);
    assert.deepEqual(heard, [...ramp(0, 100)]);
    assert.deepEqual(reports.at(-1), { segment: 1, event: "finished", samples: 100 });
  }));
});
