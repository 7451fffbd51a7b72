/**
 * How every figure is made: fixed work, the two sides in turn, several rounds, the median and the spread.
 *
 * @module
 */
import process from "node:process";

/** What several rounds of one side gave, in the unit of the figure. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What one round of one side measured, by the key of the figure. */
export type Measured = Readonly<Record<string, number>>;

/** Median, least and most of some values. */
export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** The value below which a part of the sorted values lies. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** Median and 99th percentile of some values, as two figures. */
export function percentiles(key: string, values: readonly number[]): Measured {
  const sorted = [...values].sort((a, b) => a - b);
  return { [`${key}_p50`]: quantile(sorted, 0.5), [`${key}_p99`]: quantile(sorted, 0.99) };
}

/** Runs both sides in turn, so that a machine that slows down slows both, and gives what each round measured. */
export async function interleave(
  sides: Readonly<Record<string, () => Promise<number> | number>>,
  rounds: number,
): Promise<Record<string, number[]>> {
  const results: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (const side of Object.values(sides)) await side(); // warm-up, not counted
  for (let round = 0; round < rounds; round++) {
    for (const [name, side] of Object.entries(sides)) results[name]?.push(await side());
  }
  return results;
}

/** What a program of one question ends with: its round as one line of JSON, and the process. */
export async function report(measure: () => Promise<Measured>): Promise<void> {
  console.log(JSON.stringify(await measure()));
  process.exit(0); // what a side has left running must not keep the next one waiting
}

/** CPU time of the process while something is done, in seconds. */
export async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The next turn of the event loop, after everything that is ready. */
export function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits on the wall. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a side may still hold after its work, such as timers of a close, in milliseconds. Measured: the peer's take 2,000. */
const SETTLE_MS = 2_500;

/**
 * Bytes in use on the heap after collection; needs `--expose-gc`. Waits first, then collects with turns of the event loop
 * between, since what a promise or a finaliser holds is free only after them.
 */
export async function heapUsed(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) {
    throw new Error("Cannot measure the heap as the collector is not exposed: run with --expose-gc");
  }
  await sleep(SETTLE_MS);
  for (let round = 0; round < 4; round++) {
    gc();
    await sleep(5);
  }
  return process.memoryUsage().heapUsed;
}
