/**
 * What every {@linkcode PlayoutSink} does. A sink is done when it passes: its test calls `playoutSinkContract` with a way to
 * make one over a virtual clock, and to see what was really audible.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { type VirtualClock, virtualClock } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import type { PlayoutAck, PlayoutSink } from "../../src/io/playout.ts";

/** A sink to test. */
export interface SinkUnderTest {
  readonly sink: PlayoutSink;
  /** What was audible, in order: samples, and the clock's time of the first of them. Complete once the clock has run. */
  readonly heard: readonly { readonly frame: AudioFrame; readonly at: number }[];
}

/** How exact the sink is. */
export interface SinkContract {
  readonly name: string;
  make(clock: VirtualClock): SinkUnderTest;
  /** How long a pause or `clear` may still be heard: one slice of what it hands out. 0 when it is exact. */
  readonly graceMs: number;
}

const RATE = 8_000;

/** A frame whose samples count on, so that what is heard can be told from what is not. */
export function ramp(ms: number, first = 1): AudioFrame {
  return audioFrame(Int16Array.from({ length: (RATE * ms) / 1000 }, (_, index) => first + index), RATE);
}

const isTerminal = ({ type }: PlayoutAck): boolean => type === "finished" || type === "cleared";

/** Reads the acknowledgements as they come. */
export function collect(sink: PlayoutSink): PlayoutAck[] {
  const acks: PlayoutAck[] = [];
  void (async () => {
    for await (const ack of sink.acks) acks.push(ack);
  })();
  return acks;
}

/** Writes frames one after the other and closes; gives up silently when the segment is aborted. */
export async function speak(writable: WritableStream<AudioFrame>, frames: readonly AudioFrame[]): Promise<void> {
  const writer = writable.getWriter();
  for (const frame of frames) await writer.write(frame);
  await writer.close();
}

