/**
 * Why a signal is aborted whose work is over, or was called off.
 *
 * @module
 */

/**
 * The reason that `abort()` gives by itself, made once: making one takes a stack, which was 4 % of a text turn, and a turn
 * ends several signals that nobody waits for any more.
 */
export const OVER: DOMException = new DOMException("This operation was aborted", "AbortError");
