// MariaDB. TLS is asked for inside the protocol (SSLRequest); require_secure_transport refuses who has none.
import { readFileSync } from 'node:fs'
import { certificates, type Server } from '../server.ts'

export interface MariadbFacts {
  port: number
}

export const PASSWORD = 'correct horse'

const SYSTEM_TABLES = ['mysql_system_tables', 'mysql_performance_tables', 'mysql_system_tables_data']

const ROLES = `
CREATE USER password IDENTIFIED BY '${PASSWORD}' REQUIRE SSL;
CREATE USER certificate REQUIRE SUBJECT '/CN=client.test';
GRANT ALL ON test.* TO password, certificate;
`

export const mariadb: Server<MariadbFacts> = {
  name: 'mariadb',
  packages: ['mariadb-server-core'],
  async start(stage) {
    const as = 'nobody'
    const [port] = (await stage.ports(1)) as [number]
    const data = stage.mkdir('data', as)
    const common = ['--no-defaults', `--datadir=${data}`, '--innodb-log-file-size=10M', '--innodb-flush-log-at-trx-commit=0']
    const tables = SYSTEM_TABLES.map((name) => readFileSync(`/usr/share/mysql/${name}.sql`, 'utf8'))
    const bootstrap = ['create database mysql;', 'create database test;', 'use mysql;', ...tables].join('\n')
    stage.run('mariadbd', [...common, '--bootstrap'], { as, input: bootstrap })
    const { ca, server } = certificates()
    const options = [
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--socket=${data}/socket`,
      `--pid-file=${data}/pid`,
      `--init-file=${stage.write('init.sql', ROLES.trim(), as)}`,
      '--require-secure-transport=ON',
      `--ssl-ca=${stage.write('ca.pem', ca, as)}`,
      `--ssl-cert=${stage.write('cert.pem', server.cert, as)}`,
      `--ssl-key=${stage.write('key.pem', server.key, as)}`,
      '--max-allowed-packet=64M',
    ]
    await stage.daemon('mariadbd', [...common, ...options], { as, ready: /ready for connections/ })
    return { port }
  },
}
