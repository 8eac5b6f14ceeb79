// Nodemailer: STARTTLS in the midst of an SMTP session, and TLS from the first byte. Postfix writes into the mail how it came.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  certificates,
  eventually,
  expectAgreed,
  expectMessage,
  factsOf,
  MiB,
  noise,
  OTHER_NAME_MESSAGE,
  rows,
  UNKNOWN_CA_MESSAGE,
} from '../rows.ts'
import nodemailer, { type Mail, type TransportOptions, type Transporter } from 'nodemailer'
import * as assert from 'uvu/assert'
import { postfix } from '../servers/postfix.ts'
import type { Case } from '../../support/suite.ts'

const row = rows('nodemailer')
const { startTlsPort, tlsPort, inbox } = factsOf(postfix)
const { ca, wrongCa, client: identity } = certificates

const WAYS: { name: string; options: Partial<TransportOptions> }[] = [
  { name: 'STARTTLS', options: { port: startTlsPort, requireTLS: true } },
  { name: 'TLS from the first byte', options: { port: tlsPort, secure: true } },
]

function open(t: Case, options: Partial<TransportOptions>): Transporter {
  const transporter = nodemailer.createTransport({ host: 'localhost', port: startTlsPort, tls: { ca }, ...options })
  t.defer(() => transporter.close())
  return transporter
}

let mails = 0

/** A subject that no other mail has. */
const mail = (more: Partial<Mail> = {}): Mail => {
  const subject = `mail ${mails++}`
  return { from: 'a@mail.test', to: 'b@mail.test', subject, text: 'hello', ...more }
}

/** Waits until it is in the mailbox. */
const delivered = ({ subject }: Mail): Promise<string> =>
  eventually(() => files().find((text) => text.slice(0, 4096).includes(`Subject: ${subject}\n`)))

function files(): string[] {
  try {
    return readdirSync(inbox).map((name) => readFileSync(join(inbox, name), 'latin1'))
  } catch {
    return [] // the first mail makes the mailbox
  }
}

/** The mail as it is in the mailbox, after what Postfix says of its connection was compared. */
async function expectDelivered(t: Case, sent: Mail): Promise<string> {
  const text = await delivered(sent)
  const [, version, cipher] = /\(using (\S+) with cipher (\S+) /.exec(text)!
  expectAgreed(t, { version: version!, cipher: cipher! })
  return text
}

for (const { name, options } of WAYS) {
  row(name, async (t) => {
    const sent = mail()
    await open(t, options).sendMail(sent)
    assert.match(await expectDelivered(t, sent), /\n\nhello\n/)
  })

  row(`${name}, with a client certificate`, async (t) => {
    const sent = mail()
    await open(t, { ...options, tls: { ca, ...identity } }).sendMail(sent)
    assert.match(await expectDelivered(t, sent), /\(Client CN "client.test", Issuer "membio test root" \(verified OK\)\)/)
  })

  row(`${name}, with an attachment of 5 MB`, async (t) => {
    const content = noise(5 * MiB)
    const sent = mail({ attachments: [{ filename: 'noise', content }] })
    await open(t, options).sendMail(sent)
    assert.ok(attachmentOf(await expectDelivered(t, sent)).equals(content))
  })

  row(`${name}, a server of another CA: refused`, async (t) => {
    await expectMessage(open(t, { ...options, tls: { ca: wrongCa } }).sendMail(mail()), UNKNOWN_CA_MESSAGE)
  })

  row(`${name}, a server of another name: refused`, async (t) => {
    await expectMessage(open(t, { ...options, tls: { ca, servername: 'other.test' } }).sendMail(mail()), OTHER_NAME_MESSAGE)
  })
}

/** The part in base64. */
function attachmentOf(text: string): Buffer {
  const body = /^Content-Transfer-Encoding: base64\n(?:\S.*\n| .*\n)*\n([^-]+)--/m.exec(text)![1]!
  return Buffer.from(body, 'base64')
}

row('many mails over few connections', async (t) => {
  const transporter = open(t, { pool: true, maxConnections: 2 })
  const sent = Array.from({ length: 50 }, () => mail())
  await Promise.all(sent.map((one) => transporter.sendMail(one)))
  for (const one of sent) await delivered(one)
})
