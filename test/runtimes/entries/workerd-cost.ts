// A worker as a user writes it: each request makes a connection, says a line, and hears one. For bench/workerd.ts.
import { connect } from 'cloudflare:sockets'
import { createContext } from 'membio'
import { Poller, webStreams } from 'membio/transport'
import { HOST } from '../world.ts'

interface Asked {
  port: number
  ca: string
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { port, ca } = (await request.json()) as Asked
    const context = createContext({ ca })
    const engine = context.createEngine({ role: 'client', servername: HOST })
    context.free()
    const transport = webStreams(connect({ hostname: '127.0.0.1', port }, { allowHalfOpen: true }))
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      const poller: Poller = new Poller(engine, transport, {
        onSecure: () => poller.write('info\n'),
        onPlaintext: (chunk) => {
          resolve(chunk)
          poller.destroy()
        },
        onClose: (error) => reject(error ?? new Error('the connection has ended')),
      })
    })
    return new Response(answer.slice())
  },
}
