// The process that server.ts runs in.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ServerAddress } from './peers/peer.ts'
import { commandFor, environment } from './runtimes.ts'
import type { Certificates } from './work.ts'

export interface NativeServer {
  address: ServerAddress
  stop(): Promise<void>
}

export async function startServer(certificates: Certificates): Promise<NativeServer> {
  const [program, ...rest] = commandFor('node', fileURLToPath(new URL('./server.js', import.meta.url)))!
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'inherit'], env: environment() })
  child.stdin.write(`${JSON.stringify(certificates)}\n`)
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), ended.then(() => undefined)])
  if (!first) throw new Error('the native server did not start')
  const stop = async () => {
    child.stdin.end()
    await ended
  }
  return { address: JSON.parse(first[0] as string) as ServerAddress, stop }
}
