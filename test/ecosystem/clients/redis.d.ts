// What rows/redis.ts uses of redis (node-redis).
declare module 'redis' {
  import type { ConnectionOptions } from 'node:tls'

  interface SocketOptions extends ConnectionOptions {
    host: string
    port: number
    tls: true
    reconnectStrategy: false
  }

  export interface Client {
    connect(): Promise<unknown>
    on(event: 'error', listener: (error: Error) => void): this
    set(key: string, value: string | Buffer): Promise<string | null>
    get(key: string): Promise<unknown>
    configGet(name: string): Promise<Record<string, string>>
    withTypeMapping(mapping: Record<number, unknown>): Client
    quit(): Promise<unknown>
    destroy(): void
    readonly isOpen: boolean
  }

  export function createClient(options: { socket: SocketOptions; commandsQueueMaxLength?: number }): Client
  export const RESP_TYPES: { BLOB_STRING: number }
}
