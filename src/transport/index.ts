// The package's entry `membio/transport`: what moves bytes, and who shuttles them.
export { bunHandlers, type BunHandlers, type BunSocketLike } from './bun-socket.ts'
export {
  DatagramServer,
  type DatagramServerHandlers,
  type DatagramServerOptions,
  type DatagramSocket,
  type PeerAddress,
} from './datagram-server.ts'
export {
  DatagramPoller,
  type DatagramHandlers,
  type DatagramPollerOptions,
  type DatagramReceiver,
  type DatagramTransport,
} from './datagram.ts'
export { denoConn, type DenoConnLike } from './deno-conn.ts'
export { memoryPair, type MemoryPairOptions, type MemoryTransport } from './memory-pair.ts'
export { messagePort, type MessagePortLike } from './message-port.ts'
export { dgramPeer, dgramSocket, type DgramLike } from './node-dgram.ts'
export { nodeSocket, type DuplexLike } from './node-socket.ts'
export { directSocket, opening, type DirectSocketLike } from './opening.ts'
export { Poller, type Deadlines, type Decisions, type PollerEvent, type PollerHandlers, type PollerOptions } from './poller.ts'
export type { ByteTransport, TransportReceiver } from './transport.ts'
export { webStreams, type ByobReaderLike, type ByteReaderLike, type ByteWriterLike, type WebStreamsLike } from './web-streams.ts'
export {
  webSocket,
  webSocketProxy,
  websockify,
  type WebSocketAddress,
  type WebSocketEvent,
  type WebSocketLike,
  type WebSocketOptions,
} from './web-socket.ts'
export { wisp, WISP_PROTOCOLS, type WispClient } from './wisp.ts'
