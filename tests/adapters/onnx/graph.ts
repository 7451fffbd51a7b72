/**
 * The smallest graph: `y = abs(x)` over floats, as the bytes of an ONNX file. Written by hand, so that the tests of the
 * loader depend on no model.
 */
export function absGraph(): Uint8Array {
  const text = (value: string): number[] => [...new TextEncoder().encode(value)];
  const field = (number: number, body: readonly number[]): number[] => [(number << 3) | 2, body.length, ...body];
  const integer = (number: number, value: number): number[] => [number << 3, value];
  const floats = field(2, field(1, integer(1, 1))); // type: tensor of float32, of any shape
  const value = (name: string): number[] => [...field(1, text(name)), ...floats];
  const node = [...field(1, text("x")), ...field(2, text("y")), ...field(4, text("Abs"))];
  const graph = [...field(1, node), ...field(2, text("g")), ...field(11, value("x")), ...field(12, value("y"))];
  return Uint8Array.from([...integer(1, 8), ...field(7, graph), ...field(8, integer(2, 13))]);
}
