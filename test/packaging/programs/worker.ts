// A Worker. Global scope has no randomness: what needs some is made in a request.
import { compiledModule, createContext, version, type SecureContext } from 'membio'
import { createCertificate, createKey } from 'membio/x509'
import { hello } from './handshake.ts'

const codeOf = (action: () => unknown) => {
  try {
    action()
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const inGlobalScope = {
  version: version().split(' ')[0],
  compiled: compiledModule() instanceof WebAssembly.Module,
  createContext: codeOf(createContext),
  createKey: codeOf(createKey),
}

/** Made by the first request, used by all. */
let context: SecureContext | undefined

function speak(): boolean {
  context ??= createContext({ ca: createCertificate({ key: createKey(), hosts: ['example.test'] }) })
  const engine = context.createEngine({ role: 'client', servername: 'example.test' })
  engine.handshake()
  return engine.takeCiphertext().length > 100
}

export default {
  fetch: async (): Promise<Response> => Response.json({ inGlobalScope, speaks: speak(), hello: await hello() }),
}
