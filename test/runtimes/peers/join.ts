// Two connections that begin with the same line become one pipe: so a runtime that cannot listen has both ends of one. Ends and resets are
// passed on as they come. A third connection, which begins with that line and a question mark, is answered once they are joined.
import type { Socket } from 'node:net'

const waiting = new Map<string, Socket>()
const joined = new Set<string>()
const asking = new Map<string, Socket>()

export function join(socket: Socket): void {
  let begun = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => {}) // told by 'close'
  socket.on('data', function begin(chunk: Buffer) {
    begun = Buffer.concat([begun, chunk])
    const end = begun.indexOf('\n')
    if (end < 0) return
    socket.off('data', begin).pause()
    if (begun.length > end + 1) socket.unshift(begun.subarray(end + 1))
    const name = begun.toString('latin1', 0, end)
    if (name.endsWith('?')) ask(name.slice(0, -1), socket)
    else meet(name, socket)
  })
}

function ask(name: string, socket: Socket): void {
  if (joined.has(name)) socket.end('yes\n')
  else asking.set(name, socket)
}

function meet(name: string, socket: Socket): void {
  const other = waiting.get(name)
  if (!other) return void waiting.set(name, socket)
  waiting.delete(name)
  pass(socket, other)
  pass(other, socket)
  joined.add(name)
  asking.get(name)?.end('yes\n')
}

function pass(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => {
    if (!from.readableEnded || !from.writableFinished) to.resetAndDestroy()
  })
  if (from.destroyed) to.resetAndDestroy()
  else from.resume()
}
