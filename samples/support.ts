// What the samples share and none of them is about: the command line, and a certificate for development.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createCertificate, createKey, parseCertificate } from 'membio/x509'

export { printAgreed, printEvent } from './trace.ts'

// ---- The command line. ----

/** Every option a sample may take. FILEs are read: what the program gets is their content. */
const OPTIONS = {
  ca: { type: 'string', value: 'FILE', about: 'certificates to trust (PEM); a server asks its clients for certificates signed by these' },
  cert: { type: 'string', value: 'FILE', about: 'our certificate, and the intermediates after it (PEM)' },
  key: { type: 'string', value: 'FILE', about: 'the private key of --cert (PEM)' },
  servername: { type: 'string', value: 'NAME', about: 'the name the certificate must be valid for, and the SNI; default: HOST' },
  alpn: { type: 'string', value: 'NAME,...', about: 'application protocols to offer, best first' },
  proxy: { type: 'string', value: 'URL,...', about: 'HTTP proxies to go through, in this order; those of https: are checked against --ca' },
  starttls: { type: 'boolean', about: 'speak SMTP in clear, then turn to TLS' },
  trace: { type: 'boolean', about: 'print each state, want, record and message as the handshake goes' },
  help: { type: 'boolean', about: 'print this' },
} as const
type OptionName = Exclude<keyof typeof OPTIONS, 'help'>
const FILES: readonly string[] = ['ca', 'cert', 'key']
/** How a usage text names the positional arguments, and how the program does. */
const FIELDS: Record<string, string> = { HOST: 'host', PORT: 'port', PLAIN_PORT: 'plainPort', '[PATH]': 'path' }

/** What the command line said. Positional arguments are there if `usage` names them, options if they were asked for and given. */
export interface Options {
  host: string
  port: number
  plainPort: number
  path: string
  ca?: string
  cert?: string
  key?: string
  servername?: string
  alpn?: string[]
  proxy?: string[]
  starttls?: boolean
  trace: boolean
}

/**
 * Reads the command line. `--help` prints the usage and ends the program; so does a mistake, with exit code 2. And from here on, an
 * error that nobody catches ends it with `code: message` and exit code 1.
 * @param usage the sample's name and its positional arguments: "async-client HOST PORT", "https-client HOST PORT [PATH]"
 */
export function readOptions(usage: string, names: readonly OptionName[], about: string): Options {
  process.on('uncaughtException', (error) => {
    fail(error)
    process.exit()
  })
  const accepted = [...names, 'help' as const]
  const help = [`usage: ${usage} [options]`, '', about, '', ...accepted.map(optionLine)].join('\n')
  try {
    const options = Object.fromEntries(accepted.map((name) => [name, { type: OPTIONS[name].type }]))
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (values.help) {
      console.log(help)
      process.exit(0)
    }
    const read = Object.entries(values).map(([name, value]) => [name, FILES.includes(name) ? readFileSync(String(value), 'utf8') : value])
    const { alpn, proxy, trace = false, ...rest } = Object.fromEntries(read)
    return { ...positional(usage, positionals), ...rest, trace, alpn: alpn?.split(','), proxy: proxy?.split(',') } as Options
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`)
    process.exit(2)
  }
}

function positional(usage: string, given: readonly string[]): Record<string, string | number> {
  const wanted = usage.split(' ').slice(1)
  const required = wanted.filter((name) => !name.startsWith('['))
  if (given.length < required.length) throw new Error(`${required[given.length]} is missing`)
  if (given.length > wanted.length) throw new Error(`unexpected argument: ${given[wanted.length]}`)
  const entries = given.map((value, i) => {
    const name = wanted[i]!
    return [FIELDS[name], name.endsWith('PORT') ? portNumber(name, value) : value]
  })
  return Object.fromEntries(entries)
}

function portNumber(name: string, value: string): number {
  if (!/^\d+$/.test(value) || Number(value) > 65_535) throw new Error(`${name} is ${value}, not a number from 0 to 65535`)
  return Number(value)
}

function optionLine(name: keyof typeof OPTIONS): string {
  const option = OPTIONS[name]
  return `  ${`--${name} ${'value' in option ? option.value : ''}`.padEnd(20)} ${option.about}`
}

/** Prints an error as `code: message`; the program will end with exit code 1. */
export function fail(error: Error & { code?: unknown }): void {
  console.error(`${error.code ?? error.name}: ${error.message}`)
  process.exitCode = 1
}

/** Host and port as HTTP writes them: an IPv6 address stands in brackets. */
export const hostHeader = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** Calls `stop` on Ctrl-C (SIGINT) and SIGTERM. The second signal ends the program the hard way. */
export function onInterrupt(stop: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
}

// ---- A certificate for development. ----

/** Beside the compiled samples, so that it goes away with the build. */
const developmentFolder = fileURLToPath(new URL('../dev-ca/', import.meta.url))
const HOUR = 3_600_000

/**
 * A certificate for localhost, 127.0.0.1 and ::1, and its key, signed by a certificate authority made for this and nothing else: the
 * authority's own key is thrown away at once. Kept in a folder, and made anew when it is about to expire.
 * Nobody trusts it unless told to: a client takes its certificate with `--ca`.
 */
export function developmentIdentity(folder = developmentFolder): { cert: string; key: string } {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const isValid = () => existsSync(folder) && parseCertificate(read('cert.pem')).notAfter.getTime() > Date.now() + HOUR
  if (!isValid()) {
    const fresh = makeIdentity(dirname(folder))
    // Another sample may have done the same at the same moment: then its identity is as good as ours.
    if (!isValid()) rmSync(folder, { recursive: true, force: true })
    if (existsSync(folder)) rmSync(fresh, { recursive: true })
    else renameSync(fresh, folder)
  }
  const ca = relative('.', join(folder, 'ca.pem'))
  console.log(`development certificate for localhost, 127.0.0.1 and ::1; clients trust it with --ca ${ca}`)
  return { cert: read('cert.pem'), key: read('key.pem') }
}

/** Returns the new folder they are in. */
function makeIdentity(parent: string): string {
  const authorityKey = createKey()
  const authority = createCertificate({ key: authorityKey, subject: { CN: 'membio development CA' }, ca: true })
  const key = createKey()
  const hosts = ['localhost', '127.0.0.1', '::1']
  const cert = createCertificate({ key, hosts, subject: { CN: 'localhost' }, issuer: { cert: authority, key: authorityKey } })
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'identity-')) // only its owner may look inside
  const files = { 'ca.pem': authority, 'cert.pem': cert, 'key.pem': key }
  for (const [name, pem] of Object.entries(files)) writeFileSync(join(folder, name), pem)
  return folder
}
