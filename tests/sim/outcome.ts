/** What a run over many seeds gives. */
import process from "node:process";

/** The machines with a model of the driver; whole sessions on the virtual runtime; random programs of calls on these. */
export const LEVELS = ["machines", "sessions", "programs"] as const;
export type Level = (typeof LEVELS)[number];

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly ms: number;
  /** What the process worked meanwhile: the machine may have had others to work for. */
  readonly cpuMs: number;
  /** Facts that were taken in all. */
  readonly steps: number;
}

/** Milliseconds that the process has worked so far. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Which seeds, and until when. */
export interface Seeds {
  readonly from: number;
  readonly count: number;
  /** By `performance.now()`. */
  readonly until: number;
}

/** How many kinds of failures are cut down and shown. Chosen: the first few tell what is wrong, and cutting down takes long. */
export const SHOWN_FAILURES = 3;

/** Tells of failures: the first few whole, of the others how many there are of each kind. */
export class Failures {
  count = 0;
  readonly #tell: (line: string) => void;
  readonly #others = new Map<string, { count: number; readonly first: string }>();

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** `whole` makes the text of one that is shown; it may take long. */
  async add(level: Level, seed: number, violation: Violation, whole: () => Promise<string>): Promise<void> {
    this.count += 1;
    const other = this.#others.get(violation.kind);
    if (other !== undefined) return void (other.count += 1);
    const first = `${level}, seed ${seed}: ${violation.message}`;
    this.#others.set(violation.kind, { count: 0, first });
    this.#tell(`FAIL ${first}`);
    if (this.#others.size <= SHOWN_FAILURES) this.#tell(await whole());
  }

  /** How many there were of each kind, beside the first. */
  end(): void {
    for (const { count, first } of this.#others.values()) if (count > 0) this.#tell(`${count} more like ${first}`);
  }
}

/** A broken rule. */
export class Violation extends Error {
  readonly rule: string;
  constructor(rule: string, what: string, t: number) {
    super(`${rule}: ${what}, at ${Math.round(t)}`);
    this.rule = rule;
  }

  /** The same, whatever the numbers in it are: two failures of one kind are equal in this. */
  get kind(): string {
    return this.rule + this.message.slice(this.rule.length).replace(/\d+(\.\d+)?/g, "#");
  }
}
