// The public surface, read from the emitted .d.ts files: each entry's exports, a line a symbol or member, and whether it is documented. The
// files are as tsc writes them, four spaces a level, which is all this reader knows of TypeScript.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Symbol {
  /** As in the snapshot: `membio: TlsEngine.handshake(): Status;` */
  line: string
  documented: boolean
}

interface Exported {
  name: string
  from: string
}

/** `export { type A, b as c } from './x.ts'` and `export type { A } from './x.ts'`. */
function reexports(text: string): Exported[] {
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from ['"](.+?)['"];/gm)].flatMap(([, names, from]) =>
    names!
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter(Boolean)
      .map((name) => ({ name, from: from! })),
  )
}

const DECLARATION = /^(?:export )?(?:declare )?(?:abstract )?(class|interface|type|const|function) (\w+)/

/** The lines of a top-level declaration, with the comment before it. */
interface Block {
  name: string
  documented: boolean
  lines: string[]
}

function blocks(text: string): Block[] {
  const found: Block[] = []
  let documented = false
  let current: Block | undefined
  for (const line of text.split('\n')) {
    if (/^\/\*\*/.test(line)) documented = true
    const name = DECLARATION.exec(line)?.[2]
    if (name) {
      current = { name, documented, lines: [] }
      found.push(current)
      documented = false
    }
    if (/^export \{/.test(line)) current = undefined
    if (current && !/^( \*|\/\*\*)/.test(line)) current.lines.push(line)
  }
  return found
}

/** Members are indented by four spaces; what is indented more belongs to the member before it. */
function members({ name, lines }: Block): { text: string; documented: boolean }[] {
  const found: { text: string; documented: boolean }[] = []
  let documented = false
  for (const line of lines.slice(1)) {
    if (/^ {4}\/\*\*/.test(line)) documented = true
    if (/^ {5,}\*/.test(line) || /^ {4}(\/\*\*|\/\/)/.test(line)) continue
    if (/^ {4}[}\]|)]/.test(line) && found.length) found.at(-1)!.text += ` ${line.trim()}`
    else if (/^ {4}\S/.test(line)) {
      if (!/^ {4}(#|private |protected )/.test(line)) found.push({ text: line.trim(), documented })
      documented = false
    } else if (/^ {8}/.test(line) && found.length && !/^ {8,}(\/\*\*|\*)/.test(line)) {
      found.at(-1)!.text += ` ${line.trim()}`
    }
  }
  return found.map(({ text, documented }) => ({ text: `${name}.${text}`, documented }))
}

function symbolsOf(entry: string, block: Block): Symbol[] {
  const [first = ''] = block.lines
  const code = block.lines.map((line) => line.trim()).filter((line) => !/^(\/\*\*|\*)/.test(line))
  const whole = /\b(type|const|function) /.test(first) ? code.join(' ') : first.replace(/ \{$/, '')
  const own = { line: `${entry}: ${whole.replace(/^export (declare )?/, '').trim()}`, documented: block.documented }
  if (!/\b(class|interface) /.test(first)) return [own]
  return [own, ...members(block).map(({ text, documented }) => ({ line: `${entry}: ${text}`, documented }))]
}

/** @param path the entry's index.d.ts */
export function surfaceOf(entry: string, path: string): Symbol[] {
  const text = readFileSync(path, 'utf8')
  const own = blocks(text)
    .filter(({ lines }) => lines[0]!.startsWith('export '))
    .flatMap((block) => symbolsOf(entry, block))
  const passedOn = reexports(text).flatMap(({ name, from }) => {
    const file = join(dirname(path), from.replace(/\.(ts|js)$/, '.d.ts'))
    const overloads = blocks(readFileSync(file, 'utf8')).filter((block) => block.name === name)
    if (!overloads.length) throw new Error(`${entry} exports ${name}, which ${file} does not declare`)
    const documented = overloads.some((block) => block.documented)
    return overloads.flatMap((block) => symbolsOf(entry, { ...block, documented }))
  })
  return [...own, ...passedOn]
}
