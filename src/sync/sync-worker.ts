// The worker: owns the kernel's sockets, moves ciphertext between them and the shared rings, and sleeps in its event loop. It
// never talks back but through the channels, because nobody could hear it; it knows no TLS. Its build is a file of its own,
// sync-worker.js, which worker-thread.ts starts.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import {
  BROKEN,
  Channel,
  EOF,
  FAILED,
  INCOMING_END,
  INCOMING_WAITS,
  OPEN,
  OPENING,
  OUTGOING_END,
  OUTGOING_WAITS,
  STATE,
  type Failure,
  type Request,
} from './channel.ts'

/** How long a closed socket may take to empty its queue and to hear the peer's FIN, in milliseconds, before it is destroyed. */
const LINGER = 2_000

/** Sockets and listeners by id. */
const pipes = new Map<number, Pipe>()
const listeners = new Map<number, Listener>()

/** A socket between two rings. */
class Pipe {
  readonly #id: number
  readonly #channel: Channel
  readonly #socket: Socket
  /** Arrived, but not in the ring yet. While there is any, the socket is paused. */
  #overflow: Uint8Array | undefined
  #ending: typeof EOF | typeof BROKEN | undefined
  #failed = false
  #sending = false
  /** asked: nobody reads any more, and FIN follows the last byte. */
  #close: 'no' | 'asked' | 'done' = 'no'
  #linger: ReturnType<typeof setTimeout> | undefined

