// workerd alone, without tools around it: a configuration, one bundled module, openssl.wasm beside it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { bundleEntry, bundlePackage, stage } from '../bundle.ts'
import { installed } from '../installed.ts'
import { reportIn, start, type Cleanups, type Run } from '../runtime.ts'
import type { Briefing } from '../world.ts'

/** From this date on node:* modules are there without being asked for. */
const DATE = '2026-11-01'

/** "local" is the loopback. */
const configuration = (main: string) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker), (name = "internet", network = (allow = ["local", "private", "public"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ] );
const worker :Workerd.Worker = (
  modules = [ (name = "worker.mjs", esModule = embed "${main}"), (name = "openssl.wasm", wasm = embed "openssl.wasm") ],
  compatibilityDate = "${DATE}" );
`

/** Starts a worker of test/runtimes/NAME.ts; resolves with its address once it listens. */
export async function startWorker(t: Cleanups, name: string): Promise<{ url: string; pid: number }> {
  const bundle = await bundlePackage(await bundleEntry(name), ['workerd', 'worker', 'browser'], { external: ['membio/sync'] })
  copyFileSync(join(stage, 'node_modules/membio/dist/openssl.wasm'), join(stage, 'openssl.wasm'))
  const file = bundle.replace(/\.mjs$/, '.capnp')
  writeFileSync(file, configuration(bundle.slice(stage.length + 1)))
  const child = start(t, installed('workerd'), ['serve', file, '--control-fd=3'])
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const { event, port } = JSON.parse(line) as { event: string; port?: number }
    if (event === 'listen') return { url: `http://127.0.0.1:${port}/`, pid: child.pid! }
  }
  throw new Error('workerd has not come to listen')
}

export const runWorkerd: Run = async (briefing, listen, t) => {
  const { url } = await startWorker(t, 'entries/workerd')
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ ...briefing, worker: url } satisfies Briefing) })
  if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`)
  // Which it does not tell its workers.
  const version = execFileSync(installed('workerd'), ['--version'], { encoding: 'utf8' }).trim().split(' ').at(-1)!
  let rest = ''
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const report = reportIn(line)!
      listen(report.type === 'end' ? { ...report, version } : report)
    }
  }
}
