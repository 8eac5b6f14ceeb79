// What the page is made with. Text is always text: nothing a server says becomes markup.

type Child = Node | string | undefined

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children.filter((child) => child !== undefined))
  return made
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found as T
}

/** Names and values, as a description list. */
export const facts = (rows: readonly (readonly [name: string, value: Child])[]): HTMLElement =>
  element('dl', { class: 'facts' }, ...rows.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))))

/** Long names may break after an underscore. */
export const breakable = (name: string): HTMLElement =>
  element('span', {}, ...name.split(/(?<=_)/).flatMap((part) => [part, element('wbr')]))

/** Can be scrolled with the keyboard, too. */
export const code = (text: string, label: string): HTMLElement =>
  element('pre', { class: 'code', tabindex: '0', role: 'region', 'aria-label': label }, text)

export const count = (number: number, unit: string): string => `${number.toLocaleString('en')} ${unit}${number === 1 ? '' : 's'}`

/** Sixteen bytes a line: offset, hexadecimal, and what is readable of it. */
export function hexdump(bytes: Uint8Array, limit = 512): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, limit); at += 16) {
    const part = [...bytes.subarray(at, Math.min(at + 16, limit))]
    const hex = part.map((byte, i) => `${i === 8 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`).join(' ')
    const text = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(48)}  ${text}`)
  }
  if (bytes.length > limit) lines.push(`      and ${count(bytes.length - limit, 'more byte')}`)
  return lines.join('\n')
}
