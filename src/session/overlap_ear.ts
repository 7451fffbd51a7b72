/**
 * The ear of a detector of interruptions: it hears the microphone, and is told who speaks.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { InterruptionInput, InterruptionVerdict } from "../model/interruption_detector.ts";
import type { TurnEffect } from "../turn/effect.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import { type Ear, openEar } from "./ear.ts";
import { RANK } from "./inbox.ts";
import { finite } from "./heard_facts.ts";

/** What the machine orders of it. */
export type OverlapOrder = Extract<TurnEffect, { readonly type: `overlap.${string}` }>;

/** The ear of a detector of interruptions. */
export class OverlapEar {
  readonly #core: SessionCore;
  readonly #dropped: () => void;
  #ear: Ear<InterruptionInput> | undefined;
  /** The last overlap. */
  #id = 0;
  #startedAt = 0;
  #agentEnded = false;

  constructor(core: SessionCore, dropped: () => void) {
    this.#core = core;
    this.#dropped = dropped;
  }

  /** Opens the agent's detector, if it has one that can be used. */
  open(activity: Activity): void {
    const { interruptionDetector: detector, config } = activity.resolved;
    if (detector === null || !config.adaptive) return;
    const core = this.#core;
    this.#ear = openEar<InterruptionInput, InterruptionVerdict>({
      open: (audio, signal) => audio.pipeThrough(detector.stream({ signal })),
      take: (verdict) => this.#judged(activity, verdict),
      over: (error) => {
        this.#ear = undefined;
        core.report(RANK.detector, {
          type: "floor",
          t: 0,
          activityId: activity.id,
          event: { type: "overlap.error", t: 0, recoverable: false },
        });
        if (error === undefined || core.isClosing) return;
        core.inbox.report(
          RANK.life,
          () => core.partFailed("the detector of interruptions failed", "interruption_detector", error),
        );
      },
      dropped: this.#dropped,
    });
  }

  hear(frame: AudioFrame): void {
    this.#ear?.push(frame);
  }

  /** Tells it who speaks, in place among the frames. */
  tell(order: OverlapOrder): void {
    switch (order.type) {
      case "overlap.agentStarted":
        return this.#ear?.push({ type: "agent_started" });
      case "overlap.agentEnded":
        return this.#ear?.push({ type: "agent_ended" });
      case "overlap.started":
        this.#id += 1;
        this.#startedAt = order.startedAt;
        this.#agentEnded = false;
        return this.#ear?.push({ type: "overlap_started", id: this.#id, speechDurationMs: order.speechDuration });
      case "overlap.ended":
        this.#agentEnded = order.agentEnded;
        return this.#ear?.push({ type: "overlap_ended", id: this.#id, agentEnded: order.agentEnded });
      default:
        return order satisfies never;
    }
  }

  close(): void {
    this.#ear?.close();
    this.#ear = undefined;
  }

  /** A verdict. One that comes when another overlap has begun is too late to be acted on. */
  #judged(activity: Activity, verdict: InterruptionVerdict): void {
    if (verdict.id !== this.#id) return;
    const core = this.#core;
    const { isInterruption } = verdict;
    const agentEnded = this.#agentEnded && !isInterruption;
    const startedAt = this.#startedAt;
    const detectedAt = core.clock.now();
    const probability = finite(verdict.probability);
    const totalDurationMs = finite(verdict.totalDurationMs);
    const predictionDurationMs = finite(verdict.predictionDurationMs);
    const detectionDelayMs = finite(verdict.detectionDelayMs ?? detectedAt - startedAt);
    const numRequests = finite(verdict.numRequests);
    core.report(RANK.detector, {
      type: "floor",
      t: 0,
      activityId: activity.id,
      event: {
        type: "overlap.verdict",
        t: 0,
        isInterruption,
        agentEnded,
        overlapStartedAt: startedAt,
        detectedAt,
        measured: { probability, totalDurationMs, predictionDurationMs, detectionDelayMs },
      },
    });
    core.inbox.report(RANK.detector, () => {
      core.emit({
        type: "overlapping_speech",
        createdAt: core.wall(),
        isInterruption,
        agentEnded,
        detectedAt: core.wall(detectedAt),
        overlapStartedAt: core.wall(startedAt),
        probability,
        ...(verdict.probabilities !== undefined && { probabilities: verdict.probabilities }),
        totalDurationMs,
        predictionDurationMs,
        detectionDelayMs,
        numRequests,
      });
      const { interruptionDetector: detector } = activity.resolved;
      core.collectMetrics({
        type: "interruption_metrics",
        label: "interruption",
        timestamp: core.wall(),
        totalDurationMs,
        predictionDurationMs,
        detectionDelayMs,
        numInterruptions: isInterruption ? 1 : 0,
        numBackchannels: isInterruption || agentEnded ? 0 : 1,
        numRequests,
        ...(detector !== null && { metadata: { modelName: detector.model, modelProvider: detector.provider } }),
      });
    });
  }
}
