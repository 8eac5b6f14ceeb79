// Peers that trust Mozilla's roots only, compiled into their modules, cannot be given one of ours. So the copy that their page is served
// has the key of one of Mozilla's roots replaced by the key of ours, which bears the same name. In memory, for one run: nothing is stored.
import { X509Certificate } from 'node:crypto'

/** Its key is on P-256. */
export const STAND_IN = { C: 'US', O: 'Amazon', CN: 'Amazon Root CA 3' } as const

const UTF8 = 0x0c
const PRINTABLE = 0x13
/** An uncompressed point on P-256. */
const POINT = 65

/** A distinguished name's DER, without the outermost header. */
function nameOf(stringType: number): Buffer {
  const attribute = (last: number, type: number, value: string) => {
    const text = Buffer.from(value)
    const pair = [0x06, 0x03, 0x55, 0x04, last, type, text.length, ...text]
    return [0x31, pair.length + 2, 0x30, pair.length, ...pair]
  }
  const { C, O, CN } = STAND_IN
  return Buffer.from([...attribute(6, PRINTABLE, C), ...attribute(10, stringType, O), ...attribute(3, stringType, CN)])
}

const pointOf = (pem: string): Buffer => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }).subarray(-POINT)

function replaceAll(bytes: Buffer, what: Buffer, by: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(what); at >= 0; at = bytes.indexOf(what, at + 1), count++) bytes.set(by, at)
  return count
}

/** The module with our root's key where the other's was. */
export async function withRoot(module: Uint8Array, ca: string): Promise<Buffer> {
  const { mozillaRoots } = await import('membio/roots')
  const all = mozillaRoots.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []
  const original = all.find((pem) => new X509Certificate(pem).subject.endsWith(`CN=${STAND_IN.CN}`))
  if (!original) throw new Error(`Mozilla no longer has ${STAND_IN.CN}`)
  const bytes = Buffer.from(module)
  if (!replaceAll(bytes, pointOf(original), pointOf(ca))) throw new Error(`${STAND_IN.CN} is not in this module`)
  const ours = new X509Certificate(ca).raw.includes(nameOf(UTF8)) ? UTF8 : PRINTABLE
  replaceAll(bytes, nameOf(PRINTABLE), nameOf(ours)) // one of them compares names byte by byte
  return bytes
}
