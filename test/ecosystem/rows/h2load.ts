// h2load: many connections at once, and many streams on each. It checks no certificates.
import { rows, socketCount } from '../rows.ts'
import * as assert from 'uvu/assert'
import { LARGE, listen, run, SERVERS } from '../served.ts'

const row = rows('h2load')

for (const [http, start] of Object.entries(SERVERS)) {
  const protocol = http === 'HTTP/2' ? [] : ['--h1']

  row(`${http}: 2,000 requests on 20 connections`, async (t) => {
    const port = await listen(t, start())
    const { stdout } = await run(t, 'h2load', [...protocol, '-n2000', '-c20', '-m10', `https://127.0.0.1:${port}/`])
    assert.match(`${stdout}`, /2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout/)
    assert.is(socketCount(), 20)
  })

  row(`${http}: 5 MB ten times on 5 connections`, async (t) => {
    const port = await listen(t, start())
    const { stdout } = await run(t, 'h2load', [...protocol, '-n10', '-c5', '-m2', `https://127.0.0.1:${port}/large`])
    assert.match(`${stdout}`, /10 done, 10 succeeded, 0 failed/)
    assert.match(`${stdout}`, new RegExp(`\\(${10 * LARGE.length}\\) data`))
  })
}
