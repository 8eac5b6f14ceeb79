// What `import module from './openssl.wasm'` gives where it may stand: in workerd. In dist/ the file is there.
declare const module: WebAssembly.Module
export default module
