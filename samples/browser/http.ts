// Enough of HTTP/1.1 to ask once and read the answer: the server closes after it. Knows no page.

export interface Answer {
  status: string
  headers: [name: string, value: string][]
  body: Uint8Array
}

export const request = (method: string, path: string, host: string, port: number): string => {
  const name = host.includes(':') ? `[${host}]` : host
  const headers = [`Host: ${port === 443 ? name : `${name}:${port}`}`, 'User-Agent: membio', 'Accept: */*', 'Connection: close']
  return `${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`
}

/** undefined: the headers are not complete yet. */
export function parseAnswer(bytes: Uint8Array): Answer | undefined {
  const end = indexOf(bytes, [13, 10, 13, 10])
  if (end < 0) return undefined
  const [status = '', ...lines] = latin1(bytes.subarray(0, end)).split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const rest = bytes.subarray(end + 4)
  const isChunked = headers.some(([name, value]) => name.toLowerCase() === 'transfer-encoding' && /chunked/i.test(value))
  return { status, headers, body: isChunked ? unchunked(rest) : rest }
}

/** As far as it has come. */
function unchunked(bytes: Uint8Array): Uint8Array {
  const body: number[] = []
  for (let at = 0; ; ) {
    const line = indexOf(bytes.subarray(at), [13, 10])
    const size = line < 0 ? 0 : parseInt(latin1(bytes.subarray(at, at + line)), 16)
    if (!size) return new Uint8Array(body)
    at += line + 2
    for (const byte of bytes.subarray(at, at + size)) body.push(byte)
    at += size + 2
  }
}

function indexOf(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) if (wanted.every((byte, i) => bytes[at + i] === byte)) return at
  return -1
}

const latin1 = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes)

/** Text, if that is what it is. */
export function textOf(body: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return /[\0-\x08\x0e-\x1f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
