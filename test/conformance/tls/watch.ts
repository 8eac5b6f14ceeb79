// Watching sockets: what they emitted in which order, what they delivered, how they ended.
import { once, type EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import type { Failure } from './parties.ts'

/** The names of the events as they come. To ask for `data` is to let the stream flow. */
export function record(emitter: EventEmitter, ...events: string[]): string[] {
  const names: string[] = []
  for (const event of events) emitter.on(event, () => names.push(event))
  return names
}

/** Whether `close` says that there was an error. Whoever waits for it later than the event waits for ever. */
export const closing = (socket: EventEmitter): Promise<boolean> => new Promise((resolve) => socket.once('close', resolve))

/** The socket's next error. */
export const failing = (socket: EventEmitter): Promise<Failure> => new Promise((resolve) => socket.once('error', resolve))

/** The error a call throws. */
export function thrownBy(call: () => unknown): Failure {
  try {
    call()
  } catch (error) {
    return error as Failure
  }
  throw new Error('nothing was thrown')
}

/** What a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise
  } catch (error) {
    return error as Failure
  }
  throw new Error('the promise was fulfilled')
}

/** The error has exactly these fields. */
export function sameFields(error: Failure | undefined | null, fields: Readonly<Record<string, unknown>>): void {
  if (!error) throw new Error('there is no error')
  const actual = Object.fromEntries(Object.keys(fields).map((name) => [name, error[name as keyof Failure]]))
  assert.equal(actual, fields, `${error.code}: ${error.message}`)
}

/** The next `length` bytes; what follows is put back, and the stream does not flow. */
export async function take(stream: Duplex, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let missing = length; missing > 0;) {
    const chunk = stream.read() as Buffer | null
    if (!chunk) {
      await once(stream, 'readable')
      continue
    }
    if (chunk.length > missing) stream.unshift(chunk.subarray(missing))
    chunks.push(chunk.subarray(0, missing))
    missing -= chunk.length
  }
  return Buffer.concat(chunks)
}

/** Everything up to the end. */
export async function readToEnd(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk)).resume()
  await once(stream, 'end')
  return Buffer.concat(chunks)
}

/** Looks at the condition once a turn: for what no event tells. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}

/** Long enough for whatever was still going to happen in this process. */
export async function someTurns(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn()
}
