// Which certificate a server shows to whom: contexts by name, the SNI callback in all the ways it may answer, and contexts replaced.
import { X509Certificate } from 'node:crypto'
import type { ConnectionOptions, SecureContext, TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { HOST, issue, root, serverFor, server as goodServer, strangeRoot } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { disconnected, matchError, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { attempt, connected, contextFor, deferred, dial, listen, type Listening, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

/** The host that the certificate shown is for. */
async function shownTo(t: Case, subject: Subject, listening: Listening, options: ConnectionOptions): Promise<string | undefined> {
  const client = await dial(t, subject, listening.port, { checkServerIdentity: () => undefined, ...options }).handshake()
  const { subjectaltname } = client.socket.getPeerCertificate()
  client.socket.end()
  return subjectaltname?.split(', ')[0]?.replace('DNS:', '')
}

export function serverSniSuite(subject: Subject): void {
  addContextSuite(subject)
  callbackSuite(subject)
  servernameSuite(subject)
  replacedSuite(subject)
}

function addContextSuite(subject: Subject): void {
  const test = suiteOf(subject, 'addContext')
  const withContexts = async (t: Case, contexts: readonly (readonly [name: string, host: string])[]) => {
    const listening = await listen(t, subject)
    for (const [name, host] of contexts) listening.server.addContext(name, contextFor(t, subject, serverFor(host)) as object)
    return listening
  }

  const CONTEXTS = [
    ['*.test', 'star.test'],
    ['a.test', 'first.test'],
    ['a.test', 'a.test'],
    ['*.b.test', 'wild.b.test'],
    ['x.b.test', 'x.b.test'],
    ['pre*.c.test', 'prefix.c.test'],
    ['d[1]+.test', 'brackets.test'],
  ] as const
  const rows: [servername: string, shown: string, why: string][] = [
    ['a.test', 'a.test', 'the last that matches wins'],
    ['other.test', 'star.test', 'a star stands for one label'],
    ['a.b.test', 'wild.b.test', 'a star below a domain'],
    ['x.b.test', 'x.b.test', 'what is added later beats a star'],
    ['y.x.b.test', HOST, 'a star stands not for two labels'],
    ['b.test', 'star.test', 'a star stands not for nothing'],
    ['predef.c.test', 'prefix.c.test', 'a star may be a part of a label'],
    ['nowhere.example', HOST, 'nothing matches: the default'],
    ['atest', HOST, 'a dot is a dot'],
    ['d1.test', 'star.test', 'brackets and plus are no pattern'],
  ]
  test('which name gets which context', async (t) => {
    const listening = await withContexts(t, CONTEXTS)
    for (const [servername, shown, why] of rows)
      assert.is(await shownTo(t, subject, listening, { servername }), shown, `${servername}: ${why}`)
  })

  test('names are compared without regard to case, as DNS does', async (t) => {
    const listening = await withContexts(t, [['Mixed.test', 'mixed.test']])
    assert.is(await shownTo(t, subject, listening, { servername: 'mIXED.test' }), has(subject, DIFFERENCES.sniCase) ? 'mixed.test' : HOST)
  })

  test('without a server name: the default', async (t) => {
    const listening = await withContexts(t, [['*', 'star.test']])
    assert.is(await shownTo(t, subject, listening, { servername: '' }), HOST)
  })

  test('takes options in place of a context, while the server listens', async (t) => {
    const listening = await listen(t, subject)
    assert.is(await shownTo(t, subject, listening, { servername: 'late.test' }), HOST)
    listening.server.addContext('late.test', serverFor('late.test'))
    assert.is(await shownTo(t, subject, listening, { servername: 'late.test' }), 'late.test')
  })

  test('a client sees a certificate of another root for one name only', async (t) => {
    const listening = await listen(t, subject)
    listening.server.addContext('strange.test', issue({ subject: { CN: 'strange.test' }, hosts: ['strange.test'] }, strangeRoot()))
    const client = { servername: 'strange.test', ca: strangeRoot().cert }
    assert.is((await attempt(t, subject, listening, client)).client.authorized, true)
    assert.is((await attempt(t, subject, listening)).client.authorized, true)
    assert.is((await attempt(t, subject, listening, { ...client, ca: root().cert })).client.error?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })
}

type SniDone = (error: Error | null, context?: SecureContext) => void
type SniCallback = (servername: string, done: SniDone) => void

function callbackSuite(subject: Subject): void {
  const test = suiteOf(subject, 'SNICallback')
  const found = (t: Case) => contextFor(t, subject, serverFor('found.test'))

  const answers: { name: string; callback: (t: Case) => SniCallback; shown: string }[] = [
    { name: 'a context', callback: (t) => (_, done) => done(null, found(t)), shown: 'found.test' },
    { name: 'a context, later', callback: (t) => (_, done) => void setImmediate(() => done(null, found(t))), shown: 'found.test' },
    { name: 'what is inside of a context', callback: (t) => (_, done) => done(null, found(t).context), shown: 'found.test' },
    { name: 'nothing', callback: () => (_, done) => done(null), shown: HOST },
    { name: 'nothing, later', callback: () => (_, done) => void setImmediate(() => done(null)), shown: HOST },
    { name: 'null', callback: () => (_, done) => done(null, null as unknown as undefined), shown: HOST },
  ]
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const { name, callback, shown } of answers) {
      test(`${maxVersion}: answers ${name}`, async (t) => {
        const listening = await listen(t, subject, { SNICallback: callback(t), maxVersion })
        assert.is(await shownTo(t, subject, listening, { servername: 'found.test' }), shown)
      })
    }

    const failures: [string, SniCallback, ExpectedError][] = [
      ['an error', (_, done) => done(new Error('unknown here')), { message: 'unknown here' }],
      ['an error, later', (_, done) => void setImmediate(() => done(new Error('unknown here'))), { message: 'unknown here' }],
      [
        'by throwing',
        () => {
          throw new RangeError('thrown')
        },
        { name: 'RangeError', message: 'thrown' },
      ],
      ['no context', (_, done) => done(null, {} as SecureContext), { name: 'TypeError', message: 'Invalid SNI context' }],
      [
        'twice',
        (_, done) => {
          done(null)
          done(null)
        },
        { code: 'ERR_MULTIPLE_CALLBACK', message: 'Callback called multiple times' },
      ],
    ]
    for (const [name, SNICallback, error] of failures) {
      test(`${maxVersion}: answers ${name}, and the connection fails`, async (t) => {
        const { client, server } = await attempt(t, subject, await listen(t, subject, { SNICallback, maxVersion }))
        matchError(server.error, error)
        matchError(client.error, disconnected)
      })
    }
  }

  test('is asked once a connection, with the name as it was sent, and never without one', async (t) => {
    const asked: string[] = []
    const SNICallback: SniCallback = (servername, done) => {
      asked.push(servername)
      done(null)
    }
    const listening = await listen(t, subject, { SNICallback })
    await shownTo(t, subject, listening, { servername: 'One.test' })
    await shownTo(t, subject, listening, { servername: '' })
    assert.equal(asked, ['One.test'])
  })

  test('takes the place of addContext', async (t) => {
    const listening = await listen(t, subject, { SNICallback: (_, done) => done(null) })
    listening.server.addContext('added.test', serverFor('added.test'))
    assert.is(await shownTo(t, subject, listening, { servername: 'added.test' }), HOST)
  })

  test('an answer after the client has gone does no harm', async (t) => {
    const { promise, resolve } = deferred<SniDone>()
    const listening = await listen(t, subject, { SNICallback: (_, done) => resolve(done) })
    const client = dial(t, subject, listening.port)
    const late = await promise
    client.socket.destroy()
    await listening.failure()
    late(null, contextFor(t, subject))
    assert.is(await shownTo(t, subject, await listen(t, subject), {}), HOST)
  })
}

function servernameSuite(subject: Subject): void {
  const test = suiteOf(subject, 'servername of server sockets')
  const rows: [string, ConnectionOptions, TlsOptions, string | false][] = [
    ['what the client sent', { servername: HOST }, {}, HOST],
    ['false without one', { servername: '' }, {}, false],
    ['whether or not there is a context for it', { servername: 'other.test' }, { SNICallback: (_, done) => done(null) }, 'other.test'],
  ]
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [name, client, server, expected] of rows) {
      test(`${maxVersion}: ${name}`, async (t) => {
        const pair = await connected(t, subject, { ...server, maxVersion }, { checkServerIdentity: () => undefined, ...client })
        assert.is(pair.server.socket.servername, expected)
      })
    }
  }
}

