/**
 * Text that is written once and may be read again from its start, as a voice that replaces another needs it.
 *
 * @module
 */
import type { FlushMark } from "./marks.ts";

/** The text of one synthesis. */
export interface TextLog {
  push(part: string | FlushMark): void;
  /** The text is whole. */
  end(): void;
  /** The text broke off: readers get the reason behind what there is. */
  fail(reason: unknown): void;
  /** Nobody wants it any more: readers end. */
  close(): void;
  /** It ended, or was closed. */
  readonly isWhole: boolean;
  /** Why it broke off, if it did. */
  readonly failure: { readonly reason: unknown } | undefined;
  /** All text so far, without the flushes. */
  text(): string;
  /** All of it from its start, and then what comes. */
  stream(): ReadableStream<string | FlushMark>;
}

/** Makes a {@linkcode TextLog}. It grows with the text, which its writer must limit. */
export function textLog(): TextLog {
  const parts: (string | FlushMark)[] = [];
  let isWhole = false;
  let failure: { readonly reason: unknown } | undefined;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const go of all) go();
  };
  const end = (): void => {
    isWhole = true;
    wake();
  };
  return {
    push(part) {
      parts.push(part);
      wake();
    },
    end,
    close: end,
    fail(reason) {
      failure = { reason };
      wake();
    },
    get isWhole() {
      return isWhole;
    },
    get failure() {
      return failure;
    },
    text: () => parts.filter((part) => typeof part === "string").join(""),
    stream() {
      let at = 0;
      let isLeft = false;
      return new ReadableStream({
        async pull(controller) {
          while (at >= parts.length && !isWhole && failure === undefined && !isLeft) {
            await new Promise<void>((go) => waiting.push(go));
          }
          if (isLeft) return;
          if (at < parts.length) controller.enqueue(parts[at++]!);
          else if (failure !== undefined) controller.error(failure.reason);
          else controller.close();
        },
        cancel() {
          isLeft = true;
          wake();
        },
      }, { highWaterMark: 0 });
    },
  };
}
