// Dovecot, an IMAP server: one port with STARTTLS, one with TLS from the first byte. Its master has to be root.
import { certificates, type Server } from '../server.ts'

export interface DovecotFacts {
  startTlsPort: number
  tlsPort: number
  /** It has a line for each login, with TLS's version and suite. Who shows a certificate is the user it names. */
  log: string
}

/** Everybody's. Any name will do, and each has a mailbox of its own. */
export const PASSWORD = 'correct-horse'

export const dovecot: Server<DovecotFacts> = {
  name: 'dovecot',
  packages: ['dovecot-imapd'],
  async start(stage) {
    if (process.getuid!() !== 0) throw new Error('Dovecot runs as root only')
    const [startTlsPort, tlsPort] = (await stage.ports(2)) as [number, number]
    const { ca, server } = certificates()
    const mail = stage.mkdir('mail', 'nobody')
    const configuration = `
base_dir = ${stage.mkdir('run')}
state_dir = ${stage.mkdir('state')}
log_path = /dev/stderr
login_log_format_elements = user=<%u> tls=<%k>
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${stage.write('cert.pem', server.cert)}
ssl_key = <${stage.write('key.pem', server.key)}
ssl_ca = <${stage.write('ca.pem', ca)}
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
mail_location = maildir:${mail}/%u
service imap-login {
  inet_listener imap {
    port = ${startTlsPort}
  }
  inet_listener imaps {
    port = ${tlsPort}
  }
}
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=${mail}
}
`
    await stage.daemon('dovecot', ['-F', '-c', stage.write('conf', configuration)], { as: 'self', ready: /starting up for imap/ })
    return { startTlsPort, tlsPort, log: stage.log }
  },
}
