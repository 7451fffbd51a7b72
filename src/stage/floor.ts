/**
 * Facts for the floor of one activity.
 *
 * @module
 */
import { stepTurn } from "../turn/step.ts";
import type { TurnEvent } from "../turn/event.ts";
import { change, type Draft } from "./draft.ts";
import type { PausedActivity } from "./state.ts";

/** Takes a fact for the activity on stage. What is for another is dropped. */
export function stepFloor(d: Draft, id: string, event: TurnEvent): void {
  const floor = d.root.floors[id];
  const activity = d.stage.current;
  if (floor === undefined || activity === null || activity.id !== id) return;
  const before = d.root.shared;
  const { turn, shared, effects } = stepTurn(floor, before, event, activity.config);
  if (turn !== floor || shared !== before) {
    d.root = { ...d.root, shared, floors: turn === floor ? d.root.floors : { ...d.root.floors, [id]: turn } };
  }
  for (const effect of effects) d.effects.push({ ...effect, activityId: id });
  if (shared.agentState === "speaking" && before.agentState !== "speaking") resetErrors(d, "spoken");
  if ("text" in event && event.text !== "" && event.type.startsWith("stt.")) resetErrors(d, "heard");
}

/**
 * Takes a fact for an activity that waits for a task. It has no floor: its speeches only end, or wait until it is back.
 *
 * False: it does not wait.
 */
export function stepPaused(d: Draft, id: string, event: TurnEvent): boolean {
  const entry = d.stage.paused.find(({ activity }) => activity.id === id);
  if (entry === undefined) return false;
  switch (event.type) {
    case "speech.scheduled":
      if (event.force) keep(d, entry, { scheduled: [...entry.scheduled, event] });
      else {
        d.effects.push({
          type: "speech.refused",
          activityId: id,
          handleId: event.handleId,
          reason: "scheduling_paused",
        });
      }
      return true;
    case "speech.done":
      forgetSpeech(d, entry, event.handleId);
      return true;
    case "speech.interruptCalled": // nothing of it is heard, and its tools may go on for as long as people take
      if (!entry.turn.speeches.some((speech) => speech.id === event.handleId)) return true;
      d.effects.push({ type: "speech.interrupt", activityId: id, handleId: event.handleId, force: event.force });
      d.effects.push({ type: "speech.abandon", activityId: id, handleId: event.handleId });
      forgetSpeech(d, entry, event.handleId);
      return true;
    case "speech.allowInterruptions": {
      const speeches = entry.turn.speeches.map((speech) =>
        speech.id === event.handleId ? { ...speech, allowInterruptions: event.value } : speech
      );
      keep(d, entry, { turn: { ...entry.turn, speeches } });
      return true;
    }
    default:
      return true;
  }
}

function forgetSpeech(d: Draft, entry: PausedActivity, handleId: string): void {
  keep(d, entry, {
    turn: { ...entry.turn, speeches: entry.turn.speeches.filter((speech) => speech.id !== handleId) },
    scheduled: entry.scheduled.filter((event) => event.handleId !== handleId),
  });
}

function keep(d: Draft, entry: PausedActivity, part: Partial<PausedActivity>): void {
  change(d, { paused: d.stage.paused.map((other) => other === entry ? { ...entry, ...part } : other) });
}

/** Who was heard, or could hear, works again. */
function resetErrors(d: Draft, by: "spoken" | "heard"): void {
  const { errors } = d.stage;
  if (by === "heard" ? errors.stt === 0 : errors.llm === 0 && errors.tts === 0) return;
  change(d, { errors: by === "heard" ? { ...errors, stt: 0 } : { ...errors, llm: 0, tts: 0 } });
}
