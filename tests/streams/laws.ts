/**
 * The laws that every transform keeps (style 2.2, 4.3), as one suite: order, the end, errors, cancelling, aborting,
 * backpressure, and no lock or timer left behind.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";

/** A transform and what is known of it. */
export interface TransformCase<I, O> {
  /** Makes a fresh one. `signal` is that of the unit of work; a transform that knows no signal leaves it out. */
  readonly make: (signal?: AbortSignal) => TransformStream<I, O>;
  /** Inputs that give outputs: at least four. */
  readonly inputs: readonly I[];
  /** What comes out of a run of them. */
  readonly expected: (inputs: readonly I[]) => readonly O[];
  /** Most inputs it takes while nobody reads. */
  readonly holds: number;
  /** Lets everything happen that can, for transforms that wait for a clock. Default: one turn of the event loop. */
  readonly settle?: () => Promise<void>;
  /** Lets a moment pass. Default: one turn of the event loop. */
  readonly pause?: () => Promise<void>;
  /** Moves time to the end of all that waits while `work` goes on. Default: nothing waits. */
  readonly drive?: <T>(work: Promise<T>) => Promise<T>;
  /** Fails when something was left behind, such as a timer. */
  readonly checkClean?: () => void;
}

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

/** A pull source that can fail after its values, and remembers why it was cancelled. */
function sourceOf<I>(values: Iterable<I>, failure?: { readonly reason: unknown }) {
  const iterator = values[Symbol.iterator]();
  const seen = { cancelled: [] as unknown[], given: 0 };
  const stream = new ReadableStream<I>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (!done) {
        seen.given++;
        controller.enqueue(value);
      } else if (failure === undefined) controller.close();
      else controller.error(failure.reason);
    },
    cancel: (reason) => void seen.cancelled.push(reason),
  }, { highWaterMark: 0 });
  return { stream, seen };
}

function* endless<I>(values: readonly I[]): Generator<I> {
  for (;;) yield* values;
}

/** Tests one transform against every law. */
export function transformLaws<I, O>(name: string, subject: TransformCase<I, O>): void {
  const { make, inputs, expected, holds, settle = turn, pause = turn, drive = (work) => work } = subject;
  const checkClean = subject.checkClean ?? (() => {});

  const read = async (stream: ReadableStream<O>): Promise<O[]> => {
    const values: O[] = [];
    for await (const value of stream) values.push(value);
    return values;
  };

  test(`${name}: all that goes in comes out, in order, and then the end`, async () => {
    const { stream } = sourceOf(inputs);
    const output = stream.pipeThrough(make());
    assert.deepEqual(await drive(read(output)), expected(inputs));
    await settle();
    assert.deepEqual([stream.locked, output.locked], [false, false]);
    checkClean();
  });

  test(`${name}: nothing in is nothing but the end`, async () => {
    assert.deepEqual(await drive(read(sourceOf<I>([]).stream.pipeThrough(make()))), expected([]));
    checkClean();
  });

  test(`${name}: two runs at once do not disturb each other`, async () => {
    const runs = [inputs, [...inputs].slice(2)].map((values) => read(sourceOf(values).stream.pipeThrough(make())));
    assert.deepEqual(await drive(Promise.all(runs)), [expected(inputs), expected([...inputs].slice(2))]);
  });

  test(`${name}: however writer and reader are paced, the same comes out`, async () => {
    const pauses = fc.array(fc.nat(2), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(pauses, pauses, fc.nat(inputs.length), async (writes, reads, count) => {
        const transform = make();
        const given = inputs.slice(0, count);
        const rest = async (all: readonly number[], index: number): Promise<void> => {
          for (let left = all[index % all.length] ?? 0; left > 0; left--) await pause();
        };
        const write = async (): Promise<void> => {
          const writer = transform.writable.getWriter();
          for (const [index, value] of given.entries()) {
            await rest(writes, index);
            await writer.write(value);
          }
          await writer.close();
        };
        const values: O[] = [];
        const reading = (async () => {
          for await (const value of transform.readable) {
            values.push(value);
            await rest(reads, values.length);
          }
        })();
        await drive(Promise.all([write(), reading]));
        assert.deepEqual(values, expected(given));
      }),
      { numRuns: 20 },
    );
    checkClean();
  });

  test(`${name}: a source that fails fails the reader, with the same reason`, async () => {
    const reason = new Error("source");
    const { stream } = sourceOf(inputs, { reason });
    const output = stream.pipeThrough(make());
    await drive(assert.rejects(read(output), (error) => error === reason));
    await settle();
    assert.deepEqual([stream.locked, output.locked], [false, false]);
    checkClean();
  });

  test(`${name}: a reader that cancels reaches the source, and nothing is left behind`, async () => {
    const { stream, seen } = sourceOf(endless(inputs));
    const reason = new Error("reader");
    const output = stream.pipeThrough(make());
    const reader = output.getReader();
    await drive(reader.read());
    await reader.cancel(reason);
    await settle();
    assert.equal(seen.cancelled.length, 1);
    assert.equal(stream.locked, false);
    assert.deepEqual(await reader.read(), { done: true, value: undefined });
    checkClean();
  });

  test(`${name}: a cancel before anything came leaves nothing behind`, async () => {
    const silent = new ReadableStream<I>();
    await silent.pipeThrough(make()).cancel();
    await settle();
    checkClean();
  });

  test(`${name}: a sink that fails reaches the source`, async () => {
    const { stream, seen } = sourceOf(endless(inputs));
    const reason = new Error("sink");
    const sink = new WritableStream<O>({
      write: () => {
        throw reason;
      },
    });
    await drive(assert.rejects(stream.pipeThrough(make()).pipeTo(sink), (error) => error === reason));
    await settle();
    assert.equal(seen.cancelled.length, 1);
    assert.deepEqual([stream.locked, sink.locked], [false, false]);
    checkClean();
  });

  test(`${name}: an abort ends the whole chain, with the signal's reason`, async () => {
    const { stream, seen } = sourceOf(endless(inputs));
    const abort = new AbortController();
    const reason = new Error("interrupted");
    const first = Promise.withResolvers<void>();
    const sink = new WritableStream<O>({
      write: () => {
        first.resolve();
        return new Promise((go) => abort.signal.addEventListener("abort", () => go())); // its own signal stays silent
      },
    });
    const piped = stream.pipeThrough(make(abort.signal), { signal: abort.signal }).pipeTo(sink, {
      signal: abort.signal,
    });
    const failed = assert.rejects(piped, (error) => error === reason);
    await drive(first.promise);
    abort.abort(reason);
    await failed;
    await settle();
    assert.equal(seen.cancelled.length, 1);
    assert.deepEqual([stream.locked, sink.locked], [false, false]);
    checkClean();
  });

  test(`${name}: a writer that aborts fails the reader`, async () => {
    const transform = make();
    const reason = new Error("writer");
    const failed = assert.rejects(read(transform.readable), (error) => error === reason);
    await transform.writable.abort(reason);
    await failed;
    checkClean();
  });

  test(`${name}: backpressure: while nobody reads, it takes no more than ${holds}`, async () => {
    const { stream, seen } = sourceOf(endless(inputs));
    const output = stream.pipeThrough(make());
    await settle();
    await settle();
    assert.ok(seen.given <= holds, `took ${seen.given}`);
    await output.cancel();
    await settle();
    checkClean();
  });
}