  constructor(id: number, channel: Channel, socket: Socket) {
    this.#id = id
    this.#channel = channel
    this.#socket = socket
    pipes.set(id, this)
    socket.setNoDelay(true) // a flight of the handshake is written whole: waiting for more only costs a round trip
    socket.on('data', (chunk) => this.#receive(chunk as Uint8Array))
    socket.on('end', () => this.#end(EOF))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#closed())
  }

  /** The socket is connected. */
  open(): void {
    const { remoteAddress = '', remotePort = 0 } = this.#socket
    this.#channel.address = { address: remoteAddress, port: remotePort }
    this.#channel.publish(STATE, OPEN)
    this.#socket.resume()
    this.#send()
  }

  wake(): void {
    this.#fill()
    this.#send()
  }

  /** What still comes is dropped, not refused: a reset could overtake the last bytes we sent, such as an alert. */
  close(): void {
    this.#close = 'asked'
    this.#overflow = undefined
    this.#socket.resume()
    this.#linger = setTimeout(() => this.#socket.destroy(), LINGER)
    this.#send()
  }

  reset(): void {
    this.#socket.resetAndDestroy?.()
    this.#socket.destroy()
  }

  // ---- Kernel to ring. ----

  #receive(chunk: Uint8Array): void {
    if (this.#close !== 'no') return
    this.#overflow = this.#overflow ? joined(this.#overflow, chunk) : chunk
    this.#fill()
  }

  #fill(): void {
    const { incoming } = this.#channel
    while (this.#overflow) {
      const count = incoming.write(this.#overflow)
      if (count) this.#channel.signal()
      if (count === this.#overflow.length) {
        this.#overflow = undefined
        this.#socket.resume()
      } else {
        this.#overflow = this.#overflow.subarray(count)
        if (this.#mustWait(INCOMING_WAITS, () => incoming.room === 0)) return void this.#socket.pause()
      }
    }
    if (this.#ending !== undefined) this.#channel.publish(INCOMING_END, this.#ending)
  }

  #end(how: typeof EOF | typeof BROKEN): void {
    this.#ending ??= how
    this.#fill()
  }

  // ---- Ring to kernel. ----

  /** One write at a time. Its bytes leave the ring when the kernel has them: an empty ring means that everything was handed over. */
  #send(): void {
    const { outgoing } = this.#channel
    if (this.#sending || this.#close === 'done' || this.#socket.connecting) return
    const chunk = outgoing.peek()
    if (chunk.length === 0) {
      if (!this.#mustWait(OUTGOING_WAITS, () => outgoing.used === 0)) return this.#send()
      if (this.#close === 'asked') {
        this.#close = 'done'
        this.#socket.end()
      }
      return
    }
    this.#sending = true
    this.#socket.write(chunk.slice(), (error) => {
      this.#sending = false
      if (error) return // told by 'error', too
      outgoing.consume(chunk.length)
      this.#channel.signal()
      this.#send()
    })
  }

  /** Raises a flag that says the worker needs a wake-up, unless what it would wait for has happened meanwhile. */
  #mustWait(flag: number, stillWaiting: () => boolean): boolean {
    Atomics.store(this.#channel.words, flag, 1)
    if (stillWaiting()) return true
    Atomics.store(this.#channel.words, flag, 0)
    return false
  }

  // ---- The end. ----

  #fail(error: Error): void {
    if (this.#failed) return // only the first: the caller may be reading it right now
    this.#failed = true
    if (this.#channel.read(STATE) === OPENING) return fail(this.#channel, error)
    this.#channel.failure = describe(error)
    this.#channel.publish(OUTGOING_END, BROKEN)
    this.#end(BROKEN)
  }

  /** Closed without an end and without an error happens to a socket that was destroyed under us. */
  #closed(): void {
    pipes.delete(this.#id)
    clearTimeout(this.#linger)
    if (this.#ending === undefined) this.#fail(Object.assign(new Error('the socket was closed'), { code: 'ECONNRESET' }))
  }
}

/** A listening socket, the clients that wait for a caller, and the callers that wait for a client. */
class Listener {
  readonly #server: Server
  readonly #backlog: number
  readonly #clients = new Set<Socket>()
  readonly #callers: { id: number; channel: Channel }[] = []

  constructor(channel: Channel, { id, host, port, backlog }: Request & { verb: 'listen' }) {
    listeners.set(id, this)
    this.#backlog = backlog
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
    this.#server.on('connection', (socket) => this.#arrived(socket))
    this.#server.on('error', (error) => {
      listeners.delete(id)
      fail(channel, error)
    })
    this.#server.listen({ host, port, backlog }, () => {
      const at = this.#server.address() as AddressInfo
      channel.address = { address: at.address, port: at.port }
      channel.publish(STATE, OPEN)
    })
  }

  accept(id: number, channel: Channel): void {
    this.#callers.push({ id, channel })
    this.#introduce()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#clients) socket.destroy()
  }

  /** A client may change its mind before anybody speaks to it. The kernel's queue is bounded, so is ours. */
  #arrived(socket: Socket): void {
    if (!this.#callers.length && this.#clients.size >= this.#backlog) return void socket.destroy()
    this.#clients.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#clients.delete(socket))
    this.#introduce()
  }

  #introduce(): void {
    for (const socket of this.#clients) {
      const caller = this.#callers.shift()
      if (!caller) return
      this.#clients.delete(socket)
      new Pipe(caller.id, caller.channel, socket).open()
    }
  }
}

/** A paused socket may have one more chunk on its way. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

function serve(request: Request): void {
  switch (request.verb) {
    case 'connect': {
      const { id, host, port } = request
      const socket = connect({ host, port, allowHalfOpen: true, autoSelectFamily: true })
      const pipe = new Pipe(id, new Channel(request.shared), socket)
      return void socket.once('connect', () => pipe.open())
    }
    case 'listen':
      return void new Listener(new Channel(request.shared), request)
    case 'accept': {
      const listener = listeners.get(request.listener)
      if (!listener) throw new Error('the listener has failed')
      return listener.accept(request.id, new Channel(request.shared))
    }
    case 'close':
    case 'reset':
      listeners.get(request.id)?.close()
      listeners.delete(request.id)
  }
  pipes.get(request.id)?.[request.verb]() // gone already: nothing is left to do
}

function fail(channel: Channel, error: unknown): void {
  channel.failure = describe(error as Error)
  channel.publish(STATE, FAILED)
}

/** An AggregateError (every address of a host was tried) has no message of its own. Cut, to fit into the channel. */
function describe(error: Error & { code?: unknown; syscall?: string; errors?: Error[] }): Failure {
  const message = error.message || (error.errors ?? []).map((one) => one.message).join('; ') || error.name
  return { message: message.slice(0, 300), code: error.code === undefined ? undefined : String(error.code), syscall: error.syscall }
}

parentPort!.on('message', (request: Request) => {
  try {
    serve(request)
  } catch (error) {
    if ('shared' in request) fail(new Channel(request.shared), error) // a port out of range, for one
  }
})

// The one who started us may be asleep until now.
const ready = new Int32Array(workerData as SharedArrayBuffer)
Atomics.store(ready, 0, 1)
Atomics.notify(ready, 0)
