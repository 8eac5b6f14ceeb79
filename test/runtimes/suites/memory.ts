// openssl.wasm's memory, which the package hands out to nobody: caught when the module is instantiated. Import it before anything uses
// the package. A runtime that kept a view across `memory.grow` would show there, as corruption or as a hang.
import type { ByteTransport } from 'membio/transport'

let caught: WebAssembly.Memory | undefined

WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports)
    if (this.exports.memory instanceof WebAssembly.Memory) caught = this.exports.memory
  }
}

export function memory(): WebAssembly.Memory {
  if (!caught) throw new Error('openssl.wasm was instantiated before its memory could be caught')
  return caught
}

/** Whoever held a view on the memory holds nothing afterwards. */
export function grow(): void {
  memory().grow(1)
}

/** Grows memory around everything that passes: in the midst of reads and writes, at most `most` times. */
export function growing(transport: ByteTransport, most: number): ByteTransport & { growths(): number } {
  let growths = 0
  const once = () => {
    if (growths < most) grow()
    growths++
  }
  const around = (call: () => void): void => {
    once()
    call()
    once()
  }
  return {
    growths: () => Math.min(growths, most),
    attach: (receiver) =>
      transport.attach({
        onChunk: (chunk) => around(() => receiver.onChunk(chunk)),
        onDrain: () => around(() => receiver.onDrain()),
        onEof: () => receiver.onEof(),
        onError: (error) => receiver.onError(error),
      }),
    write(chunk) {
      const room = transport.write(chunk)
      once() // the pipe may still hold what it was given
      return room
    },
    pause: () => transport.pause(),
    resume: () => transport.resume(),
    end: () => transport.end(),
    reset: () => transport.reset(),
  }
}
