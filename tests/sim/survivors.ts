/**
 * Faults that nobody catches, and why: the line is a shortcut, another line does the same again, or what it does is seen by
 * the session's own tests alone. Keyed by region, operator and line.
 */
export const SURVIVORS: Readonly<Record<string, string>> = {
  "backchannel: take the later, not the earlier: for (let length = Math.min(longest, units.length - at); length > 0 && taken === 0; length -= 1) {":
    "longer phrases are in no list: the same answer, after more looks",
  'decision: swap two orders: order(d, { type: "span.start", span: "eou_detection", at: d.t });':
    "neither order touches what the other does",
  "decision: skip a reset: region.backchannelVerdict = false;":
    "the next overlap, and the next voice, begin with it unset; only a decision without either would see it",
  "draft: drop a guard: if (d.turn[region] === value) return;": "a shortcut: the same value is written again",
  "draft: remove a cancel: cancelTimer(d, name);":
    "nobody arms a timer that is armed anew with a time that is over: a decision is dropped before another begins",
  'interruption: remove a cancel: cancelTimer(d, "falseInterruption");':
    "the voice that is suspected has called it off when it began",
  "limits: drop a guard: if (limits.words === 0 && limits.startedAt === undefined) return;":
    "a shortcut: what is empty is emptied again",
  'overlap: remove a cancel: cancelTimer(d, "backchannelBoundary");':
    "the boundary's own end, and every interruption, call it off as well",
  "pipeline: remove a cancel: cancelPreemptive(d);":
    "a turn that is not to be answered gives the reply up again where it ends",
  "query: turn a condition round: if (current === null) return null;":
    "a question of the session, not of the machines: tests/session/ asks it before a start and between agents",
  'query: turn a condition round: if (phase !== "running") return null;':
    "a question of the session, not of the machines: tests/session/ asks it while it closes",
  "speech_list: drop a guard: if (handleId === null) return undefined;": "a shortcut: no speech has the id null",
  'speeches: skip a reset: edit(d, "overlap").heardBefore = 0;':
    "how long a speech was heard before a pause counts for backchannels alone, and one that was heard for no time has 0",
  'speeches: remove a cancel: if (speech.phase === "delaying") cancelTimer(d, "consecutiveSpeech");':
    "whoever takes a speech off that waits its pause has called it off before",
  "speeches: ignore a generation: if (speech === undefined || speech.teardown !== gen || gen === 0) return;":
    "the limit of a speech is armed once, so that no other generation of it comes",
  "user_words: remove a cancel: cancelPreemptive(d);":
    "no reply is begun while the agent speaks, and no backchannel is judged while it does not",
  "floor: remove a cancel: forgetSpeech(d, entry, event.handleId);":
    "what a paused agent still knows of a speech that is over is reported over once more when it is back",
  'moves: turn a condition round: if (current.backgroundCalls > 0) order(d, { type: "tools.leave", activityId: current.id });':
    "only the driver has calls in the background: tests/session/background_tools_test.ts watches them leave",
};
