/**
 * Whether the user's turn is over: a detector is asked where there is one, then a delay runs from the last speech, then the
 * turn is committed.
 *
 * @module
 */
import { DETECTOR_TIMEOUT_MS, PREDICTION_TIMEOUT_MS } from "./config.ts";
import { cancelTimer, type Draft, edit, emit, isFixed, nextSerial, order, put, setTimer } from "./draft.ts";
import type { TurnInfo, TurnMetrics } from "./effect.ts";
import { minDelay, unlikelyDelay } from "./endpointing.ts";
import type { TurnEvent } from "./event.ts";
import { onDecisionOver } from "./interruption.ts";
import { resetTranscription } from "./limits.ts";
import { offerTurn } from "./pipeline.ts";
import { meanOf } from "./recognition.ts";
import { type Decision, type DecisionTrigger, NONE } from "./regions.ts";
import { flushPredictions, takePrediction, timeOutPrediction } from "./streaming.ts";
import { endTurnSpan } from "./voice.ts";

type Open = Exclude<Decision, { phase: "none" }>;

/** Starts a decision, in place of one that is open. Without words there is none, but where the program asks. */
export function decide(d: Draft, trigger: DecisionTrigger, skipReply: boolean = false, atClose: boolean = false): void {
  const { config, turn } = d;
  const { finalText, lastSpeakingTime, lastFinalTime, userTurnStart } = turn.recognition;
  const manual = config.mode === "manual";
  const noWords = !manual && finalText === "" && (config.hasStt || config.llm !== "realtime");
  const referenceRepeats = !isFixed(d) && atClose && lastFinalTime !== undefined; // what OURS-5 mends
  if (noWords && !referenceRepeats) return;
  abandonQuestion(d);
  const open = { trigger, skipReply, atClose, lastSpeakingTime, lastFinalTime, userTurnStart };
  if (d.shared.closing) {
    wait(d, open, -Infinity);
  } else if (manual || config.detector === "none" || (config.detector === "text" && finalText === "")) {
    wait(d, open, minDelay(turn.endpointing, config.endpointing));
  } else if (config.detector === "text") {
    const id = nextSerial(d);
    put(d, "decision", { phase: "asking", id, askedAt: d.t, ...open });
    order(d, { type: "span.start", span: "eou_detection", at: d.t });
    order(d, { type: "detector.ask", id, transcript: finalText, language: turn.recognition.lastLanguage });
    setTimer(d, "prediction", d.t + DETECTOR_TIMEOUT_MS);
  } else {
    const { prediction } = turn.streaming;
    if (prediction.phase === "pending") {
      put(d, "decision", { phase: "predicting", id: prediction.id, ...open });
      order(d, { type: "span.start", span: "eou_detection", at: d.t });
      setTimer(d, "prediction", d.t + PREDICTION_TIMEOUT_MS);
    } else if (prediction.phase === "resolved") {
      order(d, { type: "span.start", span: "eou_detection", at: d.t });
      const { probability, threshold } = takePrediction(d, prediction);
      choose(d, open, probability, threshold, true);
    } else {
      if (trigger === "stt" && turn.streaming.flushed) {
        order(d, { type: "log", level: turn.streaming.lateWarned ? "debug" : "warn", code: "eot.words_after_flush" });
        if (!turn.streaming.lateWarned) edit(d, "streaming").lateWarned = true;
      }
      wait(d, open, minDelay(turn.endpointing, config.endpointing));
    }
  }
}

type Snapshot = Pick<
  Open,
  "trigger" | "skipReply" | "atClose" | "lastSpeakingTime" | "lastFinalTime" | "userTurnStart"
>;

function wait(d: Draft, from: Snapshot, delay: number): void {
  const { trigger, skipReply, atClose, lastSpeakingTime, lastFinalTime, userTurnStart } = from;
  put(d, "decision", {
    phase: "waiting",
    delay,
    trigger,
    skipReply,
    atClose,
    lastSpeakingTime,
    lastFinalTime,
    userTurnStart,
  });
  setTimer(d, "endpointing", (lastSpeakingTime ?? d.t) + delay);
}

