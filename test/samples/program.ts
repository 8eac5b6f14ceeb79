// Programs in processes of their own, as a user would run them: our samples, and the peers they talk to. All are ended after the case.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { join } from 'node:path'
import { root, server } from '../support/certs.ts'
import { repository } from '../support/paths.ts'
import { file as peerFile } from '../support/peers.ts'
import type { Case } from '../support/suite.ts'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export class Program {
  readonly #child: ChildProcessWithoutNullStreams
  /** Fulfilled once it has ended and all its output is here. */
  readonly ended: Promise<Ended>
  #stdout = ''
  #stderr = ''
  #running = true

  constructor(t: Case, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const plain = { LC_ALL: 'C', NO_PROXY: '*' } // what programs print, and whom they talk to, must not depend on the machine
    this.#child = spawn(command, args, { cwd: repository, env: { ...process.env, ...plain, ...env } })
    this.#child.stdout.on('data', (chunk) => (this.#stdout += chunk))
    this.#child.stderr.on('data', (chunk) => (this.#stderr += chunk))
    this.#child.stdin.on('error', () => {}) // it may end before it has read everything
    this.ended = once(this.#child, 'close').then(([code]) => {
      this.#running = false
      return { code: code as number | null, stdout: this.#stdout, stderr: this.#stderr }
    })
    t.defer(async () => {
      this.#child.kill('SIGKILL')
      await this.ended
    })
  }

  /** Waits until it has printed this, on either of its outputs. */
  async printed(wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = wanted.exec(this.#stdout) ?? wanted.exec(this.#stderr)
      if (found) return found
      if (!this.#running) throw new Error(`ended without printing ${wanted}\n${this.#stdout}${this.#stderr}`)
      await Promise.race([once(this.#child.stdout, 'data'), once(this.#child.stderr, 'data'), this.ended])
    }
  }

  write(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Gives it this as the rest of its input, and waits for its end. */
  end(text = ''): Promise<Ended> {
    this.#child.stdin.end(text)
    return this.ended
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal)
    return this.ended
  }
}

const compiled = (name: string) => join(repository, 'build', 'samples', `${name}.js`)

export const startSample = (t: Case, name: string, ...args: string[]): Program =>
  new Program(t, process.execPath, [compiled(name), ...args])

/** Runs a sample to its end. */
export const runSample = (t: Case, name: string, ...args: string[]): Promise<Ended> => startSample(t, name, ...args).end()

/** A server among the samples, with the good test certificate, on a free port. */
export async function startServer(t: Case, name: string, ...args: string[]): Promise<{ program: Program; port: number }> {
  const { cert, key } = server()
  const program = startSample(t, name, '0', ...args, '--cert', file(t, cert), '--key', file(t, key))
  const [, port] = await program.printed(/listening on localhost:(\d+)/)
  return { program, port: Number(port) }
}

/** Runs a program of the machine to its end. */
export const runTool = (t: Case, command: string, args: readonly string[], input?: string): Promise<Ended> =>
  new Program(t, command, args).end(input)

/** A file with this content; gone after the case. */
export const file = (t: Case, content: string): string => peerFile(t, 'file.pem', content)

/** The root that signed the good test certificates, as a file. */
export const rootFile = (t: Case): string => file(t, root().cert)

/** Node's own HTTPS server with the good test certificate. @returns its port */
export async function nodeHttps(t: Case, answer: RequestListener, options: ServerOptions = {}): Promise<number> {
  return listen(t, createHttpsServer({ ...server(), ...options }, answer))
}

/** Closed after the case, with all its connections. */
export async function listen(t: Case, listener: Server): Promise<number> {
  const sockets = new Set<Socket>()
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await once(listener.listen(0), 'listening')
  t.defer(() => {
    listener.close()
    for (const socket of sockets) socket.destroy()
  })
  return (listener.address() as AddressInfo).port
}

/** `openssl s_server` with the good test certificate, answering HTTP. @returns its port */
export async function opensslServer(t: Case, ...args: string[]): Promise<number> {
  const { cert, key } = server()
  const program = new Program(t, 'openssl', ['s_server', '-www', '-accept', '0', '-cert', file(t, cert), '-key', file(t, key), ...args])
  const [, port] = await program.printed(/ACCEPT .*:(\d+)\n/)
  return Number(port)
}
