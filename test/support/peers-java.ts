// Java's JSSE as a peer: a JVM takes a second to start, so a test file starts one while it loads, and all its cases use that. It ends with
// the file's process.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { repository } from './paths.ts'
import { missing } from './peers.ts'
import type { Skip } from './suite.ts'

/** What JavaPeer.java understands; see there. */
export type JavaOptions = Record<string, string | number | undefined>

/** A server or a client within the JVM. */
export class JavaPeer {
  readonly #java: Java
  readonly #id: string

  constructor(java: Java, id: string) {
    this.#java = java
    this.#id = id
  }

  /** The next line with this name that nobody has asked for yet, with all its values. Rejects when the peer says `failed` instead. */
  async next(name: string): Promise<Record<string, string>> {
    const found = await this.#java.line(this.#id, (said) => name in said || 'failed' in said)
    if (!(name in found)) throw new Error(`java failed: ${found['failed']}`)
    return found
  }
}

export class Java {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #said: { id: string; said: Record<string, string> }[] = []
  #wake: (() => void)[] = []
  #rest = ''
  #count = 0
  #ended = false
  output = ''

  private constructor() {
    this.#child = spawn('java', ['-XX:TieredStopAtLevel=1', '-Xshare:auto', `${repository}test/support/JavaPeer.java`])
    this.#child.stdin.on('error', () => {})
    this.#child.stdout.on('data', (chunk: Buffer) => this.#heard(chunk.toString()))
    this.#child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.#child.on('close', () => {
      this.#ended = true
      this.#happened()
    })
  }

  /** Why there is none, where there is none. */
  static async start(): Promise<Java | Skip> {
    const skip = missing('java')
    if (skip) return { kind: 'no-java', reason: 'java is not installed' }
    const java = new Java()
    try {
      await java.line('java', (said) => 'ready' in said)
      return java
    } catch {
      return { kind: 'no-java', reason: `java does not run JavaPeer.java: ${java.output.slice(0, 300)}` }
    }
  }

  /** An echo server; resolves when it listens. */
  async serve(options: JavaOptions): Promise<JavaPeer & { port: number }> {
    const peer = this.#do('serve', options)
    return Object.assign(peer, { port: Number((await peer.next('port'))['port']) })
  }

  dial(port: number, options: JavaOptions): JavaPeer {
    return this.#do('dial', { ...options, port })
  }

  /** Takes the first line of this id that fits, once it is there. */
  async line(id: string, fits: (said: Record<string, string>) => boolean): Promise<Record<string, string>> {
    for (;;) {
      const at = this.#said.findIndex((line) => line.id === id && fits(line.said))
      if (at >= 0) return this.#said.splice(at, 1)[0]!.said
      if (this.#ended) throw new Error(`java has ended: ${this.output}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #do(command: string, options: JavaOptions): JavaPeer {
    const id = `${command}${++this.#count}`
    const words = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    this.#child.stdin.write(`${[command, id, ...words].join(' ')}\n`)
    return new JavaPeer(this, id)
  }

  #heard(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const [id, ...words] = line.split(' ')
      const said = words.map((word) => word.split('=', 2)).map(([name, value = '']) => [name, decodeURIComponent(value.replaceAll('+', ' '))])
      this.#said.push({ id: id!, said: Object.fromEntries(said) as Record<string, string> })
    }
    this.#happened()
  }

  #happened(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
