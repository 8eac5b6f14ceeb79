// got with an agent of membio/https. It has to be loaded before node:tls is replaced: http2-wrapper, which it brings along, looks for
// Node's JSStreamSocket inside of a TLSSocket (`_handle._parentWrap`), and does so as it loads.
import got from 'got'
import { rows } from '../rows.ts'
import * as assert from 'uvu/assert'
import { https, webRows } from '../web.ts'

const row = rows('got')

webRows(row, '', {
  protocol: 'HTTP/1.1',
  open(t, { port, connections, tls }) {
    const agent = { https: new https.Agent({ ...tls, keepAlive: connections === 'one', maxSockets: 1 }) }
    t.defer(() => agent.https.destroy())
    return async (path, body) => {
      const common = { agent, responseType: 'buffer', retry: { limit: 0 } } as const
      const { statusCode, body: answer } = await got(`https://localhost:${port}${path}`, { ...common, method: body ? 'POST' : 'GET', body })
      assert.is(statusCode, 200)
      return Buffer.from(answer)
    }
  },
})
