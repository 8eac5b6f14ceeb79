// What the suites are told of the world they run in, and what they report. Data only, but for `dials`: it comes as JSON into every
// runtime, each in its own way. No module of a runtime may be imported here.
import type { ByteTransport } from 'membio/transport'

/** The columns of the matrix. */
export const RUNTIMES = ['node20', 'node22', 'node24', 'node26', 'deno', 'bun', 'workerd', 'chromium'] as const
export type RuntimeName = (typeof RUNTIMES)[number]

/** What a case needs of a runtime; lacks.ts says who does not have it, and why. */
export type Need = 'own socket' | 'node:net' | 'node:https' | 'connecting' | 'listening' | 'an ordinary pipe' | 'blocking' | 'requests'

export interface Identity {
  cert: string
  key: string
}

/** Who knows whom. PEM. */
export interface Certificates {
  ca: string
  /** A CA that has signed for none of the good servers. */
  wrongCa: string
  server: Identity
  /** CN=client.test */
  client: Identity
  /** Like `client`, but signed by `wrongCa`. */
  strangeClient: Identity
}

/** The name that all good server certificates are for. */
export const HOST = 'server.test'

/** Ports of 127.0.0.1 where one peer's servers listen; peers/server.ts says what they understand. */
export interface PeerPorts {
  /** TLS 1.2 and 1.3, ALPN "matrix/1" and "matrix/2". */
  good: number
  tls12: number
  /** Asks for a client certificate, and refuses clients without. */
  mutual: number
  /** X25519MLKEM768 and no other group. */
  hybrid: number
  /** Its certificate is for another host. */
  otherHost: number
  /** Its certificate is from `wrongCa`. */
  otherCa: number
  /** Pre-shared keys, and no certificate. */
  psk: number
  /** In clear, until the client says STARTTLS. */
  startTls: number
  /** Sends back what it gets, and ends when the client has. Takes a client certificate, and clients without. */
  echo: number
  /** In clear: two connections that begin with the same line are joined. */
  join: number
  /** HTTP/1.1 over TLS. */
  https: number
  /** `good` behind somebody who cuts the connection in the midst of a record. */
  cutInRecord: number
  /** `good` behind somebody who cuts the connection between two records. */
  cutBetweenRecords: number
}

export const PSK = { identity: 'matrix', keyHex: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' }

/** membio on Node, and Node's own OpenSSL 3.5. */
export type PeerName = 'membio' | 'node24' | 'node26'

/** A case that is not run. */
export interface Exception {
  group: string
  name: string
  reason: string
}

/** Everything that can be said in JSON. */
export interface Briefing {
  runtime: RuntimeName
  certificates: Certificates
  peers: Record<PeerName, PeerPorts>
  /** Needs this runtime does not meet, with the reason. */
  lacks: Partial<Record<Need, string>>
  exceptions: readonly Exception[]
  /** Only groups whose title contains one of these; none means all. */
  wanted: readonly string[]
  /** Where a worker is asked. */
  worker?: string
  /** Where a browser finds those who open sockets for it. */
  webSocketProxy?: string
}

/** Opens a TCP connection to a port of 127.0.0.1. */
export type Dial = (port: number) => ByteTransport | Promise<ByteTransport>

/** A kind of pipe; what it can is told to test/conformance/transport.suite.ts. */
export interface Pipe {
  dial: Dial
  /** False: it has neither half-close nor a way to hold its peer back. */
  ordinary: boolean
  /** What the peer of a reset is told. */
  reset: RegExp | 'error' | 'eof' | 'either'
}

export interface World extends Briefing {
  pipes: {
    /** What the runtime is at home with: Deno.connect, Bun.connect, cloudflare:sockets, WebSocket. */
    native: Pipe
    /** node:net, where there is one. */
    node: Pipe
  }
}

export interface CaseReport {
  type: 'case'
  group: string
  name: string
  outcome: 'passed' | 'failed' | 'not run'
  ms: number
  /** Why it failed, or was not run. */
  reason?: string
  /** A fact worth printing. */
  note?: string
}

export type Report = CaseReport | { type: 'start'; group: string; name: string } | { type: 'end'; version: string }
