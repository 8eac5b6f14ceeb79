// Postfix: one port with STARTTLS, one with TLS from the first byte. Mail to anybody at mail.test ends in one maildir. Postfix's master
// has to be root.
import { chmodSync, chownSync } from 'node:fs'
import { certificates, type Server } from '../server.ts'

export interface PostfixFacts {
  startTlsPort: number
  tlsPort: number
  /** Where new mail is, a file each. */
  inbox: string
}

const MASTER = '/usr/lib/postfix/sbin/master'

export const postfix: Server<PostfixFacts> = {
  name: 'postfix',
  packages: ['postfix'],
  async start(stage) {
    if (process.getuid!() !== 0) throw new Error('Postfix runs as root only')
    const [startTlsPort, tlsPort] = (await stage.ports(2)) as [number, number]
    const owner = Number(stage.run('id', ['-u', 'postfix']))
    for (const place of ['queue', 'data', 'conf']) chmodSync(stage.mkdir(place), 0o755) // its daemons run as postfix
    chownSync(stage.path('data'), owner, -1)
    stage.mkdir('mail', 'nobody')
    stage.write('conf/main.cf', main(stage.directory, ca(stage)))
    stage.write('conf/master.cf', services(startTlsPort, tlsPort))
    stage.run('postfix', ['-c', stage.path('conf'), 'check'])
    await stage.daemon(MASTER, ['-s', '-c', stage.path('conf')], { as: 'self', ready: /daemon started/ })
    return { startTlsPort, tlsPort, inbox: stage.path('mail/box/new') }
  },
}

function ca(stage: { write(name: string, text: string): string }): string {
  const { ca, server } = certificates()
  stage.write('identity.pem', server.key + server.cert)
  return stage.write('ca.pem', ca)
}

const main = (directory: string, ca: string) => `
compatibility_level = 3.6
queue_directory = ${directory}/queue
data_directory = ${directory}/data
maillog_file = /dev/stdout
myhostname = server.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
message_size_limit = 100000000
virtual_mailbox_limit = 0
virtual_mailbox_domains = mail.test
virtual_mailbox_base = ${directory}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_transport = virtual
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = ${directory}/identity.pem
smtpd_tls_CAfile = ${ca}
smtpd_tls_ask_ccert = yes
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
`

/** As in Debian's master.cf, but nothing is chrooted and nothing sends to other hosts. */
const services = (startTlsPort: number, tlsPort: number) => `
127.0.0.1:${startTlsPort} inet n - n - - smtpd
127.0.0.1:${tlsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`
