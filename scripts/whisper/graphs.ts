/**
 * Whisper tiny.en as two ONNX graphs: sound to keys and values of the cross-attention, and tokens to the next token.
 *
 * @module
 */
import { FLOAT, Graph, INT64, INT8 } from "./onnx.ts";
import type { Weight } from "./weights.ts";

const WIDTH = 384;
const HEADS = 6;
const HEAD = 64;
const LAYERS = 4;
const MELS = 80;
const BINS = 201;
const WINDOW = 400;
const VOCABULARY = 51_864;
const MS = "com.microsoft";

/** Builds a graph out of named weights. */
class Builder {
  readonly g = new Graph();
  readonly #weights: ReadonlyMap<string, Weight>;

  constructor(weights: ReadonlyMap<string, Weight>) {
    this.#weights = weights;
  }

  weight(name: string): Weight {
    const weight = this.#weights.get(name);
    if (weight === undefined) throw new Error(`the model lacks ${name}`);
    return weight;
  }

  floats(name: string, dims = this.weight(name).dims): string {
    return this.g.floats(this.weight(name).values, dims);
  }

  /** Rows of 8-bit weights with a scale each; `[in, out]` when turned. */
  quantised(
    name: string,
    isTurned: boolean,
  ): { readonly values: string; readonly scales: string; readonly rows: number; readonly columns: number } {
    const { dims: [rows = 0, columns = 0], values } = this.weight(name);
    const bytes = new Int8Array(rows * columns);
    const scales = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      let most = 0;
      for (let c = 0; c < columns; c++) most = Math.max(most, Math.abs(values[row * columns + c] as number));
      const scale = Math.fround(most === 0 ? 1 : most / 127);
      scales[row] = scale;
      for (let c = 0; c < columns; c++) {
        bytes[isTurned ? c * rows + row : row * columns + c] = Math.round(
          (values[row * columns + c] as number) / scale,
        );
      }
    }
    return {
      values: this.g.constant({
        type: INT8,
        dims: isTurned ? [columns, rows] : [rows, columns],
        bytes: new Uint8Array(bytes.buffer),
      }),
      scales: this.g.floats(scales),
      rows,
      columns,
    };
  }

  /** A linear layer in 8-bit arithmetic: quick for many rows at once. */
  linear8(x: string, name: string): string {
    const { values, scales } = this.quantised(`${name}/weight`, true);
    return this.g.op("DynamicQuantizeMatMul", [x, values, scales, "", this.floats(`${name}/bias`)], {}, MS);
  }

  /** A linear layer whose weights are widened when the model is loaded: quick for one row. */
  linear(x: string, name: string): string {
    const { values, scales } = this.quantised(`${name}/weight`, true);
    const wide = this.g.op("Mul", [this.g.op("Cast", [values], { to: FLOAT }), scales]);
    return this.g.op("Add", [this.g.op("MatMul", [x, wide]), this.floats(`${name}/bias`)]);
  }

  norm(x: string, name: string): string {
    return this.g.op("LayerNormalization", [x, this.floats(`${name}/gamma`), this.floats(`${name}/beta`)], {
      axis: -1,
      epsilon: { float: 1e-5 },
    });
  }

  add(a: string, b: string): string {
    return this.g.op("Add", [a, b]);
  }

  gelu(x: string): string {
    return this.g.op("Gelu", [x], {}, MS);
  }

  /** [rows, 384] to [6, rows, 64]; turned: [6, 64, rows]. */
  heads(x: string, isTurned = false): string {
    const split = this.g.op("Reshape", [x, this.g.ints([-1, HEADS, HEAD])]);
    return this.g.op("Transpose", [split], { perm: isTurned ? [1, 2, 0] : [1, 0, 2] });
  }

  /** Attention of [6, n, 64] over [6, 64, m] and [6, m, 64], to [n, 384]. */
  attend(q: string, k: string, v: string, mask?: string): string {
    const scaled = this.g.op("Mul", [q, this.g.floats([0.125], [])]);
    let scores = this.g.op("MatMul", [scaled, k]);
    if (mask !== undefined) scores = this.add(scores, mask);
    const mixed = this.g.op("MatMul", [this.g.op("Softmax", [scores], { axis: -1 }), v]);
    return this.g.op("Reshape", [this.g.op("Transpose", [mixed], { perm: [1, 0, 2] }), this.g.ints([-1, WIDTH])]);
  }

  /** Parts of the last dimension, each 384 wide. */
  parts(x: string, count: number): string[] {
    return this.g.ops("Split", [x, this.g.ints(Array.from({ length: count }, () => WIDTH))], count, { axis: -1 });
  }
}

