// The other thread of message-port.test.ts.
import { workerData, type MessagePort } from 'node:worker_threads'
import { createContext } from '../../src/index.ts'
import { messagePort, Poller } from '../../src/transport/index.ts'

const { port, behaviour, tls } = workerData as {
  port: MessagePort
  behaviour: 'echo' | 'exits' | 'dies' | 'tls'
  tls: { cert: string; key: string }
}

if (behaviour === 'dies') process.exit(1)
if (behaviour === 'tls') echoTls()
if (behaviour === 'echo') echo()

function echo(): void {
  const transport = messagePort(port)
  transport.attach({
    onChunk: (chunk) => void transport.write(chunk),
    onDrain() {},
    onEof: () => transport.end(),
    onError: (error) => {
      throw error
    },
  })
}

function echoTls(): void {
  const context = createContext(tls)
  const poller: Poller = new Poller(context.createEngine({ role: 'server' }), messagePort(port), {
    onPlaintext(chunk) {
      if (!poller.write(chunk)) poller.pause()
    },
    onDrain: () => poller.resume(),
    onEnd: () => poller.close(),
    onClose(error) {
      context.free()
      if (error) throw error
    },
  })
}
