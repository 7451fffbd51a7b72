/**
 * Small faults that are put into the machines on purpose, by listed operators, so that it is seen that the checkers and the
 * tests can fail. A mutant is one line of one region, changed.
 */

/** What is done to a line, and in which words. */
export interface Operator {
  readonly name: string;
  /** The line as it is after it, or undefined where the operator has nothing to do. `next` is the line behind. */
  apply(line: string, next: string): readonly [line: string, next: string] | undefined;
}

/** One change of one line. */
export interface Mutant {
  readonly operator: string;
  /** Path in the repository. */
  readonly file: string;
  /** The name of the region's file. */
  readonly region: string;
  readonly line: number;
  /** The line before, without its indentation. */
  readonly was: string;
  /** The whole source with the change. */
  readonly source: string;
}

const replaced = (line: string, pattern: RegExp, by: string): readonly [string, undefined] | undefined => {
  const next = line.replace(pattern, by);
  return next === line ? undefined : [next, undefined];
};
const alone = (
  change: (line: string) => readonly [string, undefined] | undefined,
): Operator["apply"] =>
(line, next) => {
  const changed = change(line);
  return changed === undefined ? undefined : [changed[0], next];
};

/** The operators. */
export const OPERATORS: readonly Operator[] = [
  {
    name: "remove a cancel",
    apply: alone((line) => replaced(line, /(?<![\w.])(cancel\w+|drop\w+|forget\w+)\((d|root)\b[^()]*\);/, ";")),
  },
  {
    name: "drop an order",
    apply: alone((line) => replaced(line, /(?<!function )\b(order|emit)\(d, \{.*\}\);$/, ";")),
  },
  {
    name: "swap two orders",
    apply: (line, next) =>
      /^\s+order\(d, \{.*\}\);$/.test(line) && /^\s+order\(d, \{.*\}\);$/.test(next) ? [next, line] : undefined,
  },
  {
    name: "ignore a generation",
    // The question whether an answer, a timer or a turn is the one that is waited for is answered by yes.
    apply: alone((line) => {
      const same = /[\w.?[\]]+ (!==|===) (?:(?:event|head|effect)\.)?(?:gen|id|turnId|teardown)\b/;
      const sign = same.exec(line)?.[1];
      return sign === undefined ? undefined : replaced(line, same, sign === "===" ? "true" : "false");
    }),
  },
  {
    name: "skip a reset",
    apply: alone((line) =>
      replaced(line, /^(\s+)(region|edit\(d, "\w+"\))\.\w+ = (false|null|undefined|0|\[\]|"");$/, "$1;")
    ),
  },
  {
    name: "forget to write",
    apply: alone((line) =>
      replaced(line, /^(\s+)(put\(d, .*\)|(region|editShared\(d\))\.\w+ = .*|patchSpeech\(d, .*\));$/, "$1;")
    ),
  },
  {
    name: "drop a guard",
    apply: alone((line) => replaced(line, /^(\s+)if \(.*\) return(;| false;| undefined;)$/, "$1;")),
  },
  {
    name: "turn a condition round",
    apply: alone((line) =>
      replaced(line, /^(\s+)if \((?![^)]*\bsatisfies\b)(.*)\) (return|\{|[a-z]\w+[(.])/, "$1if (!($2)) $3")
    ),
  },
  {
    name: "a deadline that is off by one",
    apply: alone((line) => replaced(line, /(setTimer\(d, "?\w+"?, )([^;]+)\);/, "$1($2) + 1);")),
  },
  {
    name: "take the later, not the earlier",
    apply: alone((line) => swapped(line)),
  },
];

function swapped(line: string): readonly [string, undefined] | undefined {
  const next = line.replace(/Math\.(max|min)\(/, (_, which) => which === "max" ? "Math.min(" : "Math.max(");
  return next === line ? undefined : [next, undefined];
}

/** All mutants of a file, in order of its lines. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const lines = source.split("\n");
  const region = file.slice(file.lastIndexOf("/") + 1, -".ts".length);
  const mutants: Mutant[] = [];
  let isComment = false;
  lines.forEach((line, index) => {
    if (line.trim().startsWith("/*")) isComment = true;
    const skip = isComment || line.trim().startsWith("//") || line.trim() === "";
    if (line.includes("*/")) isComment = false;
    if (skip) return;
    for (const { name, apply } of OPERATORS) {
      const changed = apply(line, lines[index + 1] ?? "");
      if (changed === undefined || line.includes('type: "log"')) continue; // what is only logged changes nothing
      const after = [...lines];
      after[index] = changed[0];
      if (index + 1 < lines.length) after[index + 1] = changed[1];
      const mutated = after.join("\n");
      if (mutants.some((other) => other.line === index + 1 && other.source === mutated)) continue;
      mutants.push({ operator: name, file, region, line: index + 1, was: line.trim(), source: mutated });
    }
  });
  return mutants;
}

/**
 * Chooses so many of each region: one operator after another, and of each the occurrences that lie furthest apart. The same
 * source gives the same choice.
 */
export function choose(mutants: readonly Mutant[], perRegion: number): Mutant[] {
  const chosen: Mutant[] = [];
  const regions = new Map<string, Mutant[]>();
  for (const mutant of mutants) regions.set(mutant.region, [...(regions.get(mutant.region) ?? []), mutant]);
  for (const all of regions.values()) {
    const byOperator = OPERATORS.map(({ name }) => all.filter(({ operator }) => operator === name)).filter((some) =>
      some.length > 0
    );
    const mine: Mutant[] = [];
    for (let round = 0; mine.length < perRegion && byOperator.some((some) => some.length > round); round++) {
      for (const some of byOperator) {
        if (mine.length >= perRegion || round >= some.length) continue;
        // 0, 1/2, 1/4, 3/4 of the way, and so on.
        const place = Math.floor(some.length * vanDerCorput(round));
        const left = some.filter((mutant) => !mine.includes(mutant));
        const next = some[place];
        const pick = next !== undefined && !mine.includes(next) ? next : left[0];
        if (pick !== undefined) mine.push(pick);
      }
    }
    chosen.push(...mine.sort((a, b) => a.line - b.line));
  }
  return chosen;
}

function vanDerCorput(n: number): number {
  let value = 0;
  for (let rest = n, part = 0.5; rest > 0; rest >>= 1, part /= 2) value += (rest & 1) * part;
  return value;
}
