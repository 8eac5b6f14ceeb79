// workerd compiles nothing at run time: the module is an import, compiled when the Worker is deployed, and there at once.
import module from './openssl.wasm'

export default function opensslModule(): WebAssembly.Module {
  return module
}
