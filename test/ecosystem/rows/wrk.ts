// wrk: HTTP/1.1 as fast as it goes for some seconds. It checks no certificates.
import { noteAgreed, rows, socketCount } from '../rows.ts'
import * as assert from 'uvu/assert'
import { listen, run, SERVERS } from '../served.ts'

const row = rows('wrk')

const LOADS = [
  { path: '/', connections: 20, seconds: 2 },
  { path: '/large', connections: 2, seconds: 5 },
]

for (const { path, connections, seconds } of LOADS) {
  row(`HTTP/1.1: ${path} on ${connections} connections`, async (t) => {
    const port = await listen(t, SERVERS['HTTP/1.1']())
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', `https://127.0.0.1:${port}${path}`]
    const { code, stdout } = await run(t, 'wrk', args)
    assert.is(code, 0)
    assert.not.match(`${stdout}`, /Non-2xx|Socket errors/)
    assert.ok(Number(/(\d+) requests in/.exec(`${stdout}`)?.[1]) > 0, `${stdout}`)
    assert.ok(socketCount() >= connections)
    noteAgreed(t)
  })
}
