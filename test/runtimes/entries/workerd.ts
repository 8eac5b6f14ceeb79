// workerd: one request brings the briefing and runs all suites, because sockets belong to the request that has opened them. The answer's
// body is a report a line, as they come. Other paths are asked for by cases about requests.
import '../suites/memory.ts'
import { connect as connectSocket } from 'cloudflare:sockets'
import { connect } from 'node:net'
import { nodeSocket, webStreams } from 'membio/transport'
import { enter, runAll } from '../suites/kit.ts'
import type { Briefing, Pipe, Report } from '../world.ts'

interface Context {
  waitUntil(promise: Promise<unknown>): void
}

const node: Pipe = { dial: (port) => nodeSocket(connect(port, '127.0.0.1')), ordinary: true, reset: 'either' }
const native: Pipe = {
  dial: (port) => webStreams(connectSocket({ hostname: '127.0.0.1', port }, { allowHalfOpen: true })),
  ordinary: true,
  reset: 'either',
}

export default {
  async fetch(request: Request, _env: unknown, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname !== '/') return new Response(await (await import('../suites/requests.ts')).answer(pathname))
    const briefing = (await request.json()) as Briefing
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    context.waitUntil(run(briefing, writable.getWriter()))
    return new Response(readable)
  },
}

async function run(briefing: Briefing, writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
  const report = (report: Report) => writer.write(new TextEncoder().encode(`${JSON.stringify(report)}\n`))
  enter({ ...briefing, pipes: { native, node } })
  await import('../suites/all.ts') // some files of it make keys, which only a request may do in workerd
  await runAll(report)
  await report({ type: 'end', version: navigator.userAgent })
  await writer.close()
}
