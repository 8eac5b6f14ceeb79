// membio/register in programs of their own, ES modules and CommonJS: whatever way they come to tls, https and http2, it is membio's they get,
// and a dependency that never heard of membio gets it too.
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { HOSTS, issue, root, server as identity } from '../support/certs.ts'
import { repository } from '../support/paths.ts'
import { folder } from '../support/peers.ts'
import { suite, type Case } from '../support/suite.ts'

const test = suite('register')

/** A folder with a program, a dependency of it, and membio, as npm would lay them out. */
function project(t: Case, files: Readonly<Record<string, string>>): string {
  const path = folder(t)
  mkdirSync(join(path, 'node_modules/dependency'), { recursive: true })
  symlinkSync(repository, join(path, 'node_modules/membio'))
  const { cert, key } = identity()
  const all = {
    ...files,
    'cert.pem': cert,
    'key.pem': key,
    'ca.pem': root().cert,
    'common.cjs': COMMON,
    'node_modules/dependency/package.json': '{ "main": "main.js" }',
    'node_modules/dependency/main.js': `exports.tls = require('tls'); exports.https = require('node:https')`,
  }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(path, name), text)
  return path
}

/** What the programs share: `tries` says of each way to TLS whether membio was there. */
const COMMON = `
  const { readFileSync } = require('node:fs')
  const [cert, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => readFileSync(name, 'utf8'))
  const isOurs = (socket) => typeof socket.keyUpdate === 'function' // Node's has none
  const first = (emitter, event) => new Promise((resolve, reject) => emitter.once(event, resolve).once('error', reject))
  const listening = async (server) => (await first(server.listen(0, '127.0.0.1'), 'listening'), server.address().port)
  exports.options = { cert, key, ca, host: '127.0.0.1', servername: 'localhost' }
  exports.isOurs = isOurs
  exports.first = first
  exports.listening = listening

  exports.connects = async (connect, port) => {
    const socket = connect({ ...exports.options, port })
    await first(socket, 'secureConnect')
    socket.destroy()
    return isOurs(socket)
  }

  exports.gets = async (https, port) => {
    const response = await first(https.get({ ...exports.options, port, agent: false }), 'response')
    response.resume()
    return isOurs(response.socket)
  }

  exports.tries = async ({ tls, connect, https, http2, dependency }) => {
    const { connects, gets, options } = exports
    const server = https.createServer(options, (request, response) => response.end(String(isOurs(request.socket))))
    const port = await listening(server)
    const result = {
      default: await connects(tls.connect, port),
      named: await connects(connect, port),
      https: await gets(https, port),
      dependency: await connects(dependency.tls.connect, port),
      'its https': await gets(dependency.https, port),
      'the host object': await connects(process.getBuiltinModule('tls').connect, port),
      fetch: (await (await fetch('https://localhost:' + port)).text()) === 'true',
    }
    server.close()
    server.closeAllConnections()
    const h2 = http2.createSecureServer(options, (request, response) => response.end('h2'))
    const session = http2.connect('https://localhost:' + (await listening(h2)), options)
    const [text] = await Promise.all([new Promise((resolve) => session.request().setEncoding('utf8').once('data', resolve)), first(session, 'connect')])
    result.http2 = text === 'h2' && session.socket.getProtocol() === 'TLSv1.3' && h2 instanceof tls.Server
    session.destroy()
    h2.close()
    return result
  }
`

const ESM = `
  import tls, { connect } from 'tls'
  import https from 'node:https'
  import * as http2 from 'http2'
  import dependency from 'dependency'
  import { tries } from './common.cjs'
  console.log(JSON.stringify(await tries({ tls, connect, https, http2, dependency })))
`
const CJS = `
  const tls = require('node:tls'), { connect } = require('tls'), https = require('https'), http2 = require('node:http2')
  const { tries } = require('./common.cjs')
  tries({ tls, connect, https, http2, dependency: require('dependency') }).then((result) => console.log(JSON.stringify(result)))
`

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

function node(path: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    cwd: path,
    timeout: 30_000,
    encoding: 'utf8',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(path, 'ca.pem'), ...env },
  })
  if (error) throw error
  return { code: status, stdout, stderr }
}

function answer(outcome: Outcome): unknown {
  if (outcome.code !== 0) throw new Error(`the program left with ${outcome.code}: ${outcome.stderr}`)
  return JSON.parse(outcome.stdout)
}

const WAYS = ['default', 'named', 'https', 'dependency', 'its https', 'the host object', 'fetch', 'http2']
const everyWay = (is: boolean) => Object.fromEntries(WAYS.map((way) => [way, is]))

const LOADED: Record<string, { args: readonly string[]; env?: NodeJS.ProcessEnv }> = {
  '--import': { args: ['--import', 'membio/register'] },
  '--require': { args: ['--require', 'membio/register'] },
  NODE_OPTIONS: { args: [], env: { NODE_OPTIONS: '--import=membio/register' } },
}

for (const [how, { args, env }] of Object.entries(LOADED)) {
  for (const [program, text] of Object.entries({ 'app.mjs': ESM, 'app.cjs': CJS })) {
    test(`${how}, ${program}: all of it is membio`, (t) => {
      assert.equal(answer(node(project(t, { [program]: text }), [...args, program], env)), everyWay(true))
    })
  }
}

