/**
 * Compares what a scenario did with what it expects: lane by lane, in order, with tolerances.
 *
 * @module
 */
import type { Expectation, Observed, Played, Scenario } from "./scenario.ts";

/** Times may differ by this much. Specified by the format. */
const TOLERANCE_MS = 30;
/** Times further apart than this have an order between lanes too. Specified by the format. */
const ORDER_MS = 60;

const LANES: readonly (readonly [lane: string, names: readonly string[]])[] = [
  ["user", ["user_state_changed"]],
  ["agent", ["agent_state_changed", "agent_false_interruption"]],
  ["words", ["user_input_transcribed", "overlapping_speech"]],
  ["history", ["conversation_item_added", "function_tools_executed"]],
  ["speech", ["speech_created"]],
  ["playout", ["playout_started", "playout_paused", "playout_resumed", "playout_cleared", "playout_finished"]],
  ["llm", ["llm_request"]],
  ["llm_stop", ["llm_cancelled"]],
  ["tts", ["tts_request"]],
  ["text", ["captions"]],
  ["detector", ["detector_asked"]],
  ["script", ["note", "hook", "step_failed", "step_cancelled"]],
  ["done", ["handle_done", "interrupt_done", "commit_done", "close_done", "drain_done"]],
  ["runs", ["run_done", "run_failed"]],
  ["session", ["error", "close"]],
];
const NEAR = new Set([
  "t",
  "at",
  "positionMs",
  "audioEndMs",
  "startedSpeakingAt",
  "stoppedSpeakingAt",
  "transcriptionDelay",
  "endOfTurnDelay",
  "e2eLatency",
]);

/** What to expect of a scenario in a mode. */
export type Verdict = { readonly kind: "exact"; readonly expect: Expectation } | { readonly kind: "ours" } | {
  readonly kind: "quiet";
};

/** Chooses what holds, as the format's page says. */
export function verdictFor(scenario: Scenario, compat: "fixed" | "reference"): Verdict {
  const differs = scenario.differs ?? [];
  const kinds = differs.map((entry) => entry.split(":")[0] as string);
  if (kinds.some((kind) => kind === "weakness")) {
    return scenario.expectOurs !== undefined ? { kind: "ours" } : { kind: "quiet" };
  }
  if (kinds.some((kind) => kind.startsWith("OURS")) && compat === "fixed") {
    return scenario.expectOurs !== undefined ? { kind: "ours" } : { kind: "quiet" };
  }
  if (kinds.includes("1.7") && scenario.expectLater !== undefined) {
    return { kind: "exact", expect: scenario.expectLater };
  }
  return { kind: "exact", expect: scenario.expect };
}

/** The first difference, or undefined. */
export function firstDifference(scenario: Scenario, played: Played, compat: "fixed" | "reference"): string | undefined {
  const verdict = verdictFor(scenario, compat);
  if (!played.quiet) return "the conversation does not end quiet";
  switch (verdict.kind) {
    case "quiet":
      return undefined;
    case "ours":
      return oursDifference(scenario, played);
    case "exact":
      return exactDifference(scenario, played, verdict.expect);
    default:
      return verdict satisfies never;
  }
}

function exactDifference(scenario: Scenario, played: Played, expect: Expectation): string | undefined {
  const known = new Set(LANES.flatMap(([, names]) => names));
  for (const [lane, names] of LANES) {
    const wanted = expect.events.filter(({ ev }) => names.includes(ev));
    const got = played.events.filter(({ ev }) => names.includes(ev));
    for (let index = 0; index < Math.max(wanted.length, got.length); index++) {
      const difference = compare(wanted[index], got[index], scenario);
      if (difference !== undefined) return `${lane}[${index}] ${difference}`;
    }
  }
  void known;
  const order = orderDifference(played.events);
  if (order !== undefined) return order;
  const history = listDifference(expect.history, played.history, scenario, "history");
  if (history !== undefined) return history;
  return compareValue(expect.final, played.final, "final", scenario);
}

function orderDifference(events: readonly Observed[]): string | undefined {
  for (let index = 1; index < events.length; index++) {
    const before = events[index - 1] as Observed;
    const after = events[index] as Observed;
    if (before.t - after.t > ORDER_MS) {
      return `order: ${before.ev} at ${before.t} comes before ${after.ev} at ${after.t}`;
    }
  }
  const close = events.findIndex(({ ev }) => ev === "close");
  const after = (ev: string): boolean =>
    ev.endsWith("_done") || ev === "run_failed" || ev === "step_failed" || ev === "note";
  if (close >= 0 && events.slice(close + 1).some(({ ev }) => !after(ev))) return "order: close is not last";
  return undefined;
}

