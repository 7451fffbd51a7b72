/**
 * Words in and out, for places that have plain text.
 *
 * @module
 */
import type { TimedString } from "../model/marks.ts";
import type { TranscriptSink } from "./playout.ts";

/** How {@linkcode textSink} joins segments. */
export interface TextSinkOptions {
  /** Written before each segment that has any words. Default: nothing. */
  readonly before?: string;
  /** Written behind each segment that has any words. Default: a line break. */
  readonly after?: string;
}

/**
 * Makes a place for the agent's words of any stream of text: a terminal, a file, a response. Segments come out whole and in the order
 * in which they were opened: a segment waits for those before it.
 *
 * The stream stays open, since other segments may come; who made it closes it. An aborted segment ends as far as it came.
 *
 * @example
 * ```ts
 * session.output.transcription = textSink(new WritableStream({ write: (text) => terminal.write(text) }), { before: "Agent: " });
 * ```
 */
export function textSink(
  text: WritableStream<string>,
  { before = "", after = "\n" }: TextSinkOptions = {},
): TranscriptSink {
  const writer = text.getWriter();
  let tail: Promise<unknown> = Promise.resolve(); // the end of the segment before
  return {
    open() {
      const turn = tail;
      const { promise: over, resolve: end } = Promise.withResolvers<void>();
      tail = over;
      let isEmpty = true;
      let signal!: AbortSignal;
      let aborted!: Promise<unknown>;
      const put = async (part: string): Promise<void> => {
        if (part === "") return;
        await writer.write(part).catch((reason: unknown) => {
          end(); // neither `close` nor `abort` follows a write that failed
          throw reason;
        });
      };
      const finish = (): Promise<void> => turn.then(() => isEmpty ? undefined : put(after)).finally(end);
      return new WritableStream<TimedString>({
        start(controller) {
          ({ signal } = controller);
          aborted = new Promise((go) => signal.addEventListener("abort", go, { once: true }));
        },
        async write({ text }) {
          if (text === "") return;
          await Promise.race([turn, aborted]);
          if (signal.aborted) return;
          if (isEmpty) await put(before);
          isEmpty = false;
          await put(text);
        },
        close: finish,
        abort: () => void finish().catch(() => {}), // waits for nobody; a place that failed tells the next write
      });
    },
  };
}

/**
 * Cuts a stream of text into lines, as what somebody types: without the line break, with what is left at the end. Holds no more than
 * the unfinished line.
 */
export function textLines(): TransformStream<string, string> {
  let held = "";
  return new TransformStream({
    transform(text, controller) {
      const lines = (held + text).split(/\r\n|\n|\r(?!$)/);
      held = lines.pop() ?? "";
      for (const line of lines) controller.enqueue(line);
    },
    flush(controller) {
      const last = held.replace(/\r$/, "");
      if (last !== "" || held !== last) controller.enqueue(last);
    },
  });
}
