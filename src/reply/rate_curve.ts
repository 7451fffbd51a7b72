/**
 * A quantity that grows at changing rates, such as how much has been said.
 *
 * @module
 */

/** How much there is at each time. Grows or stands still, never falls. */
export interface RateCurve {
  /** From the last time up to `time`, it grew by `rate` in a unit of time. Times do not go back. */
  add(time: number, rate: number): void;
  /** How much there is at `time`: nothing before the first entry, and after the last one its rate goes on. */
  at(time: number): number;
  /** The earliest time at which there is so much; the last entry's where there never is. */
  timeOf(value: number): number;
  readonly isEmpty: boolean;
}

/** Makes a curve without entries. One at the rate of the last lengthens that; looking up costs the logarithm of their number. */
export function rateCurve(): RateCurve {
  const times: number[] = [];
  const rates: number[] = [];
  const sums: number[] = [];

  /** How many entries of a sorted list come before the point at which `isBefore` turns false. */
  const countWhile = (isBefore: (index: number) => boolean): number => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    add(time, rate) {
      const last = times.length - 1;
      if (rates[last] === rate) { // it goes on as it was
        sums[last] = (sums[last] as number) + rate * (time - (times[last] as number));
        times[last] = time;
        return;
      }
      sums.push((sums[last] ?? 0) + rate * (time - (times[last] ?? 0)));
      times.push(time);
      rates.push(rate);
    },
    at(time) {
      const next = countWhile((index) => (times[index] as number) <= time);
      if (next === 0) return 0;
      const rate = rates[next] ?? (rates[next - 1] as number);
      const value = (sums[next - 1] as number) + rate * (time - (times[next - 1] as number));
      return Math.min(value, sums[next] ?? Infinity);
    },
    timeOf(value) {
      const next = countWhile((index) => (sums[index] as number) < value);
      if (next === 0) return times[0] ?? 0;
      const rate = rates[next] ?? (rates[next - 1] as number);
      const from = times[next - 1] as number;
      return rate > 0 ? from + (value - (sums[next - 1] as number)) / rate : from;
    },
    get isEmpty() {
      return times.length === 0;
    },
  };
}
