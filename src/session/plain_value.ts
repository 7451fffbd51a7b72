/**
 * Values that survive being written as JSON and read again.
 *
 * @module
 */

/** A place in a value that JSON cannot hold. */
export interface NotPlain {
  /** Where it is, such as `cart.items[2]`. */
  readonly path: string;
  /** What it is. */
  readonly kind: string;
}

/**
 * Copies a value of texts, finite numbers, true, false, null, lists and plain objects; members that are undefined are left
 * out, as JSON does.
 *
 * @throws {NotPlain} The first part that is anything else, or that holds itself.
 */
export function copyPlain(value: unknown, path: string, above: readonly unknown[] = []): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "object") throw notPlain(path, typeof value === "number" ? String(value) : typeof value);
  if (above.includes(value)) throw notPlain(path, "a value that holds itself");
  const within = [...above, value];
  if (Array.isArray(value)) return value.map((entry, index) => copyPlain(entry, `${path}[${index}]`, within));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notPlain(
      path,
      (prototype as { constructor?: { name?: string } }).constructor?.name ?? "an object of a class",
    );
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [key, copyPlain(entry, `${path}.${key}`, within)]),
  );
}

function notPlain(path: string, kind: string): NotPlain {
  return { path, kind };
}