/** A detector has spoken, or has not: only a clear "unlikely" makes the wait longer. */
function choose(d: Draft, open: Snapshot, probability: number, threshold: number | null, fromCache: boolean): void {
  const { endpointing } = d.config;
  const unlikely = threshold !== null && probability < threshold;
  const delay = unlikely
    ? unlikelyDelay(d.turn.endpointing, endpointing, probability, threshold)
    : minDelay(d.turn.endpointing, endpointing);
  order(d, {
    type: "span.end",
    span: "eou_detection",
    at: d.t,
    attributes: {
      "lk.eou.probability": probability,
      ...(threshold === null ? {} : { "lk.eou.unlikely_threshold": threshold }),
      "lk.eou.endpointing_delay": delay / 1000,
      "lk.eou.language": d.turn.recognition.lastLanguage,
      "lk.eou.source": open.trigger,
      "lk.eou.from_cache": fromCache,
      ...(open.lastSpeakingTime !== undefined && {
        "lk.eou.detection_delay": Math.max(0, d.t - open.lastSpeakingTime) / 1000,
      }),
    },
  });
  wait(d, open, delay);
}

function giveUpAsking(d: Draft, open: Open): void {
  order(d, { type: "span.end", span: "eou_detection", at: d.t });
  wait(d, open, minDelay(d.turn.endpointing, d.config.endpointing));
}

/** The text detector answered. */
export function onDetectorAnswer(d: Draft, event: Extract<TurnEvent, { type: "detector.answer" }>): void {
  const { decision } = d.turn;
  if (decision.phase !== "asking" || decision.id !== event.id) return;
  cancelTimer(d, "prediction");
  const { outcome } = event;
  if (outcome.kind !== "probability") {
    giveUpAsking(d, decision);
    return;
  }
  emit(d, {
    event: "eot_prediction",
    probability: outcome.probability,
    threshold: outcome.threshold,
    inferenceDurationMs: d.t - decision.askedAt,
    delayMs: decision.lastSpeakingTime === undefined ? 0 : d.t - decision.lastSpeakingTime,
  });
  choose(d, decision, outcome.probability, outcome.threshold, false);
}

/** The streaming detector answered the question of this decision. */
export function onPredicted(d: Draft): void {
  const { decision, streaming } = d.turn;
  if (decision.phase !== "predicting" || streaming.prediction.phase !== "resolved") return;
  if (decision.id !== streaming.prediction.id) return;
  cancelTimer(d, "prediction");
  const { probability, threshold } = takePrediction(d, streaming.prediction);
  choose(d, decision, probability, threshold, false);
}

/** No answer in time: a detector never delays a turn. */
export function onPredictionTimeout(d: Draft): void {
  const { decision } = d.turn;
  if (decision.phase === "asking") {
    order(d, { type: "log", level: "warn", code: "detector.timeout" });
    order(d, { type: "detector.cancel", id: decision.id });
    giveUpAsking(d, decision);
  } else if (decision.phase === "predicting") {
    order(d, { type: "log", level: "warn", code: "eot.timeout" });
    timeOutPrediction(d);
    giveUpAsking(d, decision);
  }
}

/** Forgets the question or the wait of the open decision. */
function abandonQuestion(d: Draft): void {
  const { decision } = d.turn;
  if (decision.phase === "none") return;
  if (decision.phase === "asking") order(d, { type: "detector.cancel", id: decision.id });
  if (decision.phase !== "waiting") order(d, { type: "span.end", span: "eou_detection", at: d.t });
  cancelTimer(d, "prediction");
  cancelTimer(d, "endpointing");
  put(d, "decision", NONE);
}

/** The user goes on, or the words are gone: nothing is decided. What the program committed stays committed (OURS-4). */
export function dropDecision(d: Draft, cause: "vad" | "stt" | "clear"): void {
  const { decision } = d.turn;
  if (decision.phase === "none") return;
  const { mode } = d.config;
  const byProgram = decision.trigger === "manual" && (mode === "manual" || mode === "realtime_llm");
  if (byProgram && cause !== "clear" && isFixed(d)) return;
  abandonQuestion(d);
  // The end of a new speech times a pause again; after a clear nothing would.
  onDecisionOver(d, cause === "clear" ? "refused" : "dropped");
}

