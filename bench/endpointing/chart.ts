/**
 * Curves of policies as a picture.
 *
 * @module
 */
import type { Outcome } from "./replay.ts";

/** A policy over its settings. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (Outcome & { readonly label: string })[];
}

const WIDTH = 900;
const HEIGHT = 560;
const LEFT = 70;
const TOP = 30;
const RIGHT = 30;
const BOTTOM = 60;
const MAX_DELAY_MS = 2_600;
const COLOURS = ["#6b7280", "#b45309", "#7c3aed", "#0369a1", "#0891b2", "#0d9488", "#be185d"];

/** Draws delay to the right and cut off upwards: the nearer the corner at the lower left, the better. */
export function drawCurves(curves: readonly Curve[]): string {
  const top = Math.max(0.1, ...curves.flatMap(({ points }) => points.map(({ cutOff }) => cutOff)));
  const x = (delayMs: number): number =>
    LEFT + ((WIDTH - LEFT - RIGHT) * Math.min(delayMs, MAX_DELAY_MS)) / MAX_DELAY_MS;
  const y = (cutOff: number): number => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * cutOff) / top;
  const marks: string[] = [];
  for (let delay = 0; delay <= MAX_DELAY_MS; delay += 500) {
    marks.push(
      `<line x1="${x(delay)}" y1="${TOP}" x2="${x(delay)}" y2="${HEIGHT - BOTTOM}" class="grid"/>`,
      `<text x="${x(delay)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${delay.toLocaleString("en")} ms</text>`,
    );
  }
  for (let part = 0; part <= top; part += 0.1) {
    marks.push(
      `<line x1="${LEFT}" y1="${y(part)}" x2="${WIDTH - RIGHT}" y2="${y(part)}" class="grid"/>`,
      `<text x="${LEFT - 8}" y="${y(part) + 4}" text-anchor="end">${Math.round(100 * part)} %</text>`,
    );
  }
  const lines = curves.map(({ points, name }, index) => {
    const colour = COLOURS[index % COLOURS.length]!;
    const path = points.map(({ delayMs, cutOff }) => `${x(delayMs).toFixed(1)},${y(cutOff).toFixed(1)}`);
    const dots = points.map(({ delayMs, cutOff, label }) =>
      `<circle cx="${x(delayMs).toFixed(1)}" cy="${
        y(cutOff).toFixed(1)
      }" r="3.5" fill="${colour}"><title>${name}, ${label}: ${(100 * cutOff).toFixed(1)} % cut off, ${
        Math.round(delayMs)
      } ms</title></circle>`
    );
    const legend = TOP + 16 + 20 * index;
    return `<polyline points="${path.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"${
      index === 0 ? ' stroke-dasharray="6 4"' : ""
    }/>${dots.join("")}<circle cx="${WIDTH - 370}" cy="${legend - 4}" r="5" fill="${colour}"/><text x="${
      WIDTH - 358
    }" y="${legend}">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13">
<style>.grid{stroke:#9ca3af;stroke-opacity:.3}text{fill:#374151}@media (prefers-color-scheme:dark){text{fill:#d1d5db}}</style>
${marks.join("\n")}
${lines.join("\n")}
<text x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 12}" text-anchor="middle">mean delay at the ends of turns</text>
<text x="18" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 18 ${HEIGHT / 2})">pauses cut off</text>
</svg>
`;
}
