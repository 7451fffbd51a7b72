/**
 * The flite program in WebAssembly: text in, samples out. A call blocks its thread for as long as it takes.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";

/** What to speak, and how. */
export interface FliteRequest {
  /** A voice, by flite's name for it. */
  readonly voice: string;
  /** Text in ASCII. */
  readonly text: string;
  /** How much longer than usual each sound lasts: 2 is half as fast. */
  readonly stretch: number;
}

/** A voice at work. */
export interface FliteEngine {
  /** Speaks one text. Gives mono samples at {@linkcode FLITE_RATE}. */
  speak(request: FliteRequest): Promise<Int16Array>;
  /** Ends what it holds; requests under way are rejected. Idempotent. */
  close(): Promise<void>;
}

/** Samples per second of the voices that are offered. */
export const FLITE_RATE = 16_000;

const HEADER_SIZE = 44; // flite writes the plainest WAV header there is

/** The part of `@bjorn3/browser_wasi_shim` used here. Structural, so that nobody needs its types. */
interface WasiShim {
  readonly WASI: new (args: string[], env: string[], files: unknown[], options: { debug: boolean }) => {
    readonly wasiImport: WebAssembly.ModuleImports;
    start(instance: WebAssembly.Instance): number;
  };
  readonly File: new (data: Uint8Array) => { readonly data: Uint8Array };
  readonly OpenFile: new (file: unknown) => unknown;
  readonly ConsoleStdout: { lineBuffered(write: (line: string) => void): unknown };
  readonly PreopenDirectory: new (name: string, files: Map<string, unknown>) => unknown;
}

/**
 * Compiles the program, for the thread that calls.
 *
 * @throws {AgentError} `runtime.missing` where the WASI shim is not installed or the place cannot compile WebAssembly;
 * `weights.missing` when the bytes are no such program.
 */
export async function compileFlite(program: Uint8Array): Promise<FliteEngine> {
  const shim = await importShim();
  let module: WebAssembly.Module;
  try {
    module = await WebAssembly.compile(program as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    const message =
      `Cannot open the voice as its program must be WebAssembly: current value is ${program.length} bytes`;
    throw new AgentError("weights.missing", `${message} that do not compile here`, { cause });
  }
  return { speak: (request) => speak(shim, module, request), close: async () => {} };
}

async function importShim(): Promise<WasiShim> {
  try {
    return await import("@bjorn3/browser_wasi_shim") as unknown as WasiShim;
  } catch (cause) {
    throw new AgentError(
      "runtime.missing",
      "Cannot open the voice as the package `@bjorn3/browser_wasi_shim` must be installed (`npm install @bjorn3/browser_wasi_shim`): current value is no such package",
      { cause },
    );
  }
}

/** Runs the program once, in a fresh memory: it is a command that ends, and leaves its memory as it fell. */
async function speak(shim: WasiShim, module: WebAssembly.Module, request: FliteRequest): Promise<Int16Array> {
  const sound = new shim.File(new Uint8Array(0));
  const said: string[] = [];
  const console = shim.ConsoleStdout.lineBuffered((line) => said.push(line));
  const folder = new shim.PreopenDirectory("/", new Map([["o.wav", sound]]));
  const { voice, text, stretch } = request;
  const args = ["flite", "-voice", voice, "--setf", `duration_stretch=${stretch}`, "-t", text, "-o", "/o.wav"];
  const files = [new shim.OpenFile(new shim.File(new Uint8Array(0))), console, console, folder];
  const wasi = new shim.WASI(args, [], files, { debug: false });
  let status: unknown;
  let cause: unknown;
  try {
    const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
    status = wasi.start(instance);
  } catch (error) {
    status = "a trap";
    cause = error;
  }
  if (status !== 0) {
    const message = `Cannot speak a text as flite must end without an error: current value is ${status}`;
    throw new AgentError("model.bad_response", message, { cause: cause ?? new Error(said.join("\n")) });
  }
  const { data } = sound;
  return new Int16Array(data.slice(Math.min(HEADER_SIZE, data.length), data.length - (data.length % 2)).buffer);
}
