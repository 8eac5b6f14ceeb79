// How the samples print a handshake: one line for each event of the engine and of the poller, and a summary of what was agreed.
import type { Agreed } from 'membio'
import type { PollerEvent } from 'membio/transport'
import { parseCertificate } from 'membio/x509'

/** One line: "--> message  ClientHello  1481 bytes" is what we sent, "<--" what we received. `who` stands before it. */
export function printEvent(event: PollerEvent, who = ''): void {
  const line = eventLine(event)
  if (line) console.log(who ? `${who} ${line}` : line)
}

/** What the handshake came to, and who the peer is. */
export function printAgreed({ version, cipherSuite, group, alpn, resumed, peerChain }: Agreed): void {
  const line = (name: string, value = 'none') => console.log(`${name.padEnd(13)}${value}`)
  line('protocol', resumed ? `${version}, resumed` : version)
  line('cipher suite', cipherSuite.name)
  line('group', group)
  line('alpn', alpn)
  if (!peerChain[0]) return
  const { subject, issuer, notBefore, notAfter, fingerprint256 } = parseCertificate(peerChain[0])
  line('certificate', subject)
  line('issuer', issuer)
  line('valid', `${notBefore.toISOString()} to ${notAfter.toISOString()}`)
  line('fingerprint', `SHA-256 ${fingerprint256}`)
}

function eventLine(event: PollerEvent): string | undefined {
  switch (event.type) {
    case 'message':
      return messageLine(event.direction, event.content, event.bytes)
    case 'state':
      return dim(row('', 'state', event.state))
    case 'want':
      return yellow(row('', 'want', WANTS[event.want]))
    case 'alert':
      return bold(row(ARROWS[event.direction], 'alert', `${event.level}: ${event.name}`))
    case 'secureConnect':
      return green(row('', 'done', 'the handshake is complete'))
    case 'session':
      return row('', 'session', `may be resumed for ${event.lifetime} s`, event.session.length)
    case 'closeNotify':
      return row('', 'end', 'the peer will send nothing more')
    default:
      return row('', event.type, '')
  }
}

function messageLine(direction: 'sent' | 'received', content: string, bytes: Uint8Array): string | undefined {
  const arrow = ARROWS[direction]
  if (content === 'recordHeader') return dim(row(arrow, 'record', recordName(bytes), recordLength(bytes)))
  if (content === 'handshake') return bold(row(arrow, 'message', messageName(bytes), bytes.length))
  if (content === 'changeCipherSpec') return row(arrow, 'message', 'ChangeCipherSpec', bytes.length)
  return undefined // alerts have an event of their own; and what is inside of an encrypted record is the next message
}

function recordName([type, major, minor]: Uint8Array): string {
  return `${RECORDS[type!] ?? `type ${type}`}, ${VERSIONS[(major! << 8) | minor!] ?? 'unknown version'}`
}

/** DTLS has epoch and number before the length (RFC 6347, section 4.1). */
function recordLength(header: Uint8Array): number {
  const at = header[1] === 0xfe ? 11 : 3
  return (header[at]! << 8) | header[at + 1]!
}

function messageName(bytes: Uint8Array): string {
  const random = Buffer.from(bytes.subarray(6, 38)).toString('hex')
  if (MESSAGES[bytes[0]!] === 'ServerHello' && random === RETRY) return 'HelloRetryRequest'
  return MESSAGES[bytes[0]!] ?? `handshake message ${bytes[0]}`
}

function row(arrow: string, kind: string, text: string, size?: number): string {
  const bytes = size === undefined ? '' : `${String(size).padStart(6)} bytes`
  return `${arrow.padEnd(3)} ${kind.padEnd(8)} ${text.padEnd(36)}${bytes}`.trimEnd()
}

const paint = (code: number) => (text: string) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[${code}m${text}\x1b[0m` : text)
const bold = paint(1)
const dim = paint(2)
const green = paint(32)
const yellow = paint(33)

const ARROWS = { sent: '-->', received: '<--' }

const WANTS = {
  'want-read': 'WANT_READ: until the peer has said more',
  'want-write': 'WANT_WRITE: until what we said has left',
  'want-callback': 'WANT_CALLBACK: until the program has decided',
}

/** RFC 8446, section 5.1. The version is there for old machines on the way: TLS 1.3, too, calls itself 1.2 here, or even 1.0. */
const RECORDS: Record<number, string> = { 20: 'change_cipher_spec', 21: 'alert', 22: 'handshake', 23: 'application_data' }
const VERSIONS: Record<number, string> = { 0x0301: 'TLS 1.0', 0x0302: 'TLS 1.1', 0x0303: 'TLS 1.2', 0xfeff: 'DTLS 1.0', 0xfefd: 'DTLS 1.2' }

/** A ServerHello with this random is a HelloRetryRequest (RFC 8446, section 4.1.3). */
const RETRY = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c'

/** RFC 8446, section 4; RFC 5246, section 7.4; RFC 6347, section 4.3.2. */
const MESSAGES: Record<number, string> = {
  0: 'HelloRequest',
  1: 'ClientHello',
  2: 'ServerHello',
  3: 'HelloVerifyRequest',
  4: 'NewSessionTicket',
  8: 'EncryptedExtensions',
  11: 'Certificate',
  12: 'ServerKeyExchange',
  13: 'CertificateRequest',
  14: 'ServerHelloDone',
  15: 'CertificateVerify',
  16: 'ClientKeyExchange',
  20: 'Finished',
  22: 'CertificateStatus',
  24: 'KeyUpdate',
}
