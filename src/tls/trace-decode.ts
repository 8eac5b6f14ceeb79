// A connection's messages as data: what OpenSSL's message callback shows, record headers, handshake messages, alerts, taken apart into
// fields. It reads along with a connection and says nothing about whether a message is right; trace-print.ts makes words of it.
import { alertName } from '../errors.ts'
import type { Direction, EngineEvent, MessageContent } from '../engine/events.ts'
import { extension } from './trace-extensions.ts'
import { Reader, coded, listOf, opaque } from './trace-reader.ts'
import { CERTIFICATE_TYPES, COMPRESSIONS, CONTENT_TYPES, GROUPS, KEY_UPDATES, MESSAGES, SIGNATURE_SCHEMES, VERSIONS } from './trace-names.ts'
import { suiteName } from './trace-suites.ts'

/** What a 'trace' event of a TLSSocket tells. */
export interface TraceMessage {
  /** Seen from here. */
  direction: Direction
  /** Which of OpenSSL's callbacks told of it. */
  content: MessageContent
  /** HandshakeType, ContentType or AlertDescription, by `content` (RFC 8446, appendix B). */
  type?: number
  /** What `type` is called: 'ClientHello', 'ApplicationData', 'close_notify'. */
  name?: string
  /** As the message says of itself: of a record what follows its header, of a handshake message its body. */
  length: number
  /** The whole of it, as it was before encryption. */
  bytes: Uint8Array
  /** What it consists of. */
  fields: TraceField[]
  /** A length in it is wrong: `fields` are those up to there. */
  malformed?: true
}

/** A part of a message. */
export interface TraceField {
  /** As in the RFCs: 'cipher_suites', 'key_exchange'. */
  name: string
  /** A number, as the protocol has it. */
  value?: number
  /** What the value stands for, 'TLS 1.3' for 0x0304, where that is known; or the text that it is. */
  meaning?: string
  /** What is no number: keys, random bytes, certificates in DER. */
  bytes?: Uint8Array
  /** Of what holds others, in bytes. */
  length?: number
  /** What it holds. */
  fields?: TraceField[]
}

type MessageEvent = Extract<EngineEvent, { type: 'message' }>
type Body = (reader: Reader, fields: TraceField[], scene: Scene) => void

/** What has to be known to read a message. */
interface Scene {
  /** The server has sent it. */
  byServer: boolean
  version: number
  /** As OpenSSL calls it: 'ECDHE'. */
  keyExchange: string
}

const TLS12 = 0x0303
const TLS13 = 0x0304

/** Reads along with one connection: what a message looks like depends on those before it. */
export class TraceDecoder {
  readonly #role: 'client' | 'server'
  #version: number
  #keyExchange = 'UNKNOWN'

  /** @param version what is agreed already: 'TLSv1.3' */
  constructor(role: 'client' | 'server', version?: string | null) {
    this.#role = role
    this.#version = version === 'TLSv1.3' ? TLS13 : TLS12
  }

  decode({ direction, content, bytes }: MessageEvent): TraceMessage {
    const message: TraceMessage = { direction, content, length: bytes.length, bytes, fields: [] }
    try {
      const reader = new Reader(bytes)
      if (content === 'recordHeader') recordHeader(message, reader)
      else if (content === 'innerContentType') named(message, reader.number(1), CONTENT_TYPES)
      else if (content === 'alert') alert(message, reader)
      else if (content === 'changeCipherSpec') message.fields.push(coded('change_cipher_spec', reader.number(1), {}))
      else if (content === 'handshake') this.#handshake(message, reader)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      message.malformed = true
    }
    return message
  }

  #handshake(message: TraceMessage, reader: Reader): void {
    const type = named(message, reader.number(1), MESSAGES)
    message.length = reader.number(3)
    const { fields, direction } = message
    const byServer = (this.#role === 'server') === (direction === 'sent')
    const scene = { byServer, version: this.#version, keyExchange: this.#keyExchange }
    const body = reader.take(message.length)
    const read = BODIES[type]
    if (read) read(body, fields, scene)
    else fields.push(opaque('unsupported', body.rest()))
    if (type === SERVER_HELLO) this.#agreed(fields)
  }

  #agreed(fields: readonly TraceField[]): void {
    const extensions = fieldOf(fields, 'extensions')?.fields ?? []
    const selected = extensions.find(({ meaning }) => meaning === 'supported_versions')?.fields?.[0]
    this.#version = selected?.value ?? fieldOf(fields, 'server_version')?.value ?? this.#version
    this.#keyExchange = keyExchangeOf(fieldOf(fields, 'cipher_suite')?.meaning ?? '')
  }
}

