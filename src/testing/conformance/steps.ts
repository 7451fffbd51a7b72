/**
 * What each step of a scenario does.
 *
 * @module
 */
import { AgentError } from "../../base/error.ts";
import { APIConnectionError } from "../../model/error.ts";
import type { SpeechEvent } from "../../model/stt.ts";
import type { VADEvent } from "../../model/vad.ts";
import type { Agent } from "../../session/agent.ts";
import type { AgentTask } from "../../session/agent_task.ts";
import type { AgentSession } from "../../session/agent_session.ts";
import type { TurnHandlingOptions } from "../../session/options.ts";
import type { SettledRun } from "../../session/run_result.ts";
import type { SpeechHandle } from "../../session/speech_handle.ts";
import { StopResponse, ToolError } from "../../tool/error.ts";
import { handoff } from "../../tool/result.ts";
import type { AnyTool } from "../../tool/tool.ts";
import type { VirtualClock } from "../../../adapters/runtime/virtual.ts";
import { chatCtxOf, type Scope } from "./agents.ts";
import { type Observe, type Told, wait } from "./models.ts";
import { historyItem } from "./observe.ts";
import { type MakeDetector, turnHandling } from "./options.ts";
import { tellSpeech } from "./outside.ts";
import { type Step, UnplayableError } from "./scenario.ts";

/** Where steps are played: the session, what is around it, and what steps have named. */
export interface Place {
  readonly session: AgentSession;
  readonly clock: VirtualClock;
  readonly observe: Observe;
  readonly stt: Told<SpeechEvent>;
  readonly vad: Told<VADEvent>;
  readonly detector: MakeDetector;
  readonly userData: Map<string, unknown>;
  /** What steps gave a name with `as`. */
  readonly vars: Map<string, unknown>;
  /** What goes on beside the steps. */
  readonly tasks: Promise<unknown>[];
  /** The agent of this id: the same each time. */
  agent(id: string): Agent;
  /** Another agent of this id. */
  newAgent(id: string): Agent;
  tool(name: string): AnyTool;
  /** Sees to it that the end of the handle is observed, and kept under the name, if there is one. */
  watch(handle: SpeechHandle, name: string | undefined): void;
}

/** Plays steps one after another; gives what a `return` among them says. */
export async function playSteps(place: Place, steps: readonly Step[], scope: Scope): Promise<unknown> {
  for (const step of steps) {
    if (step.do === "return") {
      const agent = step["agent"] === undefined ? undefined : place.agent(step["agent"] as string);
      const value = "value" in step ? valueOf(place, step["value"], scope) : undefined;
      if (agent === undefined) return value;
      return handoff({ agent, ...(value !== undefined && { returns: value }) } as Parameters<typeof handoff>[0]);
    }
    await playStep(place, step, scope);
  }
  return undefined;
}

/**
 * Plays one step.
 *
 * @throws {UnplayableError} for a step that there is not.
 */
