// How servers are made, what they make of their options, and their methods that need no connection.
import type { SecureContextOptions, Server, TlsOptions } from 'node:tls'
import * as assert from 'uvu/assert'
import { server as goodServer } from '../../support/certs.ts'
import type { Case } from '../../support/suite.ts'
import { invalidType, invalidValue, outOfRange, throwsError, type ExpectedError } from './error-support.ts'
import { DIFFERENCES } from './server-differences.ts'
import { closeContexts, contextFor, suiteOf } from './server-support.ts'
import { has, type Subject } from './subject.ts'

type CreateServer = (...args: unknown[]) => Server

/** What servers keep of their options, where anybody can read it. */
interface Properties extends Server {
  requestCert: boolean
  rejectUnauthorized: boolean
  honorCipherOrder: boolean
  allowHalfOpen: boolean
  pauseOnConnect: boolean
  ALPNProtocols?: Buffer
}

/** Contexts that are made on the way cannot be closed by name. */
function make(t: Case, { tls }: Subject, ...args: unknown[]): Properties {
  const server = (tls.createServer as CreateServer)(...args) as Properties
  t.defer(() => closeContexts(server))
  return server
}

const wrongType = (name: string, expected: string, received: string) =>
  invalidType(`The "options.${name}" property must be ${expected}. Received ${received}`)

export function serverConstructSuite(subject: Subject): void {
  formsSuite(subject)
  optionsSuite(subject)
  methodsSuite(subject)
}

function formsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'createServer')
  const listener = () => {}

  const forms: [string, unknown[], number][] = [
    ['nothing', [], 0],
    ['null', [null], 0],
    ['options', [{}], 0],
    ['a listener', [listener], 1],
    ['options and a listener', [{}, listener], 1],
    ['null and a listener', [null, listener], 1],
    ['options and null', [{}, null], 0],
  ]
  for (const [name, args, listeners] of forms) {
    test(`takes ${name}`, (t) => {
      const server = make(t, subject, ...args)
      assert.ok(server instanceof subject.tls.Server)
      assert.is(server.listenerCount('secureConnection'), listeners)
    })
  }

  test('new Server, and Server without new, are the same', (t) => {
    const Server = subject.tls.Server as unknown as { new (...args: unknown[]): Server; (...args: unknown[]): Server }
    for (const server of [new Server(listener), Server({}, listener)]) {
      assert.ok(server instanceof subject.tls.Server)
      assert.is(server.listenerCount('secureConnection'), 1)
      t.defer(() => closeContexts(server))
    }
  })

  test('can be extended', (t) => {
    class Mine extends subject.tls.Server {
      greeting = 'hello'
    }
    const server = new Mine()
    t.defer(() => closeContexts(server))
    assert.ok(server instanceof subject.tls.Server)
    assert.is(server.greeting, 'hello')
  })

  const refused: [string, unknown[], ExpectedError][] = [
    ['text', ['x'], invalidType(`The "options" argument must be of type object. Received type string ('x')`)],
    ['a number', [5], invalidType('The "options" argument must be of type object. Received type number (5)')],
    [
      'a listener of the wrong type',
      [{}, 'x'],
      invalidType(`The "listener" argument must be of type function. Received type string ('x')`),
    ],
  ]
  for (const [name, args, error] of refused)
    test(`refuses ${name}`, () => throwsError(() => (subject.tls.createServer as CreateServer)(...args), error))

  test('listens nowhere yet', (t) => {
    const server = make(t, subject)
    assert.is(server.listening, false)
    assert.is(server.address(), null)
  })
}

function optionsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'options of servers')

  const kept: [TlsOptions, Partial<Properties>][] = [
    [{}, { requestCert: false, rejectUnauthorized: true, honorCipherOrder: true, allowHalfOpen: false, pauseOnConnect: false }],
    [
      { requestCert: true, rejectUnauthorized: false },
      { requestCert: true, rejectUnauthorized: false },
    ],
    [{ requestCert: 1, rejectUnauthorized: 0 } as object, { requestCert: false, rejectUnauthorized: true }],
    [{ rejectUnauthorized: undefined }, { rejectUnauthorized: true }],
    [{ honorCipherOrder: false }, { honorCipherOrder: false }],
    [{ honorCipherOrder: undefined }, { honorCipherOrder: true }],
    [{ ALPNProtocols: ['h2'] }, { ALPNProtocols: Buffer.from('\x02h2') }],
    [
      { allowHalfOpen: true, pauseOnConnect: true },
      { allowHalfOpen: true, pauseOnConnect: true },
    ],
  ]
  for (const [options, properties] of kept) {
    test(`${JSON.stringify(options)} gives ${JSON.stringify(properties)}`, (t) => {
      const server = make(t, subject, options)
      const actual = Object.fromEntries(Object.keys(properties).map((name) => [name, server[name as keyof Properties]]))
      assert.equal(actual, properties)
    })
  }

  const ignored: TlsOptions[] = [
    { handshakeTimeout: 0 },
    { SNICallback: null } as object,
    { pskCallback: null } as object,
    { pskIdentityHint: '' },
    { ALPNProtocols: 'h2' } as object,
  ]
  for (const options of ignored) test(`${JSON.stringify(options)} is as good as nothing`, (t) => void make(t, subject, options))

  const refused: [string, object, ExpectedError][] = [
    ['handshakeTimeout', { handshakeTimeout: 'x' }, wrongType('handshakeTimeout', 'of type number', `type string ('x')`)],
    ['SNICallback', { SNICallback: 'x' }, wrongType('SNICallback', 'of type function', `type string ('x')`)],
    ['pskCallback', { pskCallback: 5 }, wrongType('pskCallback', 'of type function', 'type number (5)')],
    ['pskIdentityHint', { pskIdentityHint: 5 }, wrongType('pskIdentityHint', 'of type string', 'type number (5)')],
    ['sessionTimeout', { sessionTimeout: 'x' }, wrongType('sessionTimeout', 'of type number', `type string ('x')`)],
    [
      'a negative sessionTimeout',
      { sessionTimeout: -1 },
      outOfRange('The value of "options.sessionTimeout" is out of range. It must be >= 0 && <= 2147483647. Received -1'),
    ],
    ['ticketKeys', { ticketKeys: 'x' }, wrongType('ticketKeys', 'an instance of Buffer, TypedArray, or DataView', `type string ('x')`)],
    [
      'ticketKeys of the wrong size',
      { ticketKeys: Buffer.alloc(3) },
      invalidValue("The property 'options.ticketKeys' must be exactly 48 bytes. Received 3"),
    ],
    ['sessionIdContext', { sessionIdContext: 5 }, wrongType('sessionIdContext', 'of type string', 'type number (5)')],
    [
      'a certificate',
      { cert: 5 },
      wrongType('cert', 'of type string or an instance of Buffer, TypedArray, or DataView', 'type number (5)'),
    ],
    [
      'ALPNCallback beside ALPNProtocols',
      { ALPNCallback: () => undefined, ALPNProtocols: ['h2'] },
      {
        name: 'TypeError',
        code: 'ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS',
        message: 'The ALPNCallback and ALPNProtocols TLS options are mutually exclusive',
      },
    ],
  ]
  for (const [name, options, error] of refused) test(`refused: ${name}`, () => throwsError(() => subject.tls.createServer(options), error))

  if (has(subject, DIFFERENCES.alpnChecked)) {
    const error = invalidValue("The argument 'protocols[0]' must be a non-empty string. Received ''")
    test('refused: an empty protocol', () => throwsError(() => subject.tls.createServer({ ALPNProtocols: [''] }), error))
  }
}

function methodsSuite(subject: Subject): void {
  const test = suiteOf(subject, 'methods of servers')
  const viewsOnly = 'an instance of Buffer, TypedArray, or DataView'

  test('ticket keys: 48 random bytes, unless set', (t) => {
    const [one, other] = [make(t, subject), make(t, subject)]
    assert.is(one.getTicketKeys().length, 48)
    assert.not.equal(one.getTicketKeys(), other.getTicketKeys())
    other.setTicketKeys(one.getTicketKeys())
    assert.equal(one.getTicketKeys(), other.getTicketKeys())
    other.setTicketKeys(new Uint8Array(48).fill(7) as Buffer)
    assert.equal(other.getTicketKeys(), Buffer.alloc(48, 7))
  })

  test('ticket keys by option', (t) => {
    assert.equal(make(t, subject, { ticketKeys: Buffer.alloc(48, 9) }).getTicketKeys(), Buffer.alloc(48, 9))
  })

  test('ticket keys of the wrong size or type', (t) => {
    const server = make(t, subject)
    const set = (keys: unknown) => () => server.setTicketKeys(keys as Buffer)
    throwsError(set('x'), invalidType(`The "buffer" argument must be ${viewsOnly}. Received type string ('x')`))
    throwsError(set(undefined), invalidType(`The "buffer" argument must be ${viewsOnly}. Received undefined`))
    throwsError(set(Buffer.alloc(47)), { message: /^Session ticket keys must be a 48-byte buffer/ })
  })

  test('setSecureContext wants an object', (t) => {
    const server = make(t, subject)
    const set = (options: unknown) => () => server.setSecureContext(options as SecureContextOptions)
    throwsError(set(undefined), invalidType('The "options" argument must be of type object. Received undefined'))
    throwsError(set(null), invalidType('The "options" argument must be of type object. Received null'))
    throwsError(set('x'), invalidType(`The "options" argument must be of type object. Received type string ('x')`))
  })

  test('addContext wants a name, and options or a context', (t) => {
    const server = make(t, subject)
    const nameless = { code: 'ERR_TLS_REQUIRED_SERVER_NAME', message: '"servername" is required parameter for Server.addContext' }
    throwsError(() => server.addContext('', {}), nameless)
    throwsError(() => (server.addContext as (...args: unknown[]) => void)(), nameless)
    throwsError(
      () => server.addContext('a.test', 'x' as unknown as object),
      invalidType(`The "options" argument must be of type object. Received type string ('x')`),
    )
    server.addContext('a.test', contextFor(t, subject, goodServer()) as SecureContextOptions)
  })

  test('close of a server that listens not', async (t) => {
    const server = make(t, subject)
    const error = await new Promise<Error | undefined>((resolve) => server.close(resolve))
    assert.is((error as NodeJS.ErrnoException).code, 'ERR_SERVER_NOT_RUNNING')
  })
}
