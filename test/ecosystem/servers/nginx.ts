// nginx: HTTP/1.1 and HTTP/2 on one port, and again with a client's certificate. What it does not answer itself it passes on.
import { writeFileSync } from 'node:fs'
import { certificates, type Server } from '../server.ts'
import { backend, type WebFacts } from './backend.ts'

export interface NginxFacts extends WebFacts {
  /** Where a row may listen without TLS: /ws leads there. */
  webSocketPort: number
}

export const nginx: Server<NginxFacts> = {
  name: 'nginx',
  packages: ['nginx-light'],
  async start(stage) {
    const as = 'nobody'
    const [port, mutualPort, webSocketPort] = (await stage.ports(3)) as [number, number, number]
    const behind = await backend(stage)
    stage.mkdir('temporary', as)
    stage.mkdir('www', as)
    writeFileSync(stage.path('www/large'), behind.large)
    const { ca, server } = certificates()
    const tls = `
    ssl_certificate ${stage.write('cert.pem', server.cert, as)};
    ssl_certificate_key ${stage.write('key.pem', server.key, as)};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:1m;`
    const common = `${tls}${locations(stage.path('www'), behind.port, webSocketPort)}`
    const configuration = `
daemon off;
worker_processes 1;
pid ${stage.path('temporary/pid')};
error_log stderr notice;
events {}
http {
  access_log off;
  client_max_body_size 0;
  ${TEMPORARY.map((name) => `${name}_temp_path ${stage.path(`temporary/${name}`)};`).join('\n  ')}
  map $ssl_session_reused $resumed { r 1; default 0; }
  server {
    listen 127.0.0.1:${port} ssl http2;${common}
  }
  server {
    listen 127.0.0.1:${mutualPort} ssl http2;
    ssl_client_certificate ${stage.write('ca.pem', ca, as)};
    ssl_verify_client on;${common}
  }
}
`
    const file = stage.write('conf', configuration, as)
    await stage.daemon('nginx', ['-e', 'stderr', '-c', file], { as, ready: /start worker process/ })
    return { port, mutualPort, webSocketPort, largeHash: behind.largeHash }
  },
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

const TOLD = {
  version: '$ssl_protocol',
  cipher: '$ssl_cipher',
  resumed: '$resumed',
  protocol: '$server_protocol',
  client: '$ssl_client_s_dn',
}

const locations = (www: string, backendPort: number, webSocketPort: number) => `
    root ${www};
    location = /tls {
      default_type application/json;
      return 200 '${JSON.stringify(TOLD)}';
    }
    location = /echo {
      proxy_pass http://127.0.0.1:${backendPort};
      proxy_http_version 1.1;
    }
    location = /ws {
      proxy_pass http://127.0.0.1:${webSocketPort};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }`
