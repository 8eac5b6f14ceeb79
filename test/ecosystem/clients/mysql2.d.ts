// What rows/mysql2.ts uses of mysql2.
declare module 'mysql2/promise' {
  import type { Socket } from 'node:net'

  interface SslOptions {
    ca: string
    cert?: string
    key?: string
    minVersion?: string
    maxVersion?: string
    verifyIdentity?: boolean
  }

  export interface ConnectionOptions {
    host: string
    port: number
    user: string
    password?: string
    database: string
    ssl?: SslOptions
    connectionLimit?: number
    stream?: () => Socket
  }

  export interface Connection {
    query<Row>(text: string, values?: readonly unknown[]): Promise<[Row[], unknown]>
    end(): Promise<void>
  }

  const mysql: {
    createConnection(options: ConnectionOptions): Promise<Connection>
    createPool(options: ConnectionOptions): Connection
  }
  export default mysql
}
