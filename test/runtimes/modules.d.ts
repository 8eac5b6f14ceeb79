// Modules that only one runtime has, as far as the entries use them.
declare module 'cloudflare:sockets' {
  import type { WebStreamsLike } from 'membio/transport'
  export function connect(address: { hostname: string; port: number }, options: { allowHalfOpen: boolean }): WebStreamsLike
}
