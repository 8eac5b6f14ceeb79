// What rows/ws.ts uses of ws.
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, Server } from 'node:http'
  import type { Agent } from 'node:https'
  import type { AddressInfo } from 'node:net'
  import type { ConnectionOptions } from 'node:tls'

  export interface WebSocketOptions extends ConnectionOptions {
    agent?: Agent
    maxPayload?: number
  }

  export class WebSocket extends EventEmitter {
    constructor(url: string, options: WebSocketOptions)
    send(data: Buffer | string): void
    pause(): void
    resume(): void
    ping(): void
    close(code?: number, reason?: string): void
    terminate(): void
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: { server: Server; maxPayload?: number } | { host: string; port: number })
    address(): AddressInfo
    on(event: 'connection', listener: (socket: WebSocket, request: IncomingMessage) => void): this
    close(): void
  }
}
