// What rows/ws.ts and rows/websocket.ts use of ws.
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'
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
    constructor(url: string, protocols: readonly string[])
    binaryType: string
    readonly readyState: number
    readonly bufferedAmount: number
    addEventListener(type: string, listener: (event: { data?: unknown; code?: number; reason?: string; error?: unknown }) => void): void
    pause(): void
    resume(): void
    send(data: Uint8Array | string): void
    ping(): void
    close(code?: number, reason?: string): void
    terminate(): void
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: { server?: Server; noServer?: true; maxPayload?: number; host?: string; port?: number })
    address(): AddressInfo
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, callback: (socket: WebSocket) => void): void
    on(event: 'connection', listener: (socket: WebSocket, request: IncomingMessage) => void): this
    close(): void
  }
}
