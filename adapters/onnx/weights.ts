/**
 * Where the numbers of an embedded model come from: a file, an address, bytes at hand, or a function that finds them.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";

/**
 * The weights of a model, as a user gives them: an address (`file:`, `http:`, `data:`), the bytes themselves, or a
 * function that returns them, called when the model is first used.
 */
export type Weights = URL | Uint8Array | (() => Promise<Uint8Array>);

/** What the error says when weights cannot be had. */
export interface WeightsNeed {
  /** The model they belong to, as in "Cannot load the weights of <model>". */
  readonly model: string;
  /** What has to be true for them to be found, as in "as <rule>". */
  readonly rule: string;
}

/** The part of Node's `fs/promises` used here. Structural, so that nobody needs its types. */
interface FileSystem {
  readFile(path: URL): Promise<Uint8Array>;
}

interface ProcessLike {
  getBuiltinModule?(name: string): unknown;
}

/**
 * Loads weights. Nothing is kept: whoever needs them twice holds on to the result.
 *
 * @throws {AgentError} `weights.missing` when there is no such file, the address does not answer with bytes, or the
 * function given rejects; the reason is the `cause`.
 */
export async function loadWeights(weights: Weights, need: WeightsNeed): Promise<Uint8Array> {
  if (weights instanceof Uint8Array) return weights;
  const source = weights instanceof URL ? weights.href.slice(0, 200) : "a function";
  let bytes: Uint8Array;
  try {
    bytes = weights instanceof URL ? await readUrl(weights) : await weights();
  } catch (cause) {
    throw missing(need, `${source}, which failed`, cause);
  }
  if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
  throw missing(need, `${source}, which gave no bytes`);
}

/** Weights as a worker is sent them: an address, or bytes. */
export type SentWeights = string | Uint8Array;

/**
 * What to send a worker: an address as it is, which it reads itself, and anything else as bytes.
 *
 * @throws {AgentError} `weights.missing`, as `loadWeights`.
 */
export async function sendableWeights(weights: Weights, need: WeightsNeed): Promise<SentWeights> {
  return weights instanceof URL ? weights.href : await loadWeights(weights, need);
}

/** What a worker was sent, as weights again. */
export function weightsOf(sent: SentWeights): Weights {
  return typeof sent === "string" ? new URL(sent) : sent;
}

/**
 * The address of a file in an installed package. `resolve` is the caller's `import.meta.resolve` with a literal, so
 * that the package is looked for from the caller's place.
 *
 * @throws {AgentError} `weights.missing` where the package is not installed, or the place has no installed packages.
 *
 * @example
 * ```ts
 * const url = packageFile(() => import.meta.resolve("some-model/weights.onnx"), {
 *   model: "some model",
 *   rule: "the package `some-model` must be installed",
 * });
 * ```
 */
export function packageFile(resolve: () => string, need: WeightsNeed): URL {
  try {
    return new URL(resolve());
  } catch (cause) {
    throw missing(need, "no such package", cause);
  }
}

async function readUrl(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:") {
    const { process } = globalThis as { process?: ProcessLike };
    const files = process?.getBuiltinModule?.("node:fs/promises") as FileSystem | undefined;
    // Without a file system `fetch` is asked: it refuses, and its reason becomes the cause.
    if (files !== undefined) return await files.readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function missing(need: WeightsNeed, value: string, cause?: unknown): AgentError {
  return new AgentError(
    "weights.missing",
    `Cannot load the weights of ${need.model} as ${need.rule}: current value is ${value}`,
    cause === undefined ? undefined : { cause },
  );
}
