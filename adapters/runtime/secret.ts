/**
 * Bytes that nobody can guess.
 *
 * @module
 */

/** Gives random bytes of Web Crypto, which every place has. At most 65,536 at a time. */
export function webSecret(byteCount: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(byteCount));
}