export async function playStep(place: Place, step: Step, scope: Scope | undefined): Promise<void> {
  const session = scope?.session ?? place.session;
  const { clock, observe } = place;
  const name = step["as"] as string | undefined;
  switch (step.do) {
    case "speech":
      return tellSpeech(
        clock,
        place.vad.tell,
        step.t ?? 0,
        step["until"] as number,
        (step["vadSilence"] as number | undefined) ?? 550,
      );
    case "vad":
      return place.vad.tell({
        type: ({ start: "start_of_speech", inference: "inference_done", end: "end_of_speech" } as const)[
          step["kind"] as "start"
        ],
        timestampMs: clock.now(),
        speechDurationMs: (step["speechMs"] as number | undefined) ?? 0,
        silenceDurationMs: (step["silenceMs"] as number | undefined) ?? 0,
        rawSpeechMs: (step["rawSpeechMs"] as number | undefined) ?? 0,
        rawSilenceMs: (step["rawSilenceMs"] as number | undefined) ?? 0,
        speaking: (step["speaking"] as boolean | undefined) ?? true,
        probability: 1,
        inferenceDurationMs: 0,
      });
    case "stt":
      return tellWords(place, step);
    case "sttError":
      return place.stt.fail(new APIConnectionError({ message: "scripted failure" }));
    case "say": {
      const handle = session.say(step["text"] as string, {
        ...(step["allowInterruptions"] !== undefined &&
          { allowInterruptions: step["allowInterruptions"] as boolean }),
        ...(step["addToChatCtx"] !== undefined && { addToChatCtx: step["addToChatCtx"] as boolean }),
      });
      place.watch(handle, name);
      if (step["await"] === true) await handle;
      return;
    }
    case "generateReply": {
      const { userInput, instructions, toolChoice, tools, allowInterruptions } = step as Record<string, unknown>;
      const handle = session.generateReply({
        ...(userInput !== undefined && { userInput: userInput as string }),
        ...(instructions !== undefined && { instructions: instructions as string }),
        ...(toolChoice !== undefined && { toolChoice: toolChoice as "auto" }),
        ...(tools !== undefined && { tools: tools as string[] }),
        ...(allowInterruptions !== undefined && { allowInterruptions: allowInterruptions as boolean }),
      });
      place.watch(handle, name);
      if (step["await"] === true) await handle;
      return;
    }
    case "run": {
      const result = session.run({ userInput: step["text"] as string });
      place.tasks.push(observeRun(place, name ?? "run", result));
      return;
    }
    case "interrupt":
      await session.interrupt({ force: step["force"] === true });
      if (name !== undefined) observe("interrupt_done", { interrupt: name });
      return;
    case "interruptHandle":
      return void handleOf(place, step["handle"], scope).interrupt({ force: step["force"] === true });
    case "setAllowInterruptions":
      handleOf(place, step["handle"], scope).allowInterruptions = step["value"] as boolean;
      return;
    case "waitForPlayout":
      return await handleOf(place, step["handle"], scope).waitForPlayout();
    case "waitIfNotInterrupted":
      return await handleOf(place, step["handle"], scope).waitIfNotInterrupted([wait(clock, step["ms"] as number)]);
    case "commitUserTurn": {
      const text = await session.commitUserTurn({
        ...(step["transcriptTimeoutMs"] !== undefined &&
          { transcriptTimeout: step["transcriptTimeoutMs"] as number }),
        ...(step["sttFlushMs"] !== undefined && { sttFlushDuration: step["sttFlushMs"] as number }),
        ...(step["skipReply"] !== undefined && { skipReply: step["skipReply"] as boolean }),
      });
      if (name !== undefined) observe("commit_done", { commit: name, text });
      return;
    }
    case "clearUserTurn":
      return session.clearUserTurn();
    case "updateAgent":
      return session.updateAgent(place.agent(step["agent"] as string));
    case "updateOptions":
      return session.updateOptions({
        turnHandling: turnHandling(step as TurnHandlingOptions, () => place.detector()),
      });
    case "updateInstructions":
      return place.agent(step["agent"] as string).updateInstructions(step["text"] as string);
    case "updateTools":
      return place.agent(step["agent"] as string).updateTools(
        (step["tools"] as string[]).map((tool) => place.tool(tool)),
      );
    case "updateChatCtx":
      return place.agent(step["agent"] as string).updateChatCtx(
        chatCtxOf(step["items"] as { role: string; text: string }[]),
      );
    case "close":
      await session.close();
      if (name !== undefined) observe("close_done", { close: name });
      return;
    case "shutdown":
      return session.shutdown({ drain: step["drain"] !== false });
    case "drain":
      await session.drain();
      return observe("drain_done");
    case "setAudioInput":
      return session.input.setAudioEnabled(step["enabled"] as boolean);
    case "setAudioOutput":
      return session.output.setAudioEnabled(step["enabled"] as boolean);
    case "setUserData":
      return void place.userData.set(step["key"] as string, valueOf(place, step["value"], scope));
    case "note":
      return observe("note", { label: step["label"] });
    case "sleep":
      return await wait(clock, step["ms"] as number);
    case "disallowInterruptions":
      return scope?.run?.disallowInterruptions();
    case "waitForToolPlayout":
      return await scope?.run?.waitForPlayout();
    case "task": {
      const waiting = scope?.runTask?.(place.newAgent(step["agent"] as string) as AgentTask);
      try {
        place.vars.set(name ?? "task", await waiting);
      } catch (error) {
        if (step["catch"] === undefined) throw error;
        place.vars.set(step["catch"] as string, (error as Error).message);
      }
      return;
    }
    case "complete": {
      const error = step["error"] as string | undefined;
      const task = session.currentAgent as AgentTask;
      return task.complete(error === undefined ? valueOf(place, step["value"], scope) : new ToolError(error));
    }
    case "throw": {
      const message = (step["message"] as string | undefined) ?? "";
      if (step["kind"] === "tool") throw new ToolError(message);
      if (step["kind"] === "stop") throw new StopResponse();
      throw new Error(message);
    }
    case "editMessage":
      if (scope?.message !== undefined) scope.message.content = [step["text"] as string];
      return;
    case "addContext":
      scope?.turnCtx?.addMessage({
        role: step["role"] as "user",
        content: [step["text"] as string],
        createdAt: clock.wallOffset + clock.now(),
      });
      return;
    default:
      throw new UnplayableError(`the step \`${step.do}\``);
  }
}

function tellWords(place: Place, step: Step): void {
  const kind = step["kind"] as string;
  if (kind === "start") return place.stt.tell({ type: "start_of_speech" });
  if (kind === "end") return place.stt.tell({ type: "end_of_speech" });
  place.stt.tell({
    type: `${kind}_transcript` as "final_transcript",
    alternatives: [{ text: step["text"] as string, language: "en", confidence: 0.9, startTimeMs: 0, endTimeMs: 0 }],
  });
}

function valueOf(place: Place, value: unknown, scope: Scope | undefined): unknown {
  if (typeof value !== "object" || value === null) return value;
  const v = value as Record<string, unknown>;
  if ("arg" in v) return scope?.args?.[v["arg"] as string];
  if ("var" in v) return place.vars.get(v["var"] as string);
  if ("userData" in v) return place.userData.get(v["userData"] as string);
  if ("join" in v) return (v["join"] as unknown[]).map((part) => String(valueOf(place, part, scope))).join("");
  return value;
}

function handleOf(place: Place, name: unknown, scope: Scope | undefined): SpeechHandle {
  return (name === "$speech" ? scope?.run?.speechHandle : place.vars.get(name as string)) as SpeechHandle;
}

/** Tells how a run ends. */
export async function observeRun(
  place: Place,
  run: string,
  running: PromiseLike<SettledRun | undefined>,
): Promise<void> {
  try {
    const result = await running;
    if (result === undefined) return; // it ran already
    let finalOutput: { finalOutput?: unknown } = {};
    try {
      finalOutput = { finalOutput: result.finalOutput };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
    }
    place.observe("run_done", { run, events: result.events.map(({ item }) => historyItem(item)), ...finalOutput });
  } catch {
    place.observe("run_failed", { run });
  }
}
