/**
 * Writes ONNX models: as much of the format as our graphs need, and nothing else. The bytes are the same on every runtime.
 *
 * @module
 */

/** Types of elements. */
export const FLOAT = 1;
export const INT8 = 3;
export const INT64 = 7;

/** A tensor that is part of the model. */
export interface Tensor {
  readonly type: typeof FLOAT | typeof INT8 | typeof INT64;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** The value of an attribute. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

class Bytes {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.length += part.length;
  }

  varint(value: number | bigint): void {
    let left = BigInt.asUintN(64, BigInt(value));
    const out: number[] = [];
    do {
      const low = Number(left & 0x7fn);
      left >>= 7n;
      out.push(left === 0n ? low : low | 0x80);
    } while (left !== 0n);
    this.bytes(Uint8Array.from(out));
  }

  int(field: number, value: number | bigint): void {
    this.varint(field << 3);
    this.varint(value);
  }

  block(field: number, value: Uint8Array | string | Bytes): void {
    const bytes = typeof value === "string"
      ? new TextEncoder().encode(value)
      : value instanceof Bytes
      ? value.join()
      : value;
    this.varint((field << 3) | 2);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  float(field: number, value: number): void {
    this.varint((field << 3) | 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.bytes(bytes);
  }

  join(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** A graph in the making. Operations give the name of what they compute. */
export class Graph {
  readonly #body = new Bytes();
  readonly #constants = new Map<string, string>();
  #serial = 0;

  /** Adds a tensor. Equal small ones are stored once. */
  constant(tensor: Tensor, name = `c${this.#serial++}`): string {
    const key = tensor.bytes.length <= 64 ? `${tensor.type}:${tensor.dims.join()}:${tensor.bytes.join()}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    if (key !== undefined) this.#constants.set(key, name);
    const t = new Bytes();
    for (const dim of tensor.dims) t.int(1, dim);
    t.int(2, tensor.type);
    t.block(8, name);
    t.block(9, tensor.bytes);
    this.#body.block(5, t);
    return name;
  }

  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): string {
    return this.constant({ type: FLOAT, dims, bytes: new Uint8Array(Float32Array.from(values).buffer) });
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.constant({ type: INT64, dims, bytes: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer) });
  }

  /** One operation with one result. */
  op(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): string {
    return this.ops(type, inputs, 1, attributes, domain)[0] as string;
  }

  /** One operation with several results. */
  ops(
    type: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): string[] {
    const outputs = Array.from({ length: count }, () => `v${this.#serial++}`);
    this.#node(type, inputs, outputs, attributes, domain);
    return outputs;
  }

  #node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    domain: string,
  ): void {
    const n = new Bytes();
    for (const input of inputs) n.block(1, input);
    for (const output of outputs) n.block(2, output);
    n.block(4, type);
    for (const [name, value] of Object.entries(attributes)) {
      const a = new Bytes();
      a.block(1, name);
      if (typeof value === "number") {
        a.int(3, value);
        a.int(20, 2);
      } else if (typeof value === "string") {
        a.block(4, value);
        a.int(20, 3);
      } else if ("float" in value) {
        a.float(2, value.float);
        a.int(20, 1);
      } else {
        for (const one of value) a.int(8, one);
        a.int(20, 7);
      }
      n.block(5, a);
    }
    if (domain !== "") n.block(7, domain);
    this.#body.block(1, n);
  }

  /** Names an input; a dimension is a number or a name. */
  input(name: string, type: number, dims: readonly (number | string)[]): string {
    this.#body.block(11, valueInfo(name, type, dims));
    return name;
  }

  /** Names an output. */
  output(name: string, from: string, type: number, dims: readonly (number | string)[]): void {
    this.#node("Identity", [from], [name], {}, "");
    this.#body.block(12, valueInfo(name, type, dims));
  }

  /** The finished model. */
  model(name: string): Uint8Array {
    this.#body.block(2, name);
    const m = new Bytes();
    m.int(1, 9); // IR version
    m.block(2, "repartee");
    m.block(7, this.#body);
    for (const [domain, version] of [["", 18], ["com.microsoft", 1]] as const) {
      const o = new Bytes();
      if (domain !== "") o.block(1, domain);
      o.int(2, version);
      m.block(8, o);
    }
    return m.join();
  }
}

function valueInfo(name: string, type: number, dims: readonly (number | string)[]): Bytes {
  const shape = new Bytes();
  for (const dim of dims) {
    const d = new Bytes();
    if (typeof dim === "number") d.int(1, dim);
    else d.block(2, dim);
    shape.block(1, d);
  }
  const tensor = new Bytes();
  tensor.int(1, type);
  tensor.block(2, shape);
  const of = new Bytes();
  of.block(1, tensor);
  const info = new Bytes();
  info.block(1, name);
  info.block(2, of);
  return info;
}