/** `audio` f32[N] to `cross_k` f32[4,6,64,T] and `cross_v` f32[4,6,T,64], with T = N / 320. N: a multiple of 320, up to 30 s. */
export function encoderGraph(weights: ReadonlyMap<string, Weight>): Uint8Array {
  const b = new Builder(weights);
  const { g } = b;
  const audio = g.input("audio", FLOAT, ["samples"]);
  const lined = g.op("Reshape", [audio, g.ints([1, 1, -1])]);
  const padded = g.op("Pad", [lined, g.ints([0, 0, WINDOW / 2, 0, 0, WINDOW / 2])], { mode: "reflect" });
  const spectrum = g.op("Conv", [padded, g.floats(fourier(), [2 * BINS, 1, WINDOW])], { strides: [160] });
  const whole = g.op("Slice", [spectrum, g.ints([0]), g.ints([-1]), g.ints([2])]); // the last frame is dropped
  const squared = g.op("Mul", [whole, whole]);
  const [re = "", im = ""] = g.ops("Split", [squared, g.ints([BINS, BINS])], 2, { axis: 1 });
  const mel = g.op("MatMul", [g.floats(melFilters(), [MELS, BINS]), b.add(re, im)]);
  const floor = g.op("Max", [mel, g.floats([1e-10], [])]);
  const log = g.op("Mul", [g.op("Log", [floor]), g.floats([0.4342944819032518], [])]);
  const peak = g.op("ReduceMax", [log], { keepdims: 1 });
  const clipped = g.op("Max", [log, g.op("Sub", [peak, g.floats([8], [])])]);
  const scaled = g.op("Mul", [b.add(clipped, g.floats([4], [])), g.floats([0.25], [])]);

  const conv = (x: string, name: string, stride: number): string =>
    b.gelu(
      g.op("Conv", [x, b.floats(`${name}/weight`), b.floats(`${name}/bias`)], { strides: [stride], pads: [1, 1] }),
    );
  const features = conv(conv(scaled, "encoder/conv1", 1), "encoder/conv2", 2);
  let x = g.op("Reshape", [g.op("Transpose", [features], { perm: [0, 2, 1] }), g.ints([-1, WIDTH])]);
  const length = g.op("Slice", [g.op("Shape", [x]), g.ints([0]), g.ints([1])]);
  const positions = b.floats("encoder/position_encodings/encodings");
  x = b.add(x, g.op("Slice", [positions, g.ints([0]), length, g.ints([0])]));
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `encoder/layer_${layer}`;
    const [q = "", k = "", v = ""] = b.parts(
      b.linear8(b.norm(x, `${at}/self_attention/layer_norm`), `${at}/self_attention/linear_0`),
      3,
    );
    x = b.add(x, b.linear8(b.attend(b.heads(q), b.heads(k, true), b.heads(v)), `${at}/self_attention/linear_1`));
    const wide = b.gelu(b.linear8(b.norm(x, `${at}/ffn/layer_norm`), `${at}/ffn/linear_0`));
    x = b.add(x, b.linear8(wide, `${at}/ffn/linear_1`));
  }
  x = b.norm(x, "encoder/layer_norm");
  const keys: string[] = [];
  const values: string[] = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const [k = "", v = ""] = b.parts(b.linear8(x, `decoder/layer_${layer}/attention/linear_1`), 2);
    keys.push(g.op("Unsqueeze", [b.heads(k, true), g.ints([0])]));
    values.push(g.op("Unsqueeze", [b.heads(v), g.ints([0])]));
  }
  g.output("cross_k", g.op("Concat", keys, { axis: 0 }), FLOAT, [LAYERS, HEADS, HEAD, "frames"]);
  g.output("cross_v", g.op("Concat", values, { axis: 0 }), FLOAT, [LAYERS, HEADS, "frames", HEAD]);
  return g.model("whisper_tiny_en_encoder");
}