function replacedSuite(subject: Subject): void {
  const test = suiteOf(subject, 'setSecureContext')

  test('connections from then on see the new certificate, others go on', async (t) => {
    const listening = await listen(t, subject)
    const before = await dial(t, subject, listening.port).handshake()
    const accepted = await listening.accept()
    listening.server.setSecureContext(serverFor('new.test'))
    assert.is(await shownTo(t, subject, listening, {}), 'new.test')
    accepted.socket.end('still here')
    await before.close()
    assert.is(before.text, 'still here')
  })

  test('the old context stays when the new one cannot be made', async (t) => {
    const listening = await listen(t, subject)
    assert.throws(() => listening.server.setSecureContext({ cert: 'garbage', key: goodServer().key }))
    assert.is(await shownTo(t, subject, listening, {}), HOST)
  })

  test('replaces versions and ciphers, too', async (t) => {
    const listening = await listen(t, subject)
    listening.server.setSecureContext({ ...goodServer(), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
    const { client } = await attempt(t, subject, listening)
    assert.equal([client.protocol, client.cipher], ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'])
  })

  test('contexts by name stay', async (t) => {
    const listening = await listen(t, subject)
    listening.server.addContext('a.test', serverFor('a.test'))
    listening.server.setSecureContext(serverFor('new.test'))
    assert.is(await shownTo(t, subject, listening, { servername: 'a.test' }), 'a.test')
  })

  test('the certificate the server shows is its own', async (t) => {
    const { server } = await connected(t, subject)
    assert.is(
      (server.socket.getCertificate() as { fingerprint256: string }).fingerprint256,
      new X509Certificate(goodServer().cert).fingerprint256,
    )
  })
}
