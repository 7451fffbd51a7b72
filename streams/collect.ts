/**
 * All that a stream gives, as an array.
 *
 * @module
 */

/**
 * Reads a stream to its end. Rejects as it fails. Holds everything, so give it only what ends.
 *
 * @example
 * ```ts
 * const words = await collect(toStream(["Good ", "morning."]));
 * ```
 */
export async function collect<T>(stream: ReadableStream<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}
