/**
 * The page's side of playout: plays segments in order, and reports what was heard.
 *
 * A pure function of what it is told, so that the suite of all sinks runs it as the worklet does.
 *
 * @module
 */
import type { PlayoutMessage, PlayoutReport } from "./voice_wire.ts";

/** What plays in a page. */
export interface VoicePlayer {
  /** Takes sound of a segment. What is there already, and what is not wanted any more, is dropped. */
  sound(segment: number, index: number, samples: Int16Array): void;
  /** Does what the server says. */
  control(message: PlayoutMessage): void;
  /** Plays the next samples: fills `output`, with silence where there is nothing. */
  render(output: Float32Array): void;
  /** Something is being played, or could be at once. */
  readonly isBusy: boolean;
}

/**
 * Makes a player. It holds what was sent and is not played, which the server bounds.
 *
 * @param report Told what was played. `position` comes every `reportEvery` samples, and when a pause begins.
 */
export function voicePlayer(report: (report: PlayoutReport) => void, reportEvery: number): VoicePlayer {
  interface Held {
    readonly blocks: Int16Array[];
    /** Samples of the first block that were played. */
    offset: number;
    received: number;
    played: number;
    /** Where it ends, once that is known. */
    total: number;
    reported: number;
  }
  const segments = new Map<number, Held>();
  const skipped = new Set<number>(); // cleared before their turn
  let next = 1; // the segment that plays
  let isPaused = false;

  const heldOf = (segment: number): Held => {
    const there = segments.get(segment);
    if (there !== undefined) return there;
    const made: Held = { blocks: [], offset: 0, received: 0, played: 0, total: Infinity, reported: 0 };
    segments.set(segment, made);
    return made;
  };

  /** Ends segments that have nothing more to play. */
  const settle = (): void => {
    for (;;) {
      const held = segments.get(next);
      if (held !== undefined && held.played >= held.total) {
        report({ segment: next, event: "finished", samples: held.played });
      } else if (!skipped.delete(next)) return;
      segments.delete(next);
      next++;
    }
  };

  return {
    sound(segment, index, samples) {
      if (segment < next || skipped.has(segment)) return;
      const held = heldOf(segment);
      const fresh = samples.subarray(Math.max(0, held.received - index));
      if (index > held.received || fresh.length === 0) return; // what is missing comes again, and this with it
      held.blocks.push(fresh);
      held.received += fresh.length;
    },
    control(message) {
      if (message.type === "pause") {
        if (message.paused === isPaused) return;
        isPaused = message.paused;
        const held = segments.get(next);
        if (isPaused && held !== undefined && held.played > 0) {
          report({ segment: next, event: "position", samples: held.played });
        }
        return;
      }
      const { segment } = message;
      if (segment < next || skipped.has(segment)) return;
      if (message.type === "segment") heldOf(segment).total = message.samples;
      else {
        report({ segment, event: "cleared", samples: segments.get(segment)?.played ?? 0 });
        segments.delete(segment);
        skipped.add(segment);
      }
      settle();
    },
    render(output) {
      let at = 0;
      if (!isPaused) {
        settle();
        while (at < output.length) {
          const held = segments.get(next);
          const block = held?.blocks[0];
          if (held === undefined || block === undefined) break;
          const length = Math.min(output.length - at, block.length - held.offset);
          for (let index = 0; index < length; index++) output[at + index] = block[held.offset + index]! / 32_768;
          if (held.played === 0) report({ segment: next, event: "started", samples: 0 });
          at += length;
          held.offset += length;
          held.played += length;
          if (held.offset === block.length) {
            held.blocks.shift();
            held.offset = 0;
          }
          if (held.played - held.reported >= reportEvery && held.played < held.total) {
            held.reported = held.played;
            report({ segment: next, event: "position", samples: held.played });
          }
          if (held.played >= held.total && at < output.length) settle(); // else it is told when it was heard
        }
      }
      output.fill(0, at);
    },
    get isBusy() {
      const held = segments.get(next);
      return !isPaused && held !== undefined && (held.blocks.length > 0 || held.played >= held.total);
    },
  };
}
