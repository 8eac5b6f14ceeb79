// What the rows of one client are written with: cases of test/support/suite.ts, which pass only if the client's TLS was the one under
// test. Import this first in a row's file, before the client.
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { liveHandles } from '../../src/index.ts'
import { Case, suite } from '../support/suite.ts'
import { briefing, type Certificates } from './server.ts'
import { agreedBy, newestSocket, strange, takeSockets, tls, type Agreed } from './under-test.ts'

export { factsOf } from './server.ts'
export { isNative, newestSocket, recordAccepted, socketCount } from './under-test.ts'

export const certificates: Certificates = briefing().certificates

/** In seconds; most rows take less than one. */
const DEADLINE = 60

export type Rows = (name: string, body: (t: Case) => Promise<void>) => void

export function rows(client: string): Rows {
  const test = suite(client)
  return (name, body) => test(name, (t) => runRow(t, body), { deadline: DEADLINE })
}

/** The row's own things are out of reach before garbage is collected. */
async function runRow(t: Case, body: (t: Case) => Promise<void>): Promise<void> {
  let row: Case | undefined = new Case()
  t.defer(collectGarbage)
  t.defer(async () => {
    const ended = row!
    row = undefined
    await ended.cleanUp()
  })
  takeSockets()
  await body(row)
  t.note = row.note
  const sockets = takeSockets()
  assert.ok(sockets.length, 'the client made no TLS socket')
  for (const socket of sockets) expectUnderTest(socket)
}

function expectUnderTest(socket: TLSSocket): void {
  assert.ok(socket instanceof tls.TLSSocket, 'a socket of another TLS')
  if (strange) assert.not(socket instanceof strange, "a socket of Node's own TLS")
}

/**
 * A client keeps its contexts as long as it likes, and what its owner has dropped counts as left behind until it is collected. That takes a
 * second where a connection has ended with the peer's close_notify still to come: for so long the poller holds everything.
 */
async function collectGarbage(): Promise<void> {
  for (const patience = performance.now() + 3000; performance.now() < patience && liveHandles() > 0; await sleep(20)) globalThis.gc?.()
}

/** The server's word for the protocol and the suite must be the client's. They are printed beside the row's name. */
export function expectAgreed(t: Case, server: Agreed): void {
  assert.equal(server, agreedBy(newestSocket()))
  noteAgreed(t)
}

/** For servers that say nothing. */
export function noteAgreed(t: Case): void {
  const { version, cipher } = agreedBy(newestSocket())!
  t.note = `${version} ${cipher}`
}

/** OpenSSL's words for a chain that ends in a root the client does not know: the server sent the root along, or did not. */
export const UNKNOWN_CA = ['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']
export const OTHER_NAME = ['ERR_TLS_CERT_ALTNAME_INVALID']

/** For clients that put a code of their own in the place of TLS's, and keep the message. */
export const UNKNOWN_CA_MESSAGE = /self-signed certificate in certificate chain|unable to verify the first certificate/
export const OTHER_NAME_MESSAGE = /Host: other\.test\. is not in the cert's altnames/

/** It fails, with one of these codes somewhere in its causes. */
export async function expectCode(attempt: Promise<unknown>, codes: readonly string[]): Promise<void> {
  const error = await failureOf(attempt)
  const found = [...chain(error)]
  assert.ok(codes.some((code) => found.includes(code)), `${codes.join(' or ')} expected, not ${found.join(', ')}: ${error}`)
}

export async function expectMessage(attempt: Promise<unknown>, pattern: RegExp): Promise<void> {
  assert.match((await failureOf(attempt)).message, pattern)
}

const failureOf = (attempt: Promise<unknown>): Promise<Error> =>
  attempt.then(
    () => new Error('it was accepted'),
    (reason: Error) => reason,
  )

function* chain(error: unknown): Iterable<string | undefined> {
  for (let one = error; one instanceof Error; one = one.cause) yield (one as NodeJS.ErrnoException).code
}

/** Bytes that compress badly and are the same each time. */
export function noise(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = 0x2545f491
  for (let at = 0; at < length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state & 0xff
  }
  return bytes
}

/** For what a server says it has received, or sent. */
export function expectHash(bytes: string | Uint8Array, hexSha256: string): void {
  assert.is(createHash('sha256').update(bytes).digest('hex'), hexSha256, 'SHA-256')
}

/** What a server has logged is there only a moment later. */
export async function eventually<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    await sleep(10)
  }
}

export const MiB = 1024 * 1024
