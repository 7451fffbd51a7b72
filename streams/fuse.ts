/**
 * Several synchronous steps in one stream stage.
 *
 * @module
 */

/** A step that may give no value, one or several for each that goes in, and may hold some back. */
export interface Stage<I, O> {
  /** Takes a value and gives what it completes. */
  push(value: I): Iterable<O>;
  /** Gives what is held, at the end of the input. */
  flush?(): Iterable<O>;
}

/** A function from one value to one, or a {@linkcode Stage}. */
export type Step<I, O> = ((value: I) => O) | Stage<I, O>;

/**
 * Fuses synchronous steps into one transform: a chain of streams would hold a chunk at each joint, and cost a hop there.
 *
 * Holds what its stages hold, and one chunk that waits to be transformed. Input that ends flushes the stages in order,
 * each through those behind it. Cancelling or aborting throws away what they hold. A step that throws fails the stream.
 *
 * @example Sound of any rate and block size into 32 ms blocks at 16,000 Hz
 * ```ts
 * const windows = microphone.pipeThrough(fuse(resampleFrames(16_000), frameCutter({ samples: 512 })));
 * ```
 */
export function fuse<A, B>(a: Step<A, B>): TransformStream<A, B>;
/** Fuses two steps. */
export function fuse<A, B, C>(a: Step<A, B>, b: Step<B, C>): TransformStream<A, C>;
/** Fuses three steps. */
export function fuse<A, B, C, D>(a: Step<A, B>, b: Step<B, C>, c: Step<C, D>): TransformStream<A, D>;
/** Fuses four steps. */
export function fuse<A, B, C, D, E>(
  a: Step<A, B>,
  b: Step<B, C>,
  c: Step<C, D>,
  d: Step<D, E>,
): TransformStream<A, E>;
export function fuse(...steps: Step<unknown, unknown>[]): TransformStream<unknown, unknown> {
  /** Passes a value through the steps from `index` on. */
  const pass = (value: unknown, index: number, controller: TransformStreamDefaultController<unknown>): void => {
    const step = steps[index];
    if (step === undefined) controller.enqueue(value);
    else if (typeof step === "function") pass(step(value), index + 1, controller);
    else for (const next of step.push(value)) pass(next, index + 1, controller);
  };
  return new TransformStream({
    transform: (value, controller) => pass(value, 0, controller),
    flush(controller) {
      steps.forEach((step, index) => {
        if (typeof step === "function") return;
        for (const value of step.flush?.() ?? []) pass(value, index + 1, controller);
      });
    },
  });
}
