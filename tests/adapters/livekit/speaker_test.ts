import assert from "node:assert/strict";
import { test } from "node:test";
import { roomSpeaker, type Speaker } from "../../../adapters/livekit/speaker.ts";
import { type VirtualClock, virtualClock } from "../../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../../src/audio/frame.ts";
import { collect, playoutSinkContract, ramp, speak } from "../../contracts/playout_sink.ts";
import { type Device, device } from "../../io/device.ts";

function make(clock: VirtualClock, sampleRate = 8_000, numChannels = 1): { place: Device; sink: Speaker } {
  const place = device(clock);
  const write = (frame: AudioFrame): Promise<void> => Promise.resolve(place.write(frame));
  return { place, sink: roomSpeaker(clock, { write, clear: place.clear }, { sampleRate, numChannels }) };
}

const sine = (hz: number, rate: number, amplitude: number): Int16Array =>
  Int16Array.from({ length: rate }, (_, index) => Math.round(amplitude * Math.sin((2 * Math.PI * hz * index) / rate)));

playoutSinkContract({
  name: "roomSpeaker",
  graceMs: 0,
  make(clock) {
    const { place, sink } = make(clock);
    return { heard: place.heard, sink };
  },
});

test("what is said before anybody listens waits for them, however long, and the session is told that the sink is alive", async () => {
  const clock = virtualClock();
  const { place, sink } = make(clock);
  const acks = collect(sink);
  sink.hold("nobody listens");
  const spoken = speak(sink.open("a"), Array.from({ length: 20 }, () => ramp(20)));
  await clock.advance(60_000);
  assert.equal(place.heard.length, 0);
  assert.ok(acks.length >= 20 && acks.every((ack) => ack.type === "position" && ack.positionMs === 0));
  sink.release("nobody listens");
  await clock.run();
  await spoken;
  assert.equal(place.heard[0]?.at, 60_000);
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 400 });
  assert.equal(clock.armed, 0);
});

test("it plays on when all reasons to wait are gone, and not before, and not against a pause of the session", async () => {
  const clock = virtualClock();
  const { place, sink } = make(clock);
  void speak(sink.open("a"), [ramp(200)]);
  await clock.advance(50);
  sink.hold("reconnecting");
  sink.hold("nobody listens");
  const heardCount = place.heard.length;
  sink.release("nobody listens");
  await clock.advance(100);
  sink.pause();
  sink.release("reconnecting");
  await clock.advance(100);
  assert.equal(place.heard.length, heardCount);
  sink.resume();
  await clock.run();
  assert.deepEqual(place.heard.flatMap(({ frame }) => [...frame.data]), [...ramp(200).data]);
});

test("a device that is slow for a while is waited for; nothing is lost, and one write is under way at a time", async () => {
  const clock = virtualClock();
  const place = device(clock);
  let underWay = 0;
  const write = async (frame: AudioFrame): Promise<void> => {
    assert.equal(underWay, 0);
    underWay += 1;
    if (clock.now() >= 300 && clock.now() < 400) {
      await new Promise<void>((go) => void clock.schedule(clock.now() + 1_500, go));
    }
    underWay -= 1;
    place.write(frame);
  };
  const sink = roomSpeaker(clock, { write, clear: place.clear }, { sampleRate: 8_000, numChannels: 1 });
  const acks = collect(sink);
  void speak(sink.open("a"), Array.from({ length: 50 }, (_, index) => ramp(20, 1 + 160 * index)));
  await clock.run();
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 1_000 });
  assert.ok(clock.now() >= 2_000, `it took ${clock.now()} ms`);
  assert.equal(place.heard.at(-1)?.frame.data.at(-1), 8_000, "its end is heard");
});

test("a device that never answers does not hold the session for ever", async () => {
  const clock = virtualClock();
  let writeCount = 0;
  const write = (): Promise<void> => {
    writeCount += 1;
    return new Promise(() => {});
  };
  const sink = roomSpeaker(clock, { write, clear() {} }, { sampleRate: 8_000, numChannels: 1 });
  const acks = collect(sink);
  void speak(sink.open("a"), Array.from({ length: 100 }, () => ramp(20)));
  await clock.advance(60_000);
  assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 2_000 });
  assert.ok(writeCount > 1);
});

test("what was on its way in when it was taken back is not heard", async () => {
  const clock = virtualClock();
  const place = device(clock);
  // It comes in 5 ms late, behind a clearing.
  const write = (frame: AudioFrame): Promise<void> =>
    new Promise((go) => {
      clock.schedule(clock.now() + 5, () => {
        place.write(frame);
        go();
      });
    });
  const sink = roomSpeaker(clock, { write, clear: place.clear }, { sampleRate: 8_000, numChannels: 1 });
  void speak(sink.open("a"), [ramp(500)]);
  await clock.advance(3);
  sink.clear();
  await clock.advance(500);
  assert.equal(place.heard.length, 0);
});

test("a device that fails, fails the sink", async () => {
  const clock = virtualClock();
  const broken = new Error("broken");
  const sink = roomSpeaker(clock, { write: () => Promise.reject(broken), clear() {} }, {
    sampleRate: 8_000,
    numChannels: 1,
  });
  const acks = (async () => {
    for await (const _ of sink.acks);
  })();
  void speak(sink.open("a"), [ramp(20)]).catch(() => {});
  await assert.rejects(clock.until(acks), broken);
});

test("closing clears what plays and ends the acknowledgements", async () => {
  const clock = virtualClock();
  const { sink } = make(clock);
  const acks = collect(sink);
  void speak(sink.open("a"), [ramp(200)]).catch(() => {});
  await clock.advance(50);
  sink.close();
  await clock.advance(0);
  assert.deepEqual(acks.at(-1), { type: "cleared", segmentId: "a", positionMs: 50 });
  assert.equal(clock.armed, 0);
});

for (const [from, to] of [[8_000, 48_000], [16_000, 24_000], [22_050, 48_000], [48_000, 24_000]] as const) {
  for (const channels of [1, 2]) {
    test(`sound of ${from} Hz is played at ${to} Hz with ${channels} channels, as long and as loud`, async () => {
      const clock = virtualClock();
      const { place, sink } = make(clock, to, channels);
      const tone = audioFrame(sine(440, from, 10_000), from);
      void speak(sink.open("a"), [tone]);
      await clock.run();
      assert.ok(place.heard.every(({ frame }) => frame.sampleRate === to && frame.channels === channels));
      const samples = place.heard.flatMap(({ frame }) => [...frame.data]);
      assert.ok(Math.abs(samples.length / channels - to) <= to * 0.005, `${samples.length} samples`);
      const rms = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
      assert.ok(Math.abs(rms - 10_000 / Math.SQRT2) < 100, `${rms}`);
    });
  }
}
