/**
 * Waiting for another request.
 *
 * @module
 */
import type { Clock } from "../../src/base/runtime.ts";

/** How often a request that waits shows that it is alive. Chosen: seldom enough to cost nothing. */
const INTERVAL_MS = 1_000;

/**
 * Waits for something that another request does. A worker gives up on a request that waits for no timer and no socket of
 * its own, so that a timer of its own is armed meanwhile.
 */
export async function awake<T>(clock: Clock, work: Promise<T>): Promise<T> {
  let off = (): void => {};
  const arm = (): void => void (off = clock.schedule(clock.now() + INTERVAL_MS, arm));
  arm();
  try {
    return await work;
  } finally {
    off();
  }
}
