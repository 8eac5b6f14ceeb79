// Where versions of Node differ in what the client and stream suites look at: since when they behave as the reference does, and what the
// older ones do instead.
import type { Difference } from './subject.ts'

export const VERSIONS = {
  argumentErrors: { since: 22, reason: 'a wrong minDHSize was an internal assertion' },
  keepAliveOption: { since: 24, reason: 'tls.connect took keepAlive and did nothing about it' },
  hybridGroups: { since: 24, reason: 'getEphemeralKeyInfo knew curves only, and the OpenSSL of Node 20 no group of ML-KEM' },
  wrongSession: { since: 22, reason: 'what is no session left an error behind that the handshake ended with' },
  cancelledWrites: { since: 22, reason: 'a write that the end of the connection overtook was called back without an error' },
} as const satisfies Record<string, Difference>
