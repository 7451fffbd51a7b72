import { test } from "node:test";
import assert from "node:assert/strict";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { silence } from "../../src/audio/frames.ts";
import { AgentError } from "../../src/base/error.ts";
import { fromPush, type Inlet } from "../../streams/from_push.ts";
import { pace, type PaceOptions } from "../../streams/pace.ts";
import { toStream } from "../../streams/to_stream.ts";
import { transformLaws } from "./laws.ts";

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));
const frame20 = (): AudioFrame => silence(20, 8_000);

{
  const clock = virtualClock();
  transformLaws("pace", {
    make: (signal) => pace(clock, signal === undefined ? {} : { signal }),
    inputs: [1, 2, 3, 4, 5].map((value) => audioFrame(new Int16Array(160).fill(value), 8_000)),
    expected: (inputs) => inputs,
    holds: 3,
    settle: async () => {
      await turn();
      await clock.advance(1_000);
    },
    pause: () => new Promise((go) => clock.schedule(clock.now() + 13, go)),
    drive: (work) => clock.until(work),
    checkClean: () => assert.equal(clock.armed, 0),
  });
}

/** When each frame left. */
async function times(frames: readonly AudioFrame[], options?: PaceOptions, startAt = 0): Promise<number[]> {
  const clock = virtualClock();
  await clock.advance(startAt);
  const left: number[] = [];
  const sink = new WritableStream<AudioFrame>({ write: () => void left.push(clock.now()) });
  await clock.until(toStream(frames).pipeThrough(pace(clock, options)).pipeTo(sink));
  assert.equal(clock.armed, 0);
  return left;
}

test("the first frame leaves at once, each next one when those before it have been heard", async () => {
  assert.deepEqual(await times([frame20(), silence(100, 8_000), silence(40, 8_000), frame20()]), [0, 20, 120, 160]);
});

test("odd durations do not drift: 40 seconds of 20.125 ms frames end on time", async () => {
  const frames = Array.from({ length: 2_000 }, () => audioFrame(new Int16Array(161), 8_000));
  const left = await times(frames, { gridMs: 0 });
  assert.equal(left.at(-1), 1_999 * 20.125);
});

test("frames that wait leave on the grid, late by less than it, and no later in the end", async () => {
  const left = await times(Array.from({ length: 100 }, frame20), {}, 1_003);
  assert.deepEqual(left.slice(0, 4), [1_003, 1_025, 1_045, 1_065]);
  assert.equal(left.at(-1), 1_003 + 99 * 20 + 2);
});

test("with a lead, as much runs ahead, and no more", async () => {
  const left = await times(Array.from({ length: 6 }, frame20), { leadMs: 60 });
  assert.deepEqual(left, [0, 0, 0, 0, 20, 40]);
});

/** A source that the test pushes to, and when its frames left. */
function live(options?: PaceOptions) {
  const clock = virtualClock();
  const left: number[] = [];
  let inlet!: Inlet<AudioFrame>;
  const source = fromPush<AudioFrame>((given) => (inlet = given, () => {}), { limit: 100, onDrop: "fail" });
  const sink = new WritableStream<AudioFrame>({ write: () => void left.push(clock.now()) });
  const done = source.pipeThrough(pace(clock, options)).pipeTo(sink);
  return { clock, left, inlet, done };
}

test("a source that is a little late catches up; one that paused starts anew", async () => {
  const { clock, left, inlet, done } = live({ gridMs: 0 });
  inlet.push(frame20());
  await clock.advance(50); // the second frame was due at 20
  for (let count = 0; count < 3; count++) inlet.push(frame20());
  await clock.advance(1_000);
  assert.deepEqual(left, [0, 50, 50, 60]);
  inlet.push(frame20());
  inlet.push(frame20());
  inlet.end();
  await clock.until(done);
  assert.deepEqual(left.slice(4), [1_050, 1_070]);
});

test("a frame without samples passes, and takes no time", async () => {
  assert.deepEqual(await times([frame20(), silence(0, 8_000), frame20()]), [0, 20, 20]);
});

test("an abort while a frame waits is felt at once", async () => {
  const clock = virtualClock();
  const abort = new AbortController();
  const long = [silence(60_000, 8_000), frame20(), frame20()];
  const piped = toStream(long).pipeThrough(pace(clock, { signal: abort.signal }), { signal: abort.signal })
    .pipeTo(new WritableStream(), { signal: abort.signal });
  const failed = assert.rejects(piped, (error) => error === "interrupted");
  await clock.advance(10);
  assert.equal(clock.armed, 1);
  abort.abort("interrupted");
  await failed;
  assert.equal(clock.armed, 0);
  assert.equal(clock.now(), 10);
});

test("a cancel while a frame waits calls its timer off at once", async () => {
  const clock = virtualClock();
  const output = toStream([silence(60_000, 8_000), frame20()]).pipeThrough(pace(clock));
  const reader = output.getReader();
  await reader.read();
  void reader.read();
  await clock.advance(10);
  assert.equal(clock.armed, 1);
  await reader.cancel();
  assert.equal(clock.armed, 0);
});

test("a signal that was aborted before fails the stream from the start", async () => {
  const clock = virtualClock();
  const reader = toStream([frame20()]).pipeThrough(pace(clock, { signal: AbortSignal.abort("before") })).getReader();
  await assert.rejects(reader.read(), (error) => error === "before");
});

test("a signal keeps no stream that has ended", async () => {
  const clock = virtualClock();
  const { signal } = new AbortController();
  let listening = 0;
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  signal.addEventListener = (...given: unknown[]) => (listening++, Reflect.apply(addEventListener, signal, given));
  signal.removeEventListener = (
    ...given: unknown[]
  ) => (listening--, Reflect.apply(removeEventListener, signal, given));
  await clock.until(toStream([frame20(), frame20()]).pipeThrough(pace(clock, { signal })).pipeTo(new WritableStream()));
  assert.equal(listening, 0);
});

test("bad options are refused at the call", () => {
  for (const name of ["leadMs", "gridMs", "resyncMs"]) {
    for (const bad of [-1, NaN, Infinity]) {
      assert.throws(
        () => pace(virtualClock(), { [name]: bad }),
        (error) => error instanceof AgentError && error.code === "stream.bad_option" && error.message.includes(name),
      );
    }
  }
});
