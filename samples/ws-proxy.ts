// A WebSocket-to-TCP proxy: what a page in a browser needs to reach a TCP server. It needs nothing but Node, and knows no TLS: what is
// encrypted in the page stays so. Both conventions: /v1?address=HOST:PORT for any target that is allowed, /websockify for one that is
// fixed.
//
//   npm run -s sample -- ws-proxy 8080 --allow example.com:443 --origin http://localhost:3000
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { parseTarget, tunnels } from './proxy/tunnel.ts'

const HELP = `usage: ws-proxy [PORT] [options]

Passes bytes between WebSockets and TCP connections. Without options it serves programs and pages of this machine, on its own origin,
and connects to this machine only.

  --host HOST           where to listen; default: 127.0.0.1
  --allow HOST:PORT     may be connected to, at /v1?address=HOST:PORT; either may be *. Can be given more than once;
                        default: localhost:* 127.0.0.1:* [::1]:*
  --target HOST:PORT    where /websockify leads
  --origin URL          pages of this origin may use it, too. Can be given more than once
  --quiet               print no line for each connection
  --help                print this`

const LOOPBACK = ['localhost:*', '127.0.0.1:*', '[::1]:*']

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      allow: { type: 'string', multiple: true, default: LOOPBACK },
      target: { type: 'string' },
      origin: { type: 'string', multiple: true, default: [] },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [port = '8080', ...more] = positionals
  if (more.length) throw new Error(`unexpected argument: ${more[0]}`)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Error(`PORT is ${port}, not a number from 0 to 65535`)
  const badRule = values.allow.find((rule) => !/^(\*|\[[\da-f:.]+\]|[^\s:/[\]]+):(\*|\d{1,5})$/i.test(rule))
  if (badRule !== undefined) throw new Error(`--allow ${badRule}: it is HOST:PORT, and an IPv6 address stands in brackets`)
  if (values.target !== undefined && !parseTarget(values.target)) throw new Error(`--target ${values.target}: it is HOST:PORT`)
  return { ...values, port: Number(port), origin: values.origin.map((origin) => new URL(origin).origin) }
}

function start({ host, port, allow, target, origin, quiet }: ReturnType<typeof readOptions>): void {
  const server = createServer((_, response) => response.writeHead(426, { Upgrade: 'websocket' }).end('this is a WebSocket proxy\n'))
  server.on('error', (error) => {
    console.error(error.message)
    process.exitCode = 1
  })
  server.listen(port, host, () => {
    const { port, address, family } = server.address() as AddressInfo
    const own = ['localhost', family === 'IPv6' ? `[${address}]` : address].map((name) => `http://${name}:${port}`)
    server.on('upgrade', tunnels({ origins: [...own, ...origin], targets: allow, fixed: target, log: quiet ? undefined : console.log }))
    console.log(`listening on ws://${own[1]!.slice(7)}, may connect to ${allow.join(' ')}`)
    if (target !== undefined) console.log(`/websockify leads to ${target}`)
  })
}

try {
  const options = readOptions()
  if (options.help) console.log(HELP)
  else start(options)
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`)
  process.exitCode = 2
}
