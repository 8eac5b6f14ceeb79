// The raw stream under a TLSSocket: what has to be known of it, whatever kind it is.
import * as net from 'node:net'
import type { Duplex } from 'node:stream'

/** What a raw stream may have beyond a Duplex. */
export type RawStream = Duplex & Partial<Pick<net.Socket, 'connecting' | 'pending'>>

/** A socket that has not got its connection yet. A Duplex that says nothing of the kind is taken to have one. */
export const isConnecting = (raw: RawStream): boolean => raw instanceof net.Socket && !raw.destroyed && (raw.connecting || raw.pending === true)

/**
 * From now on the raw stream's bytes are ciphertext: whoever listened for them before the switch must not get them. Node takes the handle from
 * under the socket, with the same effect.
 */
export function takeOver(raw: RawStream): void {
  if (!(raw instanceof net.Socket)) return
  for (const event of ['data', 'readable', 'end']) raw.removeAllListeners(event)
}

/**
 * Runs `listen`; the listeners that it adds to the raw stream stay there. A driver may clear a socket that it has handed over: in Node,
 * where the handle is gone from under it, nothing hangs on that any more.
 */
export function holdListeners(raw: RawStream, listen: () => void): void {
  const before = EVENTS.map((event) => raw.listenerCount(event))
  listen()
  const added = (event: string, at: number) => raw.listeners(event).slice(before[at]) as (() => void)[]
  const held = EVENTS.flatMap((event, at) => added(event, at).map((listener) => ({ event, listener })))
  const clear = raw.removeAllListeners
  raw.removeAllListeners = (...events: [event?: string | symbol]) => {
    Reflect.apply(clear, raw, events)
    for (const { event, listener } of held) if (!raw.listeners(event).includes(listener)) raw.on(event, listener)
    return raw
  }
}

const EVENTS = ['data', 'drain', 'end', 'error', 'close']
const CONNECTING = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout']

/** Passes on what a socket tells while it connects. */
export function forwardConnecting(raw: net.Socket, socket: net.Socket): void {
  for (const event of CONNECTING) raw.on(event, (...args: unknown[]) => socket.emit(event, ...args))
}

/** Calls back once all that was written has left, or never will. */
export function whenFinished(raw: Duplex, done: () => void): void {
  let called = false
  const once = () => {
    if (called) return
    called = true
    for (const event of ['finish', 'close', 'error']) raw.removeListener(event, once)
    done()
  }
  if (raw.writableFinished || raw.destroyed) return process.nextTick(once) as undefined
  for (const event of ['finish', 'close', 'error']) raw.once(event, once)
}
