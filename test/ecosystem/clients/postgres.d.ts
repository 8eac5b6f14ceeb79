// What rows/postgres.ts uses of Postgres.js.
declare module 'postgres' {
  import type { ConnectionOptions } from 'node:tls'

  interface Options {
    host: string
    port: number
    user: string
    password?: string
    database: string
    max?: number
    ssl: ConnectionOptions
    sslnegotiation?: 'direct'
  }

  interface Sql {
    <Row>(template: TemplateStringsArray, ...values: unknown[]): Promise<Row[]>
    end(options?: { timeout?: number }): Promise<void>
  }

  export default function postgres(options: Options): Sql
}
