// The page: the form, and everything that a connection shows. The connection itself is in session.ts.
import { init, version, type Agreed, type TlsError } from 'membio'
import type { Certificate } from 'membio/x509'
import { sentChain, showChain } from './certificates.ts'
import { Diagram } from './diagram.ts'
import { breakable, byId, code, count, element, facts, hexdump } from './dom.ts'
import type { Example } from './examples.ts'
import { parseAnswer, request, textOf } from './http.ts'
import { Records, type Row } from './records.ts'
import { Session, type Direction, type Watcher, type Wish } from './session.ts'
import { explain } from './verdict.ts'

const proxy = `${location.origin.replace(/^http/, 'ws')}/v1`
let current: Attempt | undefined

// ---- The form. ----

const field = (id: string) => byId<HTMLInputElement>(id)
const owns = (): boolean => field('trust-own').checked

function wish(): Wish {
  return {
    host: field('host').value.trim().replace(/^\[(.*)\]$/, '$1'),
    port: Number(field('port').value),
    ca: owns() ? byId<HTMLTextAreaElement>('ca').value : undefined,
    maxVersion: byId<HTMLSelectElement>('version').value as Wish['maxVersion'],
  }
}

function connect(then?: (attempt: Attempt) => void): void {
  current?.abandon()
  current = new Attempt(wish(), then)
}

byId('connect').addEventListener('submit', (event) => {
  event.preventDefault()
  connect()
})
for (const id of ['trust-own', 'trust-mozilla']) field(id).addEventListener('change', () => (byId('own').hidden = !owns()))
byId('own').hidden = !owns() // browsers keep what was chosen

byId('ask').addEventListener('submit', (event) => {
  event.preventDefault()
  if (current?.isOpen) current.ask()
  else connect((attempt) => attempt.ask())
})

/** Servers of this machine, if the program that serves the page has any. */
async function offerExamples(): Promise<void> {
  const examples = (await (await fetch('examples.json')).json()) as Example[]
  const buttons = examples.map((example) => {
    const button = element('button', { type: 'button', title: `${example.host}:${example.port}` }, example.name)
    button.addEventListener('click', () => {
      field('host').value = example.host
      field('port').value = String(example.port)
      byId<HTMLTextAreaElement>('ca').value = example.ca
      field('trust-own').checked = true
      byId('own').hidden = false
      connect()
    })
    return element('li', {}, button)
  })
  byId('examples').replaceChildren(...buttons)
  byId('offer').hidden = !buttons.length
}

// ---- One connection, and what is shown of it. ----