function listDifference(
  wanted: readonly unknown[],
  got: readonly unknown[],
  scenario: Scenario,
  what: string,
): string | undefined {
  for (let index = 0; index < Math.max(wanted.length, got.length); index++) {
    if (index >= wanted.length) return `${what}[${index}]: nothing wanted, got ${show(got[index])}`;
    if (index >= got.length) return `${what}[${index}]: wanted ${show(wanted[index])}, got nothing`;
    const difference = compareValue(wanted[index], got[index], `${what}[${index}]`, scenario);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function compare(wanted: Observed | undefined, given: Observed | undefined, scenario: Scenario): string | undefined {
  if (wanted === undefined) return `nothing wanted, got ${show(given)}`;
  if (given === undefined) return `wanted ${show(wanted)}, got nothing`;
  const got = withoutAnsweredByFramework(wanted, given, scenario);
  const difference = compareValue(wanted, got, wanted.ev, scenario);
  return difference === undefined ? undefined : `${difference}; wanted ${show(wanted)}, got ${show(got)}`;
}

function compareValue(wanted: unknown, got: unknown, path: string, scenario: Scenario, key = ""): string | undefined {
  if (key === "metrics") {
    const measured = (got ?? {}) as Record<string, unknown>;
    for (const [name, value] of Object.entries((wanted ?? {}) as Record<string, unknown>)) {
      const difference = compareValue(value, measured[name], `${path}.${name}`, scenario, name);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  if (typeof wanted === "number" && typeof got === "number" && NEAR.has(key)) {
    return Math.abs(wanted - got) <= TOLERANCE_MS ? undefined : `${path}: ${got} is not near ${wanted}`;
  }
  if (typeof wanted === "string" && typeof got === "string" && key === "text" && scenario.wordTolerance !== undefined) {
    const a = wanted.trim().split(/\s+/);
    const b = got.trim().split(/\s+/);
    const [short, long] = a.length < b.length ? [a, b] : [b, a];
    const isPrefix = short.every((word, index) => word === long[index]);
    return isPrefix && long.length - short.length <= scenario.wordTolerance
      ? undefined
      : `${path}: "${got}" is not "${wanted}"`;
  }
  if (typeof wanted === "object" && wanted !== null && typeof got === "object" && got !== null) {
    if (Array.isArray(wanted) && Array.isArray(got)) return listDifference(wanted, got, scenario, path);
    const w = wanted as Record<string, unknown>;
    const g = got as Record<string, unknown>;
    const isFrameworkText = isOwnWords(w["output"], scenario) &&
      ((w["isError"] === true && g["isError"] === true) || /in progress/.test(String(w["output"])));
    for (const name of new Set([...Object.keys(w), ...Object.keys(g)])) {
      if (name === "metrics" && w[name] === undefined) continue;
      if (name === "metrics") {
        const difference = compareValue(w[name], g[name], `${path}.metrics`, scenario, "metrics");
        if (difference !== undefined) return difference;
        continue;
      }
      if (name === "output" && isFrameworkText) continue;
      if (name === "error" && (w["ev"] === "close")) continue;
      const difference = compareValue(w[name], g[name], `${path}.${name}`, scenario, name);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  return Object.is(wanted, got) ? undefined : `${path}: ${show(got)} is not ${show(wanted)}`;
}

/** A run may report a call that the framework itself answered; the reference does not. */
function withoutAnsweredByFramework(wanted: Observed, got: Observed, scenario: Scenario): Observed {
  if (wanted.ev !== "run_done" || !Array.isArray(wanted["events"]) || !Array.isArray(got["events"])) return got;
  const calls = (events: unknown): Set<unknown> =>
    new Set((events as Record<string, unknown>[]).filter(({ type }) => type === "function_call").map(({ id }) => id));
  const known = calls(wanted["events"]);
  const events = got["events"] as Record<string, unknown>[];
  const answered = new Set(
    events.filter((e) =>
      e["type"] === "function_call_output" && e["isError"] === true && isOwnWords(e["output"], scenario)
    ).map(({ id }) => id),
  );
  return {
    ...got,
    events: events.filter((e) => e["type"] !== "function_call" || known.has(e["id"]) || !answered.has(e["id"])),
  };
}

/** Whether an error's text was written by a framework, not by the scenario: then it is not compared. */
function isOwnWords(output: unknown, scenario: Scenario): boolean {
  const written = JSON.stringify(scenario.tools ?? {});
  return typeof output === "string" && !written.includes(JSON.stringify(output).slice(1, -1));
}

function oursDifference(scenario: Scenario, played: Played): string | undefined {
  const ours = scenario.expectOurs;
  if (ours === undefined) return undefined;
  const fits = (pattern: Observed, event: Observed): boolean =>
    Object.entries(pattern).every(([key, value]) => compareValue(value, event[key], key, scenario, key) === undefined);
  for (const pattern of ours.include ?? []) {
    if (!played.events.some((event) => fits(pattern, event))) return `nothing fits ${show(pattern)}`;
  }
  for (const pattern of ours.exclude ?? []) {
    const event = played.events.find((one) => fits(pattern, one));
    if (event !== undefined) return `${show(event)} must not be`;
  }
  if (ours.history !== undefined) {
    const difference = listDifference(ours.history, played.history, scenario, "history");
    if (difference !== undefined) return difference;
  }
  if (ours.historyEnds !== undefined) {
    return listDifference(ours.historyEnds, played.history.slice(-ours.historyEnds.length), scenario, "history end");
  }
  return undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
