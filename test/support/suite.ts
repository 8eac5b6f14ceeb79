// Suites of cases, over uvu. What it adds is what uvu lacks: a deadline for each case, cleanup that cannot be forgotten, skips that
// say why, and the check that a case leaves nothing behind. uvu's hooks stay hidden: a throw in one of them is swallowed.
//
//   const test = suite('engine: half-close')
//   test('reading goes on after closeWrite', (t) => {
//     const pair = t.own(makePair())
//     ...
//   })
//
// A file only registers; test/support/child.ts runs what was registered and reports it. Fixtures at file level may be keys and
// certificates in PEM, but no contexts or engines: they would count as left behind.
import { setTimeout as sleep } from 'node:timers/promises'
import * as uvu from 'uvu'
import { liveHandles } from '../../src/index.ts'
import { openSockets } from './sockets.ts'

export interface Skip {
  /** A kind from test/skips.ts, or another one: then it may not happen in CI. */
  kind: string
  reason: string
}

export interface CaseOptions {
  /** In seconds. */
  deadline?: number
  /** Contexts and engines may be left to the garbage collector, for interfaces without a way to free them; but they must get there. */
  collected?: boolean
}

const DEADLINE = 20
/** How often garbage is collected until nothing is left: what one collection finalizes may have held the next. */
const COLLECTIONS = 60

/** What a case gets. Things are cleaned up after it in reverse order, whether it passes or fails. */
export class Case {
  readonly #cleanups: (() => unknown)[] = []
  /** A fact worth printing beside the case's name. */
  note: string | undefined

  /** Runs `cleanup` after the case; promises are waited for. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  /** Disposes of `thing` after the case. */
  own<T extends Disposable>(thing: T): T {
    this.defer(() => thing[Symbol.dispose]())
    return thing
  }

  async cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup()
  }
}

export type Body = (t: Case) => void | Promise<void>

export interface Suite {
  (name: string, body: Body, options?: CaseOptions): void
  /** Registers the case as skipped. */
  skip(skip: Skip, name: string): void
  /** `test` where `skip` is undefined: for conditions found out once a file. */
  unless(skip: Skip | undefined): Suite
}

export interface Failure {
  message: string
  stack: string
  /** uvu's coloured difference of actual and expected. */
  details?: string
}

export type Report =
  | { type: 'start'; suite: string; name: string; deadline: number }
  | { type: 'passed' | 'failed' | 'skipped'; suite: string; name: string; ms: number; note?: string; failure?: Failure; skip?: Skip }
  /** An error outside of any case. */
  | { type: 'stray'; failure: Failure }
  | { type: 'end'; registered: number }

interface Registration {
  inner: ReturnType<typeof uvu.suite>
  cases: number
}

const registered: Registration[] = []
let report: (report: Report) => void = () => {}
/** Rejects the running case; errors that nobody awaits end up here. */
let failCurrent: ((error: unknown) => void) | undefined

/** Suites registered so far are handed to uvu's queue; returns how many cases they have. For child.ts. */
export function enqueue(reporter: (report: Report) => void): number {
  report = reporter
  for (const { inner } of registered) inner.run()
  return registered.reduce((sum, { cases }) => sum + cases, 0)
}

/** An unhandled rejection or uncaught exception: the running case has failed, or else the file. */
export function strayError(error: unknown): void {
  if (failCurrent) failCurrent(error)
  else report({ type: 'stray', failure: failureOf(error) })
}

/** @param title a module and what is shown of it: "engine: half-close" */
export function suite(title: string): Suite {
  const registration: Registration = { inner: uvu.suite(title), cases: 0 }
  registered.push(registration)
  return bind(registration, title, undefined)
}

function bind(registration: Registration, title: string, always: Skip | undefined): Suite {
  const add = (name: string, run: () => void | Promise<void>) => {
    registration.cases++
    registration.inner(name, run)
  }
  const skip = (skip: Skip, name: string) => add(name, () => report({ type: 'skipped', suite: title, name, ms: 0, skip }))
  const test = (name: string, body: Body, options?: CaseOptions) => {
    if (always) skip(always, name)
    else add(name, () => runCase(title, name, body, options))
  }
  return Object.assign(test, { skip, unless: (reason: Skip | undefined) => bind(registration, title, reason ?? always) })
}

async function runCase(title: string, name: string, body: Body, { deadline = DEADLINE, collected }: CaseOptions = {}): Promise<void> {
  report({ type: 'start', suite: title, name, deadline })
  const began = performance.now()
  const before = { handles: liveHandles(), sockets: openSockets() }
  const t = new Case()
  let error = await failureIn(() => body(t), deadline)
  const cleanupError = await failureIn(() => t.cleanUp(), deadline)
  error ??= cleanupError ?? (await failureIn(() => assertNothingLeft(before, collected ? COLLECTIONS : 0), deadline))
  const ms = Math.round(performance.now() - began)
  report({ type: error ? 'failed' : 'passed', suite: title, name, ms, note: t.note, ...(error && { failure: failureOf(error) }) })
  if (error) throw error
}

/** What `action` threw, as an Error; undefined when all went well. Never waits longer than the deadline. */
async function failureIn(action: () => void | Promise<void>, deadline: number): Promise<Error | undefined> {
  const timer = new AbortController()
  const stray = new Promise<never>((_, reject) => (failCurrent = reject))
  const late = sleep(deadline * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`deadline: not done after ${deadline} s`)
  })
  try {
    await Promise.race([(async () => action())(), stray, late])
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
  } finally {
    failCurrent = undefined
    timer.abort()
    late.catch(() => {})
  }
}

/** Sockets take some turns to close, so they get a second. Handles are freed when they are freed, or else collected. */
async function assertNothingLeft(before: { handles: number; sockets: number }, collections: number): Promise<void> {
  for (let i = 0; i < collections && liveHandles() > before.handles; i++) {
    globalThis.gc!()
    await sleep(i) // finalizers run in a task of their own; an alert may still be on its way
  }
  const handles = liveHandles() - before.handles
  if (handles > 0) throw new Error(`left behind: ${handles} contexts or engines that nobody freed`)
  for (let waited = 0; openSockets() > before.sockets; waited += 10) {
    if (waited > 1000) throw new Error(`left behind: ${openSockets() - before.sockets} open sockets or child processes`)
    await sleep(10)
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), stack: String(error) }
  const { details } = error as Error & { details?: unknown }
  const cause = error.cause instanceof Error ? `\ncause: ${readable(error.cause)}` : ''
  return { message: error.message, stack: readable(error) + cause, ...(typeof details === 'string' && { details }) }
}

/** Without the frames of uvu and of this file: they are in every stack and tell nothing. */
const readable = ({ stack, message }: Error): string =>
  (stack ?? message)
    .split('\n')
    .filter((line) => !/^ +at .*(\/uvu\/|\/support\/(suite|expect|child)\.)/.test(line))
    .join('\n')