/** The session closes: an open decision is taken now. */
export function hurryDecision(d: Draft): void {
  const { decision } = d.turn;
  if (decision.phase === "none") return;
  abandonQuestion(d);
  wait(d, decision, -Infinity);
}

// --- commit ----------------------------------------------------------------------------------------------------------

/** The wait is over: the turn is offered to the pipeline, which takes it or leaves the words for the next decision. */
export function commitTurn(d: Draft): void {
  const { decision, recognition: r } = d.turn;
  if (decision.phase !== "waiting") return;
  put(d, "decision", NONE);
  const { config } = d;
  const nothingSaid = r.finalText === "" && isFixed(d) &&
    ((config.hasStt && config.mode !== "manual") || d.shared.closing || decision.atClose);
  if (nothingSaid) { // OURS-5
    onDecisionOver(d, "refused");
    endDecision(d);
    return;
  }
  const info: TurnInfo = {
    transcript: r.finalText,
    confidence: meanOf(r.confidences),
    skipReply: decision.skipReply,
    language: r.lastLanguage,
    requestIds: r.requestIds,
    metrics: measure(d, decision),
    committedAt: d.t,
  };
  const outcome = offerTurn(d, info);
  if (outcome !== "refused") acceptWords(d, info, decision.lastSpeakingTime);
  onDecisionOver(d, outcome);
  endDecision(d);
}

function endDecision(d: Draft): void {
  const { backchannelVerdict, inTurn } = d.turn.overlap;
  if (backchannelVerdict || inTurn) {
    const region = edit(d, "overlap");
    region.backchannelVerdict = false;
    region.inTurn = false;
  }
  if (d.turn.recognition.userTurnCommitted) edit(d, "recognition").userTurnCommitted = false;
  d.settle = true;
}

function acceptWords(d: Draft, info: TurnInfo, lastSpeakingTime: number | undefined): void {
  const { metrics } = info;
  const region = edit(d, "recognition");
  if (!isFixed(d) && d.shared.closing) {
    // The reference's close goes on to commit the same turn once more, without its words.
    region.finalText = "";
    region.confidences = [];
    return;
  }
  if (region.userTurnStart !== undefined) {
    endTurnSpan(d, d.t, {
      "lk.pii.user_transcript": info.transcript,
      "lk.transcript_confidence": info.confidence,
      ...(metrics.transcriptionDelay === undefined
        ? {}
        : { "lk.transcription_delay": metrics.transcriptionDelay / 1000 }),
      ...(metrics.endOfTurnDelay === undefined ? {} : { "lk.end_of_turn_delay": metrics.endOfTurnDelay / 1000 }),
      "lk.provider_request_ids": info.requestIds.join(","),
    });
  }
  region.userTurnStart = undefined;
  region.requestIds = [];
  resetTranscription(d);
  region.finalText = "";
  region.confidences = [];
  region.lastFinalTime = undefined;
  if (isFixed(d)) region.interimText = ""; // OURS-6
  // Otherwise the user has spoken again, and these belong to the next turn.
  if (region.lastSpeakingTime === lastSpeakingTime) {
    region.speechStartTime = undefined;
    region.lastSpeakingTime = undefined;
    region.vadSpeechStarted = false;
  }
  flushPredictions(d, "turn committed");
}

/** Wrong numbers are worse than none: all or nothing is known. */
function measure(d: Draft, from: Snapshot): TurnMetrics {
  const { lastFinalTime, lastSpeakingTime, userTurnStart } = from;
  if (lastFinalTime === undefined || lastSpeakingTime === undefined || userTurnStart === undefined) return {};
  if (lastSpeakingTime < userTurnStart) return {};
  return {
    startedSpeakingAt: userTurnStart,
    stoppedSpeakingAt: lastSpeakingTime,
    transcriptionDelay: Math.max(0, lastFinalTime - lastSpeakingTime),
    endOfTurnDelay: Math.max(0, d.t - lastSpeakingTime),
  };
}
