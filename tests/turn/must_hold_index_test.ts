/** Every "must hold" line of the turn-taking specification, and the test that names it. */
import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";

/** File (without `_test.ts`) and the beginning of the test's name. */
type Where = readonly [file: string, name: string];

const TURN = "turn";
const SESSION = "session";
const at = (folder: string, file: string, name: string): Where => [`${folder}/${file}`, name];

/** By section, in the order of the specification. */
const LINES: Readonly<Record<string, readonly (readonly [rule: string, where: Where])[]>> = {
  "1 form": [
    ["replaying gives the same effects", at(TURN, "properties", "the same facts give the same orders")],
    ["no effect twice for one change", at(TURN, "properties", "the rules of form hold at every step")],
    ["after the close nothing is armed or asked", at(TURN, "properties", "the rules of form hold at every step")],
  ],
  "2 configuration": [
    ["700 / 2500 with a streaming detector, 700 / 3000 with none", at(SESSION, "resolve", "minDelay 700")],
    ["boundary 0, [0, 0], null; [-1, 0] throws", at(SESSION, "resolve", "backchannelBoundary 0")],
    ["an agent that forbids interruptions", at(SESSION, "resolve", "an agent that forbids interruptions")],
  ],
  "3 mode": [
    ["a mode without its model is null, one warning", at(SESSION, "resolve", "a mode whose model is not there")],
    ["start and end of the recogniser only in mode stt", at(TURN, "recognition", "a recogniser's start and end")],
    ["to and from manual cancels the decision", at(TURN, "recognition", "changing the mode to or from manual")],
  ],
  "5 order": [
    ["a user state before the commit it causes", at(TURN, "pipeline", "within one step a change of the user's state")],
    ["a user message before its answer", at(SESSION, "order", "a user's message stands before its answer")],
    ["speech_created before the state it causes", at(SESSION, "order", "a speech is told before")],
  ],
  "7 timers": [
    ["one live instance, called off as the table says", at(TURN, "properties", "the rules of form hold at every step")],
    ["none armed after the close", at(TURN, "properties", "the rules of form hold at every step")],
  ],
  "8 voice": [
    ["back-dated user_state_changed", at(TURN, "recognition", "user_state_changed carries the time of the speech")],
    ["a voice inside the wait cancels the commit", at(TURN, "recognition", "a voice inside the endpointing wait")],
    ["spikes without a start", at(TURN, "recognition", "energy without a segment")],
    ["the VAD goes away", at(TURN, "recognition", "when the VAD goes away")],
  ],
  "9 words and decision": [
    ["two finals commit once", at(TURN, "recognition", "two finals of one turn commit once")],
    ["a final during the wait moves nothing", at(TURN, "timelines", "T26b")],
    ["a VAD that missed the speech", at(TURN, "timelines", "T24")],
    ["an empty final", at(TURN, "recognition", "an empty final never commits")],
    ["a refused decision keeps its words", at(TURN, "timelines", "T22")],
    ["never twice, never empty", at(TURN, "recognition", "a turn never commits twice")],
  ],
  "10 manual": [
    ["400 ms after a final at once", at(TURN, "commit", "commitUserTurn 400 ms after a final")],
    ["a slow recogniser without an interim", at(TURN, "commit", "with a slow recogniser and no interim")],
    ["skipReply", at(TURN, "commit", "skipReply stores a message only for words")],
  ],
  "11 interruption": [
    ["exactly at minDuration", at(TURN, "interruption", "the agent is paused exactly")],
    ["one resume, state as it was", at(TURN, "interruption", "after a pause and two seconds of silence")],
    ["a user who starts again", at(TURN, "interruption", "a user who starts again while paused")],
    ["a reply over which the user talks", at(TURN, "interruption", "a reply that the user talks over")],
    ["no path leaves the output paused", at(TURN, "properties", "a conversation that nobody goes on with")],
    ["clear before resume", at(TURN, "interruption", "the buffer is cleared before")],
  ],
  "12 adaptive": [
    ["words wait while the agent is heard", at(TURN, "overlap", "while the agent is heard no words go through")],
    ["an interruption keeps its words", at(TURN, "overlap", "a verdict of interruption keeps")],
    ["a backchannel changes nothing but the user's state", at(TURN, "overlap", "a backchannel in the middle")],
    ["a failure releases all", at(TURN, "overlap", "when the detector fails")],
    ["each overlap ends once", at(TURN, "overlap", "each overlap is ended once")],
  ],
  "13 endpointing": [
    ["within the bounds", at(TURN, "endpointing", "the effective minDelay stays within")],
    ["fixed never changes, alpha 1 never learns", at(TURN, "endpointing", "fixed mode never changes")],
    ["a lower maxDelay counts at once", at(TURN, "endpointing", "lowering maxDelay below")],
    ["an ignored backchannel teaches nothing", at(TURN, "endpointing", "an ignored backchannel")],
  ],
  "14 detectors": [
    ["a failure commits at minDelay", at(TURN, "decision", "an error, an unsupported language")],
    ["late answers change nothing", at(TURN, "decision", "a superseded or late answer")],
    ["a hasty VAD is refused", at(SESSION, "turn_detector", "a VAD that calls 200 ms the end is refused")],
  ],
  "15 pipeline": [
    ["two quick turns", at(TURN, "pipeline", "of two quick turns")],
    ["hooks never overlap", at(TURN, "pipeline", "calls of the hook never overlap")],
    ["no reply over a protected speech", at(TURN, "pipeline", "a turn committed while speech is protected")],
    ["one call of the model for the preflight's words", at(TURN, "pipeline", "a final with the same words")],
    ["two for an edited context", at(TURN, "pipeline", "a context edited in the hook")],
    ["the fourth final", at(TURN, "pipeline", "the fourth distinct final")],
  ],
  "16 limit": [
    ["off by default", at(TURN, "limits", "the limit of a user turn is off by default")],
    ["3 and 3 words", at(TURN, "limits", "three words and three")],
    ["a reply between", at(TURN, "limits", "the same with an audible reply between")],
    ["dropped when the regular reply plays", at(TURN, "limits", "an exceeded turn whose regular reply")],
  ],
  "17 scheduling": [
    ["the gap between two speeches", at(TURN, "timelines", "T25")],
    ["a low speech", at(TURN, "speeches", "a low speech queued first")],
    ["interrupted before it is heard", at(TURN, "speeches", "a speech interrupted while queued")],
    ["a teardown is forced", at(TURN, "speeches", "a teardown that takes more")],
  ],
  "18 states": [
    ["each change once", at(TURN, "properties", "the rules of form hold at every step")],
    ["away", at(TURN, "speeches", "nobody goes away while")],
    ["a resume restores", at(TURN, "speeches", "a resume restores exactly")],
  ],
  "19 speech without words": [
    ["one event", at(TURN, "limits", "speech without words is told once")],
    ["two segments", at(TURN, "limits", "two segments without words")],
  ],
  "20 spans": [
    ["a false never replaces a true", at(TURN, "overlap", "what the overlaps of an utterance were")],
    ["every span ends", at(TURN, "properties", "the rules of form hold at every step")],
  ],
  "21 lifecycle": [
    ["pending words are stored once", at(TURN, "lifecycle", "a close with words pending")],
    ["the old activity changes nothing", at(TURN, "lifecycle", "after a hand-off no fact")],
    ["the recogniser's stream goes on", at(SESSION, "shared_ears", "the recogniser's stream goes on")],
    ["nobody is left speaking or paused", at(TURN, "lifecycle", "a hand-off never leaves")],
  ],
  "22 realtime": [
    ["with server turns nothing of ours counts", at(TURN, "lifecycle", "with server turns no signal")],
    ["a generation during a hand-off", at(TURN, "lifecycle", "an answer of the server during a hand-off")],
    // "Barge-in truncates to what was heard" comes with the first realtime model: nobody truncates before.
  ],
  "23 keyterms": [
    ["pending terms stay here", at(TURN, "keyterms", "pending terms never reach")],
    ["a confirmed term cannot become pending", at(TURN, "keyterms", "pending terms never reach")],
    ["no second pass", at(SESSION, "keyterms", "two user turns during a running pass")],
  ],
};

for (const [section, rules] of Object.entries(LINES)) {
  test(`section ${section}: each line has its test`, () => {
    for (const [rule, [file, name]] of rules) {
      const text = readFileSync(new URL(`../${file}_test.ts`, import.meta.url), "utf8");
      assert.ok(['"', "`"].some((quote) => text.includes(quote + name)), `${rule}: ${file} has no test "${name}..."`);
    }
  });
}
