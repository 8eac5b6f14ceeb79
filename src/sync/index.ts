// The package's entry `membio/sync`: blocking TLS for programs that run line after line. Node, Deno and Bun.
//
//   const connection = connectSync({ host: 'example.test', port: 443 })
//   connection.write('GET / HTTP/1.0\r\n\r\n')
//   for (let chunk; (chunk = connection.read()); ) process.stdout.write(chunk)
//   connection.close()
//
// connection.ts has the loop, over a TlsEngine of the caller's own thread; blocking-socket.ts and channel.ts carry ciphertext to the
// worker and back, sync-worker.ts has the sockets.
export { connectSync, type SyncConnection } from './connection.ts'
export { listenSync, type SyncListener } from './listener.ts'
export type { ConnectSyncOptions, ListenSyncOptions, SyncOptions } from './options.ts'
