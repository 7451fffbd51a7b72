/**
 * The options of a scenario, as a session takes them.
 *
 * @module
 */
import type { AgentSessionOptions, TurnHandlingOptions } from "../../session/options.ts";
import type { TurnDetector } from "../../model/turn_detector.ts";
import type { Scenario } from "./scenario.ts";

/** Makes the scripted detector, where the options ask for one. */
export type MakeDetector = () => TurnDetector;

/** Options of the session. What is left out has the reference's default. */
export function sessionOptions(scenario: Scenario, detector: MakeDetector): AgentSessionOptions {
  const { turnHandling: turn, tools: _tools, connOptions, ...rest } = (scenario.options ?? {}) as Record<
    string,
    unknown
  >;
  const conn = connOptions as Record<string, Record<string, number>> | undefined;
  const one = (kind: string) => {
    const o = conn?.[kind];
    return o === undefined ? {} : {
      [`${kind}ConnOptions`]: {
        ...(o["maxRetry"] !== undefined && { maxRetry: o["maxRetry"] }),
        ...(o["retryInterval"] !== undefined && { retryIntervalMs: o["retryInterval"] }),
        ...(o["timeout"] !== undefined && { timeoutMs: o["timeout"] }),
      },
    };
  };
  return {
    aecWarmupDuration: null,
    ...rest,
    turnHandling: withoutBackchannels(turnHandling((turn ?? {}) as TurnHandlingOptions, detector)),
    ...(conn !== undefined && {
      connOptions: {
        ...one("llm"),
        ...one("stt"),
        ...one("tts"),
        ...(typeof conn["maxUnrecoverableErrors"] === "number" &&
          { maxUnrecoverableErrors: conn["maxUnrecoverableErrors"] }),
      },
    }),
  };
}

/** The reference has no policy that works locally. */
function withoutBackchannels(options: TurnHandlingOptions): TurnHandlingOptions {
  return { ...options, interruption: { backchannel: null, ...options.interruption } };
}

/** Options of turn taking; `"detector"` stands for the scripted one. */
export function turnHandling(
  options: TurnHandlingOptions,
  detector: MakeDetector,
): TurnHandlingOptions {
  const { turnDetection, endpointing, interruption, preemptiveGeneration, userTurnLimit } = options as Record<
    string,
    unknown
  >;
  return {
    ...(turnDetection !== undefined && { turnDetection: turnDetection === "detector" ? detector() : turnDetection }),
    ...(endpointing !== undefined && { endpointing }),
    ...(interruption !== undefined && { interruption }),
    ...(preemptiveGeneration !== undefined && { preemptiveGeneration }),
    ...(userTurnLimit !== undefined && { userTurnLimit }),
  } as TurnHandlingOptions;
}
