// HAProxy: HTTP/1.1 and HTTP/2 on one port, and again with a client's certificate. It has nothing of its own but what it says of TLS.
import { certificates, type Server } from '../server.ts'
import { backend, type WebFacts } from './backend.ts'

export const haproxy: Server<WebFacts> = {
  name: 'haproxy',
  packages: ['haproxy'],
  async start(stage) {
    const as = 'nobody'
    const [port, mutualPort] = (await stage.ports(2)) as [number, number]
    const behind = await backend(stage)
    const { ca, server } = certificates()
    const tls = `ssl crt ${stage.write('identity.pem', server.cert + server.key, as)} alpn h2,http/1.1`
    const configuration = `
global
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend outside
  bind 127.0.0.1:${port} ${tls}
  bind 127.0.0.1:${mutualPort} ${tls} ca-file ${stage.write('ca.pem', ca, as)} verify required
  http-request return status 200 content-type application/json lf-string '${JSON.stringify(TOLD)}' if { path /tls }
  default_backend inside
backend inside
  server one 127.0.0.1:${behind.port}
`
    const file = stage.write('conf', configuration, as)
    await stage.daemon('haproxy', ['-W', '-db', '-f', file], { as, ready: /Loading success/ })
    return { port, mutualPort, largeHash: behind.largeHash }
  },
}

const TOLD = {
  version: '%[ssl_fc_protocol]',
  cipher: '%[ssl_fc_cipher]',
  resumed: '%[ssl_fc_is_resumed]',
  protocol: 'HTTP/%[req.ver]',
  client: 'CN=%[ssl_c_s_dn(cn)]',
}
