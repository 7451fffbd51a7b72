/** How well a recogniser understood: compared by words, blind to case and punctuation, with numbers spelled out. */

/** Words to insert, leave out or replace, as few as make one list of the other. */
export function wordErrors(said: readonly string[], heard: readonly string[]): number {
  let row = heard.map((_, index) => index + 1); // against nothing, every word is too many
  row.unshift(0);
  for (const [index, word] of said.entries()) {
    const next = [index + 1];
    for (const [at, other] of heard.entries()) {
      next.push(Math.min(row[at]! + (word === other ? 0 : 1), row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}

/** Word errors as a share of what was said: 0 is perfect, and it can be above 1. */
export function wordErrorRate(said: string, heard: string): number {
  const words = plainWords(said);
  const errors = wordErrors(words, plainWords(heard));
  return words.length === 0 ? Math.min(errors, 1) : errors / words.length;
}

/** The words of a text as they are compared: lower case, without punctuation, numbers spelled out. */
export function plainWords(text: string): string[] {
  return text.toLowerCase()
    .replaceAll(/\b([ap])\.\s?m\b\.?/g, "$1m") // a.m.
    .replaceAll(/['’]/g, "")
    .replaceAll(/(\d),(?=\d{3})/g, "$1") // 1,200
    .replaceAll(/\$(\d+)(?:\.(\d\d))?/g, (_, whole, cents) => `${whole} dollars ${cents ?? ""}`)
    .replaceAll("%", " percent ")
    .replaceAll(/(\d+):00\b/g, "$1") // 7:00 is said "seven"
    .replaceAll(/(\d+)(?:st|nd|rd|th)\b/g, (_, digits) => ordinal(Number(digits)))
    .replaceAll(/(\d+)([a-z])/g, "$1 $2") // 5pm
    .replaceAll(/\d+/g, (digits) => ` ${digits.length > 4 ? spelled(digits) : numeral(Number(digits))} `)
    .replaceAll(/\bokay\b/g, "ok")
    .split(/[^a-z]+/)
    .filter((word) => word !== "");
}

const SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
  "seventeen eighteen nineteen";
const ONES = SMALL.split(" ");
const TENS = ",,twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety".split(",");

function numeral(value: number): string {
  if (value < 20) return ONES[value]!;
  if (value < 100) return `${TENS[Math.floor(value / 10)]} ${value % 10 === 0 ? "" : ONES[value % 10]}`;
  const [unit, name] = value < 1_000 ? [100, "hundred"] : [1_000, "thousand"];
  return `${numeral(Math.floor(value / unit))} ${name} ${value % unit === 0 ? "" : numeral(value % unit)}`;
}

function spelled(digits: string): string {
  return [...digits].map((digit) => ONES[Number(digit)]).join(" ");
}

const IRREGULAR: Readonly<Record<string, string>> = {
  one: "first",
  two: "second",
  three: "third",
  five: "fifth",
  eight: "eighth",
  nine: "ninth",
  twelve: "twelfth",
};

function ordinal(value: number): string {
  const words = numeral(value).trim().split(" ");
  const last = words.pop()!;
  return [...words, IRREGULAR[last] ?? (last.endsWith("y") ? `${last.slice(0, -1)}ieth` : `${last}th`)].join(" ");
}