test('without it nothing is: the programs can tell', (t) => {
  const path = project(t, { 'app.mjs': ESM })
  assert.equal(answer(node(path, ['app.mjs'])), { ...everyWay(false), http2: true })
})

test('a worker thread has it too', (t) => {
  const path = project(t, {
    'app.mjs': `import { Worker } from 'node:worker_threads'; new Worker('./worker.cjs')`,
    'worker.cjs': CJS,
  })
  assert.equal(answer(node(path, ['--import', 'membio/register', 'app.mjs'])), everyWay(true))
})

test('a program may import it first, and undo it, and do it again', (t) => {
  const path = project(t, {
    'app.mjs': `
      import { register, unregister } from 'membio/register'
      import { createRequire } from 'node:module'
      import { connects, listening, options } from './common.cjs'
      const require = createRequire(import.meta.url)
      const tls = require('node:tls')
      const port = await listening(tls.createServer(options).unref())
      const seen = []
      const look = async () => seen.push(await connects(require('node:tls').connect, port))
      await look()
      unregister()
      unregister()
      await look()
      register()
      register()
      await look()
      unregister()
      await look()
      console.log(JSON.stringify(seen))`,
  })
  assert.equal(answer(node(path, ['app.mjs'])), [true, false, true, false])
})

test('after unregister the modules are as they were', (t) => {
  const path = project(t, {
    'app.mjs': `
      import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      const modules = ['tls', 'https', 'http2'].map((name) => require('node:' + name))
      const looks = () => modules.map((one) => JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(one)).map(([name, { value, get }]) => [name, typeof value, typeof get])))
      const before = [looks(), modules.map(({ connect, createServer, Agent }) => [connect, createServer, Agent])]
      const { unregister } = await import('membio/register')
      const meanwhile = modules[0].connect
      unregister()
      const after = [looks(), modules.map(({ connect, createServer, Agent }) => [connect, createServer, Agent])]
      console.log(JSON.stringify([
        meanwhile !== modules[0].connect,
        JSON.stringify(before[0]) === JSON.stringify(after[0]),
        before[1].flat().every((one, index) => one === after[1].flat()[index]),
      ]))`,
  })
  assert.equal(answer(node(path, ['app.mjs'])), [true, true, true])
})

// ---- What programs do with the modules. ----

for (const name of ['tls', 'https', 'http2']) {
  test(`membio/${name} has every name of node:${name}, so that no import of one fails`, async () => {
    const [host, ours] = (await Promise.all([import(`node:${name}`), import(`membio/${name}`)])) as { default: object }[]
    const missing = (from: object, has: object) => Object.keys(from).filter((one) => !(one in has))
    assert.equal(missing(host!, ours!), [])
    assert.equal(missing(host!.default, ours!.default), [])
  })
}

test('defaults that a program changes hold', (t) => {
  const path = project(t, {
    'app.cjs': `
      const tls = require('tls')
      const { first, listening, options } = require('./common.cjs')
      tls.DEFAULT_MAX_VERSION = 'TLSv1.2'
      const server = tls.createServer(options).unref()
      listening(server).then(async (port) => {
        const socket = tls.connect({ ...options, port })
        await first(socket, 'secureConnect')
        console.log(JSON.stringify([socket.getProtocol(), tls.DEFAULT_MAX_VERSION]))
        process.exit()
      })`,
  })
  assert.equal(answer(node(path, ['--import', 'membio/register', 'app.cjs'])), ['TLSv1.2', 'TLSv1.2'])
})

test('a function that a program wraps is called by the others', (t) => {
  const path = project(t, {
    'app.cjs': `
      const tls = require('tls')
      const { gets, listening, options } = require('./common.cjs')
      const https = require('https')
      let calls = 0
      const connect = tls.connect
      tls.connect = function (...args) { calls++; return connect.apply(this, args) }
      const server = https.createServer(options, (_request, response) => response.end())
      listening(server).then(async (port) => {
        const ours = await gets(https, port)
        console.log(JSON.stringify([ours, calls]))
        process.exit()
      })`,
  })
  assert.equal(answer(node(path, ['--import', 'membio/register', 'app.cjs'])), [true, 1])
})

test("roots and refusals are the host's, and no call goes round in circles", (t) => {
  const stranger = issue({ subject: { CN: 'localhost' }, hosts: HOSTS })
  const path = project(t, {
    'stranger.pem': stranger.cert + stranger.key,
    'app.mjs': `
      import { readFileSync } from 'node:fs'
      import tls from 'node:tls'
      import * as membio from 'membio/tls'
      import { listening } from './common.cjs'
      const both = readFileSync('stranger.pem')
      const port = await listening(tls.createServer({ cert: both, key: both }).unref())
      const code = await new Promise((resolve) => tls.connect({ port, host: '127.0.0.1', servername: 'localhost' }).on('error', ({ code }) => resolve(code)))
      console.log(JSON.stringify([code, membio.getCACertificates().length > tls.rootCertificates.length, tls.rootCertificates.length > 100]))`,
  })
  assert.equal(answer(node(path, ['--import', 'membio/register', 'app.mjs'])), ['DEPTH_ZERO_SELF_SIGNED_CERT', true, true])
})
