// The package's entry `membio/transport`: what moves bytes, and who shuttles them.
export { memoryPair, type MemoryPairOptions, type MemoryTransport } from './memory-pair.ts'
export { nodeSocket, type DuplexLike } from './node-socket.ts'
export { Poller, type Deadlines, type Decisions, type PollerEvent, type PollerHandlers, type PollerOptions } from './poller.ts'
export type { ByteTransport, TransportReceiver } from './transport.ts'
