/**
 * LiveKit's native part belongs to the process and keeps it alive. It is counted here, and freed with the last room.
 *
 * @module
 */
import { onRoom, type Rtc, type RtcRoom } from "./rtc.ts";

/** Who uses a room: sessions that are attached, and the room itself until it is left. */
interface Use {
  sessionCount: number;
  /** Listens for the room to be left, while no session is attached. */
  off: (() => void) | undefined;
}

const uses = new Map<RtcRoom, Use>();

/** The one client of the native part, where the package keeps it. */
interface Client {
  listeners(event: "ffi_event"): readonly unknown[];
}
const place = globalThis as { _ffiClientInstance?: Client | undefined };

let freeing: Promise<void> | undefined;

/** What rooms that are over have left listening: the package forgets to, when it was the server that ended them. */
const left = new WeakSet<object>();

/**
 * Keeps the native part for a room. The function that it gives lets it go: at once when the room was left already, otherwise when
 * it is. With the last room the native part is freed, so that the process can end; the next room starts it anew.
 *
 * It stays where something else uses it: rooms that were never given to this adapter. Who joined those frees it then.
 */
export async function keepNative(rtc: Rtc, room: RtcRoom): Promise<() => Promise<void>> {
  const use: Use = uses.get(room) ?? { sessionCount: 0, off: undefined };
  uses.set(room, use);
  use.sessionCount += 1;
  use.off?.();
  use.off = undefined;
  await freeing; // what is started anew meanwhile would be freed with it
  let isKept = true;
  return async () => {
    if (!isKept) return;
    isKept = false;
    use.sessionCount -= 1;
    if (use.sessionCount > 0) return;
    if (!room.isConnected) return await letGo(rtc, room);
    use.off = onRoom(room, "disconnected", () => {
      use.off?.();
      // Behind what the room itself still has to do.
      queueMicrotask(() => {
        if (use.sessionCount === 0) void letGo(rtc, room);
      });
    });
  };
}

async function letGo(rtc: Rtc, room: RtcRoom): Promise<void> {
  uses.delete(room);
  const { onFfiEvent } = room as { readonly onFfiEvent?: object };
  if (onFfiEvent !== undefined) left.add(onFfiEvent);
  const client = place._ffiClientInstance;
  // Without its client a package of another make could not be started anew: better a process that has to be ended.
  if (uses.size > 0 || client === undefined) return;
  if (client.listeners("ffi_event").some((listener) => !left.has(listener as object))) return;
  place._ffiClientInstance = undefined; // what is freed answers nobody: the next room makes another
  freeing = Promise.resolve(rtc.dispose());
  await freeing;
}
