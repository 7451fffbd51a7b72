/**
 * What must be true of the machine's state after every step. Simulations ask after each; the machine itself never does.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";
import { currentOf } from "./speech_list.ts";
import type { SharedState, TurnState } from "./state.ts";

/**
 * Lists the rules that a pair of states breaks, each as a sentence. Empty: all hold.
 *
 * A wait has its timer and a timer has its wait, a speech is in one place, and the output is paused only while somebody is
 * suspected of interrupting.
 */
export function violations(turn: TurnState, shared: SharedState, config: TurnConfig): readonly string[] {
  const broken: string[] = [];
  const must = (rule: string, holds: boolean): void => {
    if (!holds) broken.push(rule);
  };
  const { timers, speeches, decision, interruption, overlap, turns } = turn;
  const current = currentOf(turn);
  const head = turns.list[0];

  // A wait has its timer, and a timer its wait.
  const waits: readonly (readonly [timer: string, isWaiting: boolean])[] = [
    ["endpointing", decision.phase === "waiting"],
    ["prediction", decision.phase === "asking" || decision.phase === "predicting"],
    ["commitFinal", turn.commit.phase === "waitFinal"],
    ["hook", head?.phase === "hook"],
    ["consecutiveSpeech", current?.phase === "delaying"],
  ];
  for (const [timer, isWaiting] of waits) {
    must(`${timer} is armed exactly while it is waited for`, (timers[timer] !== undefined) === isWaiting);
  }
  must("falseInterruption times a pause", timers["falseInterruption"] === undefined || interruption.paused !== null);
  must(
    "backchannelBoundary is of a speech that is heard",
    timers["backchannelBoundary"] === undefined || overlap.agentSpeaking,
  );
  must("transcription waits for words", timers["transcription"] === undefined || !turn.transcription.turnTranscribed);
  must(
    "aecWarmup is armed exactly while it runs",
    (shared.timers["aecWarmup"] !== undefined) === (shared.aec.phase === "running"),
  );
  const mayLeave = shared.userState === "listening" && shared.agentState === "listening" && shared.listenerPresent &&
    shared.runningTools === 0 && !shared.closing && config.userAwayTimeout !== null;
  must("userAway is armed exactly while both only listen", (shared.timers["userAway"] !== undefined) === mayLeave);

  // A speech is in one place.
  const queued = speeches.all.filter((speech) => speech.phase === "queued").map((speech) => speech.id);
  must("the queue holds what is queued, once", [...speeches.queue].sort().join() === queued.sort().join());
  must("a speech is known once", new Set(speeches.all.map((speech) => speech.id)).size === speeches.all.length);
  const onFloor = speeches.all.filter((speech) => FLOOR.has(speech.phase));
  must("one speech has the floor", onFloor.length <= 1 && (onFloor[0]?.id ?? null) === speeches.current);
  must(
    "the queue is in order of priority",
    speeches.queue.every((id, i) => i === 0 || priority(turn, speeches.queue[i - 1]) >= priority(turn, id)),
  );
  const held = speeches.all.filter((speech) => speech.phase === "held").map((speech) => speech.id);
  must("a held speech is the preemptive one", held.join() === (turns.preemptive?.handleId ?? ""));
  must(
    "an interrupted speech waits for its end, and no other",
    speeches.all.every((s) => s.interrupted === (s.teardown !== 0)),
  );
  must(
    "what nobody has heard and is interrupted has left",
    speeches.all.every((s) => !s.interrupted || !UNHEARD.has(s.phase)),
  );

  // The agent is heard while its speech sounds and is not paused.
  // A verdict that may not interrupt still releases the words over it, as if the agent were silent.
  const sounds = !config.adaptive && current?.phase === "audible" && interruption.paused === null &&
    !current.interrupted;
  must("agentSpeaking is of a speech that sounds", !overlap.agentSpeaking || current?.phase === "audible");
  must("a speech that sounds is agentSpeaking", !sounds || overlap.agentSpeaking);
  must("an overlap is open only while the agent is heard", !overlap.open || overlap.agentSpeaking);

  const { paused } = interruption;
  must("a pause is of the speech that has the floor", paused === null || paused.handleId === speeches.current);
  must("a pause that waits for a decision has one", !paused?.pending || decision.phase !== "none");
  const isSilent = !turn.recognition.speaking && interruption.userSilence;
  // A turn that was taken ends the pause, once those before it are done; and each of their waits is timed.
  const isTimed = timers["falseInterruption"] !== undefined || paused?.pending === true || head !== undefined ||
    config.compat === "reference"; // which forgets the timer when the mode changes
  must("a pause in silence is timed", paused === null || !isSilent || isTimed);
  must("paused means that the output is paused", paused === null || shared.output.paused);
  must(
    "the output is paused for a reason",
    paused !== null || !shared.output.paused || config.compat === "reference",
  );

  must("only the first turn is worked on", turns.list.every((t, i) => i === 0 || t.phase === "queued"));
  must("turns are in order", turns.list.every((t, i) => i === 0 || t.id > (turns.list[i - 1]?.id ?? 0)));
  if (turn.life === "closed") {
    must(
      "nothing is left of a closed activity",
      Object.keys(timers).length === 0 && speeches.all.length === 0 && turns.list.length === 0,
    );
    must(
      "nothing is asked by a closed activity",
      decision.phase === "none" && turn.streaming.prediction.phase === "none",
    );
    must("a closed activity leaves the output running", !shared.output.paused && !overlap.agentSpeaking);
  }
  return broken;
}

const FLOOR: ReadonlySet<string> = new Set(["delaying", "waiting", "playing", "audible"]);
const UNHEARD: ReadonlySet<string> = new Set(["held", "queued", "delaying", "waiting"]);

function priority(turn: TurnState, handleId: string | undefined): number {
  return turn.speeches.all.find((speech) => speech.id === handleId)?.priority ?? 0;
}
