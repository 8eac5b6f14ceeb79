// Node, Deno and Bun: the module is a file beside this one, compiled synchronously, once a process.
import { readFileSync } from 'node:fs'

export default function load(): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(new URL('./openssl.wasm', import.meta.url)))
}
