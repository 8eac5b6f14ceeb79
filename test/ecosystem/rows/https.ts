// membio/https itself: request with an Agent that keeps connections and sessions.
import { rows } from '../rows.ts'
import { buffer } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import { https, webRows } from '../web.ts'

const row = rows('https')

webRows(row, '', {
  protocol: 'HTTP/1.1',
  open(t, { port, connections, tls }) {
    const agent = new https.Agent({ ...tls, keepAlive: connections === 'one', maxSockets: 1 })
    t.defer(() => agent.destroy())
    return async (path, body) => {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const options = { agent, host: 'localhost', port, path, method: body ? 'POST' : 'GET' }
        https.request(options, resolve).on('error', reject).end(body)
      })
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}`)
      return buffer(answer)
    }
  },
})
