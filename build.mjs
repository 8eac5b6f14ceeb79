// `npm run build:js`: bundles src/ to dist/*.js, one file for each entry of package.json. What they share goes to dist/chunk-*.js, so that
// the library and its classes are there once, whichever entries a program imports.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

/** What package.json's "exports" name, and sync-worker, which membio/sync starts. */
const entries = {
  index: 'src/index.ts',
  transport: 'src/transport/index.ts',
  tls: 'src/tls/index.ts',
  https: 'src/https/index.ts',
  http2: 'src/https/http2.ts',
  sync: 'src/sync/index.ts',
  'sync-worker': 'src/sync/sync-worker.ts',
  streams: 'src/streams/index.ts',
  neon: 'src/streams/neon.ts',
  x509: 'src/x509/index.ts',
  register: 'src/register/index.ts',
}

/** What package.json's "imports" name: NAME.CONDITION, chosen where the package is used. */
const conditional = {
  'openssl-module.node': 'src/abi/openssl-module.node.ts',
  'openssl-module.workerd': 'src/abi/openssl-module.workerd.ts',
  'openssl-module.browser': 'src/abi/openssl-module.browser.ts',
  'sockets.node': 'src/streams/sockets.node.ts',
  'sockets.deno': 'src/streams/sockets.deno.ts',
  'sockets.workerd': 'src/streams/sockets.workerd.ts',
  'sockets.none': 'src/streams/sockets.none.ts',
  'host-crypto.node': 'src/abi/host-crypto.node.ts',
  'host-crypto.bun': 'src/abi/host-crypto.bun.ts',
  'host-crypto.none': 'src/abi/host-crypto.none.ts',
}

mkdirSync('dist', { recursive: true })
for (const file of readdirSync('dist')) if (file.startsWith('chunk-')) rmSync(`dist/${file}`)

await build({
  entryPoints: { ...entries, ...conditional },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  external: ['#*', 'node:*', 'cloudflare:*', '*.wasm'],
  sourcemap: true,
  logLevel: 'warning',
})