/** `tokens` i64[n] and `past` f32[8,6,P,64] to `logits` f32[n,51864] and `present` f32[8,6,P+n,64]. */
export function decoderGraph(weights: ReadonlyMap<string, Weight>): Uint8Array {
  const b = new Builder(weights);
  const { g } = b;
  const tokens = g.input("tokens", INT64, ["n"]);
  const past = g.input("past", FLOAT, [2 * LAYERS, HEADS, "past", HEAD]);
  const crossK = g.input("cross_k", FLOAT, [LAYERS, HEADS, HEAD, "frames"]);
  const crossV = g.input("cross_v", FLOAT, [LAYERS, HEADS, "frames", HEAD]);

  const embeddings = b.quantised("decoder/embeddings/weight", false);
  const rows = g.op("Cast", [g.op("Gather", [embeddings.values, tokens])], { to: FLOAT });
  const rowScales = g.op("Unsqueeze", [g.op("Gather", [embeddings.scales, tokens]), g.ints([1])]);
  const before = g.op("Slice", [g.op("Shape", [past]), g.ints([2]), g.ints([3])]);
  const count = g.op("Shape", [tokens]);
  const after = b.add(before, count);
  const positions = g.op("Slice", [b.floats("decoder/position_encodings/encodings"), before, after, g.ints([0])]);
  let x = b.add(g.op("Mul", [rows, rowScales]), positions);

  // A token sees itself and what was before it.
  const scalar = (v: string): string => g.op("Reshape", [v, g.ints([], [0])]);
  const range = (from: string, to: string): string => g.op("Range", [from, to, g.ints([1], [])]);
  const own = g.op("Unsqueeze", [range(scalar(before), scalar(after)), g.ints([1])]);
  const seen = g.op("Unsqueeze", [range(g.ints([0], []), scalar(after)), g.ints([0])]);
  const mask = g.op("Where", [g.op("Greater", [seen, own]), g.floats([-1e9], []), g.floats([0], [])]);

  const present: string[] = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `decoder/layer_${layer}`;
    const [q = "", k = "", v = ""] = b.parts(
      b.linear(b.norm(x, `${at}/self_attention/layer_norm`), `${at}/self_attention/linear_0`),
      3,
    );
    const joined = (index: number, fresh: string): string =>
      g.op("Concat", [g.op("Gather", [past, g.ints([index], [])], { axis: 0 }), b.heads(fresh)], { axis: 1 });
    const keys = joined(2 * layer, k);
    const values = joined(2 * layer + 1, v);
    present.push(g.op("Unsqueeze", [keys, g.ints([0])]), g.op("Unsqueeze", [values, g.ints([0])]));
    const turned = g.op("Transpose", [keys], { perm: [0, 2, 1] });
    x = b.add(x, b.linear(b.attend(b.heads(q), turned, values, mask), `${at}/self_attention/linear_1`));
    const cross = b.heads(b.linear(b.norm(x, `${at}/attention/layer_norm`), `${at}/attention/linear_0`));
    const ck = g.op("Gather", [crossK, g.ints([layer], [])], { axis: 0 });
    const cv = g.op("Gather", [crossV, g.ints([layer], [])], { axis: 0 });
    x = b.add(x, b.linear(b.attend(cross, ck, cv), `${at}/attention/linear_2`));
    const wide = b.gelu(b.linear(b.norm(x, `${at}/ffn/layer_norm`), `${at}/ffn/linear_0`));
    x = b.add(x, b.linear(wide, `${at}/ffn/linear_1`));
  }
  x = b.norm(x, "decoder/layer_norm");
  const columns = g.op("Reshape", [embeddings.scales, g.ints([-1, 1])]);
  const wide = g.op("Mul", [g.op("Cast", [embeddings.values], { to: FLOAT }), columns]);
  g.output("logits", g.op("Gemm", [x, wide], { transB: 1 }), FLOAT, ["n", VOCABULARY]);
  g.output("present", g.op("Concat", present, { axis: 0 }), FLOAT, [2 * LAYERS, HEADS, "total", HEAD]);
  return g.model("whisper_tiny_en_decoder");
}

/** Kernels of a Hann-windowed Fourier transform: cosines, then sines. */
function fourier(): Float32Array {
  const kernels = new Float32Array(2 * BINS * WINDOW);
  for (let n = 0; n < WINDOW; n++) {
    const hann = 0.5 - 0.5 * cosTurn(n, WINDOW);
    for (let bin = 0; bin < BINS; bin++) {
      const turn = (bin * n) % WINDOW;
      kernels[bin * WINDOW + n] = hann * cosTurn(turn, WINDOW);
      kernels[(BINS + bin) * WINDOW + n] = hann * cosTurn((turn + (3 * WINDOW) / 4) % WINDOW, WINDOW);
    }
  }
  return kernels;
}

/** cos(2 pi a / b), by sums and products alone, so that every runtime gives the same bits. */
function cosTurn(a: number, b: number): number {
  let turn = a / b;
  if (turn > 0.5) turn = 1 - turn;
  const sign = turn > 0.25 ? -1 : 1;
  if (turn > 0.25) turn = 0.5 - turn;
  const x = turn * 6.283185307179586;
  let term = 1;
  let sum = 1;
  for (let k = 1; k <= 12; k++) {
    term *= -(x * x) / ((2 * k - 1) * (2 * k));
    sum += term;
  }
  return sign * sum;
}

/** e^x, as above. */
function exp(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k <= 30; k++) {
    term *= x / k;
    sum += term;
  }
  return sum;
}

/** Eighty triangles on Slaney's mel scale, of equal area. */
function melFilters(): Float32Array {
  const LOG_STEP = 1.8562979903656263 / 27; // ln(6.4) / 27
  const top = 15 + 27 * (2.0794415416798357 / 1.8562979903656263); // mel of 8,000 Hz: 15 + ln(8) / step
  const hz = (mel: number): number => mel < 15 ? (200 / 3) * mel : 1_000 * exp(LOG_STEP * (mel - 15));
  const edges = Array.from({ length: MELS + 2 }, (_, index) => hz((top * index) / (MELS + 1)));
  const filters = new Float32Array(MELS * BINS);
  for (let mel = 0; mel < MELS; mel++) {
    const [left = 0, middle = 0, right = 0] = edges.slice(mel, mel + 3);
    for (let bin = 0; bin < BINS; bin++) {
      const at = bin * 40;
      const height = Math.max(0, Math.min((at - left) / (middle - left), (right - at) / (right - middle)));
      filters[mel * BINS + bin] = height * (2 / (right - left));
    }
  }
  return filters;
}
