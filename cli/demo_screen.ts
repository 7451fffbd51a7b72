/**
 * What the demo shows in the terminal while the call goes on: one line for each thing that happened.
 *
 * @module
 */
import type { AgentSession } from "../mod.ts";
import { type LatencyAccount, latencyReader } from "../src/trace/latency.ts";
import type { TraceRecord } from "../src/trace/record.ts";

/** Where lines go, and whether they may be coloured. */
export interface Screen {
  readonly write: (text: string) => void;
  readonly isColoured: boolean;
}

const COLOURS = { caller: "36", agent: "33", state: "90", tool: "35", time: "90", wait: "32" } as const;

/** Shows a session. Returns what takes its records. */
export function showCall(session: AgentSession, startedAt: number, screen: Screen): (record: TraceRecord) => void {
  const paint = (name: keyof typeof COLOURS, text: string): string =>
    screen.isColoured ? `\x1b[${COLOURS[name]}m${text}\x1b[0m` : text;
  const line = (t: number, name: keyof typeof COLOURS, who: string, text: string): void => {
    const time = ((t - startedAt) / 1000).toFixed(1).padStart(6);
    screen.write(`${paint("time", time)}  ${paint(name, who.padEnd(8))} ${text}\n`);
  };
  const latency = latencyReader();
  let now = startedAt;
  session.on("user_input_transcribed", ({ transcript, isFinal }) => {
    if (isFinal && transcript !== "") line(now, "caller", "caller", transcript);
  });
  session.on("conversation_item_added", ({ item }) => {
    if (item.type !== "message" || item.role !== "assistant") return;
    line(now, "agent", "agent", `${item.textContent ?? ""}${item.interrupted ? paint("state", "  (cut off)") : ""}`);
  });
  session.on("agent_state_changed", ({ newState }) => line(now, "state", "", paint("state", `agent is ${newState}`)));
  session.on(
    "agent_false_interruption",
    () => line(now, "state", "", paint("state", "no words followed: the agent goes on")),
  );
  session.on("function_tools_executed", (event) => {
    for (const [call, output] of event.zipped()) {
      line(now, "tool", "tool", `${call.name}(${call.args}) = ${output.output}`);
    }
  });
  session.on("error", ({ error }) => line(now, "state", "error", String("error" in error ? error.error : error)));
  return (record) => {
    if (record.kind === "header") return;
    now = record.t;
    const account = latency(record);
    if (account !== undefined) line(now, "wait", "waited", describe(account));
  };
}

/** A latency account in one line. */
export function describe({ totalMs, spans }: LatencyAccount): string {
  return `${Math.round(totalMs)} ms = ${
    spans.map(({ part, from, to }) => `${part} ${Math.round(to - from)}`).join(" + ")
  }`;
}
