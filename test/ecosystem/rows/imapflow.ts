// ImapFlow: IMAP with TLS from the first byte, and STARTTLS. It pipes the socket into a parser, and asks it for addresses and ciphers.
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { certificates, eventually, expectAgreed, expectCode, factsOf, MiB, noise, OTHER_NAME, rows, UNKNOWN_CA } from '../rows.ts'
import { ImapFlow, type ImapFlowOptions } from 'imapflow'
import type { ConnectionOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { dovecot, PASSWORD } from '../servers/dovecot.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('imapflow')
const { startTlsPort, tlsPort, log } = factsOf(dovecot)
const { ca, wrongCa, client: identity } = certificates

type Way = Pick<ImapFlowOptions, 'port' | 'secure' | 'doSTARTTLS'>

const WAYS: { name: string; way: Way }[] = [
  { name: 'TLS from the first byte', way: { port: tlsPort, secure: true } },
  { name: 'STARTTLS', way: { port: startTlsPort, secure: false, doSTARTTLS: true } },
]

/** Every row is a user of its own, so that it finds its line in the log, and its own mail. */
let users = 0

interface Session {
  client: ImapFlow
  user: string
}

async function connect(t: Case, way: Way, tls: ConnectionOptions = { ca }, user = `user${users++}`): Promise<Session> {
  const client = new ImapFlow({ host: 'localhost', ...way, auth: { user, pass: PASSWORD }, tls, logger: false })
  t.defer(() => client.close())
  client.on('error', () => {}) // it rejects as well
  await client.connect()
  return { client, user }
}

/** Dovecot logs each login, with what was agreed. A user who shows a certificate is called by the name in it. */
async function expectLogged(t: Case, user: string, from = 0): Promise<void> {
  const pattern = new RegExp(`Login: user=<${user}>, tls=<(\\S+) with cipher (\\S+) `)
  const [, version, cipher] = await eventually(() => pattern.exec(readFileSync(log, 'latin1').slice(from)) ?? undefined)
  expectAgreed(t, { version: version!, cipher: cipher! })
}

for (const { name, way } of WAYS) {
  row(name, async (t) => {
    const { client, user } = await connect(t, way)
    await expectLogged(t, user)
    await client.logout()
  })

  row(`${name}, with a client certificate`, async (t) => {
    const from = statSync(log).size
    await connect(t, way, { ca, ...identity })
    await expectLogged(t, 'client.test', from)
  })

  row(`${name}, 5 MB there and back`, async (t) => {
    const { client } = await connect(t, way)
    const message = Buffer.from(`Subject: large\r\n\r\n${noise(5 * MiB).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`)
    const appended = await client.append('INBOX', message)
    const lock = await client.getMailboxLock('INBOX')
    t.defer(() => lock.release())
    const fetched = await client.fetchOne(`${appended && appended.uid}`, { source: true }, { uid: true })
    assert.ok(fetched && fetched.source!.equals(message))
  })

  row(`${name}, a server of another CA: refused`, async (t) => {
    await expectCode(connect(t, way, { ca: wrongCa }), UNKNOWN_CA)
  })

  row(`${name}, a server of another name: refused`, async (t) => {
    await expectCode(connect(t, way, { ca, servername: 'other.test' }), OTHER_NAME)
  })
}

row('a message is announced to a client that waits', async (t) => {
  const user = `user${users++}`
  const { client: waiting } = await connect(t, WAYS[0]!.way, { ca }, user)
  const { client: writing } = await connect(t, WAYS[0]!.way, { ca }, user)
  const lock = await waiting.getMailboxLock('INBOX')
  t.defer(() => lock.release())
  const announced = once(waiting, 'exists')
  void waiting.idle()
  await writing.append('INBOX', Buffer.from('Subject: small\r\n\r\nhello\r\n'))
  const [{ count }] = (await announced) as [{ count: number }]
  assert.is(count, 1)
})
