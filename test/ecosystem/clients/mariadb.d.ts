// What rows/mariadb.ts uses of mariadb.
declare module 'mariadb' {
  import type { ConnectionOptions } from 'node:tls'

  export interface ConnectionConfig {
    host: string
    port: number
    user: string
    password?: string
    database: string
    ssl?: ConnectionOptions
    maxAllowedPacket?: number
  }

  export interface Connection {
    query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
    end(): Promise<void>
  }

  const mariadb: { createConnection(options: ConnectionConfig): Promise<Connection> }
  export default mariadb
}
