// Made once a run, in the driver, so that peers and suites agree.
import { client, issue, root, server, serverFor, strangeRoot, type Identity } from '../support/certs.ts'
import { HOST, type Certificates } from './world.ts'

/** What the peers need besides. */
export interface AllCertificates extends Certificates {
  otherHost: Identity
  otherCa: Identity
}

export const certificates = (): AllCertificates => ({
  ca: root().cert,
  wrongCa: strangeRoot().cert,
  server: server(),
  client: client(),
  strangeClient: issue({ subject: { CN: 'client.test' }, usage: ['client'] }, strangeRoot()),
  otherHost: serverFor('other.test'),
  otherCa: issue({ subject: { CN: HOST }, hosts: [HOST] }, strangeRoot()),
})
