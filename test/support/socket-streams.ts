// A kernel socket as WHATWG streams, as runtimes other than Node have them: a byte stream or one of whole chunks, half-close and
// back-pressure in both directions. Duplex.toWeb will not do: in Node 20 and 22 it keeps the readable's end to itself until the
// writable has ended, too.
import type { Socket } from 'node:net'

export interface SocketStreams {
  readable: ReadableStream<Uint8Array>
  writable: WritableStream<Uint8Array>
}

/** @param kind of the readable: 'bytes' has BYOB readers */
export function socketStreams(socket: Socket, kind: 'bytes' | 'chunks'): SocketStreams {
  return { readable: readableOf(socket, kind), writable: writableOf(socket) }
}

function readableOf(socket: Socket, kind: 'bytes' | 'chunks'): ReadableStream<Uint8Array> {
  /** Resolves a pull: there may be something to read. */
  let wake = (): void => {}
  let ended = false
  for (const event of ['readable', 'end', 'error', 'close']) socket.on(event, () => wake())
  socket.on('end', () => (ended = true))
  const turn = () => new Promise<void>((resolve) => (wake = resolve))
  type Controller = ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>
  const source = {
    async pull(controller: Controller) {
      for (;;) {
        const request = 'byobRequest' in controller ? controller.byobRequest : null
        const view = request?.view
        const chunk = socket.read(view ? Math.min(view.byteLength, socket.readableLength) || undefined : undefined) as Buffer | null
        if (chunk && view) {
          new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(chunk)
          return request!.respond(chunk.length)
        }
        if (chunk) return controller.enqueue(new Uint8Array(chunk))
        if (ended) {
          controller.close()
          return request?.respond(0)
        }
        if (socket.errored ?? socket.destroyed) throw socket.errored ?? new Error('destroyed')
        await turn()
      }
    },
    cancel: () => void socket.destroy(),
  }
  return kind === 'bytes'
    ? new ReadableStream({ type: 'bytes', ...source } as UnderlyingByteSource, { highWaterMark: 0 })
    : new ReadableStream(source as UnderlyingDefaultSource<Uint8Array>, { highWaterMark: 0 })
}

function writableOf(socket: Socket): WritableStream<Uint8Array> {
  return new WritableStream({
    start: (controller) => void socket.on('error', (error) => controller.error(error)),
    write: (chunk) => new Promise<void>((resolve, reject) => void socket.write(chunk, (error) => (error ? reject(error) : resolve()))),
    close: () => new Promise<void>((resolve) => void socket.end(resolve)),
    abort: () => void socket.resetAndDestroy(),
  })
}
