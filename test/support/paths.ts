// Where things are, seen from the compiled tests in build/test/support.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../../../', import.meta.url))

export const wasmBytes = (): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(`${repository}dist/openssl.wasm`))

let compiled: WebAssembly.Module | undefined

/** openssl.wasm, compiled once a process, for tests with a Library of their own. */
export const wasmModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(wasmBytes()))
