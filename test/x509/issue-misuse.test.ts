// Issuing gone wrong: what is refused, and that the error names the option and the way out; and what the types refuse already.
import {
  createCertificate,
  createKey,
  createRequest,
  exportKey,
  publicKey,
  type CertificateOptions,
  type Encoded,
  type ExtensionOptions,
  type IssueOptions,
  type RequestCertificateOptions,
} from '../../src/x509/index.ts'
import { derOf, issue, keyOf, root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { suite } from '../support/suite.ts'

const issuing = suite('x509: issue, misuse')

const SUBJECT = { CN: 'x.test' }
const encrypted = exportKey(keyOf('P-256'), { encrypt: { passphrase: 'secret', iterations: 1000 } })
const request = createRequest({ key: keyOf('P-256'), subject: SUBJECT, hosts: ['x.test'] })
const broken = (): Uint8Array => {
  const der = derOf(request)
  der[der.length - 1]! ^= 1
  return der
}
const refused = (options: object) => () => createCertificate({ key: keyOf('P-256'), subject: SUBJECT, ...options } as CertificateOptions)
const forRequest = (options: object) => () => createCertificate({ request, issuer: root(), ...options } as RequestCertificateOptions)

const WRONG: { name: string; call: () => unknown; message: RegExp }[] = [
  { name: 'neither key nor request', call: refused({ key: undefined }), message: /give one of `key`, `publicKey` and `request`, not none/ },
  { name: 'key and request', call: refused({ request, issuer: root() }), message: /give one of .*, not key and request/ },
  { name: 'a request without issuer', call: forRequest({ issuer: undefined }), message: /`request` needs an `issuer`/ },
  {
    name: 'a public key without issuer',
    call: refused({ key: undefined, publicKey: publicKey(keyOf('P-256')) }),
    message: /`publicKey` needs an `issuer`/,
  },
  {
    name: 'a public key that is none',
    call: refused({ key: undefined, publicKey: 'x', issuer: root() }),
    message: /`publicKey` was refused/,
  },
  { name: 'a request that is none', call: forRequest({ request: root().cert, hosts: ['a'] }), message: /`request` was refused/ },
  {
    name: 'a request that was changed',
    call: forRequest({ request: broken(), hosts: ['a'] }),
    message: /`request` was refused: the request is not signed with its own key/,
  },
  { name: 'a request, and no name', call: forRequest({}), message: /no name would be certified: give `subject` or `hosts`, or accept/ },
  {
    name: 'names of the request and of ours',
    call: forRequest({ hosts: ['a'], acceptRequested: ['subjectAltNames'] }),
    message: /either `hosts`, or the request's/,
  },
  {
    name: 'subject of the request and of ours',
    call: forRequest({ subject: SUBJECT, acceptRequested: ['subject'] }),
    message: /either `subject`, or the request's/,
  },
  {
    name: 'anything else of the request',
    call: forRequest({ acceptRequested: ['keyUsage'] }),
    message: /`acceptRequested` holds 'subject' and 'subjectAltNames', not "keyUsage"/,
  },
  { name: 'an issuer without key', call: refused({ issuer: { cert: root().cert } }), message: /`issuer` needs both `cert` and `key`/ },
  {
    name: 'an issuer that is no CA',
    call: refused({ issuer: server() }),
    message: /`issuer` was refused: the issuer's certificate is no CA: make it with `ca: true`/,
  },
  {
    name: 'an issuer that may not sign',
    call: refused({ issuer: issue({ subject: SUBJECT, ca: true, keyUsage: ['cRLSign'] }) }),
    message: /`issuer` was refused: the issuer's key usage/,
  },
  {
    name: 'a key that is encrypted',
    call: refused({ key: encrypted }),
    message: /`key` was refused.*pass its `passphrase`/,
  },
  { name: 'a path length without a CA', call: refused({ pathLength: 1 }), message: /`pathLength` is for a CA: set `ca: true`/ },
  { name: 'half a path length', call: refused({ ca: true, pathLength: 0.5 }), message: /`pathLength` must be a whole number/ },
  { name: 'name constraints without a CA', call: refused({ nameConstraints: {} }), message: /`nameConstraints` are for a CA/ },
  {
    name: 'a range that is none',
    call: refused({ ca: true, nameConstraints: { permitted: [{ type: 'ip', value: '10.0.0.0' }] } }),
    message: /"10.0.0.0" is no range of addresses such as/,
  },
  {
    name: 'a range beyond 32 bits',
    call: refused({ ca: true, nameConstraints: { permitted: [{ type: 'ip', value: '10.0.0.0/33' }] } }),
    message: /is no range of addresses/,
  },
  {
    name: 'a range of no address',
    call: refused({ ca: true, nameConstraints: { excluded: [{ type: 'ip', value: '10.0.0/8' }] } }),
    message: /`nameConstraints` was refused: no range of IP addresses/,
  },
  {
    name: 'a range of an unknown type',
    call: refused({ ca: true, nameConstraints: { permitted: [{ type: 'dirName', value: 'x' }] } }),
    message: /types are dns, email, uri and ip/,
  },
  { name: 'a CA without subject', call: refused({ ca: true, subject: {} }), message: /a CA needs a `subject`/ },
  { name: 'a serial number of 0', call: refused({ serialNumber: 0n }), message: /`serialNumber` is "0"; it must be positive/ },
  { name: 'a negative serial number', call: refused({ serialNumber: -1n }), message: /`serialNumber` is "-1"/ },
  { name: 'a serial number of 160 bits', call: refused({ serialNumber: '80'.padEnd(40, '0') }), message: /of at most 159 bits/ },
  { name: 'no date', call: refused({ notAfter: 'tomorrow' }), message: /`notAfter` must be a valid Date/ },
  {
    name: 'the year 10000',
    call: refused({ notAfter: new Date('+010000-01-01T00:00:00Z') }),
    message: /`notAfter` must be a valid Date, from 1950 to 9999/,
  },
  {
    name: 'an attribute that nobody knows',
    call: refused({ subject: { nonsense: 'x' } }),
    message: /`subject` was refused: unknown object name/,
  },
  { name: 'a country of three letters', call: refused({ subject: { C: 'DEU' } }), message: /`subject` was refused: string too long/ },
  { name: 'an empty attribute', call: refused({ subject: { CN: '' } }), message: /`subject`: CN is ""/ },
  {
    name: 'a host with a scheme',
    call: refused({ hosts: ['https://x.test'] }),
    message: /"https:\/\/x.test" is neither a host name nor an IP address/,
  },
  { name: 'a host with a port', call: refused({ hosts: ['x.test:443'] }), message: /is neither a host name/ },
  { name: 'a wildcard within', call: refused({ hosts: ['a.*.test'] }), message: /is neither a host name/ },
  { name: 'a host in letters that DNS has not', call: refused({ hosts: ['bücher.test'] }), message: /write it as A-labels, xn--/ },
  { name: 'an address that is none', call: refused({ hosts: ['1.2.3.999'] }), message: /`hosts` was refused: no IP address/ },
  {
    name: 'a mail address in letters that mail has not',
    call: refused({ emails: ['zoë@x.test'] }),
    message: /is no email address in ASCII/,
  },
  { name: 'a URI without scheme', call: refused({ uris: ['x.test/path'] }), message: /`uris`: "x.test\/path" is no URI with a scheme/ },
  { name: 'a CRL address without scheme', call: refused({ crlUrls: ['/crl'] }), message: /`crlUrls`: "\/crl" is no URI/ },
  { name: 'a policy that is none', call: refused({ policies: ['DV'] }), message: /`policies`: "DV" is no object identifier/ },
  {
    name: 'a policy with an impossible number',
    call: refused({ policies: ['2.999999999999999999999999.1', '1.99.1'] }),
    message: /`policies` was refused/,
  },
  { name: 'an unknown usage', call: refused({ usage: ['serverAuth'] }), message: /`usage`: "serverAuth" is none of server, client/ },
  {
    name: 'an unknown key usage',
    call: refused({ keyUsage: ['everything'] }),
    message: /`keyUsage`: "everything" is none of digitalSignature/,
  },
  {
    name: 'an extension twice',
    call: refused({ extensions: [{ name: 'basicConstraints', value: 'CA:TRUE' }] }),
    message: /`extensions` was refused: this extension is there already/,
  },
  {
    name: 'a key usage twice',
    call: refused({ extensions: [{ oid: '2.5.29.15', der: new Uint8Array([3, 2, 2, 4]) }] }),
    message: /`extensions` was refused: this extension is there already/,
  },
  {
    name: 'names twice',
    call: refused({ hosts: ['a'], extensions: [{ name: 'subjectAltName', value: 'DNS:b' }] }),
    message: /this extension is there already/,
  },
  {
    name: 'an unknown extension',
    call: refused({ extensions: [{ name: 'nonsense', value: 'x' }] }),
    message: /`extensions` was refused: unknown extension name/,
  },
  {
    name: 'an extension without value',
    call: refused({ extensions: [{ name: 'nsComment' }] }),
    message: /give `oid` and `der`, or `name` and `value`/,
  },
  {
    name: 'an extension whose bytes are text',
    call: refused({ extensions: [{ oid: '1.2.3', der: 'x' }] }),
    message: /`der` of 1.2.3 must be bytes/,
  },
  {
    name: 'a request without key',
    call: () => createRequest({ subject: SUBJECT } as never),
    message: /createRequest: `key` must be PEM text or bytes, not undefined/,
  },
  {
    name: 'a request with a key that is none',
    call: () => createRequest({ key: 'x', subject: SUBJECT }),
    message: /createRequest: `key` was refused/,
  },
  {
    name: 'a request for a host that is none',
    call: () => createRequest({ key: keyOf('P-256'), hosts: ['a b'] }),
    message: /createRequest: `hosts`: "a b" is neither/,
  },
]
for (const { name, call, message } of WRONG) issuing(name, () => void expectThrow(call, { kind: 'usage', message }))

/** Never called: what the types refuse. */
export function typesRefuse(key: Encoded, issuer: { cert: string; key: string }): void {
  // @ts-expect-error a request cannot sign itself
  createCertificate({ request, acceptRequested: ['subject'] })
  // @ts-expect-error nor can a public key
  createCertificate({ publicKey: key, subject: SUBJECT })
  // @ts-expect-error an unknown usage
  createCertificate({ key, usage: ['serverAuth'] })
  // @ts-expect-error an issuer needs its key
  createCertificate({ key, issuer: { cert: issuer.cert } })
  // @ts-expect-error an extension has a value
  const extension: ExtensionOptions = { name: 'nsComment' }
  // @ts-expect-error a date is a Date
  const options: IssueOptions = { notAfter: '2030-01-01' }
  // @ts-expect-error an unknown key type
  createKey('RSA-1024')
  void [extension, options]
}