const fieldOf = (fields: readonly TraceField[], name: string): TraceField | undefined => fields.find((field) => field.name === name)

/** "TLS_ECDHE_PSK_WITH_..." is ECDHEPSK. */
function keyExchangeOf(suite: string): string {
  const family = /^TLS_(.+?)_WITH_/.exec(suite)?.[1] ?? ''
  if (family.endsWith('PSK')) return family.replace('_', '')
  if (family === 'RSA') return 'rsa'
  return /^(ECDHE|ECDH_anon|DHE|DH_anon|SRP)/.exec(family)?.[1]?.replace('_anon', 'E') ?? 'UNKNOWN'
}

function named(message: TraceMessage, type: number, names: Readonly<Record<number, string>>): number {
  message.type = type
  message.name = names[type]
  return type
}

// ---- Records and alerts. ----

function recordHeader(message: TraceMessage, reader: Reader): void {
  const type = named(message, reader.number(1), CONTENT_TYPES)
  message.fields.push(coded('version', reader.number(2), VERSIONS))
  message.length = reader.number(2)
  message.fields.push(coded('content_type', type, CONTENT_TYPES))
}

const LEVELS: Readonly<Record<number, string>> = { 1: 'warning', 2: 'fatal' }

function alert(message: TraceMessage, reader: Reader): void {
  const level = coded('level', reader.number(1), LEVELS)
  const description = reader.number(1)
  message.fields.push(level, { name: 'description', value: description, meaning: alertName(description) })
  message.type = description
  message.name = alertName(description)
}

// ---- Handshake messages: RFC 8446, section 4; RFC 5246, section 7.4. ----

const clientHello: Body = (reader, fields, scene) => {
  fields.push(coded('client_version', reader.number(2), VERSIONS))
  random(reader, fields)
  fields.push(opaque('session_id', reader.vector(1).rest()))
  listOf(fields, 'cipher_suites', reader.vector(2), (list) => suite(list.number(2)))
  listOf(fields, 'compression_methods', reader.vector(1), (list) => coded('compression_method', list.number(1), COMPRESSIONS))
  extensions(reader, fields, scene, 'hello')
}

const serverHello: Body = (reader, fields, scene) => {
  fields.push(coded('server_version', reader.number(2), VERSIONS))
  random(reader, fields)
  fields.push(opaque('session_id', reader.vector(1).rest()))
  fields.push(suite(reader.number(2)))
  fields.push(coded('compression_method', reader.number(1), COMPRESSIONS))
  extensions(reader, fields, scene, 'hello')
}

function random(reader: Reader, fields: TraceField[]): void {
  const time = { name: 'gmt_unix_time', value: reader.number(4) }
  fields.push({ name: 'Random', fields: [time, opaque('random_bytes', reader.bytes(28))] })
}

function suite(value: number): TraceField {
  const meaning = suiteName(value)
  return { name: 'cipher_suite', value, ...(meaning && { meaning }) }
}

const certificate: Body = (reader, fields, scene) => {
  if (scene.version >= TLS13) fields.push(opaque('context', reader.vector(1).rest()))
  listOf(fields, 'certificate_list', reader.vector(3), (list) => {
    const one: TraceField = { ...opaque('ASN.1Cert', list.vector(3).rest()), fields: [] }
    if (scene.version >= TLS13) extensions(list, one.fields!, scene, 'certificate')
    return one
  })
  reader.end()
}

const signature: Body = (reader, fields, { version }) => {
  if (version >= TLS12) fields.push(coded('Signature Algorithm', reader.number(2), SIGNATURE_SCHEMES))
  fields.push(opaque('Signature', reader.vector(2).rest()))
}

