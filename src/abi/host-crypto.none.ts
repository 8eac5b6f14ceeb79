// Browsers and workerd have asynchronous cryptography only; Deno's node:crypto is slower than WebAssembly (docs/acceleration.md).
export default undefined
