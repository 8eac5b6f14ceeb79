// A page: the driver calls `run` with the briefing, and hears of reports by `report`. It reaches TCP through a WebSocket proxy.
import '../suites/memory.ts'
import { init } from 'membio'
import { webSocket, webSocketProxy } from 'membio/transport'
import { enter, runAll } from '../suites/kit.ts'
import type { Briefing, Report } from '../world.ts'

const scope = globalThis as unknown as {
  report(report: Report): Promise<void>
  run(briefing: Briefing): Promise<void>
}

scope.run = async (briefing) => {
  const dial = (port: number) => {
    const { url, protocols } = webSocketProxy(briefing.webSocketProxy!, '127.0.0.1', port)
    return webSocket(new WebSocket(url, protocols))
  }
  const none = () => {
    throw new Error('a page has no node:net')
  }
  const reset = 'either'
  enter({ ...briefing, pipes: { native: { dial, ordinary: false, reset }, node: { dial: none, ordinary: false, reset } } })
  await init()
  await import('../suites/all.ts')
  await runAll((report) => scope.report(report))
  await scope.report({ type: 'end', version: navigator.userAgent })
}
