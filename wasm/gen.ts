// Reads abi.h and writes src/abi/generated.ts (constants, struct layouts, typed exports) and the linker's export list.
// Run by `npm run build:abi`; with --check it only compares, and fails where the committed file has drifted.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

type Field = { name: string; type: string; offset: number; size: number }
type Struct = { name: string; doc: string; fields: Field[]; size: number }
type Parameter = { name: string; type: string }
type Export = { name: string; doc: string; result: string; parameters: Parameter[] }
type Contract = { constants: Map<string, number>; opaque: string[]; structs: Struct[]; exports: Export[] }

const SCALARS: Record<string, { size: number; ts: string }> = {
  uint32_t: { size: 4, ts: 'number' },
  int32_t: { size: 4, ts: 'number' },
  size_t: { size: 4, ts: 'number' },
  double: { size: 8, ts: 'number' },
}

function parseConstants(source: string): Map<string, number> {
  const found = source.matchAll(/^#define (\w+) \(?(-?(?:0x[\da-f]+|\d+))\)?/gim)
  return new Map([...found].map(([, name, value]) => [name!, Number(value)]))
}

function parseStructs(source: string): Struct[] {
  const structs: Struct[] = []
  for (const [, doc, name, body] of source.matchAll(/(?:\/\*((?:(?!\*\/)[^])*)\*\/\n)?^typedef struct (\w+) \{([^}]*)\}/gm)) {
    let offset = 0
    const fields = [...body!.matchAll(/^\s*(\w+) (\w+)(?:\[(\d+)\])?;/gm)].map(([line, type, field, count]): Field => {
      const size = type === 'char' ? Number(count) : SCALARS[type!]?.size
      if (!size) throw new Error(`abi.h: struct ${name}: cannot lay out "${line.trim()}"`)
      const align = type === 'char' ? 1 : size
      const at = Math.ceil(offset / align) * align
      offset = at + size
      return { name: field!, type: type!, offset: at, size }
    })
    structs.push({ name: name!, doc: clean(doc), fields, size: Math.ceil(offset / 4) * 4 })
  }
  return structs
}

function parseExports(source: string): Export[] {
  const pattern = /(?:\/\*((?:(?!\*\/)[^])*)\*\/\n)?EXPORT ([\w ]+?\*?)\s*(\w+)\(([^)]*)\);/g
  return [...source.matchAll(pattern)].map(([, doc, result, name, list]) => ({
    name: name!,
    doc: clean(doc),
    result: result!.trim(),
    parameters: list!.trim() === 'void' ? [] : list!.split(',').map(parseParameter),
  }))
}

function parseParameter(text: string): Parameter {
  const match = /^\s*(.*[\s*])(\w+)\s*$/s.exec(text)
  if (!match) throw new Error(`abi.h: cannot read the parameter "${text.trim()}"`)
  return { type: match[1]!.trim(), name: match[2]! }
}

const clean = (comment = '') => comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim()

function parse(source: string): Contract {
  return {
    constants: parseConstants(source),
    opaque: [...source.matchAll(/^typedef struct (\w+) \1;/gm)].map(([, name]) => name!),
    structs: parseStructs(source),
    exports: parseExports(source),
  }
}

// ---- Writing TypeScript. ----

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const pascal = (name: string) => camel(`_${name}`)

/** Pointers are numbers with a brand for each C type: a context where a connection belongs does not compile. */
function tsType(c: string, contract: Contract): string {
  const pointee = /^(?:const )?(\w+) ?\*$/.exec(c)?.[1]
  if (!pointee) {
    if (c === 'void') return 'void'
    if (SCALARS[c]) return 'number'
    throw new Error(`abi.h: no TypeScript type for "${c}"`)
  }
  if (pointee === 'uint8_t' || pointee === 'char' || pointee === 'uint32_t') return 'Pointer'
  if (contract.opaque.includes(pointee) || contract.structs.some((s) => s.name === pointee)) return `${pascal(pointee)}Pointer`
  throw new Error(`abi.h: no TypeScript type for "${c}"`)
}

function writeStruct(struct: Struct): string {
  const rows = struct.fields.map((f) => `  ${camel(f.name)}: { type: '${f.type}', offset: ${f.offset}, size: ${f.size} },`)
  return `/** ${struct.doc} */\nexport const ${camel(struct.name)}Layout = {\n${rows.join('\n')}\n} as const\n/** sizeof(${struct.name}) */\nexport const ${camel(struct.name)}Size = ${struct.size}\n`
}

function write(contract: Contract): string {
  const pointers = [...contract.opaque, ...contract.structs.map((s) => s.name)]
  const constants = [...contract.constants].map(([name, value]) => `export const ${name} = ${value}`)
  const functions = contract.exports.map(({ name, doc, result, parameters }) => {
    const list = parameters.map((p) => `${camel(p.name)}: ${tsType(p.type, contract)}`).join(', ')
    return `${doc ? `  /** ${doc} */\n` : ''}  ${name}(${list}): ${tsType(result, contract)}`
  })
  return `// Generated from wasm/abi.h by wasm/gen.ts (npm run build:abi). Do not edit.

${constants.join('\n')}

/** An address in the module's memory; 0 is NULL. */
export type Pointer = number & { readonly pointer?: string }
${pointers.map((name) => `export type ${pascal(name)}Pointer = number & { readonly pointer?: '${name}' }`).join('\n')}

${contract.structs.map(writeStruct).join('\n')}
/** What openssl.wasm exports, beside its memory. */
export interface Exports {
${functions.join('\n')}
}

export const EXPORT_NAMES = [
${contract.exports.map(({ name }) => `  '${name}',`).join('\n')}
] as const satisfies readonly (keyof Exports)[]
`
}

const contract = parse(readFileSync('wasm/abi.h', 'utf8'))
const target = 'src/abi/generated.ts'
const text = write(contract)
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(`${target} does not match wasm/abi.h: run "npm run build:abi" and commit the result`)
    process.exit(1)
  }
} else {
  mkdirSync('build/wasm', { recursive: true })
  mkdirSync('src/abi', { recursive: true })
  writeFileSync('build/wasm/exports.txt', contract.exports.map(({ name }) => `${name}\n`).join(''))
  writeFileSync(target, text)
}
