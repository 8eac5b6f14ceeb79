// A blocking program as a whole: it ends by itself, leaves nothing behind, and is told where it cannot run. The built package is used,
// as a user would.
import * as assert from 'uvu/assert'
import { root } from '../support/certs.ts'
import { inFreshNode } from '../support/node.ts'
import { suite } from '../support/suite.ts'
import { nodeServer } from './peers.ts'

const program = suite('sync: a program')

const connect = (port: number, more = '') => `
  import { connectSync, listenSync } from 'membio/sync'
  import { createContext, liveHandles, TlsError } from 'membio'
  const ca = ${JSON.stringify(root().cert)}
  const open = (options) => connectSync({ host: '127.0.0.1', servername: 'localhost', port: ${port}, ...options })
  ${more}`

program('ends by itself with a connection and a listener still open', async (t) => {
  const port = await nodeServer(t, 'echo')
  const source = connect(
    port,
    `const connection = open({ ca })
    connection.write('ping')
    const key = (await import('membio/x509')).createKey()
    const cert = (await import('membio/x509')).createCertificate({ key })
    listenSync({ port: 0, cert, key })
    console.log(JSON.stringify(new TextDecoder().decode(connection.read())))`,
  )
  assert.is(inFreshNode(source), 'ping') // or it runs into the time limit
})

program('what was written is sent even if the program leaves at once', async (t) => {
  const port = await nodeServer(t, 'count')
  const source = connect(port, `open({ ca }).write(new Uint8Array(1_000_000)); console.log('1'); process.exit()`)
  inFreshNode(source)
  const counted = connect(port, `console.log(new TextDecoder().decode(open({ ca }).read()))`)
  assert.is(inFreshNode(counted), 1_000_000)
})

program('200 connections, one after the other, leave no handle, no file descriptor and no thread behind', async (t) => {
  const port = await nodeServer(t, 'echo')
  const source = connect(
    port,
    `import { existsSync, readdirSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    const count = (what) => existsSync('/proc/self') ? readdirSync('/proc/self/' + what).length : 0
    const context = createContext({ ca })
    let before
    for (let i = 1; i <= 200; i++) {
      const connection = open({ context })
      connection.write('x')
      connection.read()
      connection.close()
      if (i === 20) before = { fds: count('fd'), threads: count('task') }
    }
    for (let waited = 0; count('fd') > before.fds && waited < 3000; waited += 50) await sleep(50)
    context.free()
    console.log(JSON.stringify({ live: liveHandles(), fds: count('fd') - before.fds, threads: count('task') - before.threads }))`,
  )
  const left = inFreshNode(source) as { live: number; fds: number; threads: number }
  assert.is(left.live, 0)
  assert.ok(left.fds <= 0, `${left.fds} file descriptors`)
  assert.ok(left.threads <= 0, `${left.threads} threads`)
})

program('works within a worker thread of the program', async (t) => {
  const port = await nodeServer(t, 'goodbye')
  const inside = connect(port, `process.stdout.write(JSON.stringify(new TextDecoder().decode(open({ ca }).read())))`)
  const source = `
    import { Worker } from 'node:worker_threads'
    import { writeFileSync, rmSync } from 'node:fs'
    const file = new URL('build/sync-inside-' + process.pid + '.mjs', 'file://' + process.cwd() + '/')
    writeFileSync(file, ${JSON.stringify(inside)})
    new Worker(file, { execArgv: [] }).on('exit', () => rmSync(file))`
  assert.is(inFreshNode(source), 'goodbye')
})

const UNSUPPORTED = `
  try {
    open({ ca })
  } catch (error) {
    console.log(JSON.stringify({ tls: error instanceof TlsError, kind: error.kind, code: error.code }))
  }`
const REFUSED = { tls: true, kind: 'usage', code: 'ERR_TLS_SYNC_UNSUPPORTED' }

program('a runtime without worker threads is told what to use', () => {
  assert.equal(inFreshNode(connect(1, `process.getBuiltinModule = undefined; ${UNSUPPORTED}`)), REFUSED)
})

program('so is a thread that must not sleep, such as the main thread of a browser', () => {
  const browser = `Atomics.wait = () => { throw new TypeError('Atomics.wait cannot be called in this context') };`
  assert.equal(inFreshNode(connect(1, browser + UNSUPPORTED)), REFUSED)
})
