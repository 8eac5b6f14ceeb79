// Redis, twice: one that lets everybody in, one that asks for a client's certificate. Neither has a port without TLS.
import { certificates, type Server } from '../server.ts'
import type { Stage } from '../stage.ts'

export interface RedisFacts {
  port: number
  /** Only with a certificate. */
  mutualPort: number
}

export const redis: Server<RedisFacts> = {
  name: 'redis',
  packages: ['redis-server'],
  async start(stage) {
    const [port, mutualPort] = (await stage.ports(2)) as [number, number]
    const { ca, server } = certificates()
    const files = {
      'tls-ca-cert-file': stage.write('ca.pem', ca, 'nobody'),
      'tls-cert-file': stage.write('cert.pem', server.cert, 'nobody'),
      'tls-key-file': stage.write('key.pem', server.key, 'nobody'),
    }
    await start(stage, { ...files, 'tls-port': `${port}`, 'tls-auth-clients': 'no' })
    await start(stage, { ...files, 'tls-port': `${mutualPort}`, 'tls-auth-clients': 'yes' })
    return { port, mutualPort }
  },
}

function start(stage: Stage, options: Record<string, string>): Promise<void> {
  const settings = { port: '0', bind: '127.0.0.1', save: '', appendonly: 'no', dir: stage.directory, ...options }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  return stage.daemon('redis-server', args, { as: 'nobody', ready: /Ready to accept connections/ })
}
