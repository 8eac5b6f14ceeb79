// The clients of the run: a file in rows/ each, and the servers that it talks to.
import type { Server } from './server.ts'
import { dovecot } from './servers/dovecot.ts'
import { mariadb } from './servers/mariadb.ts'
import { mosquitto } from './servers/mosquitto.ts'
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
  mysql2: { servers: [mariadb] },
  mariadb: { servers: [mariadb] },
  ioredis: { servers: [redis] },
  redis: { servers: [redis] },
  mqtt: { servers: [mosquitto] },
  nodemailer: { servers: [postfix] },
  imapflow: { servers: [dovecot] },
}
