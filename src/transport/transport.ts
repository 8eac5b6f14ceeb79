// What moves bytes: the port between the poller and a pipe of any kind. A transport knows no TLS, keeps no bytes of its own
// beyond what its pipe queues, and reports each thing once.

/** Five verbs. */
export interface ByteTransport {
  /**
   * Names the receiver of everything that happens, once, and starts delivering. What arrived before is delivered, too.
   */
  attach(receiver: TransportReceiver): void
  /**
   * Hands a chunk over; the transport owns it from now on. Never fails: a broken pipe is reported by `onError`.
   * @returns false when the pipe is full: the chunk is taken all the same, but the next should wait for `onDrain`
   */
  write(chunk: Uint8Array): boolean
  /** No `onChunk` until `resume`; a chunk that is on its way may still come. */
  pause(): void
  /** Goes on after `pause`. */
  resume(): void
  /** Nothing more will be written: sends what is queued, then the end of the stream (FIN). Receiving goes on. */
  end(): void
  /**
   * Gives up both directions at once, telling the peer where the pipe can (RST); but what it has taken before `end` may still arrive. No
   * callback comes afterwards.
   */
  reset(): void
}

/** Four callbacks, and one for the end. None comes from within a verb, and none after `onError`, `onClosed` or `reset`. */
export interface TransportReceiver {
  /** Bytes arrived. The receiver may keep the chunk: nobody else writes to it. */
  onChunk(chunk: Uint8Array): void
  /** After a `write` that returned false: there is room again. */
  onDrain(): void
  /** The peer will send nothing more (FIN). Writing may go on. */
  onEof(): void
  /** The pipe is broken, both ways. */
  onError(error: Error): void
  /** Both directions have ended in good order, and all that was written is on its way: there is nothing left to wait for. */
  onClosed?(): void
}
