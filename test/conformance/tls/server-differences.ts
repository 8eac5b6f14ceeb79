// Where versions of Node differ in what the suites about servers, contexts, certificates and errors look at.
import type { Difference } from './subject.ts'

export const DIFFERENCES = {
  alertNames: { since: 24, reason: 'OpenSSL 3.5 calls the alerts of SSL 3.0 "ssl/tls alert ...", OpenSSL 3.0 "sslv3 alert ..."' },
  caFunctions: { since: 24, reason: 'getCACertificates came with Node 22.15, setDefaultCACertificates with 22.19' },
  sniCase: { since: 24, reason: 'before, addContext compared names byte by byte' },
  alpnChecked: { since: 24, reason: 'before, names in ALPNProtocols that cannot be sent were sent nevertheless' },
  binderAlert: { since: 24, reason: 'OpenSSL 3.0 calls a binder that does not verify an illegal parameter' },
  pskIsNoCertificate: { since: 24, reason: 'before, whoever had a pre-shared key was taken for authorized by certificate' },
  listenersThrow: { since: 24, reason: 'before, what a listener of resumeSession or OCSPRequest threw was thrown at nobody' },
  openssl35: { since: 24, reason: 'OpenSSL 3.0 has other groups, and security level 1 by default' },
  idna: { since: 24, reason: 'before, a host with letters beyond ASCII was compared as it was written' },
} satisfies Record<string, Difference>
