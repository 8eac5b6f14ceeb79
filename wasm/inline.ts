// Writes dist/inline.js, the package's entry `membio/inline`, from dist/openssl.wasm. Run by `./build.sh wasm`; the entry's types, with what
// users should know, are src/inline.d.ts.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

// Uint8Array.fromBase64 is younger than some runtimes that we serve.
const source = (base64: string) => `// @ts-self-types="./types/inline.d.ts"
// openssl.wasm as base64: made from it by wasm/inline.ts.
export function opensslWasm() {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64)
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

const base64 =
  '${base64}'
`

mkdirSync('dist/types', { recursive: true })
writeFileSync('dist/inline.js', source(readFileSync('dist/openssl.wasm').toString('base64')))
copyFileSync('src/inline.d.ts', 'dist/types/inline.d.ts')
