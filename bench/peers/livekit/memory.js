/** The peer's side of `bench/memory.ts`. */
import { heapUsed, report } from "./measure.js";
import { openText, turn } from "./models.js";

const SESSIONS = 300;
const CLOSED = 500;

async function hold(sessions, turns) {
  for (let index = 0; index < turns; index++) {
    await Promise.all(sessions.map((session) => turn(session, `question ${index}`)));
  }
}

async function openAndClose(count) {
  for (let index = 0; index < count; index += 100) {
    const batch = await Promise.all(Array.from({ length: 100 }, openText));
    await Promise.all(batch.map((session) => session.close()));
  }
}

await report(async () => {
  await openAndClose(CLOSED);
  const warm = await Promise.all(Array.from({ length: 50 }, openText));
  await hold(warm, 4);
  await Promise.all(warm.map((session) => session.close()));
  warm.length = 0;

  const empty = await heapUsed();
  await openAndClose(CLOSED);
  const closed = await heapUsed();

  const sessions = await Promise.all(Array.from({ length: SESSIONS }, openText));
  const idle = await heapUsed();
  await hold(sessions, 4);
  const used = await heapUsed();
  return {
    heap_idle: (idle - closed) / 1024 / SESSIONS,
    heap_4_turns: (used - closed) / 1024 / SESSIONS,
    heap_closed: (closed - empty) / 1024 / CLOSED,
    sessions: sessions.length, // held to here
  };
});
