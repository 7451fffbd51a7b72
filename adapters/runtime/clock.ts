/**
 * Real time, as the places keep it.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import { TimerHeap } from "./timer_heap.ts";

/** The part of the host that keeps time. Taken from `globalThis` unless a test brings its own. */
export interface HostTime {
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Calls back after about `ms`: the host may round down, and fires at once above 2^31 - 1. Gives what takes it off. */
  arm(ms: number, wake: () => void): () => void;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // a longer `setTimeout` fires at once, on every runtime

const globalTime: HostTime = {
  now: () => performance.now(),
  wall: () => Date.now(),
  arm(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Makes a clock with one heap of timers over one timer of the host: waking up is what costs, not timers.
 *
 * No timer fires early, however the host rounds. What is due at one awakening fires in order of time and then of making;
 * what one of them throws is reported as uncaught, as a throwing `setTimeout` is, and does not keep the others from firing.
 * While nothing is armed, nothing of the clock keeps the process alive.
 */
export function heapClock(host: HostTime = globalTime): Clock {
  const heap = new TimerHeap();
  let wakeAt = Infinity; // what the host's timer was armed for
  let disarm = (): void => {};

  const arm = (): void => {
    const next = heap.next();
    if (next >= wakeAt) return; // wakes earlier than needed after a timer was called off, which is cheaper than to arm anew
    disarm();
    wakeAt = next;
    disarm = host.arm(hostDelay(next - host.now()), wake);
  };

  const wake = (): void => {
    wakeAt = Infinity;
    for (const timer of heap.due(host.now())) call(heap.take(timer));
    arm();
  };

  return {
    now: () => host.now(),
    get wallOffset() {
      return host.wall() - host.now();
    },
    schedule(at, fire) {
      if (Number.isNaN(at)) throw notANumber();
      if (at === Infinity) return () => {};
      const timer = heap.add(at, fire);
      if (at < wakeAt) arm();
      return () => {
        heap.cancel(timer);
        if (heap.armed > 0 || wakeAt === Infinity) return;
        disarm();
        wakeAt = Infinity;
      };
    },
    hold: (work) => work,
  };
}

/**
 * Makes a clock with one timer of the host for each of ours. For places where a timer belongs to the request that made it,
 * and is gone with it (workerd), so that requests cannot share one.
 */
export function plainClock(host: HostTime = globalTime): Clock {
  return {
    now: () => host.now(),
    get wallOffset() {
      return host.wall() - host.now();
    },
    schedule(at, fire) {
      if (Number.isNaN(at)) throw notANumber();
      if (at === Infinity) return () => {};
      let disarm = (): void => {};
      const arm = (): void => {
        disarm = host.arm(hostDelay(at - host.now()), () => host.now() < at ? arm() : fire());
      };
      arm();
      return () => disarm();
    },
    hold: (work) => work,
  };
}

let shared: Clock | undefined;

/** The one clock with a heap that all sessions of the process share. Made when first asked for. */
export function processClock(): Clock {
  return shared ??= heapClock();
}

function hostDelay(leftMs: number): number {
  return Math.min(Math.max(Math.ceil(leftMs), 0), MAX_TIMEOUT_MS); // up, since the host rounds down
}

function call(fire: (() => void) | undefined): void {
  try {
    fire?.();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function notANumber(): AgentError {
  return new AgentError("clock.bad_time", "Cannot schedule a timer as its time must be a number: current value is NaN");
}