class Attempt implements Watcher {
  isOpen = false
  readonly #wish: Wish
  readonly #session: Session | undefined
  readonly #then: ((attempt: Attempt) => void) | undefined
  readonly #began = performance.now()
  readonly #records = new Records()
  readonly #diagram = new Diagram(byId<HTMLOListElement>('diagram'))
  #chain: Certificate[] = []
  #asked = 0
  readonly #answer: Uint8Array[] = []
  readonly #wire: Record<Direction, { bytes: number; last: Uint8Array }> = {
    sent: { bytes: 0, last: new Uint8Array() },
    received: { bytes: 0, last: new Uint8Array() },
  }

  constructor(wish: Wish, then?: (attempt: Attempt) => void) {
    this.#wish = wish
    this.#then = then
    say('busy', `Connecting to ${wish.host}`, '')
    document.body.dataset.state = 'busy'
    byId('peer').textContent = `${wish.host}:${wish.port}`
    byId('facts').replaceChildren()
    byId('chain').replaceChildren()
    byId('chain-note').textContent = ''
    byId('answer').replaceChildren()
    byId('wire').replaceChildren()
    byId('results').hidden = false
    try {
      this.#session = new Session(wish, proxy, this)
    } catch (error) {
      this.onClose(error as TlsError)
    }
  }

  /** Another one takes its place: nothing of it is shown any more. */
  abandon(): void {
    current = undefined
    this.#session?.destroy()
  }

  ask(): void {
    const text = request(byId<HTMLSelectElement>('method').value, field('path').value || '/', this.#wish.host, this.#wish.port)
    this.#asked = performance.now()
    this.#answer.length = 0
    byId('answer').replaceChildren(code(text.trimEnd(), 'the request'), element('p', { class: 'note' }, 'Waiting for the answer'))
    this.#session?.write(text)
  }

  onTrace(event: Parameters<Watcher['onTrace']>[0]): void {
    if (!this.#isShown) return
    const row = this.#records.add(event)
    this.#diagram.keepOnly(this.#records.rows)
    if (row) this.#diagram.show(row)
  }

  onCertificates(event: Parameters<Watcher['onCertificates']>[0]): void {
    if (!this.#isShown) return
    this.#chain = sentChain(event)
    byId('chain-note').textContent = showChain(byId<HTMLOListElement>('chain'), event)
  }

  onCiphertext(direction: Direction, chunk: Uint8Array): void {
    if (!this.#isShown) return
    const wire = this.#wire[direction]
    wire.bytes += chunk.length
    wire.last = chunk
    const { sent, received } = this.#wire
    byId('wire').replaceChildren(
      facts([
        ['to the server', count(sent.bytes, 'byte')],
        ['to this tab', count(received.bytes, 'byte')],
      ]),
      code(hexdump(wire.last.subarray(0, 64), 64), 'the last bytes that passed'),
    )
  }

  onSecure(agreed: Agreed): void {
    if (!this.#isShown) return
    this.isOpen = true
    document.body.dataset.state = 'secure'
    const milliseconds = performance.now() - this.#began
    const text = `The server is who it says it is. The handshake took ${milliseconds.toFixed(0)} ms, proxy included.`
    say('good', `Secure: ${versionName(agreed)} with ${this.#wish.host}`, text)
    byId('facts').replaceChildren(facts(agreedFacts(agreed, this.#records.rows)))
    this.#then?.(this)
  }

  onPlaintext(chunk: Uint8Array): void {
    if (!this.#isShown) return
    this.#answer.push(chunk)
  }

  onClose(error?: TlsError): void {
    if (!this.#isShown) return
    const wasOpen = this.isOpen
    this.isOpen = false
    document.body.dataset.state = wasOpen ? 'closed' : 'refused'
    if (error && !wasOpen) this.#refused(error)
    else if (this.#asked) this.#answered(error)
    else say('idle', `${this.#wish.host} has closed the connection`, 'A request opens a new one.')
  }

  get #isShown(): boolean {
    return current === this || current === undefined // while it is being made
  }

  #refused(error: TlsError): void {
    const { title, text, expected, presented, code } = explain(error, this.#wish, this.#chain)
    const compared = expected && presented ? facts([['expected', expected], ['presented', presented]]) : undefined
    const note = element('p', { class: 'note' }, 'Nothing was sent to the server but the handshake. ', element('code', {}, code))
    say('bad', title, text, compared, note)
  }

  #answered(error: TlsError | undefined): void {
    const bytes = concat(this.#answer)
    const milliseconds = performance.now() - this.#asked
    const answer = parseAnswer(bytes)
    const shown = [...byId('answer').children].slice(0, 1)
    if (!answer) {
      const why = error?.message ?? 'The server closed the connection without an answer.'
      byId('answer').replaceChildren(...shown, element('p', { class: 'note' }, why))
      return
    }
    const body = textOf(answer.body)
    const cut = error ? ` The end is missing: ${error.message}.` : ''
    const headers = element('table', { class: 'headers' }, element('caption', { class: 'unseen' }, 'headers of the answer'))
    for (const [name, value] of answer.headers) {
      headers.append(element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)))
    }
    const size = ` ${count(bytes.length, 'byte')} in ${milliseconds.toFixed(0)} ms.${cut}`
    byId('answer').replaceChildren(
      ...shown,
      element('p', { class: 'status' }, element('b', {}, answer.status), size),
      headers,
      body === undefined ? code(hexdump(answer.body, 2048), 'the body') : code(body.slice(0, 20_000) || '(no body)', 'the body'),
    )
  }
}

// ---- Words. ----

function say(mood: 'busy' | 'good' | 'bad' | 'idle', title: string, text: string, ...more: (HTMLElement | undefined)[]): void {
  const box = byId('verdict')
  box.className = `verdict ${mood}`
  box.replaceChildren(element('h2', {}, title), ...(text ? [element('p', {}, text)] : []), ...more.filter((part) => part !== undefined))
}

const versionName = ({ version }: Agreed): string => version.replace('TLSv', 'TLS ')

function agreedFacts(agreed: Agreed, rows: readonly Row[]): [string, string | HTMLElement][] {
  const handshake = rows.reduce((sum, { bytes }) => sum + bytes, 0)
  return [
    ['version', versionName(agreed)],
    ['cipher suite', breakable(agreed.cipherSuite.name)],
    ['key exchange', agreed.group ? `${agreed.group}${/MLKEM/.test(agreed.group) ? ', safe from quantum computers' : ''}` : 'none'],
    ['server signed with', agreed.peerSignatureScheme ?? 'nothing'],
    ['application protocol', agreed.alpn ?? 'not negotiated'],
    ['size', `${count(handshake, 'byte')} in ${count(rows.length, 'record')}`],
  ]
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  chunks.reduce((at, chunk) => (all.set(chunk, at), at + chunk.length), 0)
  return all
}

const began = performance.now()
try {
  await init()
  byId('engine').textContent = `${version()}, ready in ${(performance.now() - began).toFixed(0)} ms`
  byId<HTMLButtonElement>('go').disabled = false
  await offerExamples()
} catch (error) {
  say('bad', 'OpenSSL could not be loaded', String((error as Error).message))
}
