#!/usr/bin/env node
/**
 * The bin `repartee`: hear a call, replay a trace, see one.
 *
 * @module
 */
import process from "node:process";
import { AgentError, REMEDIES } from "../src/base/error.ts";
import { demo } from "./demo.ts";
import { replayCommand } from "./replay.ts";
import { timelineCommand } from "./timeline.ts";

const HELP = `repartee: real-time voice and text agents

  repartee demo [--call FILE] [--out DIR] [--fast] [--voice NAME] [--smart-turn]
      Hear an agent answer a call, with everything on this machine. Leaves call.wav, transcript.md,
      trace.jsonl and timeline.html in DIR (default: out).
        --call FILE   a WAV file of the caller, in place of our own
        --fast        on a virtual clock: as fast as the models are
        --voice NAME  the caller's voice: kal16 (default), slt, rms or awb
        --smart-turn  a detector tells from the sound whether the caller has finished: shorter waits
  repartee demo --mic [--port NUMBER] [--out DIR] [--smart-turn]
      Talk to the same agent yourself: serves a page on this machine (default port 3000; 0: any).
  repartee replay FILE
      Run the machines over a recorded session, and name the first difference.
  repartee timeline FILE [--out FILE] [--audio FILE]
      Draw a recorded session as one page.
`;

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  demo,
  replay: replayCommand,
  timeline: timelineCommand,
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === "--help" || name === "-h" || name === "help") {
  process.stdout.write(HELP);
} else {
  const command = commands[name];
  try {
    if (command === undefined) {
      throw new AgentError(
        "cli.bad_argument",
        `Cannot run the command as it must be one of ${Object.keys(commands).join(", ")}: current value is ${name}`,
      );
    }
    process.exitCode = await command(args);
  } catch (error) {
    const told = asTold(error);
    if (told === undefined) throw error;
    process.stderr.write(`${told.message} (${told.code})\n${REMEDIES[told.code]}\n`);
    process.exitCode = 2;
  }
}

/** An error that the user can do something about. */
function asTold(error: unknown): AgentError | undefined {
  if (error instanceof AgentError) return error;
  const code = error instanceof TypeError && "code" in error ? String(error.code) : "";
  if (!code.startsWith("ERR_PARSE_ARGS")) return undefined;
  return new AgentError(
    "cli.bad_argument",
    `Cannot run the command as its options must be among those that \`repartee --help\` tells: current value is ${
      args.join(" ")
    }`,
    { cause: error },
  );
}
