// TCP, where it differs from runtime to runtime. package.json's "imports" map chooses between the files sockets.*.ts beside this one.
declare module '#sockets' {
  /** Connects. @param signal gives up: the promise rejects, and nothing is left open */
  export function dial(address: import('./address.ts').SocketAddress, signal: AbortSignal): Promise<import('./raw.ts').RawSocket>
  /** Listens. Resolves when clients can connect. */
  export function listen(options: import('./raw.ts').RawListenOptions): Promise<import('./raw.ts').RawListener>
}
