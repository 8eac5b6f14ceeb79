// What `import module from './openssl.wasm'` is where it may stand: in workerd. The build puts the file beside what it makes of this folder.
declare const module: WebAssembly.Module
export default module
