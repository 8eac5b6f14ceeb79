// samples/browser in Chromium: TLS inside of a tab, seen with the eyes of the page. What is there to be read is read from the page
// itself; pictures go to build/screenshots.
import { mkdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page, PageOptions } from 'playwright-core'
import * as assert from 'uvu/assert'
import { listen, nodeHttps, startSample, type Program } from '../../samples/program.ts'
import { bad, root, type Bad } from '../../support/certs.ts'
import { repository } from '../../support/paths.ts'
import { suite, type Case } from '../../support/suite.ts'
import { openPage } from '../browser.ts'

const suiteOf = suite('page')
const test = (name: string, body: (t: Case) => Promise<void>): void => suiteOf(name, body, { deadline: 60 })

const SCREENSHOTS = join(repository, 'build/screenshots')

interface Opened {
  page: Page
  program: Program
  /** What went through the page's WebSockets. */
  frames: Buffer[]
}

/** The page, ready. What its console complains about fails the case. */
async function open(t: Case, options: PageOptions = {}, ...args: string[]): Promise<Opened> {
  const program = startSample(t, 'browser/serve', '0', ...args)
  const [, url] = await program.printed(/open (\S+)/)
  const page = await openPage(t, { viewport: { width: 1280, height: 900 }, ...options })
  const frames: Buffer[] = []
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/WebSocket connection to/.test(message.text())) complaints.push(message.text())
  })
  page.on('websocket', (socket) => {
    for (const event of ['framesent', 'framereceived'] as const) {
      socket.on(event, ({ payload }) => frames.push(Buffer.from(payload as Buffer)))
    }
  })
  t.defer(() => assert.equal(complaints, []))
  await page.goto(url!)
  await page.waitForSelector('#go:not([disabled])')
  await page.waitForSelector('#examples button')
  return { page, program, frames }
}

/** Types where to, pastes an authority, and waits for the verdict. */
async function connect(page: Page, port: number, { host = 'localhost', ca }: { host?: string; ca?: string } = {}): Promise<string> {
  await page.fill('#host', host)
  await page.fill('#port', String(port))
  await page.check(ca === undefined ? '#trust-mozilla' : '#trust-own')
  if (ca !== undefined) await page.fill('#ca', ca)
  await page.click('#go')
  await page.waitForSelector('.verdict.good, .verdict.bad')
  return page.innerText('#verdict h2')
}

/** The page's policy forbids Playwright's own way of waiting. */
async function shows(page: Page, selector: string, wanted: RegExp): Promise<void> {
  while (!wanted.test((await page.innerText(selector)).trim())) await sleep(20)
}

interface ShownRow {
  direction: string
  encrypted: boolean
  messages: string[]
  wire: string
}

/** The diagram as a reader meets it. */
const rowsOf = (page: Page): Promise<ShownRow[]> =>
  page.evaluate(`[...document.querySelectorAll('#diagram .row')].map((row) => ({
    direction: row.classList.contains('sent') ? 'sent' : 'received',
    encrypted: row.classList.contains('encrypted'),
    messages: [...row.querySelectorAll('.message b, .plain')].map((one) => one.textContent),
    wire: row.querySelector('.wire').textContent,
  }))`)

const brief = (rows: readonly ShownRow[]): string[] =>
  rows.map(({ direction, encrypted, messages }) => {
    const arrow = direction === 'sent' ? '→' : '←'
    return `${arrow} ${messages.join('+')}${encrypted ? ', encrypted' : ''}`
  })

const factsOf = (page: Page, within: string): Promise<Record<string, string>> =>
  page.evaluate(`Object.fromEntries([...document.querySelectorAll('${within} dl > div')]
    .map((one) => [...one.children].map((child) => child.textContent)))`)

const ca = root().cert
const SECRET = 'nobody on the way may read this'
const hello: RequestListener = ({ method, url }, response) => void response.setHeader('x-test', 'here').end(`${SECRET}: ${method} ${url}`)

const TLS13 = [
  '→ ClientHello', '← ServerHello', '← ChangeCipherSpec', '← EncryptedExtensions, encrypted', '← Certificate, encrypted',
  '← CertificateVerify, encrypted', '← Finished, encrypted', '→ ChangeCipherSpec', '→ Finished, encrypted',
]
const TLS12 = [
  '→ ClientHello', '← ServerHello', '← Certificate', '← ServerKeyExchange', '← ServerHelloDone',
  '→ ClientKeyExchange', '→ ChangeCipherSpec', '→ Finished, encrypted', '← NewSessionTicket', '← ChangeCipherSpec', '← Finished, encrypted',
]

const ASKED = [
  '→ application data, encrypted', '← application data, encrypted',
  '← Alert: close_notify, encrypted', '→ Alert: close_notify, encrypted',
]

