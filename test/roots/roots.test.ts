// membio/roots as it is built: against Node's certificates, Node's parser, Debian's list and our own verification.
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { buildSync } from 'esbuild'
import { mozillaRoots } from 'membio/roots'
import * as assert from 'uvu/assert'
import { createContext } from '../../src/index.ts'
import { parseCertificates, verifyCertificate } from '../../src/x509/index.ts'
import { bad } from '../support/certs.ts'
import { expectError } from '../support/expect.ts'
import { makePair } from '../support/pair.ts'
import { repository } from '../support/paths.ts'
import { suite, type Skip } from '../support/suite.ts'

const test = suite("Mozilla's roots")

const BEGIN = '-----BEGIN CERTIFICATE-----'

/** Each certificate with the name before it. */
const entries = (): { name: string; pem: string; certificate: X509Certificate }[] =>
  mozillaRoots
    .trimEnd()
    .split('\n\n')
    .map((entry) => {
      const [name, pem] = [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf(BEGIN))]
      return { name, pem, certificate: new X509Certificate(pem) }
    })

const fingerprints = (pems: Iterable<string>) => new Set([...pems].map((pem) => new X509Certificate(pem).fingerprint256))
const ours = () => fingerprints(entries().map(({ pem }) => pem))

/** The list's date is its version. */
function listDate(): Date {
  const versions = readFileSync(join(repository, 'openssl-build/versions.env'), 'utf8')
  const [, year, month, day] = /^ROOTS_VERSION=(\d{4})(\d\d)(\d\d)/m.exec(versions)!
  return new Date(`${year}-${month}-${day}T00:00:00Z`)
}

/** Lists some years apart have this in common. 138 are shared with Node 20.20's, 127 with Debian 12's of 2023, of 148. */
const SHARED = 0.75

function assertShared(theirs: Set<string>): void {
  const all = [...ours()]
  const shared = all.filter((fingerprint) => theirs.has(fingerprint)).length
  assert.ok(shared >= SHARED * all.length, `${shared} of ${all.length} are in the other list, which has ${theirs.size}`)
}

test('are more than a hundred, each once, each with a name', () => {
  const all = entries()
  // NSS has had between 130 and 160 for ten years.
  assert.ok(all.length > 100 && all.length < 250, `${all.length}`)
  assert.is(ours().size, all.length)
  assert.equal(all.filter(({ name }) => !/^[^-\s].{3,}$/.test(name)), [])
})

test('are CA certificates which had not expired on the date of the list', () => {
  const wrong = entries().filter(({ certificate }) => !certificate.ca || new Date(certificate.validTo) <= listDate())
  assert.equal(wrong.map(({ name }) => name), [])
})

test('sign themselves, as Node sees it', () => {
  const wrong = entries().filter(({ certificate }) => !certificate.checkIssued(certificate) || !certificate.verify(certificate.publicKey))
  assert.equal(wrong.map(({ name }) => name), [])
})

test('are not those which Mozilla or Debian distrusts', () => {
  const distrusted = /DigiNotar|Symantec|TrustCor|AAA Certificate Services|emSign ECC Root CA - G3$/m
  const wrong = entries().filter(({ name, certificate }) => distrusted.test(`${name}\n${certificate.subject}`))
  assert.equal(wrong.map(({ name }) => name), [])
})

test('are for the most part those which Node brings', () => {
  assertShared(fingerprints(rootCertificates))
})

const DEBIAN = '/usr/share/ca-certificates/mozilla'
const missing: Skip = { kind: 'no-ca-certificates', reason: "Debian's ca-certificates is not installed" }

test.unless(existsSync(DEBIAN) ? undefined : missing)('are for the most part those which Debian installs', () => {
  assertShared(fingerprints(readdirSync(DEBIAN).map((file) => readFileSync(join(DEBIAN, file), 'utf8'))))
})

test('are all read by membio, and all trusted', () => {
  const all = entries()
  assert.is(parseCertificates(mozillaRoots).length, all.length)
  const refused = all.filter(({ pem }) => !verifyCertificate({ leaf: pem, roots: mozillaRoots, time: listDate(), purpose: 'any' }).ok)
  assert.equal(refused.map(({ name }) => name), [])
})

for (const kind of ['selfSigned', 'unknownCa'] as const) {
  test(`do not vouch for a server of our own: ${kind}`, (t) => {
    const clientContext = t.own(createContext({ ca: mozillaRoots }))
    const pair = t.own(makePair({ clientContext, server: bad(kind) })).run()
    const code = kind === 'selfSigned' ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'
    expectError(pair.client.error, { kind: 'certificate', code, alert: pair.client.error?.alert, verify: { name: code, depth: 0 } })
  })
}

test('stand in a file that says whose they are and under which licence', () => {
  const text = readFileSync(join(repository, 'dist/roots.js'), 'utf8')
  const head = text.slice(0, text.indexOf('*/'))
  assert.match(head, new RegExp(`/\\*!\\n \\* ${entries().length} certificates from Mozilla's list`))
  assert.match(head, 'Mozilla Public\n * License, v. 2.0')
  assert.match(head, 'http://mozilla.org/MPL/2.0/')
})

/** What a bundler makes of a program. */
function bundleOf(program: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents: program, resolveDir: repository },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { exports: Record<string, object | string> }

for (const [path, target] of Object.entries(packageJson.exports)) {
  if (typeof target === 'string' || path === './roots' || path.endsWith('.wasm')) continue
  const entry = path.replace('.', 'membio')
  test(`are no part of ${entry}`, () => assert.not.match(bundleOf(`export * from '${entry}'`), BEGIN + '\nMI'))
}

test('are in a bundle only when they are used', () => {
  assert.not.match(bundleOf("import { mozillaRoots } from 'membio/roots'\nconsole.log(1)"), 'Mozilla')
  assert.match(bundleOf("import { mozillaRoots } from 'membio/roots'\nconsole.log(mozillaRoots)"), BEGIN + '\nMI')
})
