// Browsers, and runtimes we do not know: the module is fetched from beside this code. Bundlers know this very expression, and bring the
// file.
import { usageError } from '../errors.ts'

export default function opensslModule(): URL {
  try {
    return new URL('./openssl.wasm', import.meta.url)
  } catch (error) {
    const message = 'this bundle does not know its own address: call `init` with the `url`, `bytes` or `module` of openssl.wasm'
    throw usageError(message, 'ERR_TLS_MODULE_NOT_FOUND', error)
  }
}