test('a good server with a pasted authority: handshake, certificates, and a request', async (t) => {
  const { page, frames } = await open(t)
  const port = await nodeHttps(t, hello)
  assert.is(await connect(page, port, { ca }), 'Secure: TLS 1.3 with localhost')
  assert.equal(brief(await rowsOf(page)).slice(0, TLS13.length), TLS13)
  assert.match((await rowsOf(page))[0]!.wire, /^record, 1,\d\d\d bytes$/)
  const agreed = await factsOf(page, '#facts')
  assert.is(agreed.version, 'TLS 1.3')
  assert.match(agreed['cipher suite']!, /^TLS_/)
  assert.is(agreed['server signed with'], 'ecdsa_secp256r1_sha256')
  const names = await page.evaluate(`[...document.querySelectorAll('#chain h3')].map((one) => one.textContent)`)
  assert.equal(names, ['server.test', 'membio test root'])
  assert.match(await page.innerText('#chain .root .role'), /trusted here/)
  await page.fill('#path', '/secret?a=b')
  await page.click('#ask button')
  await page.waitForSelector('#answer .status')
  assert.match(await page.innerText('#answer .status'), /^HTTP\/1\.1 200 OK \d+ bytes in \d+ ms\.$/)
  assert.match(await page.innerText('#answer .headers'), /x-test\s+here/)
  assert.match(await page.innerText('#answer'), new RegExp(`${SECRET}: GET /secret\\?a=b`))
  assert.equal(brief(await rowsOf(page)).slice(-4), ASKED)
  const passed = Buffer.concat(frames)
  assert.ok(passed.length > 3000, 'the bytes went through the WebSocket')
  assert.ok(!passed.includes(SECRET) && !passed.includes('/secret'), 'in clear')
  assert.ok(passed.includes('localhost'), 'the name, which TLS does not hide')
  await page.fill('#path', '/again')
  await page.click('#ask button') // the server has closed: a new connection
  await shows(page, '#answer', /GET \/again$/)
  assert.equal(brief(await rowsOf(page)).slice(0, TLS13.length), TLS13)
})

test('TLS 1.2', async (t) => {
  const { page } = await open(t)
  await page.selectOption('#version', 'TLSv1.2')
  assert.is(await connect(page, await nodeHttps(t, hello), { ca }), 'Secure: TLS 1.2 with localhost')
  assert.equal(brief(await rowsOf(page)), TLS12)
})

const REFUSED: readonly [what: Bad, title: string, expected: RegExp, presented: RegExp, alert: string][] = [
  ['expired', 'The certificate has expired', /^valid on \d/, / to \d/, 'certificate_expired'],
  ['notYetValid', 'The certificate is not valid yet', /^valid on \d/, / to \d/, 'bad_certificate'],
  ['wrongHost', 'The certificate is for somebody else', /^localhost$/, /^other\.test$/, 'bad_certificate'],
  ['unknownCa', 'The authority is not one that is trusted here', /you have pasted/, /membio strange root/, 'unknown_ca'],
  ['selfSigned', 'Nobody vouches for this certificate', /you have pasted/, /signed by itself/, 'unknown_ca'],
  ['wrongUsage', 'The certificate is for another purpose', /^TLS server$/, /./, 'unsupported_certificate'],
]

for (const [what, title, expected, presented, alert] of REFUSED) {
  test(`a certificate that is ${what}: told in words, and no request is sent`, async (t) => {
    const { page } = await open(t)
    let requests = 0
    const port = await nodeHttps(t, () => void requests++, bad(what))
    assert.is(await connect(page, port, { ca }), title)
    const compared = await factsOf(page, '#verdict')
    assert.match(compared.expected!, expected)
    assert.match(compared.presented!, presented)
    const rows = await rowsOf(page)
    assert.equal(rows.at(-1)!.messages, [`Alert: ${alert}`])
    assert.match(await page.innerText('#chain .bad .role'), /refused/)
    assert.is(requests, 0)
  })
}

test("Mozilla's authorities are the default, and know nothing of ours", async (t) => {
  const { page } = await open(t)
  assert.is(await connect(page, await nodeHttps(t, hello)), 'The authority is not one that is trusted here')
  assert.match((await factsOf(page, '#verdict')).expected!, /Mozilla/)
})

test('what is no TLS server, and what is no server at all', async (t) => {
  const { page, program } = await open(t, {}, '--allow', 'localhost:*')
  const plain = await listen(t, createServer(hello))
  assert.is(await connect(page, plain, { ca }), 'This is not TLS')
  assert.is(await connect(page, 1, { ca }), 'Nobody listens there')
  assert.is(await connect(page, 443, { host: 'elsewhere.test', ca }), 'The proxy may not connect there')
  assert.is(await connect(page, plain, { ca: 'nonsense' }), 'That cannot be used')
  assert.is(await connect(page, plain, { host: 'no host', ca }), 'This is no address')
  await program.kill('SIGKILL')
  assert.is(await connect(page, plain, { ca }), 'The proxy cannot be reached')
})

test('the examples do what they are called', async (t) => {
  const { page } = await open(t)
  const wanted: Record<string, RegExp> = {
    'all is well': /^Secure: TLS 1\.3/, 'TLS 1.2': /^Secure: TLS 1\.2/, expired: /expired/, 'not valid yet': /not valid yet/,
    'for another host': /somebody else/, 'unknown authority': /authority/, 'signed by itself': /Nobody vouches/, 'no TLS': /not TLS/,
  }
  for (const [name, title] of Object.entries(wanted)) {
    await page.click(`#examples >> text="${name}"`)
    await shows(page, '#verdict h2', title)
  }
})

