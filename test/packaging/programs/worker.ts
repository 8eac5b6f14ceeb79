// A Worker. Global scope has no randomness: what needs some is made in a request.
import { compiledModule, createContext, version } from 'membio'
import { createKey } from 'membio/x509'
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

export default {
  fetch: async (): Promise<Response> => Response.json({ inGlobalScope, hello: await hello() }),
}
