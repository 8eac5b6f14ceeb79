// A peer that holds the keys and breaks the rules: seals TLS 1.3 records (RFC 8446, 5.2) with the secrets of a key log, so that a test
// can say inside of the encryption what no well-behaved engine would. TLS_AES_128_GCM_SHA256 only.
import { createCipheriv, createHmac } from 'node:crypto'
import type { Side } from './pair.ts'

export const CONTENT = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const

/** HKDF-Expand-Label with an empty context, RFC 8446, 7.1; one block is enough for all that is needed here. */
function expandLabel(secret: Uint8Array, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([length >> 8, length & 255, name.length]), name, Buffer.from([0, 1])])
  return createHmac('sha256', secret).update(info).digest().subarray(0, length)
}

export class Sealer {
  #secret: Uint8Array
  #sequence = 0

  /** With the keys of `side`, which must have been made with `keylog` and has written nothing yet. */
  constructor(side: Side) {
    const label = side.engine.role === 'client' ? 'CLIENT_TRAFFIC_SECRET_0' : 'SERVER_TRAFFIC_SECRET_0'
    const line = side.eventsOf('keylog').find((event) => event.line.startsWith(`${label} `))
    this.#secret = Buffer.from(line!.line.split(' ')[2]!, 'hex')
  }

  /** One record; `content` followed by its type and `padding` zeros. */
  seal(type: number, content: Uint8Array | readonly number[], padding = 0): Uint8Array {
    return this.sealInner(Buffer.concat([Uint8Array.from(content), Uint8Array.of(type), new Uint8Array(padding)]))
  }

  /** One record with this very TLSInnerPlaintext. */
  sealInner(inner: Uint8Array): Uint8Array {
    const nonce = expandLabel(this.#secret, 'iv', 12)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence++) >>> 0, 8)
    const length = inner.length + 16
    const header = Buffer.from([23, 3, 3, length >> 8, length & 255])
    const cipher = createCipheriv('aes-128-gcm', expandLabel(this.#secret, 'key', 16), nonce).setAAD(header)
    return Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()])
  }

  /** A KeyUpdate message, and new keys from then on (RFC 8446, 4.6.3). */
  keyUpdate(request: 'requested' | 'notRequested'): Uint8Array {
    const record = this.seal(CONTENT.handshake, [24, 0, 0, 1, request === 'requested' ? 1 : 0])
    this.#secret = expandLabel(this.#secret, 'traffic upd', 32)
    this.#sequence = 0
    return record
  }
}
