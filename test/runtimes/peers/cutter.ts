// Somebody on the path who cuts connections short: passes on everything until so many bytes of the server's are through, then lets the
// client believe that the server has ended. It knows of TLS only where records begin and end.
import { connect, type Socket } from 'node:net'

/** More than any handshake has. */
const ENOUGH = 60_000

const HEADER = 5

export const cutter =
  (port: number, where: 'in a record' | 'between records') =>
  (client: Socket): void => {
    const server = connect(port, '127.0.0.1')
    const records = new Records()
    client.on('error', () => server.destroy())
    client.on('close', () => server.destroy())
    server.on('error', () => client.destroy())
    server.on('end', () => client.end())
    client.pipe(server)
    server.on('data', (chunk: Buffer) => {
      const cut = records.cut(chunk, where)
      if (cut === undefined) return void client.write(chunk)
      server.removeAllListeners('data').removeAllListeners('end')
      client.end(chunk.subarray(0, cut))
    })
  }

class Records {
  #passed = 0
  /** Where the next record begins. */
  #next = 0
  #header: Buffer = Buffer.alloc(0)

  /** How much of the chunk may still pass; undefined: all of it, and what comes next. */
  cut(chunk: Buffer, where: 'in a record' | 'between records'): number | undefined {
    const start = this.#passed
    this.#passed += chunk.length
    while (this.#next + HEADER <= this.#passed) {
      if (this.#next >= ENOUGH) {
        const at = Math.max(this.#next - start, 0)
        // One byte of the next record's body; its header is there.
        return where === 'in a record' ? Math.min(at + HEADER + 1, chunk.length) : at
      }
      const from = this.#next - start
      const header = from < 0 ? Buffer.concat([this.#header.subarray(from), chunk]) : chunk.subarray(from)
      this.#next += HEADER + header.readUInt16BE(3)
    }
    this.#header = Buffer.concat([this.#header, chunk]).subarray(-HEADER)
    return undefined
  }
}
