// Cases that run anywhere: registered when a suite is imported, run by an entry. Nothing here may import a module of a runtime.
//
//   const test = group('engine: handshake')
//   test('TLS 1.3', (t) => { const pair = t.own(makePair(t.world)) ... })
//
// Suites do nothing at their top level but register: some runtimes have neither clock nor entropy there.
import { liveHandles, TlsError } from 'membio'
import type { CaseReport, Need, Report, World } from '../world.ts'

export type Body = (t: Case) => void | Promise<void>

interface CaseOptions {
  /** In seconds. */
  deadline?: number
  /** Contexts may be left to the garbage collector, for interfaces without a way to free them. */
  leaves?: 'contexts'
}

interface Definition extends CaseOptions {
  group: string
  name: string
  needs: readonly Need[]
  body: Body
}

const DEADLINE = 30

let definitions: Definition[] = []
let needed: readonly Need[] = []

export type Group = (name: string, body: Body, options?: CaseOptions) => void

/** @param needs what all its cases need */
export function group(title: string, needs: readonly Need[] = []): Group {
  const all = [...needed, ...needs]
  return (name, body, options = {}) => {
    definitions.push({ group: title, name, needs: all, body, ...options })
  }
}

/** What is registered meanwhile needs this, too: for suites that know nothing of needs. */
export function needing(needs: readonly Need[], register: () => void): void {
  needed = needs
  register()
  needed = []
}

/** What `all` registers and `able` does not needs this: for suites that leave out what a subject cannot do. */
export function exceptFor(need: Need, all: () => void, able: () => void): void {
  const [known, there] = [collect(all), collect(able)]
  const same = (one: Definition) => there.find(({ group, name }) => group === one.group && name === one.name)
  definitions.push(...known.map((one) => same(one) ?? { ...one, needs: [...one.needs, need] }))
}

function collect(register: () => void): Definition[] {
  const before = definitions
  definitions = []
  register()
  const collected = definitions
  definitions = before
  return collected
}

let ours: World | undefined

/** Before the suites are imported: what a case does may depend on the world. */
export function enter(world: World): void {
  ours = world
}

export function world(): World {
  if (!ours) throw new Error('nobody has entered a world')
  return ours
}

/** What a case gets. Things are cleaned up after it in reverse order, whether it passes or fails. */
export class Case {
  readonly world = world()
  note: string | undefined
  readonly #cleanups: (() => unknown)[] = []

  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  own<T extends Disposable>(thing: T): T {
    this.defer(() => thing[Symbol.dispose]())
    return thing
  }

  async cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup()
  }
}

/** One after the other, in the order of registration. */
export async function runAll(report: (report: Report) => unknown): Promise<void> {
  const { wanted } = world()
  for (const definition of definitions) {
    const { group, name } = definition
    if (wanted.length && !wanted.some((part) => group.includes(part))) continue
    const reason = whyNot(definition)
    if (!reason) await report({ type: 'start', group, name })
    await report(reason ? { type: 'case', group, name, outcome: 'not run', ms: 0, reason } : await runCase(definition))
  }
}

/** Why a case is not run here. */
function whyNot({ group, name, needs }: Definition): string | undefined {
  const { lacks, exceptions } = world()
  const lacking = needs.find((need) => lacks[need] !== undefined)
  return lacking ? lacks[lacking] : exceptions.find((one) => one.group === group && one.name === name)?.reason
}

async function runCase({ group, name, body, deadline = DEADLINE, leaves }: Definition): Promise<CaseReport> {
  const began = performance.now()
  const before = liveHandles()
  const t = new Case()
  let reason = await failureIn(() => body(t), deadline)
  reason ??= await failureIn(() => t.cleanUp(), deadline)
  if (!reason && !leaves) reason = await leftBehind(before)
  const ms = Math.round(performance.now() - began)
  const outcome = reason ? 'failed' : 'passed'
  return { type: 'case', group, name, outcome, ms, ...(reason && { reason }), ...(t.note && { note: t.note }) }
}

async function leftBehind(before: number): Promise<string | undefined> {
  for (let turns = 0; turns < 100 && liveHandles() > before; turns++) await sleep(10)
  const left = liveHandles() - before
  return left > 0 ? `${left} contexts or engines are left behind` : undefined
}

async function failureIn(action: () => void | Promise<void>, deadline: number): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${deadline} s`)), deadline * 1000)
  })
  try {
    await Promise.race([(async () => action())(), late])
    return undefined
  } catch (error) {
    return describe(error)
  } finally {
    clearTimeout(timer)
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack?.includes(error.message) ? error.stack : `${error.message}\n${error.stack}`
  const code = error instanceof TlsError ? `[${error.kind} ${error.code}] ` : ''
  return `${code}${stack}${error.cause ? `\ncause: ${describe(error.cause)}` : ''}`
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

// ---- Assertions. ----

export function ok(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}

/** Equal as JSON. */
export function same(actual: unknown, expected: unknown, what = 'value'): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`)
}

export function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  const shared = Math.min(actual.length, expected.length)
  let at = 0
  while (at < shared && actual[at] === expected[at]) at++
  if (at < shared) throw new Error(`byte ${at} of ${expected.length} is ${actual[at]}, expected ${expected[at]}`)
  same(actual.length, expected.length, 'length')
}

/** The call throws, or its promise rejects, with this code. Resolves to the error. */
export async function fails(call: () => unknown, code: string): Promise<Error & { code?: string }> {
  let error: unknown
  try {
    await call()
  } catch (caught) {
    error = caught
  }
  ok(error !== undefined, `${code} expected, but it went well`)
  ok(error instanceof Error, `thrown: ${String(error)}`)
  if ((error as { code?: string }).code !== code) throw new Error(`not ${code}`, { cause: error })
  return error
}

// ---- Bytes. ----

export const MiB = 1024 * 1024
export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
export const fromHex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
