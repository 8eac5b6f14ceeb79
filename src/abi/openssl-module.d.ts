// The one place that differs from runtime to runtime: where the compiled module comes from. package.json's "imports" map chooses.
declare module '#openssl-module' {
  /** The compiled openssl.wasm; a promise where the runtime cannot compile synchronously. */
  export default function load(): WebAssembly.Module | Promise<WebAssembly.Module>
}
