// What can be measured, as data: the harness names a piece of work, and a contender in a process of its own does it so many times.

/** What both ends shall agree on. */
export interface Terms {
  /** Of the server's certificate. */
  key: 'P-256' | 'RSA-2048' | 'Ed25519'
  group: 'X25519' | 'P-256' | 'X25519MLKEM768'
  cipher: Cipher
}

/** By RFC 8446's names. */
export type Cipher = 'TLS_AES_128_GCM_SHA256' | 'TLS_AES_256_GCM_SHA384' | 'TLS_CHACHA20_POLY1305_SHA256'

/**
 * Where the two ends are: both in one thread, without sockets; both in one thread, over loopback; or only a client, of a server in another
 * process, which is the same for all.
 */
export type Place = 'memory' | 'loopback' | 'server'

export type Work =
  /** One operation of a primitive, by its name in test/kernels; `size` is 0 where there is no text. */
  | { work: 'primitive'; name: string; size: number }
  /** A connection, from nothing to both ends being open, and its end. */
  | { work: 'handshake'; place: Place; terms: Terms; resumed?: true }
  /** So many bytes on an open connection; one write has `size` of them. */
  | { work: 'bulk'; place: Place; terms: Terms; size: number }
  /** There and back on an open connection. */
  | { work: 'echo'; place: Place; terms: Terms; size: number }

/** How `run` went. */
export interface Run {
  /** By the clock on the wall. */
  seconds: number
  /** Of this process, all its threads; undefined where nobody can tell. */
  cpuSeconds?: number
}

/** Work that was prepared: connected, with memory to work on. */
export interface Task {
  /** What it agreed, where that is not what was asked for. */
  note?: string
  /** Whoever does the work elsewhere, as in a page, tells how it went there. */
  run(times: number): void | Run | Promise<void | Run>
  close(): void | Promise<void>
}

/** The peer is not able to do this work; the reason is shown in place of a figure. */
export class Cannot extends Error {
  override name = 'Cannot'
}

/** A server's certificate, and the root that clients trust for it. PEM. */
export interface Identity {
  cert: string
  key: string
  ca: string
}

/** By the server's key; pages have one of their own, on P-256 (root-swap.ts). */
export type Served = Terms['key'] | 'page'

/** Made once a run. */
export type Certificates = Record<Served, Identity>

export const SERVED = ['P-256', 'RSA-2048', 'Ed25519', 'page'] as const satisfies readonly Served[]
export const HOST = 'localhost'

export const DEFAULT: Terms = { key: 'P-256', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' }
