// The package's entry `membio/inline`: openssl.wasm as text, and nothing else imports it, so that nobody pays for it unasked. Its
// JavaScript is made by wasm/inline.ts when the module is built.

/**
 * The bytes of openssl.wasm, for bundles that consist of one file: `await init({ bytes: opensslWasm() })`. As text they are a third
 * larger, and are read at each start: a file beside the bundle is better where there can be one. Each call decodes anew.
 */
export declare function opensslWasm(): Uint8Array<ArrayBuffer>
