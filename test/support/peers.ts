// TLS programs that nobody here wrote, as child processes: OpenSSL's s_server and s_client, GnuTLS's gnutls-serv and gnutls-cli,
// curl. Each is stopped with the case that started it. Node's own tls, in this process, is in sockets-node.ts.
//
// s_server reads commands from its input, one letter at the start of a chunk: what tests write to it has no letters Q, q, r, R, P, S, B.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Version } from '../../src/index.ts'
import { HOST, root, type Identity } from './certs.ts'
import { concat } from './chunk.ts'
import type { Case, Skip } from './suite.ts'

const HOW_TO_GET = './build.sh peers'

/** Why the cases with this program are skipped; undefined where it is there. */
export function missing(program: string): Skip | undefined {
  const found = (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)))
  return found ? undefined : { kind: 'missing-peer', reason: `${program} is not installed: ${HOW_TO_GET}` }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A folder that is gone after the case. */
export function folder(t: Case): string {
  const path = mkdtempSync(join(tmpdir(), 'membio-'))
  t.defer(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A file in a folder of its own; returns its path. */
export function file(t: Case, name: string, content: string | Uint8Array): string {
  const path = join(folder(t), name)
  writeFileSync(path, content)
  return path
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** Of much output only the beginning and the end are kept as text. */
const TEXT_KEPT = 50_000

/** A running program. */
export class Program {
  readonly name: string
  /** Where a server listens. */
  port = 0
  readonly stdout: Uint8Array[] = []
  bytes = 0
  /** stdout and stderr as text, as they came; bulk has a hole in the middle. */
  output = ''
  readonly exit: Promise<Exit>
  readonly #child: ChildProcessWithoutNullStreams
  #ended = false
  #wake: (() => void)[] = []

  constructor(t: Case, name: string, args: readonly string[], cwd?: string) {
    this.name = name
    this.#child = spawn(name, args, { cwd, stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } })
    this.#child.stdin.on('error', () => {}) // it left without reading all
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.stdout.push(chunk)
      this.bytes += chunk.length
      this.#said(chunk)
    })
    this.#child.stderr.on('data', (chunk: Buffer) => this.#said(chunk))
    this.exit = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => {
        this.#ended = true
        resolve({ code, signal })
        this.#happened()
      })
    })
    this.exit.catch(() => {})
    t.defer(() => this.stop())
  }

  get plaintext(): Uint8Array {
    return concat(this.stdout)
  }

  /** Waits for output that matches. Rejects when the program ends without it. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output)
      if (match) return match
      if (this.#ended) throw new Error(`${this.name} ended without ${pattern}; it said:\n${this.output.slice(-TEXT_KEPT)}`)
      await this.#something()
    }
  }

  /** Waits for so many bytes of stdout. */
  async untilBytes(count: number): Promise<void> {
    while (this.bytes < count) {
      if (this.#ended) throw new Error(`${this.name} ended after ${this.bytes} bytes of ${count}; it said:\n${this.output.slice(-2000)}`)
      await this.#something()
    }
  }

  /** Waits until the program has left of its own accord; tells its output if that is not with 0. */
  async succeeded(): Promise<void> {
    const { code, signal } = await this.exit
    if (code !== 0) throw new Error(`${this.name} left with ${signal ?? code}; it said:\n${this.output.slice(-TEXT_KEPT)}`)
  }

  /** Resolves when the program's input has taken it. */
  write(chunk: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#child.stdin.write(chunk, () => resolve()))
  }

  /** Ends its input. */
  end(): void {
    this.#child.stdin.end()
  }

  async stop(): Promise<void> {
    if (!this.#ended) this.#child.kill('SIGKILL')
    await this.exit.catch(() => {})
  }

  #said(chunk: Buffer): void {
    this.output += chunk.toString('latin1')
    if (this.output.length > 4 * TEXT_KEPT) this.output = this.output.slice(0, TEXT_KEPT) + this.output.slice(-TEXT_KEPT)
    this.#happened()
  }

  #something(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  #happened(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

// ---- Options that every peer understands, each in its own words. ----

export interface PeerOptions {
  version?: Version
  /** Certificate and key: required for a server. */
  identity?: Identity
  /** Whom to trust. A server with it requires a client certificate; a client trusts the test root by default. */
  ca?: string
  alpn?: readonly string[]
  /** Client: the host to ask for. */
  servername?: string
  /** Words for this program only. */
  args?: readonly string[]
}

const OPENSSL_VERSION: Record<Version, string> = { 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' }
const GNUTLS_PRIORITY: Record<Version, string> = { 'TLSv1.2': 'NORMAL:-VERS-ALL:+VERS-TLS1.2', 'TLSv1.3': 'NORMAL:-VERS-ALL:+VERS-TLS1.3' }

function opensslIdentity(t: Case, identity: Identity | undefined): string[] {
  if (!identity) return []
  const cert = file(t, 'cert.pem', identity.cert)
  return ['-cert', cert, '-cert_chain', cert, '-key', file(t, 'key.pem', identity.key)]
}

function gnutlsIdentity(t: Case, identity: Identity | undefined): string[] {
  if (!identity) return []
  return ['--x509certfile', file(t, 'cert.pem', identity.cert), '--x509keyfile', file(t, 'key.pem', identity.key)]
}

// ---- Servers. ----

/** `openssl s_server`. It prints what it receives, and sends what it reads; `-rev` makes it send lines back reversed. */
export async function opensslServer(t: Case, options: PeerOptions, cwd?: string): Promise<Program> {
  const { version, ca, alpn, args = [] } = options
  const words = ['s_server', '-accept', '127.0.0.1:0', '-naccept', '100', ...opensslIdentity(t, options.identity)]
  if (version) words.push(OPENSSL_VERSION[version])
  if (ca) words.push('-Verify', '3', '-verify_return_error', '-CAfile', file(t, 'ca.pem', ca))
  if (alpn) words.push('-alpn', alpn.join(','))
  const program = new Program(t, 'openssl', [...words, ...args], cwd)
  program.port = Number((await program.until(/ACCEPT 127\.0\.0\.1:(\d+)/))[1])
  return program
}

/** `gnutls-serv`. It sends back what it receives (`--echo`). It cannot choose a free port itself, so ports are tried. */
export async function gnutlsServer(t: Case, options: PeerOptions): Promise<Program> {
  const { version, ca, alpn = [], args = ['--echo'] } = options
  const words = [...gnutlsIdentity(t, options.identity)]
  if (version) words.push('--priority', GNUTLS_PRIORITY[version])
  if (ca) words.push('--require-client-cert', '--verify-client-cert', '--x509cafile', file(t, 'ca.pem', ca))
  else words.push('--disable-client-cert')
  for (const protocol of alpn) words.push('--alpn', protocol)
  for (let tries = 0; ; tries++) {
    const port = await freePort()
    const program = new Program(t, 'gnutls-serv', [...words, ...args, '-p', String(port)])
    const [, failed] = await program.until(/listening on IPv4 .*done|(bind\(\) failed)/)
    program.port = port
    if (!failed) return program
    if (tries === 5) throw new Error(`gnutls-serv finds no free port: ${program.output}`)
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

// ---- Clients. ----

/** `openssl s_client`. It sends what it reads, prints what it receives, and tells about the connection on stderr (`-brief`). */
export function opensslClient(t: Case, port: number, options: PeerOptions = {}): Program {
  const { version, ca = root().cert, alpn, servername = HOST, args = [] } = options
  const words = [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    servername,
    '-verify_hostname',
    servername,
    '-verify_return_error',
  ]
  words.push('-CAfile', file(t, 'ca.pem', ca), '-brief', '-nocommands', ...opensslIdentity(t, options.identity))
  if (version) words.push(OPENSSL_VERSION[version])
  if (alpn) words.push('-alpn', alpn.join(','))
  return new Program(t, 'openssl', [...words, ...args])
}

/** `gnutls-cli`. As s_client; the end of its input is its close_notify, and it goes on receiving. */
export function gnutlsClient(t: Case, port: number, options: PeerOptions = {}): Program {
  const { version, ca = root().cert, alpn = [], servername = HOST, args = [] } = options
  const words = ['-p', String(port), '--sni-hostname', servername, '--verify-hostname', servername, '--x509cafile', file(t, 'ca.pem', ca)]
  words.push(...gnutlsIdentity(t, options.identity))
  if (version) words.push('--priority', GNUTLS_PRIORITY[version])
  for (const protocol of alpn) words.push('--alpn', protocol)
  return new Program(t, 'gnutls-cli', [...words, ...args, '127.0.0.1'])
}

const CURL_VERSION: Record<Version, readonly string[]> = { 'TLSv1.2': ['--tlsv1.2', '--tls-max', '1.2'], 'TLSv1.3': ['--tlsv1.3'] }

/** `curl`. It asks for `path` once and prints the answer's body. */
export function curl(t: Case, port: number, path: string, options: PeerOptions = {}): Program {
  const { version, ca = root().cert, servername = HOST, identity, args = [] } = options
  const words = [
    '--silent',
    '--show-error',
    '--noproxy',
    '*',
    '--resolve',
    `${servername}:${port}:127.0.0.1`,
    '--cacert',
    file(t, 'ca.pem', ca),
  ]
  if (version) words.push(...CURL_VERSION[version])
  if (identity) words.push('--cert', file(t, 'cert.pem', identity.cert), '--key', file(t, 'key.pem', identity.key))
  return new Program(t, 'curl', [...words, ...args, `https://${servername}:${port}${path}`])
}
