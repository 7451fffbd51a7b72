/**
 * The ONNX runtime that the embedded models share: `onnxruntime-web`, an optional peer, in WebAssembly and on one
 * thread, which is the form that is the same on every runtime. It is imported when the first model is opened, from the
 * installed package alone: nothing is fetched.
 *
 * Its types are written out here, so that a program that brings no embedded model needs none of its declarations.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";

/** Data that a tensor holds here. */
export type OnnxData = Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** A block of numbers with its shape. */
export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: OnnxData;
}

/** A graph, ready to run. Calls may overlap: they take turns, in order, with those of every other graph of the thread. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the graph once: on the calling thread, which is blocked for as long as the graph takes. */
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  /** Frees the memory of the graph. */
  release(): Promise<void>;
}

/** How to open a session. */
export interface OnnxSessionOptions {
  /** How hard to rewrite the graph at load. Default: `"all"`. */
  readonly graphOptimizationLevel?: "disabled" | "basic" | "extended" | "all";
  /** Keeps freed memory for the next run. Default: what the runtime does, `true`. */
  readonly enableCpuMemArena?: boolean;
  /** Plans the memory of a run ahead. Default: what the runtime does, `true`. */
  readonly enableMemPattern?: boolean;
  /** Further settings of the runtime by name, such as `{ session: { disable_prepacking: "1" } }`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The part of `onnxruntime-web` used here. */
export interface OnnxRuntime {
  readonly Tensor: new (type: string, data: OnnxData, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(graph: Uint8Array, options?: Readonly<Record<string, unknown>>): Promise<OnnxSession>;
  };
  readonly env: {
    logLevel?: string;
    readonly wasm: { numThreads?: number };
  };
}

let loading: Promise<OnnxRuntime> | undefined;

// The runtime puts the arguments of a run on the stack of its one memory and then awaits: a second run in between would
// take them off again. So all work of a thread goes through one line.
let lastTurn: Promise<unknown> = Promise.resolve();

function takeTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(work);
  lastTurn = turn.catch(() => {});
  return turn;
}

/**
 * Imports the ONNX runtime, once in each thread: later calls share it, and a failure may be tried again.
 *
 * @throws {AgentError} `runtime.missing` where `onnxruntime-web` is not installed, or the place has no WebAssembly.
 */
export function onnxRuntime(): Promise<OnnxRuntime> {
  loading ??= importRuntime().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/**
 * Opens a graph, loading the runtime where nobody has.
 *
 * @param graph The bytes of an ONNX file. They are copied: the caller may drop them.
 * @throws {AgentError} `runtime.missing` as {@linkcode onnxRuntime}; `weights.missing` when the bytes are no graph.
 *
 * @example
 * ```ts
 * const session = await openOnnxSession(await loadWeights(weights, need));
 * const { Tensor } = await onnxRuntime();
 * const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(1, 2), [1, 2]) });
 * ```
 */
export async function openOnnxSession(graph: Uint8Array, options: OnnxSessionOptions = {}): Promise<OnnxSession> {
  const { InferenceSession } = await onnxRuntime();
  let session: OnnxSession;
  try {
    session = await takeTurn(() =>
      InferenceSession.create(graph, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "all",
        logSeverityLevel: 3, // errors alone: its warnings are about graphs that work, and go to the user's terminal
        ...options,
      })
    );
  } catch (cause) {
    throw new AgentError(
      "weights.missing",
      `Cannot open a model as its weights must be an ONNX graph: current value is ${graph.length} bytes that are none`,
      { cause },
    );
  }
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds) => takeTurn(() => session.run(feeds)),
    release: () => takeTurn(() => session.release()),
  };
}

async function importRuntime(): Promise<OnnxRuntime> {
  if (typeof WebAssembly === "undefined") {
    throw new AgentError(
      "runtime.missing",
      "Cannot load the ONNX runtime as the place must have WebAssembly: current value is a place without it",
    );
  }
  const restoreLocation = hideLocation();
  try {
    const runtime = await import("onnxruntime-web/wasm") as unknown as OnnxRuntime;
    runtime.env.wasm.numThreads = 1; // before the first session, or it starts threads of its own
    runtime.env.logLevel = "error";
    return runtime;
  } catch (cause) {
    throw new AgentError(
      "runtime.missing",
      "Cannot load the ONNX runtime as the package must be installed (`npm install onnxruntime-web`): current value is no such package",
      { cause },
    );
  } finally {
    restoreLocation();
  }
}

/**
 * A worker of Deno has a `location` in a `file:` address, whose origin is the word "null"; the runtime builds an address
 * on that origin while it is imported, and fails. So there is none for as long as the import takes.
 */
function hideLocation(): () => void {
  const { Deno, location } = globalThis as { Deno?: unknown; location?: { readonly origin?: string } };
  const own = Object.getOwnPropertyDescriptor(globalThis, "location");
  if (Deno === undefined || location?.origin !== "null" || own?.configurable !== true) return () => {};
  Object.defineProperty(globalThis, "location", { value: undefined, configurable: true, writable: true });
  return () => Object.defineProperty(globalThis, "location", own);
}
