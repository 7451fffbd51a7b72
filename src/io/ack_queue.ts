/**
 * The acknowledgements of a sink, as a stream.
 *
 * @module
 */
import type { PlayoutAck } from "./playout.ts";

/** Where a sink puts its acknowledgements. */
export interface AckQueue {
  readonly stream: ReadableStream<PlayoutAck>;
  push(ack: PlayoutAck): void;
  /** Ends the stream after what is unread. With a failure, it fails with the reason instead, after what is unread. */
  end(failure?: { readonly reason: unknown }): void;
}

/**
 * Makes a queue of acknowledgements. None is ever lost but a `position` that a later one of the same segment overtakes before it
 * is read, so that the queue holds at most three for each segment, however slow its reader is.
 */
export function ackQueue(): AckQueue {
  const held: PlayoutAck[] = [];
  let phase: "open" | "ending" | "over" = "open";
  let failed: { readonly reason: unknown } | undefined;
  let wake = (): void => {};
  const stream = new ReadableStream<PlayoutAck>({
    async pull(controller) {
      if (held.length === 0 && phase === "open") await new Promise<void>((go) => (wake = go));
      if (phase === "over") return;
      const ack = held.shift();
      if (ack !== undefined) return controller.enqueue(ack);
      phase = "over";
      if (failed === undefined) controller.close();
      else controller.error(failed.reason);
    },
    cancel() {
      phase = "over";
      wake();
    },
  }, { highWaterMark: 0 });
  return {
    stream,
    push(ack) {
      if (phase !== "open") return;
      const last = held.at(-1);
      if (last?.type === "position" && ack.type === "position" && last.segmentId === ack.segmentId) held.pop();
      held.push(ack);
      wake();
    },
    end(failure) {
      if (phase !== "open") return;
      phase = "ending";
      failed = failure;
      wake();
    },
  };
}
