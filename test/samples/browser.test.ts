// samples/browser/serve.ts as a program: what it serves, and to whom. The page itself is tested in Chromium, in the ecosystem run.
import * as assert from 'uvu/assert'
import type { Example } from '../../samples/browser/examples.ts'
import { decode } from '../../samples/browser/decode.ts'
import { parseAnswer } from '../../samples/browser/http.ts'
import { span } from '../../samples/browser/verdict.ts'
import { suite } from '../support/suite.ts'
import { runSample, startSample } from './program.ts'

const test = suite('sample: browser')

test('serves the page with all its parts, and allows it nothing else', async (t) => {
  const program = startSample(t, 'browser/serve', '0')
  const [, url] = await program.printed(/open (\S+)/)
  const parts = { '': 'text/html', 'page.css': 'text/css', 'page.js': 'text/javascript', 'openssl.wasm': 'application/wasm' }
  for (const [path, type] of Object.entries(parts)) {
    const answer = await fetch(new URL(path, url), { headers: { connection: 'close' } })
    assert.is(answer.status, 200, path)
    assert.ok(answer.headers.get('content-type')!.startsWith(type))
    assert.match(answer.headers.get('content-security-policy')!, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/)
    assert.ok((await answer.arrayBuffer()).byteLength > 1000, path)
  }
  assert.is((await fetch(new URL('../package.json', url), { headers: { connection: 'close' } })).status, 404)
  const examples = (await (await fetch(new URL('examples.json', url), { headers: { connection: 'close' } })).json()) as Example[]
  assert.ok(examples.length > 5)
  for (const { host, ca } of examples) assert.ok(host === 'localhost' && ca.startsWith('-----BEGIN CERTIFICATE-----'))
  assert.is((await program.kill('SIGINT')).code, 0)
})

test('the command line', async (t) => {
  const help = await runSample(t, 'browser/serve', '--help')
  assert.is(help.code, 0)
  assert.match(help.stdout, /^usage: npm run sample:browser/)
  const wrong = await runSample(t, 'browser/serve', 'x')
  assert.is(wrong.code, 2)
  assert.match(wrong.stderr, /PORT is x/)
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (body: Uint8Array | undefined): string => new TextDecoder().decode(body)

test('answers are read as far as they have come', () => {
  assert.is(parseAnswer(bytes('HTTP/1.1 200 OK\r\nA: b\r\n')), undefined)
  const whole = parseAnswer(bytes('HTTP/1.1 200 OK\r\nA:  b:c \r\nD:\r\n\r\nbody'))!
  assert.equal([whole.status, whole.headers, text(whole.body)], ['HTTP/1.1 200 OK', [['A', 'b:c'], ['D', '']], 'body'])
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nfour\r\n3\r\nsix\r\n0\r\n\r\n'
  assert.is(text(parseAnswer(bytes(chunked))!.body), 'foursix')
  for (let end = chunked.length; end > 50; end--) assert.ok('foursix'.startsWith(text(parseAnswer(bytes(chunked.slice(0, end)))!.body)))
})

test('messages that are no messages have no facts', () => {
  for (const message of [[], [1], [1, 0, 0, 200, 3], [2, 0, 0, 0], [99, 1, 2, 3, 4]]) assert.equal(decode(new Uint8Array(message)), [])
})

test('spans of time, as people say them', () => {
  const DAY = 86_400_000
  const spans: [number, string][] = [[500, '1 second'], [3 * 3_600_000, '3 hours'], [DAY, '24 hours'], [3.5 * DAY, '3 days'], [90 * DAY, '2 months'], [800 * DAY, '2 years']]
  for (const [milliseconds, wanted] of spans) assert.is(span(milliseconds), wanted)
})
