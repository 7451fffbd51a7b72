/**
 * Question: what does a session keep on the heap, while it is idle, after four turns, and after it was closed?
 *
 * 300 text sessions at once, each with its own model and agent; heap in use after collection, before and after, divided by
 * their number. For what a closed session leaves: 500 opened and closed, after as many that are not counted, since
 * caches and compiled code of the first ones stay. Kibibytes.
 *
 *     node --expose-gc bench/memory.ts
 */
import { Agent, AgentSession } from "../mod.ts";
import { instantLLM } from "./instant_llm.ts";
import { heapUsed, type Measured, report } from "./measure.ts";

const SESSIONS = 300;
const CLOSED = 500;

async function open(): Promise<AgentSession> {
  const session = new AgentSession({ llm: instantLLM() });
  await session.start({ agent: new Agent({ instructions: "Answer." }) });
  return session;
}

async function hold(sessions: readonly AgentSession[], turns: number): Promise<void> {
  for (let index = 0; index < turns; index++) {
    await Promise.all(sessions.map((session) => session.run({ userInput: `question ${index}` })));
  }
}

async function openAndClose(count: number): Promise<void> {
  for (let index = 0; index < count; index += 100) {
    const batch = await Promise.all(Array.from({ length: 100 }, open));
    await Promise.all(batch.map((session) => session.close()));
  }
}

/** Kibibytes of heap a session. */
export async function memory(): Promise<Measured> {
  await openAndClose(CLOSED);
  const warm = await Promise.all(Array.from({ length: 50 }, open));
  await hold(warm, 4);
  await Promise.all(warm.map((session) => session.close()));
  warm.length = 0;

  const empty = await heapUsed();
  await openAndClose(CLOSED);
  const closed = await heapUsed();

  const sessions = await Promise.all(Array.from({ length: SESSIONS }, open));
  const idle = await heapUsed();
  await hold(sessions, 4);
  const used = await heapUsed();
  await Promise.all(sessions.map((session) => session.close()));
  return {
    heap_idle: (idle - closed) / 1024 / SESSIONS,
    heap_4_turns: (used - closed) / 1024 / SESSIONS,
    heap_closed: (closed - empty) / 1024 / CLOSED,
  };
}

if (import.meta.main) await report(memory);
