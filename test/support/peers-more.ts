// What the tests of single features need beside peers.ts: s_client with its command letters, lines said and answered, files the peers read.
import { createServer as listener, type AddressInfo, type Socket } from 'node:net'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { HOST, root, server as goodServer } from './certs.ts'
import { file, missing, Program } from './peers.ts'
import type { NodePeer } from './sockets-node.ts'
import type { Party } from './sockets-party.ts'
import { suite, type Case, type Skip, type Suite } from './suite.ts'
import type { Version } from '../../src/index.ts'

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly Version[]

/** A suite that is skipped where the program is missing; without a program it is Node's own tls, which is never. */
export const withPeer = (title: string, program?: string): Suite =>
  suite(`interop: ${title}`).unless(program ? missing(program) : undefined)

/** Why a row of a table has no case: the program is there, and cannot do it. */
export const cannot = (reason: string): Skip => ({ kind: 'peer-cannot', reason })

/** Only this version, in openssl's words. */
export const OPENSSL_ONLY: Record<Version, string> = { 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' }
/** Only this version, to be followed by more of a GnuTLS priority string. */
export const GNUTLS_ONLY: Record<Version, string> = {
  'TLSv1.2': 'NORMAL:-VERS-ALL:+VERS-TLS1.2',
  'TLSv1.3': 'NORMAL:-VERS-ALL:+VERS-TLS1.3',
}

/**
 * `openssl s_client` with its command letters, at the start of a line: k and K update keys, R renegotiates, Q quits. It verifies the server
 * against the test root. Without `-brief` it tells all about the connection.
 */
export function sClient(t: Case, port: number, args: readonly string[] = []): Program {
  const words = ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', file(t, 'ca.pem', root().cert), '-verify_return_error']
  if (!args.includes('-noservername')) words.push('-servername', HOST)
  return new Program(t, 'openssl', [...words, ...args])
}

/** `gnutls-serv` with these words only: it asks for client certificates and verifies none. Ports are tried, for it cannot choose one. */
export async function gnutlsAsking(t: Case, words: readonly string[]): Promise<Program> {
  for (let tries = 0; ; tries++) {
    const port = await freePort()
    const program = new Program(t, 'gnutls-serv', ['--echo', '--require-client-cert', ...words, '-p', String(port)])
    const [, failed] = await program.until(/listening on IPv4 .*done|(bind\(\) failed)/)
    program.port = port
    if (!failed) return program
    if (tries === 5) throw new Error(`gnutls-serv finds no free port: ${program.output}`)
  }
}

async function freePort(): Promise<number> {
  const probe = listener()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** The program says a line, and prints it when it has come back: perhaps right behind half a line that is still in its buffer. */
export async function echoed(program: Program, line = 'hello, membio'): Promise<void> {
  await program.write(`${line}\n`)
  await program.until(new RegExp(`${line}$`, 'm'))
}

/** We say a line, and it comes back, perhaps reversed (`s_server -rev`). */
export async function answered(party: Party, line = '0123456789'): Promise<void> {
  const before = party.text.length
  party.poller.write(`${line}\n`)
  await party.until(() => party.text.length >= before + line.length + 1)
  const answer = party.text.slice(before).trimEnd()
  if (answer !== line && answer !== [...line].reverse().join('')) throw new Error(`said ${line}, heard ${answer}`)
}

let exchanges = 0

/** With an s_server that sends what it reads: we say a line, it prints it; it says one, we get it. Digits only, for they are no commands. */
export async function exchanged(program: Program, party: Party): Promise<void> {
  const line = String(10_000 + exchanges++)
  party.poller.write(`${line}\n`)
  await program.until(new RegExp(`${line}$`, 'm'))
  const before = party.text.length
  await program.write(`${line}\n`)
  await party.until(() => party.text.slice(before) === `${line}\n`)
}

/** A tls.Server that sends back what it receives, for those who need its events. */
export async function nodeEcho(t: Case, options: TlsOptions, prepare: (server: Server) => void = () => {}): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer({ ...goodServer(), ...options }, (socket) => void socket.on('error', () => {}).pipe(socket))
  server.on('connection', (socket: Socket) => open.add(socket))
  server.on('tlsClientError', () => {})
  prepare(server)
  t.defer(() => {
    for (const socket of open) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Why the connection failed. A socket that may be half-open need not close. */
export async function failureOf(peer: NodePeer): Promise<Error> {
  await peer.until(() => peer.error !== undefined)
  return peer.error!
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
