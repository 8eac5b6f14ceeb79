// The reader of certdata.txt: whom it takes for trusted, and that it refuses what it does not understand.
import * as assert from 'uvu/assert'
import { serverRoots } from '../../openssl-build/certdata.ts'
import { suite } from '../support/suite.ts'

const test = suite('certdata.txt')

const octet = (letter: string) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`
const octal = (text: string) => `MULTILINE_OCTAL\n${[...text].map(octet).join('')}\nEND`

interface Fields {
  label?: string
  issuer?: string
  serial?: string
  value?: string
  trust?: string
  more?: string
}

const certificate = ({ label = 'A', issuer = 'issuer', serial = '1', value = 'DER', more = '' }: Fields = {}) => `
# Certificate "${label}"
CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE
CKA_TOKEN CK_BBOOL CK_TRUE
CKA_LABEL UTF8 "${label}"
CKA_ISSUER ${octal(issuer)}
CKA_SERIAL_NUMBER ${octal(serial)}
CKA_VALUE ${octal(value)}
${more}`

const opinion = ({ label = 'A', issuer = 'issuer', serial = '1', trust = 'CKT_NSS_TRUSTED_DELEGATOR' }: Fields = {}) => `
CKA_CLASS CK_OBJECT_CLASS CKO_NSS_TRUST
CKA_LABEL UTF8 "${label}"
CKA_ISSUER ${octal(issuer)}
CKA_SERIAL_NUMBER ${octal(serial)}
CKA_TRUST_SERVER_AUTH CK_TRUST ${trust}
CKA_TRUST_EMAIL_PROTECTION CK_TRUST CKT_NSS_TRUSTED_DELEGATOR
`

const list = (...objects: string[]) => `# A comment.\nBEGINDATA\nCKA_CLASS CK_OBJECT_CLASS CKO_NSS_BUILTIN_ROOT_LIST\n${objects.join('')}`
const labels = (...objects: string[]) => serverRoots(list(...objects)).map(({ label }) => label)

test('gives names and bytes of trusted certificates, in order', () => {
  const other = { label: 'B', serial: '2' }
  const all = list(certificate({ label: 'Főtanúsítvány', value: '\x00\xff' }), opinion(), certificate(other), opinion(other))
  const [first, second, ...more] = serverRoots(all)
  assert.equal([first!.label, [...first!.der], second!.label, more], ['Főtanúsítvány', [0, 255], 'B', []])
})

const TRUSTED: { name: string; objects: string[]; expect: string[] }[] = [
  { name: 'distrusted', objects: [certificate(), opinion({ trust: 'CKT_NSS_NOT_TRUSTED' })], expect: [] },
  { name: 'trusted for mail only', objects: [certificate(), opinion({ trust: 'CKT_NSS_MUST_VERIFY_TRUST' })], expect: [] },
  { name: 'no opinion', objects: [certificate()], expect: [] },
  { name: 'an opinion about another number of the same issuer', objects: [certificate(), opinion({ serial: '2' })], expect: [] },
  { name: 'an opinion about another issuer under the same name', objects: [certificate(), opinion({ issuer: 'other' })], expect: [] },
  { name: 'the opinion first, and under another name', objects: [opinion({ label: 'Z' }), certificate()], expect: ['A'] },
  {
    name: 'distrusted for what it issues from now on',
    objects: [certificate({ more: `CKA_NSS_SERVER_DISTRUST_AFTER ${octal('241130235959Z')}` }), opinion()],
    expect: ['A'],
  },
]

for (const { name, objects, expect } of TRUSTED) {
  test(`whom to trust: ${name}: ${expect.length ? 'trusted' : 'not trusted'}`, () => assert.equal(labels(...objects), expect))
}

const distrust = opinion({ trust: 'CKT_NSS_NOT_TRUSTED' })
const REFUSED: { name: string; text: string; message: string }[] = [
  { name: 'no list at all', text: '<html>', message: 'no BEGINDATA' },
  { name: 'two opinions', text: list(certificate(), opinion(), distrust), message: 'two opinions about "A"' },
  { name: 'a value twice', text: list(certificate({ more: 'CKA_TOKEN CK_BBOOL CK_TRUE' })), message: 'not understood: CKA_TOKEN' },
  { name: 'a line that is no attribute', text: list(certificate({ more: 'hello' })), message: 'certdata.txt:18: not understood: hello' },
  { name: 'octal without an end', text: list(certificate({ more: 'CKA_ID MULTILINE_OCTAL' })), message: 'not understood: CKA_ID' },
  { name: 'bytes that are none', text: list(certificate().replace(/\\104/, '\\904'), opinion()), message: 'not octal' },
  { name: 'a certificate without bytes', text: list(certificate({ value: '' }), opinion()), message: 'has no CKA_VALUE' },
  { name: 'an opinion without trust', text: list(opinion().replace(/CKA_TRUST_SERVER.*\n/, '')), message: 'has no CKA_TRUST_SERVER_AUTH' },
  { name: 'a name with escapes', text: list(certificate({ label: '\\xc5' }), opinion()), message: 'not a name in quotes' },
]

for (const { name, text, message } of REFUSED) {
  test(`is refused: ${name}`, () => assert.throws(() => serverRoots(text), (error: Error) => error.message.includes(message)))
}
