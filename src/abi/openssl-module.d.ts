// The one place that differs from runtime to runtime: where the compiled module comes from. package.json's "imports" map chooses.
declare module '#openssl-module' {
  /** The compiled openssl.wasm; its address where the runtime has to fetch it, and cannot do that without waiting. */
  export default function opensslModule(): WebAssembly.Module | URL
}
