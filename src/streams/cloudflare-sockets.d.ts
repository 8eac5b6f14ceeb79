// The part of workerd's `cloudflare:sockets` used here.
declare module 'cloudflare:sockets' {
  type Pair = import('../transport/web-streams.ts').WebStreamsLike

  interface Socket extends Pair {
    readonly opened: Promise<{ remoteAddress?: string | null; localAddress?: string | null }>
    readonly closed: Promise<void>
    close(): Promise<void>
  }

  export function connect(address: { hostname: string; port: number }, options: { allowHalfOpen: boolean; secureTransport: 'off' }): Socket
}
