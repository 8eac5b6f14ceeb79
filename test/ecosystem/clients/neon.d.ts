// What rows/neon.ts uses of Neon's driver. (Its own types are not seen from where the rows are compiled.)
declare module '@neondatabase/serverless' {
  import type { EventEmitter } from 'node:events'

  export interface NeonConfig {
    webSocketConstructor: unknown
    wsProxy: string | ((host: string, port: number | string) => string)
    useSecureWebSocket: boolean
    forceDisablePgSSL: boolean
    pipelineConnect: 'password' | false
    disableSNI: boolean
    rootCerts: string
    subtls: unknown
  }
  export const neonConfig: NeonConfig

  export class Client extends EventEmitter {
    constructor(connectionString: string)
    readonly neonConfig: NeonConfig
    connect(): Promise<void>
    query<Row>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }>
    end(): Promise<void>
  }
}
