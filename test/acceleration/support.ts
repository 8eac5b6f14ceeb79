// Libraries that compute in WebAssembly or have the host do it, all with the same entropy and the same clock: so their connections
// must be the same, byte for byte. The host's cryptography is the real one, and counts what it is asked for.
import type { HostCrypto } from '../../src/abi/acceleration.ts'
import { TLS_PROTOCOL_TLS } from '../../src/abi/generated.ts'
import { Library, type Host } from '../../src/abi/library.ts'
import { nodeCrypto } from '../../src/abi/node-crypto.ts'
import { SecureContext } from '../../src/engine/context.ts'
import type { ContextOptions, EngineOptions } from '../../src/index.ts'
import { root, server } from '../support/certs.ts'
import { makePair, type Pair } from '../support/pair.ts'
import { wasmModule } from '../support/paths.ts'
import { Random } from '../support/random.ts'

export type Operation = 'aesKey' | 'rsaKey' | 'seal' | 'open' | 'power'

/** node:crypto, which counts its calls, keeps hold of no key, and can be made to fail. */
export class CountedCrypto {
  readonly calls: Record<Operation, number> = { aesKey: 0, rsaKey: 0, seal: 0, open: 0, power: 0 }
  /** Lengths of texts that were sealed or opened. */
  readonly lengths: number[] = []
  readonly keys: WeakRef<object>[] = []
  fails: (operation: Operation) => boolean = () => false
  readonly crypto: HostCrypto

  constructor() {
    const real: HostCrypto = nodeCrypto({ aesGcmFrom: 2048, rsaIsFaster: true, aesBeatsChaCha: true })
    const note = (operation: Operation) => {
      this.calls[operation]++
      if (this.fails(operation)) throw new Error(`${operation} is not supported`)
    }
    const key = (made: unknown): unknown => {
      this.keys.push(new WeakRef((made as { object: object }).object))
      return made
    }
    this.crypto = {
      ...real,
      aesKey: (bytes) => (note('aesKey'), key(real.aesKey(bytes))),
      rsaKey: (der) => (note('rsaKey'), key(real.rsaKey(der))),
      seal: (...args) => (note('seal'), this.lengths.push(args[3].length), real.seal(...args)),
      open: (...args) => (note('open'), this.lengths.push(args[3].length), real.open(...args)),
      power: (...args) => (note('power'), real.power(...args)),
    }
  }
}

/** The same numbers and the same time for all. */
function fixedHost(): Host {
  const random = new Random(7)
  const time = Date.now()
  const second = time - (time % 60_000) // certificates are valid, and a test that takes a second sees no other one
  return { getrandom: (bytes) => bytes.set(random.bytes(bytes.length)), now: () => second }
}

export interface Accelerated {
  library: Library
  counted: CountedCrypto
}

export function makeLibrary(wanted: 'auto' | 'wasm' | 'host'): Accelerated {
  const counted = new CountedCrypto()
  return { library: new Library(wasmModule(), fixedHost(), { wanted, crypto: counted.crypto }), counted }
}

export interface Sides {
  client?: ContextOptions
  server?: ContextOptions
  clientEngine?: Partial<EngineOptions>
  serverEngine?: Partial<EngineOptions>
}

/** A pair within a library, or between two; disposing of it frees its contexts, too. */
export function pairOf(client: Library, serving: Library, sides: Sides): Pair & Disposable {
  const { client: clientOptions, server: serverOptions, ...engines } = sides
  const clientContext = new SecureContext(client, { ca: root().cert, ...clientOptions }, TLS_PROTOCOL_TLS)
  const serverContext = new SecureContext(serving, { ...server(), ...serverOptions }, TLS_PROTOCOL_TLS)
  const pair = makePair({ clientContext, serverContext, ...engines })
  const dispose = pair[Symbol.dispose].bind(pair)
  return Object.assign(pair, {
    [Symbol.dispose]: () => {
      dispose()
      clientContext.free()
      serverContext.free()
    },
  })
}

/** All ciphertext of a pair from now on, as pieces with their direction in front. */
export function recorded(pair: Pair): string[] {
  const pieces: string[] = []
  pair.tamper = (to, ciphertext) => {
    pieces.push(`to ${to}: ${Buffer.from(ciphertext).toString('base64')}`)
    return ciphertext
  }
  return pieces
}
