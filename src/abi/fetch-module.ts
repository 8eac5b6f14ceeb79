// Fetches and compiles openssl.wasm, and says what is wrong where that fails: the address, the server, or what it served.
import { TlsError, usageError } from '../errors.ts'

const CODE = 'ERR_TLS_MODULE_NOT_FOUND'

/** @throws TlsError of kind `io` where there is no answer, `usage` where it is not openssl.wasm */
export async function fetchModule(url: string | URL): Promise<WebAssembly.Module> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new TlsError('io', `init: ${shown(url)} could not be fetched${because(cause)}`, { code: CODE, cause })
  })
  if (!response.ok) throw usageError(`init: ${shown(url)} answered ${response.status}`, CODE)
  try {
    return await compile(response)
  } catch (cause) {
    if (cause instanceof WebAssembly.CompileError) {
      throw usageError(`init: what ${shown(url)} answered is not openssl.wasm${because(cause)}`, CODE, cause)
    }
    throw new TlsError('io', `init: ${shown(url)} broke off${because(cause)}`, { code: CODE, cause })
  }
}

/** Compiles while the bytes arrive, where the server tells the one type that allows it (WebAssembly Web API, section 3). */
async function compile(response: Response): Promise<WebAssembly.Module> {
  const streams = 'compileStreaming' in WebAssembly && response.headers.get('content-type')?.toLowerCase() === 'application/wasm'
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
}

/** A data: URL may be long. */
const shown = (url: string | URL) => String(url).slice(0, 200)

const because = (cause: unknown) => (cause instanceof Error ? `: ${cause.message}` : '')
