// Node, Deno and Bun: the module is a file beside this one, compiled synchronously, once a process.
import { readFileSync } from 'node:fs'
import { usageError } from '../errors.ts'

export default function opensslModule(): WebAssembly.Module {
  return new WebAssembly.Module(read())
}

function read(): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(new URL('./openssl.wasm', import.meta.url))
  } catch (error) {
    const remedy = 'put it there (it is membio/openssl.wasm), or call `init` with `bytes` or `module`'
    throw usageError(`openssl.wasm is not beside this code: ${remedy}`, 'ERR_TLS_MODULE_NOT_FOUND', error)
  }
}