const serverKeyExchange: Body = (reader, fields, scene) => {
  const { keyExchange } = scene
  const inner = algorithm(fields, keyExchange)
  if (keyExchange.endsWith('PSK')) inner.push(opaque('psk_identity_hint', reader.vector(2).rest()))
  if (/^DHE/.test(keyExchange)) for (const name of ['dh_p', 'dh_g', 'dh_Ys']) inner.push(opaque(name, reader.vector(2).rest()))
  if (/^ECDHE/.test(keyExchange)) namedCurve(reader, inner)
  if (!keyExchange.endsWith('PSK') && !reader.done) signature(reader, fields, scene)
  reader.end()
}

const NAMED_CURVE = 3

function namedCurve(reader: Reader, fields: TraceField[]): void {
  const type = reader.number(1)
  if (type !== NAMED_CURVE) throw new RangeError(`curve parameters of type ${type}`)
  fields.push(coded('named_curve', reader.number(2), GROUPS), opaque('point', reader.vector(1).rest()))
}

const clientKeyExchange: Body = (reader, fields, { keyExchange }) => {
  const inner = algorithm(fields, keyExchange)
  if (keyExchange.endsWith('PSK')) inner.push(opaque('psk_identity', reader.vector(2).rest()))
  if (/^rsa/i.test(keyExchange)) inner.push(opaque('EncryptedPreMasterSecret', reader.vector(2).rest()))
  if (/^DHE/.test(keyExchange)) inner.push(opaque('dh_Yc', reader.vector(2).rest()))
  if (/^ECDHE/.test(keyExchange)) inner.push(opaque('ecdh_Yc', reader.vector(1).rest()))
  reader.end()
}

function algorithm(fields: TraceField[], meaning: string): TraceField[] {
  const inner: TraceField[] = []
  fields.push({ name: 'KeyExchangeAlgorithm', meaning, fields: inner })
  return inner
}

const certificateRequest: Body = (reader, fields, scene) => {
  if (scene.version >= TLS13) {
    fields.push(opaque('request_context', reader.vector(1).rest()))
    extensions(reader, fields, { ...scene, byServer: true }, 'certificateRequest')
    return
  }
  listOf(fields, 'certificate_types', reader.vector(1), (list) => coded('certificate_type', list.number(1), CERTIFICATE_TYPES))
  if (scene.version >= TLS12) {
    listOf(fields, 'signature_algorithms', reader.vector(2), (list) => coded('signature_scheme', list.number(2), SIGNATURE_SCHEMES))
  }
  listOf(fields, 'certificate_authorities', reader.vector(2), (list) => opaque('DistinguishedName', list.vector(2).rest()))
  reader.end()
}

const newSessionTicket: Body = (reader, fields, scene) => {
  if (reader.done) return
  fields.push({ name: 'ticket_lifetime_hint', value: reader.number(4) })
  if (scene.version >= TLS13) {
    fields.push({ name: 'ticket_age_add', value: reader.number(4) }, opaque('ticket_nonce', reader.vector(1).rest()))
  }
  fields.push(opaque('ticket', reader.vector(2).rest()))
  if (scene.version >= TLS13) extensions(reader, fields, { ...scene, byServer: false }, 'newSessionTicket')
  reader.end()
}

const nothing: Body = (reader, fields) => {
  if (!reader.done) fields.push(opaque('unexpected value', reader.rest()))
}

const SERVER_HELLO = 2

const BODIES: Readonly<Record<number, Body>> = {
  1: clientHello,
  [SERVER_HELLO]: serverHello,
  4: newSessionTicket,
  5: nothing,
  8: (reader, fields, scene) => extensions(reader, fields, scene, 'encryptedExtensions'),
  11: certificate,
  12: serverKeyExchange,
  13: certificateRequest,
  14: nothing,
  15: signature,
  16: clientKeyExchange,
  20: (reader, fields) => fields.push(opaque('verify_data', reader.rest())),
  24: (reader, fields) => fields.push(coded('request_update', reader.number(1), KEY_UPDATES)),
}

// ---- Extensions. ----

function extensions(reader: Reader, fields: TraceField[], { byServer }: Scene, within: string): void {
  if (reader.done) return void fields.push({ name: 'extensions', length: 0, fields: [] })
  listOf(fields, 'extensions', reader.vector(2), (list) => extension(list, byServer, within))
}
