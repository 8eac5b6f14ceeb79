// The clients of the run: a file in rows/ each, and the servers that it talks to.
import type { Server } from './server.ts'
import { dovecot } from './servers/dovecot.ts'
import { haproxy } from './servers/haproxy.ts'
import { mariadb } from './servers/mariadb.ts'
import { mosquitto } from './servers/mosquitto.ts'
import { nginx } from './servers/nginx.ts'
import { postfix } from './servers/postfix.ts'
import { postgres } from './servers/postgres.ts'
import { redis } from './servers/redis.ts'

export interface Client {
  servers: readonly Server<unknown>[]
  /** Debian's packages of the client itself; those from npm are in package.json. */
  packages?: readonly string[]
}

export const CLIENTS: Readonly<Record<string, Client>> = {
  pg: { servers: [postgres] },
  postgres: { servers: [postgres] },
  neon: { servers: [postgres] },
  streams: { servers: [postgres, postfix] },
  mysql2: { servers: [mariadb] },
  mariadb: { servers: [mariadb] },
  ioredis: { servers: [redis] },
  redis: { servers: [redis] },
  mqtt: { servers: [mosquitto] },
  nodemailer: { servers: [postfix] },
  imapflow: { servers: [dovecot] },
  https: { servers: [nginx, haproxy] },
  http2: { servers: [nginx, haproxy] },
  undici: { servers: [nginx, haproxy] },
  got: { servers: [nginx, haproxy] },
  axios: { servers: [nginx, haproxy] },
  ws: { servers: [nginx] },
  // No TLS of the client's: what carries membio's.
  websocket: { servers: [], packages: ['websockify'] },
  // Of membio's own servers.
  curl: { servers: [], packages: ['curl'] },
  h2load: { servers: [], packages: ['nghttp2-client'] },
  wrk: { servers: [], packages: ['wrk'] },
  openssl: { servers: [], packages: ['openssl'] },
  gnutls: { servers: [], packages: ['gnutls-bin'] },
  java: { servers: [], packages: ['openjdk-17-jdk-headless'] },
  chromium: { servers: [], packages: ['chromium', 'libnss3-tools'] },
  // membio inside of a browser.
  page: { servers: [], packages: ['chromium'] },
  tab: { servers: [], packages: ['chromium'] },
}
