// What rows/pg.ts uses of pg.
declare module 'pg' {
  import type { Duplex } from 'node:stream'
  import type { ConnectionOptions } from 'node:tls'

  export interface ClientConfig {
    host: string
    port: number
    user: string
    password?: string
    database: string
    ssl: ConnectionOptions
    sslnegotiation?: 'postgres' | 'direct'
    enableChannelBinding?: boolean
  }

  class Client {
    constructor(config: ClientConfig)
    readonly connection: { stream: Duplex; sendSASLInitialResponseMessage(mechanism: string, response: string): void }
    connect(): Promise<void>
    query<Row>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }>
    end(): Promise<void>
    on(event: 'error', listener: (error: Error) => void): this
  }

  const pg: { Client: typeof Client }
  export default pg
}
