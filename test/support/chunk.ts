// How bytes are cut on their way: a transport may deliver them in any pieces, and no engine may notice.
import { Random } from './random.ts'

export type Cut = (bytes: Uint8Array) => Iterable<Uint8Array>

export const whole: Cut = (bytes) => (bytes.length ? [bytes] : [])

export const byteByByte: Cut = function* (bytes) {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}

/** Pieces of 1 to `maximum` bytes, short ones more often. */
export function randomCuts(seed: number, maximum = 4096): Cut {
  const random = new Random(seed)
  return function* (bytes) {
    for (let at = 0; at < bytes.length;) {
      const length = 1 + random.below(1 + random.below(maximum))
      yield bytes.subarray(at, (at += length))
    }
  }
}

/** Every byte-level test runs with each of these. */
export const CUTS: readonly { name: string; cut: () => Cut }[] = [
  { name: 'whole', cut: () => whole },
  { name: 'byte by byte', cut: () => byteByByte },
  { name: 'at random cuts', cut: () => randomCuts(7) },
]

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
