// Starts the worker, once a thread of the program, and passes it requests: what the caller does not sleep for. The only file
// besides the worker that knows node:worker_threads, and it asks for it without an import: in a browser, loading `membio/sync` must
// not fail before somebody can be told why.
import type { Worker } from 'node:worker_threads'
import { safetyNet } from '../abi/handle.ts'
import { TlsError, usageError } from '../errors.ts'
import type { Request } from './channel.ts'

interface HostProcess {
  getBuiltinModule?(name: 'node:worker_threads'): typeof import('node:worker_threads') | undefined
}

/** A worker is there within some 50 ms; where this is not enough, it will not come at all. */
const START_DEADLINE = 10_000

let thread: Worker | undefined
let lastId = 0

/** A name for a socket or listener, never used before in this thread. */
export const newId = (): number => ++lastId

/**
 * Hands a request to the worker, and starts it at the first one. Returns at once; the answer comes by the channel.
 * @throws TlsError of kind `usage` where a thread cannot sleep or has no worker to wake it
 */
export function post(request: Request): void {
  thread ??= start()
  thread.postMessage(request)
}

/** What a dropped object leaves behind is given up: the safety net under `close`. Only runs when the event loop does. */
const dropped = safetyNet<number>((id) => post({ verb: 'reset', id }))

export const watchOwner = (owner: object, id: number): void => dropped.register(owner, id, owner)
export const forgetOwner = (owner: object): void => void dropped.unregister(owner)

function start(): Worker {
  const { process } = globalThis as { process?: HostProcess }
  const threads = process?.getBuiltinModule?.('node:worker_threads')
  if (!threads?.Worker || !maySleep()) throw unsupported()
  const ready = new Int32Array(new SharedArrayBuffer(4))
  let worker: Worker
  try {
    // execArgv: a loader or an inspector that the program asked for is not meant for this worker.
    const options = { name: 'membio-sync', workerData: ready.buffer, execArgv: [] }
    worker = new threads.Worker(new URL('./sync-worker.js', import.meta.url), options)
  } catch (error) {
    throw unsupported(error)
  }
  worker.unref() // never the reason why a program goes on
  if (Atomics.wait(ready, 0, 0, START_DEADLINE) === 'timed-out') {
    throw new TlsError('internal', `the worker of membio/sync did not start within ${START_DEADLINE} ms`, { code: 'ERR_TLS_SYNC_WORKER' })
  }
  return worker
}

/** Browsers forbid their main thread to sleep. */
function maySleep(): boolean {
  try {
    return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0) === 'not-equal'
  } catch {
    return false
  }
}

function unsupported(cause?: unknown): TlsError {
  const message = 'membio/sync needs Node, Deno or Bun: this runtime lets no thread sleep until a socket is ready. Use membio/streams'
  return usageError(message, 'ERR_TLS_SYNC_UNSUPPORTED', cause)
}