test('5 MB, and a server that cuts its answer short', async (t) => {
  const { page } = await open(t)
  const port = await nodeHttps(t, ({ url }, response) => {
    if (url === '/cut') response.writeHead(200, { 'content-length': '100' }).write('half', () => response.socket!.destroy())
    else response.end(Buffer.alloc(5_000_000, 'membio '))
  })
  await connect(page, port, { ca })
  await page.click('#ask button')
  await page.waitForSelector('#answer .status')
  assert.match(await page.innerText('#answer .status'), /200 OK 5,000,\d\d\d bytes/)
  await connect(page, port, { ca })
  await page.fill('#path', '/cut')
  await page.click('#ask button')
  await page.waitForSelector('#answer .status')
  assert.match(await page.innerText('#answer .status'), /The end is missing: .*without close_notify/)
})

test('with the keyboard alone', async (t) => {
  const { page } = await open(t)
  const port = await nodeHttps(t, hello)
  const focused = () => page.evaluate<string>(`document.activeElement.id || document.activeElement.className`)
  const tabTo = async (wanted: string, key = 'Tab'): Promise<void> => {
    for (let i = 0; (await focused()) !== wanted; i++) {
      assert.ok(i < 60, `Tab never comes to ${wanted}`)
      await page.keyboard.press(key)
    }
  }
  await tabTo('host')
  await page.keyboard.type('localhost')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Control+A')
  await page.keyboard.type(String(port))
  await tabTo('trust-mozilla')
  await page.keyboard.press('ArrowRight')
  await tabTo('ca')
  await page.keyboard.insertText(ca)
  await tabTo('go', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.verdict.good')
  await tabTo('message')
  assert.is(await page.evaluate(`document.activeElement.getAttribute('aria-expanded')`), 'false')
  await page.keyboard.press('Enter')
  assert.is(await page.evaluate(`document.activeElement.getAttribute('aria-expanded')`), 'true')
  const opened = await page.innerText('#diagram .panel')
  assert.match(opened, /server name\s+localhost/)
  assert.match(opened, /key shares\s+X25519MLKEM768, 1,216 bytes/)
  assert.match(opened, /^0000 {2}01 00 0/m)
  await tabTo('path')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#answer .status')
})

/** Of all text that can be seen: what is harder to read than WCAG's AA allows. */
const FAINT = `(() => {
  const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number)
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  const luminance = (color) => numbers(color).slice(0, 3).reduce((sum, c, i) => sum + linear(c / 255) * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = (one) => {
    const color = getComputedStyle(one).backgroundColor
    return numbers(color)[3] === 0 ? ground(one.parentElement) : color
  }
  const ratio = (one) => {
    const [dark, light] = [getComputedStyle(one).color, ground(one)].map(luminance).sort((a, b) => a - b)
    return (light + 0.05) / (dark + 0.05)
  }
  const hasText = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
  return [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && !one.disabled && hasText(one))
    .map((one) => ({ text: one.textContent.slice(0, 40), ratio: ratio(one) })).filter(({ ratio }) => ratio < 4.5)
})()`

const NAMELESS = `[...document.querySelectorAll('input, select, textarea, button')]
  .filter((one) => !(one.tagName === 'BUTTON' ? one.textContent.trim() : one.labels.length)).map((one) => one.id)`

for (const colorScheme of ['light', 'dark'] as const) {
  test(`${colorScheme}: contrast, labels, no motion; and pictures`, async (t) => {
    const { page } = await open(t, { colorScheme, reducedMotion: 'reduce' })
    mkdirSync(SCREENSHOTS, { recursive: true })
    const port = await nodeHttps(t, hello)
    const expired = await nodeHttps(t, hello, bad('expired'))
    for (const [name, at] of [['secure', port], ['expired', expired]] as const) {
      await connect(page, at, { ca })
      assert.equal(await page.evaluate(FAINT), [])
      await page.screenshot({ path: join(SCREENSHOTS, `${name}-${colorScheme}.png`), fullPage: true })
    }
    const background = await page.evaluate<string>(`getComputedStyle(document.body).backgroundColor`)
    assert.is(Number(/\d+/.exec(background)![0]) > 128, colorScheme === 'light')
    assert.is(await page.evaluate(`document.getAnimations().length`), 0)
    assert.is(await page.evaluate(`getComputedStyle(document.querySelector('.row')).animationName`), 'none')
    assert.equal(await page.evaluate(NAMELESS), [])
    assert.is(await page.evaluate(`document.documentElement.scrollWidth`), 1280)
  })
}

test('on a small screen nothing sticks out', async (t) => {
  const { page } = await open(t, { viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' })
  await connect(page, await nodeHttps(t, hello), { ca })
  await page.click('#diagram .message')
  assert.is(await page.evaluate(`document.documentElement.scrollWidth`), 360)
  await page.screenshot({ path: join(SCREENSHOTS, 'small.png'), fullPage: true })
})
