// axios with an agent of membio/https. It goes through follow-redirects, which hands the agent on.
import { rows } from '../rows.ts'
import axios from 'axios'
import * as assert from 'uvu/assert'
import { https, webRows } from '../web.ts'

const row = rows('axios')

webRows(row, '', {
  protocol: 'HTTP/1.1',
  open(t, { port, connections, tls }) {
    const httpsAgent = new https.Agent({ ...tls, keepAlive: connections === 'one', maxSockets: 1 })
    t.defer(() => httpsAgent.destroy())
    return async (path, body) => {
      const common = { httpsAgent, responseType: 'arraybuffer', maxBodyLength: Infinity } as const
      const url = `https://localhost:${port}${path}`
      const { status, data } = await axios.request({ ...common, url, method: body ? 'POST' : 'GET', data: body })
      assert.is(status, 200)
      return data
    }
  },
})
