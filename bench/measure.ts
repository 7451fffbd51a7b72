/**
 * How every figure is made: fixed work, the two sides in turn, several rounds, the median and the spread.
 *
 * @module
 */

/** What several rounds of one side gave, in the unit of the figure. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly p99?: number;
}

/** Median, least and most of some values. */
export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** The value below which a part of the sorted values lies. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
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
