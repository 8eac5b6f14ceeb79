// Runs a sample by name: `npm run -s sample -- NAME ARGS`. Without a name, or with --help, it lists them.
import { existsSync, statSync } from 'node:fs'

const SAMPLES: Record<string, string> = {
  'async-client': 'a non-blocking client: handshake, HTTP request, first 256 bytes of the answer',
  'async-server': 'a non-blocking server: many connections at once, HTTP 200 to each',
  'sync-client': 'the same client, blocking, line after line',
  'sync-server': 'the same server, blocking, one connection after the other',
  'streams-client': 'a client on WHATWG streams: standard input to the server, its answers to standard output; STARTTLS',
  'streams-server': 'a server on WHATWG streams: sends back what it gets, in capitals',
  'echo-server': 'an echo server: TLS on one port, plain TCP on another',
  'dtls-echo-server': 'an echo server on UDP, with DTLS 1.2',
  'dtls-echo-client': 'its client: each line a datagram',
  'https-server': 'an HTTPS server: GET /hello, keep-alive',
  'https-client': 'two HTTPS connections at once, one read raw, one parsed',
  'https-get': 'membio/https in the place of node:https: connections and sessions used again, proxies',
  'remote-signer': 'an HTTPS server whose private key lives in another thread',
  'ws-proxy': 'WebSocket to TCP, for TLS inside a browser',
  start: 'what `npm start` runs: server and client, and the handshake between them',
}

const [name = '--help', ...args] = process.argv.slice(2)
const asksForHelp = name === '--help' || name === '-h'

/** A module runs when it is imported; the sample sees only its own arguments. */
async function runSample(): Promise<void> {
  const compiled = new URL(`./${name}.js`, import.meta.url)
  const source = new URL(`../../samples/${name}.ts`, import.meta.url)
  const isStale = statSync(source).mtimeMs > statSync(compiled).mtimeMs
  if (isStale) console.error(`samples/${name}.ts was changed after it was built: run ./build.sh ts`)
  process.argv.splice(2, Infinity, ...args)
  await import(compiled.href)
}

function printList(): void {
  const list = Object.entries(SAMPLES).map(([sample, about]) => `  ${sample.padEnd(18)}${about}`)
  const text = ['usage: npm run -s sample -- NAME [ARGS]; each takes --help', '', ...list].join('\n')
  if (asksForHelp) console.log(text)
  else console.error(`there is no sample "${name}"\n\n${text}`)
  process.exitCode = asksForHelp ? 0 : 2
}

if (!Object.hasOwn(SAMPLES, name)) {
  printList()
} else if (existsSync(new URL('../../dist/openssl.wasm', import.meta.url))) {
  await runSample()
} else {
  console.error('openssl.wasm is not built yet: run ./build.sh')
  process.exitCode = 1
}
