// What rows/nodemailer.ts uses of Nodemailer.
declare module 'nodemailer' {
  import type { ConnectionOptions } from 'node:tls'

  export interface TransportOptions {
    host: string
    port: number
    secure?: boolean
    requireTLS?: boolean
    pool?: boolean
    maxConnections?: number
    tls: ConnectionOptions
  }

  export interface Mail {
    from: string
    to: string
    subject: string
    text: string
    attachments?: { filename: string; content: Buffer }[]
  }

  export interface Transporter {
    sendMail(mail: Mail): Promise<{ accepted: string[]; response: string }>
    close(): void
  }

  const nodemailer: { createTransport(options: TransportOptions): Transporter }
  export default nodemailer
}
