// verifyCertificate gone wrong: what is refused, and that the error names the option and the way out.
import * as assert from 'uvu/assert'
import { createCrl, createKey, parseCertificate, verifyCertificate, type VerifyOptions } from '../../src/x509/index.ts'
import { root, server } from '../support/certs.ts'
import { expectThrow } from '../support/expect.ts'
import { suite } from '../support/suite.ts'

const verify = suite('x509: verify, misuse')

const good = (): VerifyOptions => ({ leaf: server().cert, roots: root().cert })

const WRONG: { name: string; options: object; message: RegExp }[] = [
  { name: 'no leaf', options: { leaf: undefined }, message: /`leaf` is missing/ },
  { name: 'a leaf that is none', options: { leaf: 'hello' }, message: /`leaf` was refused.*expected PEM or DER/ },
  { name: 'a leaf of a wrong type', options: { leaf: 7 }, message: /`leaf` must be PEM text or bytes, not number/ },
  { name: 'roots that are none', options: { roots: [root().cert, 'x'] }, message: /`roots` was refused/ },
  { name: 'intermediates that are none', options: { intermediates: new Uint8Array(3) }, message: /`intermediates` was refused/ },
  { name: 'CRLs that are none', options: { crls: root().cert }, message: /`crls` was refused/ },
  { name: 'a check of CRLs without CRLs', options: { crlCheck: 'leaf' }, message: /`crlCheck` is about `crls`/ },
  {
    name: 'an unknown check of CRLs',
    options: { crls: createCrl({ issuer: root() }), crlCheck: 'all' },
    message: /`crlCheck` is "all"; it must be one of chain, leaf/,
  },
  { name: 'an OCSP response as text', options: { ocsp: 'x' }, message: /`ocsp` must be a response in DER/ },
  { name: 'an empty host: it would be none at all', options: { hostname: '' }, message: /`hostname`: "" is neither a host name nor/ },
  { name: 'a host with a leading dot: it would be any below', options: { hostname: '.test' }, message: /`hostname`: ".test" is neither/ },
  { name: 'a host with a NUL', options: { hostname: 'a.test\0.b' }, message: /`hostname`: .* is neither/ },
  { name: 'a host with a wildcard', options: { hostname: '*.test' }, message: /certificates have wildcards, hosts have not/ },
  { name: 'a host with a last dot', options: { hostname: 'a.test.' }, message: /leave the last dot out/ },
  { name: 'a host in letters that DNS has not', options: { hostname: 'zoë.test' }, message: /write it as A-labels/ },
  { name: 'a host in brackets', options: { hostname: '[::1]' }, message: /neither a host name nor/ },
  { name: 'an address that is none', options: { ip: '1.2.3' }, message: /`ip` is "1.2.3", which is no IP address/ },
  { name: 'an address that only looks like one', options: { ip: '999.2.3.4' }, message: /`ip` was refused: no IP address/ },
  { name: 'two addresses', options: { ip: '192.0.2.1', hostname: '192.0.2.1' }, message: /leave out `ip`/ },
  { name: 'a mail address that is none', options: { email: 'me' }, message: /`email`: "me" is no email address/ },
  { name: 'an empty mail address', options: { email: '' }, message: /`email`: "" is no email address/ },
  { name: 'an unknown purpose', options: { purpose: 'sslserver' }, message: /`purpose` is "sslserver"; it must be one of server, client/ },
  { name: 'a purpose that every object has', options: { purpose: 'constructor' }, message: /`purpose` is "constructor"/ },
  { name: 'a negative depth', options: { depth: -1 }, message: /`depth` must be a whole number from 0/ },
  { name: 'a security level beyond 5', options: { securityLevel: 6 }, message: /`securityLevel` must be a whole number from 0 to 5/ },
  { name: 'no date', options: { time: new Date(NaN) }, message: /`time` must be a valid Date/ },
  { name: 'a date before 1970: it would be now', options: { time: new Date(-1000) }, message: /`time` must be a valid Date from 1970 on/ },
  { name: 'a policy that is none', options: { policies: ['any'] }, message: /`policies`: "any" is no object identifier/ },
]

for (const { name, options, message } of WRONG) {
  verify(name, () => void expectThrow(() => verifyCertificate({ ...good(), ...options } as VerifyOptions), { kind: 'usage', message }))
}

verify('a failure leaves nothing behind for the next call', () => {
  expectThrow(() => verifyCertificate({ ...good(), ip: '999.2.3.4' }), { message: /`ip` was refused/ })
  expectThrow(() => parseCertificate('hello'), { message: /^parseCertificate: this is no certificate: no start line/ })
  assert.is(verifyCertificate(good()).ok, true)
  assert.ok(createKey())
})
