// A process that does one thing and ends; how long that takes is measured from outside, from start to end. It prints the CPU time that it
// has taken.
//
//   start-up.js nothing
//   start-up.js load|handshake membio/tls|node:tls [port CA-file]
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type * as NodeTls from 'node:tls'
import { HOST } from './work.ts'

const [what, name, port, caFile] = process.argv.slice(2)

async function main(): Promise<void> {
  if (what === 'nothing') return
  const tls = ((name === 'node:tls' ? await import('node:tls') : await import('membio/tls')) as { default: typeof NodeTls }).default
  if (what === 'load') return void tls.createSecureContext()
  const client = tls.connect({ port: Number(port), host: '127.0.0.1', servername: HOST, ca: readFileSync(caFile!, 'utf8') })
  await once(client, 'secureConnect')
  client.destroy()
}

await main()
console.log(JSON.stringify(process.cpuUsage()))
