import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";
import type { AudioFrame } from "../../../src/audio/frame.ts";
import { audioFrame } from "../../../src/audio/frame.ts";
import { voiceSink } from "../../../adapters/hono/voice_sink.ts";
import type { PlayoutReport } from "../../../adapters/hono/voice_wire.ts";
import { collect, playoutSinkContract, ramp, speak } from "../../contracts/playout_sink.ts";
import { networkedPage, pageModel } from "./voice_page_model.ts";

playoutSinkContract({
  name: "voiceSink, with the player of the page behind it",
  graceMs: 1,
  make(clock) {
    const page = pageModel(clock, { sampleRate: 8_000, report: (report) => sink.reported(report) });
    const sink = voiceSink(clock, { line: page.line, sampleRate: 8_000 });
    sink.connected();
    return { sink, heard: page.heard };
  },
});

test("a page holds no more than is ahead, however much is written at once", async () => {
  const clock = virtualClock();
  const page = pageModel(clock, { sampleRate: 8_000, report: (report) => sink.reported(report) });
  const sink = voiceSink(clock, { line: page.line, sampleRate: 8_000, aheadMs: 300 });
  sink.connected();
  void speak(sink.open("a"), [ramp(3_000)]);
  void speak(sink.open("b"), [ramp(100)]);
  await clock.run();
  assert.ok(page.mostHeld <= 2_400, `${page.mostHeld} samples were held`);
  assert.equal(clock.now(), 3_100);
});

test("sound of another rate is converted, and positions stay milliseconds of what was written", async () => {
  const clock = virtualClock();
  const page = pageModel(clock, { sampleRate: 24_000, report: (report) => sink.reported(report) });
  const sink = voiceSink(clock, { line: page.line, sampleRate: 24_000 });
  const acks = collect(sink);
  sink.connected();
  const tone = Int16Array.from({ length: 16_000 }, (_, at) => Math.round(9_000 * Math.sin(at / 5)));
  void speak(sink.open("a"), [audioFrame(tone, 16_000)]);
  await clock.run();
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 1_000 });
});

test("a report of what was never sent, or is over, counts for nothing", async () => {
  const clock = virtualClock();
  const page = pageModel(clock, { sampleRate: 8_000, report: (report) => sink.reported(report) });
  const sink = voiceSink(clock, { line: page.line, sampleRate: 8_000 });
  const acks = collect(sink);
  sink.connected();
  sink.reported({ segment: 7, event: "finished", samples: 1 });
  const writer = sink.open("a").getWriter();
  await clock.until(writer.write(ramp(20)));
  sink.reported({ segment: 1, event: "position", samples: 1_000_000 });
  await clock.until(writer.close());
  await clock.run();
  sink.reported({ segment: 1, event: "finished", samples: 1 });
  await clock.run();
  assert.ok(acks.every((ack) => ack.type === "started" || ack.positionMs <= 20), JSON.stringify(acks));
  assert.equal(acks.filter(({ type }) => type === "finished" || type === "cleared").length, 1);
});

test("what a page says it played before it was away counts, though the report was lost", async () => {
  const clock = virtualClock();
  const lost: PlayoutReport[] = [];
  const page = pageModel(clock, { sampleRate: 8_000, report: (report) => void lost.push(report) });
  const sink = voiceSink(clock, { line: page.line, sampleRate: 8_000 });
  const acks = collect(sink);
  sink.connected();
  void speak(sink.open("a"), [ramp(100)]);
  await clock.advance(0);
  sink.disconnected();
  await clock.advance(500);
  assert.deepEqual(acks, []);
  sink.connected({ received: [], reports: lost });
  await clock.run();
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 100 });
});

test("a page that is away is told later what was cleared meanwhile, and plays what comes after it", async () => {
  const clock = virtualClock();
  const net = networkedPage(clock, { sampleRate: 8_000, latencyMs: 20 });
  const { sink } = net;
  const acks = collect(sink);
  net.connect();
  void speak(sink.open("a"), [ramp(2_000)]).catch(() => {});
  await clock.advance(100);
  net.cut();
  sink.clear();
  void speak(sink.open("b"), [ramp(50, 9_000)]);
  await clock.advance(2_000);
  net.connect();
  await clock.run();
  const ends = acks.filter(({ type }) => type === "finished" || type === "cleared");
  assert.deepEqual(ends.map(({ type, segmentId }) => `${type} ${segmentId}`), ["cleared a", "finished b"]);
  assert.equal(net.heard().at(-1), 9_000 + 50 * 8 - 1);
});

test("wherever the connection breaks and comes back, every sample is heard, once and in order", async () => {
  const breaks = fc.array(
    fc.record({ afterMs: fc.integer({ min: 1, max: 400 }), awayMs: fc.integer({ min: 1, max: 900 }) }),
    {
      maxLength: 6,
    },
  );
  const speeches = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(breaks, speeches, fc.integer({ min: 0, max: 150 }), async (times, lengths, latencyMs) => {
      const clock = virtualClock();
      const net = networkedPage(clock, { sampleRate: 8_000, latencyMs });
      const acks = collect(net.sink);
      const written: number[] = [];
      let sample = 1;
      net.connect();
      lengths.forEach((ms, index) => {
        const frames: AudioFrame[] = [];
        for (let left = ms; left > 0; left -= 20) {
          frames.push(ramp(Math.min(20, left), sample));
          sample += Math.min(20, left) * 8;
        }
        for (const { data } of frames) written.push(...data);
        void speak(net.sink.open(`s${index}`), frames);
      });
      for (const { afterMs, awayMs } of times) {
        await clock.advance(afterMs);
        net.cut();
        await clock.advance(awayMs);
        net.connect();
      }
      await clock.run();
      assert.deepEqual(net.heard(), written);
      assert.deepEqual(
        acks.filter(({ type }) => type === "finished").map((ack) => ack.type === "finished" && ack.positionMs),
        lengths,
      );
      assert.equal(clock.armed, 0);
    }),
    { numRuns: 40 },
  );
});

test("disposing of it ends its acknowledgements and lets a waiting writer go with an error", async () => {
  const clock = virtualClock();
  const sink = voiceSink(clock, { line: { sound() {}, control() {} }, sampleRate: 8_000 });
  const acks = collect(sink);
  const writer = sink.open("a").getWriter();
  const waiting = writer.write(ramp(2_000));
  await clock.advance(10);
  sink[Symbol.dispose]();
  await clock.until(waiting);
  await assert.rejects(writer.write(ramp(20)), { code: "sink.closed" });
  await clock.run();
  assert.deepEqual(acks, [{ type: "cleared", segmentId: "a", positionMs: 0 }]);
});