export function playoutSinkContract({ name, make, graceMs }: SinkContract): void {
  const setUp = () => {
    const clock = virtualClock();
    const { sink, heard } = make(clock);
    return { clock, sink, heard, acks: collect(sink) };
  };
  const essence = (acks: readonly PlayoutAck[]) => acks.filter(({ type }) => type !== "position");

  test(`${name}: the first frame is audible at once, and the end is told when it is heard`, async () => {
    const { clock, sink, heard, acks } = setUp();
    await clock.advance(70);
    const spoken = speak(sink.open("a"), [ramp(20), ramp(20, 1000), ramp(20, 2000)]);
    await clock.advance(0);
    assert.deepEqual(acks, [{ type: "started", segmentId: "a", at: 70 }]);
    await clock.advance(59);
    assert.equal(essence(acks).length, 1);
    await clock.advance(1);
    assert.deepEqual(essence(acks).slice(1), [{ type: "finished", segmentId: "a", positionMs: 60 }]);
    await spoken;
    assert.deepEqual(heard.map(({ at }) => at), [70, 90, 110]);
    assert.deepEqual(heard.map(({ frame }) => frame.data[0]), [1, 1000, 2000]);
    assert.equal(clock.armed, 0);
  });

  test(`${name}: segments play in the order in which they were opened, without a gap`, async () => {
    const { clock, sink, acks } = setUp();
    const first = sink.open("first");
    void speak(sink.open("second"), [ramp(40)]);
    await clock.advance(100);
    assert.deepEqual(acks, []);
    void speak(first, [ramp(30)]);
    await clock.run();
    assert.deepEqual(essence(acks), [
      { type: "started", segmentId: "first", at: 100 },
      { type: "finished", segmentId: "first", positionMs: 30 },
      { type: "started", segmentId: "second", at: 130 },
      { type: "finished", segmentId: "second", positionMs: 40 },
    ]);
    assert.equal(clock.now(), 170);
  });

  test(`${name}: a segment without a frame is finished at 0, once those before it have ended`, async () => {
    const { clock, sink, acks } = setUp();
    void speak(sink.open("sound"), [ramp(20)]);
    void speak(sink.open("empty"), []);
    await clock.advance(0);
    assert.deepEqual(acks.filter(isTerminal), []);
    await clock.run();
    assert.deepEqual(acks.filter(isTerminal), [
      { type: "finished", segmentId: "sound", positionMs: 20 },
      { type: "finished", segmentId: "empty", positionMs: 0 },
    ]);
    assert.equal(acks.filter(({ type }) => type === "started").length, 1);
  });

  test(`${name}: a writer is ahead of the sound by a few hundred milliseconds at most`, async () => {
    const { clock, sink } = setUp();
    const writer = sink.open("a").getWriter();
    let writtenMs = 0;
    const writing = (async () => {
      for (; writtenMs < 2_000; writtenMs += 20) await writer.write(ramp(20));
      await writer.close();
    })();
    for (let now = 0; now <= 1_000; now += 50) {
      await clock.runUntil(now);
      assert.ok(writtenMs - now <= 400 && writtenMs >= now, `${writtenMs} ms written at ${now} ms`);
    }
    await clock.until(writing);
    await clock.run();
    assert.equal(clock.now(), 2_000);
  });

  test(`${name}: sound that comes late is audible when it comes, and is told as started once`, async () => {
    const { clock, sink, heard, acks } = setUp();
    const writer = sink.open("a").getWriter();
    await clock.until(writer.write(ramp(20)));
    await clock.advance(500);
    await clock.until(writer.write(ramp(20)));
    await clock.until(writer.close());
    await clock.run();
    assert.deepEqual(heard.map(({ at }) => at), [0, 500]);
    assert.deepEqual(essence(acks).map(({ type }) => type), ["started", "finished"]);
    assert.equal(clock.now(), 520);
  });

  test(`${name}: a pause keeps position, and resuming goes on with the next sample`, async () => {
    const { clock, sink, heard, acks } = setUp();
    void speak(sink.open("a"), [ramp(100)]);
    await clock.advance(30);
    sink.pause();
    sink.pause();
    const position = acks.length;
    await clock.advance(5_000);
    const told = acks.slice(position).find(({ type }) => type === "position");
    assert.ok(told?.type === "position" && told.positionMs >= 30 && told.positionMs <= 30 + graceMs);
    assert.equal(acks.some(isTerminal), false);
    sink.resume();
    sink.resume();
    await clock.run();
    assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 100 });
    const samples = heard.flatMap(({ frame }) => [...frame.data]);
    assert.deepEqual(samples, [...ramp(100).data]);
    assert.ok(heard.every(({ at }) => at < 30 + graceMs || at >= 5_030));
  });

  test(`${name}: pausing and resuming again and again neither repeats, loses nor overlaps a sample`, async () => {
    const { clock, sink, heard, acks } = setUp();
    void speak(sink.open("a"), [ramp(150)]);
    for (let count = 0; count < 20; count += 1) {
      await clock.advance(7);
      sink.pause();
      await clock.advance(count % 3);
      sink.resume();
    }
    await clock.run();
    assert.deepEqual(heard.flatMap(({ frame }) => [...frame.data]), [...ramp(150).data]);
    for (const [index, { at }] of heard.entries()) {
      const before = heard[index - 1];
      if (before !== undefined) assert.ok(at >= before.at + (before.frame.samplesPerChannel * 1000) / RATE - 1e-6);
    }
    assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "a", positionMs: 150 });
  });

  test(`${name}: nothing is told as started while paused, whatever is written`, async () => {
    const { clock, sink, heard, acks } = setUp();
    sink.pause();
    void speak(sink.open("a"), [ramp(20)]);
    await clock.advance(1_000);
    assert.deepEqual(acks, []);
    sink.resume();
    await clock.run();
    assert.deepEqual(essence(acks), [
      { type: "started", segmentId: "a", at: 1_000 },
      { type: "finished", segmentId: "a", positionMs: 20 },
    ]);
    assert.deepEqual(heard.map(({ at }) => at), [1_000]);
  });

  test(`${name}: clear throws away every segment, and each is told how far it was heard`, async () => {
    const { clock, sink, heard, acks } = setUp();
    const spoken = speak(sink.open("playing"), [ramp(100), ramp(5_000)]);
    void speak(sink.open("closed"), [ramp(20)]);
    const open = sink.open("open");
    await clock.advance(40);
    sink.clear();
    await clock.advance(0);
    const [playing, ...others] = acks.filter(isTerminal);
    assert.ok(playing?.type === "cleared" && playing.segmentId === "playing");
    assert.ok(playing.positionMs >= 40 && playing.positionMs <= 40 + graceMs);
    assert.deepEqual(others, [
      { type: "cleared", segmentId: "closed", positionMs: 0 },
      { type: "cleared", segmentId: "open", positionMs: 0 },
    ]);
    await clock.until(spoken); // a writer that waited goes on, and what it writes is dropped
    await clock.until(speak(open, [ramp(20)]));
    await clock.run();
    assert.equal(acks.filter(isTerminal).length, 3);
    const samples = heard.flatMap(({ frame }) => [...frame.data]);
    assert.deepEqual(samples, [...ramp(100).data.subarray(0, (playing.positionMs * RATE) / 1000)]);
    void speak(sink.open("next"), [ramp(20)]);
    await clock.run();
    assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "next", positionMs: 20 });
  });

  test(`${name}: clear is harmless when idle, before and after a segment`, async () => {
    const { clock, sink, acks } = setUp();
    sink.clear();
    void speak(sink.open("a"), [ramp(20)]);
    await clock.run();
    sink.clear();
    sink.clear();
    await clock.run();
    assert.deepEqual(acks.filter(isTerminal), [{ type: "finished", segmentId: "a", positionMs: 20 }]);
  });

  test(`${name}: clearing while paused falls no sound; what comes next waits for resume`, async () => {
    const { clock, sink, heard, acks } = setUp();
    void speak(sink.open("a"), [ramp(100)]);
    await clock.advance(40);
    sink.pause();
    await clock.advance(40);
    sink.clear();
    void speak(sink.open("b"), [ramp(20)]);
    await clock.advance(500);
    const [cleared] = acks.filter(isTerminal);
    assert.ok(cleared?.type === "cleared" && cleared.positionMs >= 40 && cleared.positionMs <= 40 + graceMs);
    assert.ok(heard.every(({ at }) => at < 40 + graceMs));
    sink.resume();
    await clock.run();
    assert.deepEqual(acks.at(-1), { type: "finished", segmentId: "b", positionMs: 20 });
  });

  test(`${name}: aborting a segment clears that one alone, even while a write waits`, async () => {
    const { clock, sink, acks } = setUp();
    const controller = new AbortController();
    const frames = new ReadableStream<AudioFrame>({ pull: (c) => c.enqueue(ramp(20)) });
    const piped = frames.pipeTo(sink.open("a", controller), controller).catch((reason) => reason);
    const queued = sink.open("queued").getWriter();
    void speak(sink.open("b"), [ramp(40)]);
    await clock.advance(70);
    const reason = new Error("interrupted");
    controller.abort(reason);
    void queued.abort();
    await clock.run();
    assert.equal(await piped, reason);
    const ends = acks.filter(isTerminal);
    const a = ends.find(({ segmentId }) => segmentId === "a");
    assert.ok(a?.type === "cleared" && a.positionMs >= 70 && a.positionMs <= 70 + graceMs);
    assert.deepEqual(ends.find(({ segmentId }) => segmentId === "queued"), {
      type: "cleared",
      segmentId: "queued",
      positionMs: 0,
    });
    assert.deepEqual(ends.at(-1), { type: "finished", segmentId: "b", positionMs: 40 });
    assert.equal(ends.length, 3);
    assert.ok(clock.now() <= 110 + graceMs);
  });

  const step = fc.oneof(
    fc.record({ do: fc.constant("open" as const) }),
    fc.record({ do: fc.constant("write" as const), pick: fc.nat(3), ms: fc.integer({ min: 0, max: 120 }) }),
    fc.record({ do: fc.constantFrom("close" as const, "abort" as const), pick: fc.nat(3) }),
    fc.record({ do: fc.constantFrom("pause" as const, "resume" as const, "clear" as const) }),
    fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 150 }) }),
  );

  test(`${name}: whatever happens, each segment ends once, nothing is heard twice, in silence, or before its time`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { clock, sink, heard, acks } = setUp();
        const segments: {
          id: string;
          writer: WritableStreamDefaultWriter<AudioFrame>;
          writtenMs: number;
          openedAt: number;
          isOpen: boolean;
        }[] = [];
        const quiet: { from: number; to: number }[] = []; // when nothing may be heard
        let pausedAt: number | undefined;
        let sample = 1;
        const endPause = () => {
          const from = (pausedAt ?? Infinity) + graceMs;
          if (from < clock.now()) quiet.push({ from, to: clock.now() }); // no pause is no silence
          pausedAt = undefined;
        };
        for (const action of steps) {
          const segment = "pick" in action ? segments.at(-1 - action.pick) : undefined;
          if (action.do === "open") {
            const id = `s${segments.length}`;
            segments.push({ id, writer: sink.open(id).getWriter(), writtenMs: 0, openedAt: clock.now(), isOpen: true });
          } else if (action.do === "write") {
            if (!segment?.isOpen) continue; // some places throw, others reject: the stream's own matter
            segment.writtenMs += action.ms;
            segment.writer.write(ramp(action.ms, sample)).catch(() => {});
            sample += (action.ms * RATE) / 1000;
          } else if (action.do === "close" || action.do === "abort") {
            if (!segment?.isOpen) continue;
            segment.isOpen = false;
            segment.writer[action.do]().catch(() => {});
          } else if (action.do === "pause") {
            sink.pause();
            pausedAt ??= clock.now();
          } else if (action.do === "resume") {
            sink.resume();
            endPause();
          } else if (action.do === "clear") {
            sink.clear();
          } else if (action.do === "advance") {
            await clock.advance(action.ms);
          }
        }
        sink.resume();
        endPause();
        for (const { writer, isOpen } of segments) if (isOpen) writer.close().catch(() => {});
        await clock.run();

        for (const { id, writtenMs, openedAt } of segments) {
          const own = acks.filter(({ segmentId }) => segmentId === id);
          const ends = own.filter(isTerminal);
          assert.equal(ends.length, 1, `${id} ended ${ends.length} times`);
          assert.equal(own.at(-1), ends[0]);
          assert.ok(own.filter(({ type }) => type === "started").length <= 1);
          let last = 0;
          for (const ack of own) {
            if (ack.type === "started") continue;
            assert.ok(ack.positionMs >= last, `${id} went back from ${last} to ${ack.positionMs}`);
            assert.ok(ack.positionMs <= Math.min(writtenMs, clock.now() - openedAt + graceMs) + 1e-6);
            last = ack.positionMs;
          }
        }
        assert.deepEqual(
          segments.map(({ id }) => id).filter((id) => !acks.some(({ segmentId }) => segmentId === id)),
          [],
        );
        const heardMs = heard.reduce((sum, { frame }) => sum + (frame.samplesPerChannel * 1000) / RATE, 0);
        const toldMs = acks.filter(isTerminal).reduce(
          (sum, ack) => sum + (ack.type === "started" ? 0 : ack.positionMs),
          0,
        );
        assert.ok(Math.abs(heardMs - toldMs) < 1e-6, `${heardMs} ms were heard, ${toldMs} ms were told`);
        let until = 0;
        for (const { frame, at } of heard) {
          const end = at + (frame.samplesPerChannel * 1000) / RATE;
          assert.ok(at >= until - 1e-6, "one voice at a time");
          for (const { from, to } of quiet) {
            assert.ok(end <= from + 1e-6 || at >= to - 1e-6, `heard at ${at} while paused`);
          }
          until = end;
        }
        assert.equal(clock.armed, 0);
      }),
      { numRuns: 150 },
    );
  });
}
