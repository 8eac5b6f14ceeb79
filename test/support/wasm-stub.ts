// Small WebAssembly modules made by hand: for what happens when openssl.wasm is not the one that was expected.

const encoder = new TextEncoder()

/** LEB128, unsigned. */
function leb(value: number): number[] {
  const bytes: number[] = []
  do bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0))
  while ((value >>>= 7))
  return bytes
}

const name = (text: string): number[] => {
  const bytes = [...encoder.encode(text)]
  return [...leb(bytes.length), ...bytes]
}
const vector = (items: number[][]): number[] => [...leb(items.length), ...items.flat()]
const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body]

/** A module that exports one function, which returns `result`, under every given name, and one page of memory. */
export function stubModule(
  exports: readonly string[],
  result: number,
  imports: readonly [module: string, name: string][] = [],
): WebAssembly.Module {
  const I32 = 0x7f
  const types = vector([[0x60, ...vector([]), ...vector([[I32]])]])
  const imported = vector(imports.map(([module, field]) => [...name(module), ...name(field), 0, 0]))
  const body = [0, 0x41, result, 0x0b] // no locals; i32.const result; end
  const functionExports = exports.map((each) => [...name(each), 0, ...leb(imports.length)])
  return new WebAssembly.Module(
    new Uint8Array([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, types),
      ...section(2, imported),
      ...section(3, vector([[0]])),
      ...section(5, vector([[0, 1]])),
      ...section(7, vector([...functionExports, [...name('memory'), 2, 0]])),
      ...section(10, vector([[...leb(body.length), ...body]])),
    ]),
  )
}
