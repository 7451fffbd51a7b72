/**
 * Puts a session down as a value, and picks it up again.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { ChatContext } from "../chat/context.ts";
import { Instructions, INSTRUCTIONS_MESSAGE_ID, isInstructions } from "../chat/instructions.ts";
import { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import type { TurnHandlingOptions } from "./options.ts";
import { copyPlain, type NotPlain } from "./plain_value.ts";
import { busyWith, untilQuiet } from "./quiet.ts";
import {
  type AgentSnapshot,
  badSnapshot,
  parseSnapshot,
  type SessionSnapshot,
  SNAPSHOT_VERSION,
  trust,
} from "./snapshot.ts";
import { readContext, readItem, writeContext, writeItem } from "./snapshot_items.ts";

/** Makes the agents that a snapshot names, by their ids. */
export type AgentRegistry<UserData = unknown> = Readonly<Record<string, () => Agent<UserData>>>;

/**
 * The session as a value.
 *
 * @throws {AgentError} `session.not_running`, `snapshot.not_quiet`, and what `write` throws.
 */
export function takeSnapshot(core: SessionCore): SessionSnapshot {
  if (core.root.stage.phase === "idle") {
    throw new AgentError(
      "session.not_running",
      "Cannot take a snapshot as the session has not started: current value is idle",
    );
  }
  const busy = core.isRunning ? busyWith(core) : null; // what has closed is quiet for good
  if (busy !== null) {
    throw new AgentError(
      "snapshot.not_quiet",
      `Cannot take a snapshot as the session must be quiet: current value is ${busy}`,
    );
  }
  return write(core);
}

/**
 * Waits for a quiet point, but no longer than `waitMs`, and closes without telling the agent to leave.
 *
 * The value is made before anything is closed; what could not be waited for is cut off, and goes into the value as such.
 */
export async function suspend(core: SessionCore, waitMs: number): Promise<SessionSnapshot> {
  if (!core.isRunning) return takeSnapshot(core);
  let off = (): void => {};
  const limit = new Promise<void>((resolve) => (off = core.clock.schedule(core.clock.now() + waitMs, resolve)));
  await Promise.race([untilQuiet(core), limit]);
  off();
  const snapshot = busyWith(core) === null ? write(core) : undefined;
  core.moves.isSuspending = true;
  try {
    await core.life.close("suspended", false, snapshot === undefined ? 0 : waitMs);
  } finally {
    core.moves.isSuspending = false;
  }
  return snapshot ?? write(core);
}

/** Starts a session where a snapshot left it. */
export function resume(
  core: SessionCore,
  value: unknown,
  agents: AgentRegistry,
): { readonly agent: Agent; readonly apply: () => void } {
  if (core.root.stage.phase !== "idle" || core.history.length > 0) {
    throw new AgentError(
      "session.already_running",
      `Cannot resume a session as it must be a new one: current value is ${core.root.stage.phase}`,
    );
  }
  const snapshot = parseSnapshot(value);
  if (snapshot.agents.length > 1) {
    throw badSnapshot("there must be one agent on its stack", String(snapshot.agents.length));
  }
  const history = read(() => snapshot.history.map(readItem));
  const last = snapshot.agents.at(-1) as AgentSnapshot;
  const agent = makeAgent(last, agents);
  const context = read(() => readContext(last.context, history));
  if (context === undefined) {
    throw badSnapshot(`the context of ${last.id} must name items of the history`, "an unknown item");
  }
  const userData = copyPlain(snapshot.userData ?? null, "userData");

  return {
    agent,
    apply() {
      if (last.instructions !== undefined) agent.updateInstructions(readInstructions(last.instructions));
      agent["~"].chatCtx = new ChatContext(context);
      core.history.append(history);
      if (snapshot.userData !== undefined) core.userData = userData;
      const { turnHandling } = snapshot.options;
      if (turnHandling !== undefined) core.calls.changeTurnHandling(turnHandling);
      core.usage.restore(snapshot.usage);
      let newest = -Infinity;
      for (const { createdAt } of history) newest = Math.max(newest, createdAt);
      core.raiseWall(newest);
    },
  };
}

function write(core: SessionCore): SessionSnapshot {
  const { agent } = core;
  if (agent === undefined) {
    throw new AgentError("session.no_agent", "Cannot take a snapshot as no agent was started: current value is none");
  }
  const history = core.history.items;
  const { instructions } = agent;
  return trust({
    version: SNAPSHOT_VERSION,
    history: Object.freeze(history.map(writeItem)),
    agents: [{
      id: agent.id,
      ...(instructions !== agent.options.instructions && { instructions: writeInstructions(instructions) }),
      context: writeContext(agent["~"].chatCtx, history, INSTRUCTIONS_MESSAGE_ID),
    }],
    ...(core.userData !== undefined && { userData: writeUserData(core.userData) }),
    options: writeOptions(core),
    usage: core.usage.flatten(),
  });
}

function writeUserData(userData: unknown): unknown {
  try {
    return copyPlain(userData, "userData");
  } catch (error) {
    const { path, kind } = error as NotPlain;
    throw new AgentError(
      "snapshot.bad_user_data",
      `Cannot take a snapshot as \`${path}\` must be plain JSON: current value is ${kind}`,
    );
  }
}

function writeOptions(core: SessionCore): SessionSnapshot["options"] {
  const turnHandling = core.changedTurnHandling;
  if (turnHandling === undefined) return {};
  const { turnDetection, interruption, ...rest } = turnHandling;
  const left = (what: string): void =>
    core.log("warn", `${what} that was set at run time is not in the snapshot`, { area: "session" });
  const plain: { -readonly [K in keyof TurnHandlingOptions]: TurnHandlingOptions[K] } = { ...rest };
  if (typeof turnDetection === "object" && turnDetection !== null) left("a turn detector");
  else if (turnDetection !== undefined) plain.turnDetection = turnDetection;
  if (interruption !== undefined) {
    const { detector, backchannel, ...settings } = interruption;
    if (detector) left("a detector of interruptions");
    if (backchannel) left("a policy for backchannels");
    plain.interruption = {
      ...settings,
      ...(detector === null && { detector }),
      ...(backchannel === null && { backchannel }),
    };
  }
  return { turnHandling: plain };
}

function makeAgent({ id }: AgentSnapshot, agents: AgentRegistry): Agent {
  const make = Object.hasOwn(agents ?? {}, id) ? agents[id] : undefined;
  if (make === undefined) {
    throw new AgentError(
      "snapshot.unknown_agent",
      `Cannot resume a session as \`agents\` must make its agent (there are ${
        Object.keys(agents ?? {}).join(", ") || "none"
      }): current value is ${id}`,
    );
  }
  const agent: unknown = make();
  if (!(agent instanceof Agent) || agent.id !== id) {
    throw new AgentError(
      "snapshot.unknown_agent",
      `Cannot resume a session as \`agents\` must make an agent of the id that it is listed under: current value is ${
        agent instanceof Agent ? agent.id : typeof agent
      } under ${id}`,
    );
  }
  return agent;
}

function read<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw badSnapshot("its items must be readable", "one that is not, see the cause", error);
  }
}

function writeInstructions(instructions: string | Instructions): string | { audio: string; text?: string } {
  if (!isInstructions(instructions)) return instructions;
  const { audio, text } = instructions;
  return { audio, ...(text !== undefined && { text }) };
}

function readInstructions(instructions: NonNullable<AgentSnapshot["instructions"]>): string | Instructions {
  return typeof instructions === "string" ? instructions : new Instructions(instructions);
}
