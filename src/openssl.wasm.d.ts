// The package's entry `membio/openssl.wasm`: the module's bytes. What importing it gives is the runtime's or bundler's affair: workerd and
// wrangler compile it, others give its address; both go to `init`.
declare const opensslWasm: WebAssembly.Module
export default opensslWasm
