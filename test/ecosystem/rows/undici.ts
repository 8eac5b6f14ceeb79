// undici with membio's connector, HTTP/1.1 and HTTP/2.
import { isNative, rows } from '../rows.ts'
import * as assert from 'uvu/assert'
import { Agent, buildConnector, request } from 'undici'
import { connector } from '../../../src/https/index.ts'
import { webRows } from '../web.ts'

const row = rows('undici')

/** undici's own makes no difference between membio's sockets and Node's. */
const connectorUnderTest = (isNative ? buildConnector : connector) as typeof buildConnector

for (const protocol of ['HTTP/1.1', 'HTTP/2.0'] as const) {
  webRows(row, protocol, {
    protocol,
    open(t, { port, connections, tls }) {
      const allowH2 = protocol === 'HTTP/2.0'
      const make = (connect: buildConnector.connector) => new Agent({ connect, allowH2, connections: 1, maxConcurrentStreams: 100 })
      const connect = connectorUnderTest({ ...(tls as buildConnector.BuildOptions), allowH2 })
      const one = make(connect)
      t.defer(() => one.destroy())
      return async (path, body) => {
        // Another agent with the same connector: its connections are new, the sessions are not.
        const dispatcher = connections === 'one' ? one : make(connect)
        const answer = await request(`https://localhost:${port}${path}`, { dispatcher, method: body ? 'POST' : 'GET', body })
        assert.is(answer.statusCode, 200)
        const bytes = Buffer.from(await answer.body.arrayBuffer())
        if (dispatcher !== one) await dispatcher.close()
        return bytes
      }
    },
  })
}
