// What rows/imapflow.ts uses of ImapFlow.
declare module 'imapflow' {
  import type { EventEmitter } from 'node:events'
  import type { ConnectionOptions } from 'node:tls'

  export interface ImapFlowOptions {
    host: string
    port: number
    secure: boolean
    doSTARTTLS?: boolean
    auth: { user: string; pass: string }
    tls: ConnectionOptions
    logger: false
  }

  export class ImapFlow extends EventEmitter {
    constructor(options: ImapFlowOptions)
    connect(): Promise<void>
    getMailboxLock(path: string): Promise<{ release(): void }>
    append(path: string, content: Buffer): Promise<{ uid?: number } | false>
    fetchOne(range: string, query: { source: true }, options: { uid: true }): Promise<{ source?: Buffer } | false>
    idle(): Promise<boolean>
    logout(): Promise<void>
    close(): void
  }
}
