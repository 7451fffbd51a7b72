/**
 * Pauses with the scores that a detector gave in them, as data: how they are written, and read.
 *
 * A file has a line of names, then a line for each score:
 *
 *     span_start_ms,since_silence_ms,probability,label
 *     2310,200,0.1312,0
 *     2310,300,0.1507,0
 *     2310,364,0.1507,0
 *     4820,200,0.8123,1
 *
 * - `span_start_ms`: when the silence began, on the clock of its conversation. A line that begins earlier than the one above it
 *   begins another conversation.
 * - `since_silence_ms`: how long the silence had lasted when the score was taken. Grows within a span.
 * - `probability`: 0 to 1, that the turn is over.
 * - `label`: 1 when the speaker had finished, 0 when he went on. The last line of a span that goes on is its end: how long the
 *   pause was.
 *
 * @module
 */

/** One score. */
export interface Score {
  readonly sinceMs: number;
  readonly probability: number;
}

/** One silence. */
export interface Span {
  readonly startMs: number;
  /** The speaker had finished. */
  readonly isEnd: boolean;
  /** How long it lasted, when the speaker went on. */
  readonly lengthMs: number;
  readonly scores: readonly Score[];
}

/** The silences of one conversation, in order. */
export type Conversation = readonly Span[];

const NAMES = ["span_start_ms", "since_silence_ms", "probability", "label"] as const;

/** Reads a file. Names may stand in any order, and others are left alone. */
export function readPauses(text: string): Conversation[] {
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(",").map((name) => name.trim());
  const places = NAMES.map((name) => names.indexOf(name));
  if (places.includes(-1)) {
    throw new Error(`Cannot read the pauses as the first line must name ${NAMES.join(", ")}: current value is ${head}`);
  }
  const conversations: Span[][] = [];
  let span: { startMs: number; isEnd: boolean; scores: Score[] } | undefined;
  const finish = (): void => {
    if (span === undefined) return;
    const { startMs, isEnd, scores } = span;
    if (conversations.length === 0 || startMs < (conversations.at(-1)!.at(-1)?.startMs ?? 0)) conversations.push([]);
    conversations.at(-1)!.push({ startMs, isEnd, scores, lengthMs: isEnd ? Infinity : scores.at(-1)!.sinceMs });
  };
  for (const [index, line] of lines.entries()) {
    const cells = line.split(",").map(Number);
    const [startMs, sinceMs, probability, label] = places.map((place) => cells[place]!) as [
      number,
      number,
      number,
      number,
    ];
    const fits = startMs >= 0 && sinceMs >= 0 && probability >= 0 && probability <= 1 && (label === 0 || label === 1);
    if (!fits) {
      throw new Error(`Cannot read the pauses as line ${index + 2} must hold four numbers: current value is ${line}`);
    }
    if (span?.startMs !== startMs) {
      finish();
      span = { startMs, isEnd: label === 1, scores: [] };
    }
    span.scores.push({ sinceMs, probability });
  }
  finish();
  return conversations;
}

/** Writes a file. */
export function writePauses(conversations: readonly Conversation[]): string {
  const lines = conversations.flatMap((spans) =>
    spans.flatMap(({ startMs, isEnd, scores }) =>
      scores.map(({ sinceMs, probability }) => [startMs, sinceMs, probability.toFixed(4), Number(isEnd)].join(","))
    )
  );
  return `${NAMES.join(",")}\n${lines.join("\n")}\n`;
}
