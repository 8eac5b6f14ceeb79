// The handshake as a sequence diagram: an ordered list of records between two lifelines, so that it reads the same without eyes. Each
// message is a button that opens what is in it.
import { decode } from './decode.ts'
import { code, count, element, facts, hexdump } from './dom.ts'
import { contentOf, type Message, type Row } from './records.ts'

export class Diagram {
  readonly #list: HTMLOListElement
  readonly #items = new Map<Row, HTMLLIElement>()
  #opened = 0

  constructor(list: HTMLOListElement) {
    this.#list = list
    list.replaceChildren()
  }

  /** Shows a row, new or changed. */
  show(row: Row): void {
    const old = this.#items.get(row)
    const item = old ?? element('li', { class: `row ${row.direction}` })
    item.classList.toggle('encrypted', row.encrypted)
    item.classList.toggle('fatal', row.messages.some(({ name, bytes }) => name.startsWith('Alert') && bytes[0] === FATAL))
    item.replaceChildren(...this.#parts(row))
    if (old) return
    item.style.setProperty('--turn', String(this.#items.size))
    this.#items.set(row, item)
    this.#list.append(item)
  }

  /** Rows that were merged into others. */
  keepOnly(rows: readonly Row[]): void {
    for (const [row, item] of this.#items) {
      if (rows.includes(row)) continue
      item.remove()
      this.#items.delete(row)
    }
  }

  #parts(row: Row): HTMLElement[] {
    const details = element('div', { class: 'details' })
    const messages = row.messages.map((message) => this.#message(message, details))
    const label = row.messages.length ? messages : [element('span', { class: 'plain' }, contentOf(row))]
    const who = element('span', { class: 'unseen' }, row.direction === 'sent' ? 'sent: ' : 'received: ')
    const told = element('div', { class: 'messages' }, who, ...label)
    const text = element('div', { class: 'text' }, told, element('div', { class: 'wire' }, wireText(row)))
    const lane = element('div', { class: 'lane' }, text, element('div', { class: 'arrow', 'aria-hidden': 'true' }))
    return [element('div', { class: 'time' }, row.at.toFixed(1), element('span', { class: 'unseen' }, ' milliseconds')), lane, details]
  }

  #message({ name, about, bytes }: Message, details: HTMLElement): HTMLElement {
    const id = `message-${++this.#opened}`
    const size = element('span', { class: 'size' }, element('span', { class: 'unseen' }, ', '), count(bytes.length, 'byte'))
    const attributes = { type: 'button', class: 'message', 'aria-expanded': 'false', 'aria-controls': id }
    const button = element('button', attributes, element('b', {}, name), size)
    const panel = element('div', { id, class: 'panel', hidden: '' })
    button.addEventListener('click', () => {
      const opens = panel.hidden
      if (!panel.hasChildNodes()) panel.append(element('p', {}, about), facts(decode(bytes)), code(hexdump(bytes), `the bytes of ${name}`))
      panel.hidden = !opens
      button.setAttribute('aria-expanded', String(opens))
    })
    details.append(panel)
    return button
  }
}

/** What everybody sees of it. */
function wireText(row: Row): string {
  const records = row.records === 1 ? 'record' : `${row.records} records`
  return `${row.encrypted ? 'encrypted ' : ''}${records}, ${count(row.bytes, 'byte')}`
}

/** AlertLevel; TLS 1.3 has it for old times' sake. */
const FATAL = 2
