/** Words as they are compared: lower case, without punctuation. */
export function plainWords(text: string): string[] {
  return text.toLowerCase().replaceAll(/[^\p{L}\p{N}'\s]/gu, " ").split(/\s+/).filter((word) => word !== "");
}

/** Words to insert, leave out or replace to make one list of the other. */
export function wordErrors(said: readonly string[], heard: readonly string[]): number {
  let row = heard.map((_, index) => index + 1);
  said.forEach((word, line) => {
    let corner = line;
    let left = line + 1;
    row = row.map((above, index) => {
      const best = Math.min(above + 1, left + 1, corner + (word === heard[index] ? 0 : 1));
      corner = above;
      left = best;
      return best;
    });
  });
  return row[row.length - 1] ?? said.length;
}

/** Word errors as a share of what was said. */
export function wordErrorRate(said: string, heard: string): number {
  const words = plainWords(said);
  return wordErrors(words, plainWords(heard)) / words.length;
}
