// A contender in a page: the same commands as a worker has, called from outside by peers/chromium.ts. It measures itself, by the page's
// clock.
import { prepare, type Given, type Peer } from '../peers/peer.ts'
import { Cannot, type Run, type Task, type Work } from '../work.ts'

export type PageName = keyof typeof PEERS

const PEERS = {
  'membio': async () => (await import('./membio.ts')).membio(),
  'epoxy-tls': async () => (await import('./epoxy.ts')).epoxyTls(),
  'libcurl.js': async () => (await import('./libcurl.ts')).libcurlJs(),
} satisfies Record<string, () => Promise<Peer>>

/** What chromium.ts calls. */
export interface Page {
  prepare(name: PageName, work: Work, given: Given): Promise<{ note?: string; cannot?: string }>
  run(times: number): Promise<Run>
  close(): Promise<void>
}

let task: Task | undefined

const page: Page = {
  async prepare(name, work, given) {
    try {
      task = await prepare(await PEERS[name](), work, given)
      return { note: task.note }
    } catch (error) {
      if (error instanceof Cannot) return { cannot: error.message }
      throw error instanceof Error ? error : new Error(String(error))
    }
  },
  async run(times) {
    const began = performance.now()
    await task!.run(times)
    return { seconds: (performance.now() - began) / 1000 }
  },
  async close() {
    await task?.close()
    task = undefined
  },
}

Object.assign(globalThis, { page })
