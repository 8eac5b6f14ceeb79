// Single operations without TLS around them: of the module with wasm/simd, of the same module without it, and of the host's node:crypto.
import * as crypto from 'node:crypto'
import { KernelModule, type Build } from '../../test/kernels/module.ts'
import { Cannot, type Task } from '../work.ts'
import type { Peer } from './peer.ts'

export function primitives(build: Build): Peer {
  const module = new KernelModule(build)
  const primitive = (name: string, size: number): Task => {
    const which = module.measures.findIndex((measure) => measure.replace(/ \/s$/, '') === name)
    if (which < 0) throw new Cannot(`test/kernels does not measure ${name}`)
    module.prepare(which, size)
    return { run: (times) => void module.measure(which, size, times), close: () => {} }
  }
  return { name: build, primitive }
}

// ---- The host. ----

type Operation = () => unknown

export const hostCrypto: Peer = {
  name: 'node:crypto',
  primitive(name, size) {
    const operation = hostOperation(name, size)
    if (!operation) throw new Cannot('node:crypto here does not offer it')
    operation()
    const run = (times: number) => {
      for (let i = 0; i < times; i++) operation()
    }
    return { run, close: () => {} }
  },
}

function hostOperation(name: string, size: number): Operation | undefined {
  const [algorithm = '', verb = ''] = name.split(' ')
  if (verb === 'seal' || verb === 'open') return aead(algorithm.toLowerCase(), verb, size)
  if (verb === 'encrypt' || verb === 'decrypt') return cbc(verb, size)
  return SIGNATURES[algorithm]?.(verb) ?? (verb === 'derive' ? derive(algorithm) : undefined)
}

/** A fresh nonce is not needed: nobody gets to see the ciphertext. */
function aead(algorithm: string, verb: 'seal' | 'open', size: number): Operation | undefined {
  if (!crypto.getCiphers().includes(algorithm)) return undefined
  const key = crypto.randomBytes(algorithm.includes('128') ? 16 : 32)
  const nonce = crypto.randomBytes(12)
  const header = crypto.randomBytes(5)
  const options = { authTagLength: 16 }
  const create = algorithm as crypto.CipherGCMTypes
  const seal = (text: Uint8Array): [Uint8Array, Buffer] => {
    const cipher = crypto.createCipheriv(create, key, nonce, options)
    cipher.setAAD(header)
    const sealed = cipher.update(text)
    cipher.final()
    return [sealed, cipher.getAuthTag()]
  }
  const text = new Uint8Array(size)
  if (verb === 'seal') return () => seal(text)
  const [sealed, tag] = seal(text)
  return () => {
    const decipher = crypto.createDecipheriv(create, key, nonce, options)
    decipher.setAAD(header)
    decipher.setAuthTag(tag)
    decipher.update(sealed)
    decipher.final()
  }
}

function cbc(verb: 'encrypt' | 'decrypt', size: number): Operation {
  const key = crypto.randomBytes(16)
  const text = new Uint8Array(size)
  const create = verb === 'encrypt' ? crypto.createCipheriv : crypto.createDecipheriv
  return () => create('aes-128-cbc', key, key).setAutoPadding(false).update(text)
}

interface Pair {
  privateKey: crypto.KeyObject
  publicKey: crypto.KeyObject
}

const signer = (make: () => Pair, digest: string | null) => (verb: string): Operation | undefined => {
  if (verb === 'generate') return make
  const { privateKey, publicKey } = make()
  const message = crypto.randomBytes(32)
  const signature = crypto.sign(digest, message, privateKey)
  if (verb === 'sign') return () => crypto.sign(digest, message, privateKey)
  return verb === 'verify' ? () => crypto.verify(digest, message, publicKey, signature) : undefined
}

const makeElliptic = (): Pair => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
const elliptic = signer(makeElliptic, 'sha256')
const SIGNATURES: Record<string, (verb: string) => Operation | undefined> = {
  'P-256': (verb) => (verb === 'derive' ? undefined : elliptic(verb)),
  'Ed25519': signer(() => crypto.generateKeyPairSync('ed25519'), null),
  'RSA-2048': signer(() => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'),
}

function derive(algorithm: string): Operation | undefined {
  const make = algorithm === 'X25519' ? () => crypto.generateKeyPairSync('x25519') : makeElliptic
  const { privateKey } = make()
  const { publicKey } = make()
  return () => crypto.diffieHellman({ privateKey, publicKey })
}
