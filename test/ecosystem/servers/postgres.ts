// PostgreSQL. TLS is asked for inside the protocol (SSLRequest); who has no TLS is refused.
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { certificates, type Server } from '../server.ts'
import type { Stage } from '../stage.ts'

export interface PostgresFacts {
  port: number
  /** TLS from the first byte, with ALPN. PostgreSQL can do that itself from version 17 on; here it stands behind Node's TLS server. */
  directPort: number
}

export const PASSWORD = 'correct horse'

/** Who may come in how. The name of the one with the certificate is its CN. */
const ACCESS = `
hostssl   all scram         127.0.0.1/32 scram-sha-256
hostssl   all "client.test" 127.0.0.1/32 cert
hostnossl all direct        127.0.0.1/32 trust
`
const ROLES = `
SET password_encryption = 'scram-sha-256';
CREATE ROLE scram LOGIN PASSWORD '${PASSWORD}';
CREATE ROLE "client.test" LOGIN;
CREATE ROLE direct LOGIN;
`

export const postgres: Server<PostgresFacts> = {
  name: 'postgres',
  packages: ['postgresql'],
  async start(stage) {
    const as = 'nobody'
    const bin = newestBin()
    const { ca, server } = certificates()
    const [port] = (await stage.ports(1)) as [number]
    const data = stage.mkdir('data', as)
    stage.run(`${bin}/initdb`, ['-D', data, '-U', 'admin', '--auth', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C'], { as })
    const settings = {
      listen_addresses: '127.0.0.1',
      port: `${port}`,
      unix_socket_directories: '',
      hba_file: stage.write('access', ACCESS, as),
      ssl: 'on',
      ssl_ca_file: stage.write('ca.pem', ca, as),
      ssl_cert_file: stage.write('cert.pem', server.cert, as),
      ssl_key_file: stage.write('key.pem', server.key, as),
      fsync: 'off',
      shared_buffers: '16MB',
      dynamic_shared_memory_type: 'mmap',
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    stage.run(`${bin}/postgres`, ['--single', '-D', data, 'postgres'], { as, input: ROLES.replaceAll('\n', ' ').replaceAll(';', ';\n') })
    await stage.daemon(`${bin}/postgres`, ['-D', data, ...options], { as, ready: /ready to accept connections/, stop: 'SIGINT' })
    return { port, directPort: await directFront(stage, port) }
  },
}

function newestBin(): string {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
  return `/usr/lib/postgresql/${versions[0]}/bin`
}

async function directFront(stage: Stage, port: number): Promise<number> {
  const [directPort] = (await stage.ports(1)) as [number]
  const front = createServer({ ...certificates().server, ALPNProtocols: ['postgresql'] }, (outside) => {
    const inside = connect(port, '127.0.0.1')
    if (outside.alpnProtocol !== 'postgresql') return void outside.destroy(new Error('ALPN must name postgresql'))
    outside.pipe(inside).pipe(outside)
    outside.on('error', () => inside.destroy())
    inside.on('error', () => outside.destroy())
  })
  await new Promise<void>((resolve) => front.listen(directPort, '127.0.0.1', resolve))
  stage.defer(() => new Promise((resolve) => front.close(resolve)))
  return directPort
}
