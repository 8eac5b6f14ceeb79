// What rows/ioredis.ts uses of ioredis.
declare module 'ioredis' {
  import type { EventEmitter } from 'node:events'
  import type { ConnectionOptions } from 'node:tls'

  export interface RedisOptions {
    host: string
    port: number
    tls: ConnectionOptions
    lazyConnect: true
    retryStrategy?: () => null
  }

  interface Pipeline {
    set(key: string, value: string): this
    get(key: string): this
    exec(): Promise<[Error | null, unknown][]>
  }

  export class Redis extends EventEmitter {
    constructor(options: RedisOptions)
    connect(): Promise<void>
    config(word: 'GET', name: string): Promise<string[]>
    set(key: string, value: string | Buffer): Promise<'OK'>
    getBuffer(key: string): Promise<Buffer | null>
    publish(channel: string, message: string): Promise<number>
    subscribe(channel: string): Promise<number>
    pipeline(): Pipeline
    quit(): Promise<'OK'>
    disconnect(): void
  }
}
