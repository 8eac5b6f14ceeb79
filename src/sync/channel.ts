// The shared memory between a caller that sleeps and the worker that owns the sockets: the layout, and nothing else. Both sides
// import this file; it knows no socket, no thread and no TLS.
//
//     caller                                                         worker
//     BlockingSocket  ──▶  outgoing ring  ──▶  socket.write      ──▶  kernel
//                     ◀──  incoming ring  ◀──  socket 'data'     ◀──
//                     ◀──  state, endings, an address, a failure
//
// Each word has one writer, but for the two *_WAITS flags. Whatever the worker changes, it bumps SIGNAL after it and wakes the
// caller; the caller reads SIGNAL before it looks, and so never sleeps through a change.

/** Words, by index. */
export const SIGNAL = 0
/** OPENING, then OPEN or FAILED. */
export const STATE = 1
/** GOING_ON, EOF or BROKEN: set once all bytes that came before are in the ring. */
export const INCOMING_END = 2
/** GOING_ON or BROKEN: set at once. */
export const OUTGOING_END = 3
/** 1 while the worker has more than the incoming ring can take: the socket is paused until somebody makes room. */
export const INCOMING_WAITS = 4
/** 1 while the worker has sent everything: it must be told of new bytes. */
export const OUTGOING_WAITS = 5
const INCOMING_HEAD = 6
const INCOMING_TAIL = 7
const OUTGOING_HEAD = 8
const OUTGOING_TAIL = 9
const ADDRESS_LENGTH = 10
const FAILURE_LENGTH = 11

export const OPENING = 0
export const OPEN = 1
export const FAILED = 2

export const GOING_ON = 0
export const EOF = 1
export const BROKEN = 2

/**
 * Of each ring, in bytes; a power of two. Two reads of the kernel's: one is being decrypted while the next arrives. Half or twice of it
 * makes a bulk transfer over loopback slower or faster by one part in twenty.
 */
export const RING_CAPACITY = 131_072

const WORDS_SIZE = 64
/** Room for an address or a failure as JSON, at its worst: six bytes a character. */
const TEXT_SIZE = 2048
const HEADER_SIZE = WORDS_SIZE + 2 * TEXT_SIZE

/** What the caller asks of the worker. An id names a socket or a listener, and is never used twice. */
export type Request =
  | { verb: 'connect'; id: number; shared: SharedArrayBuffer; host: string; port: number }
  | { verb: 'listen'; id: number; shared: SharedArrayBuffer; host: string | undefined; port: number; backlog: number }
  /** The listener's next socket shall be `id`. */
  | { verb: 'accept'; id: number; shared: SharedArrayBuffer; listener: number }
  /** There are new bytes in the outgoing ring, or there is new room in the incoming one. */
  | { verb: 'wake'; id: number }
  /** FIN once the outgoing ring is empty; drops what still comes: nobody listens any more. Closes a listener, too. */
  | { verb: 'close'; id: number }
  /** Gives up at once (RST). */
  | { verb: 'reset'; id: number }

/** Where a socket or listener is at home. */
export interface Address {
  address: string
  port: number
}

/** An error on its way from the worker to the caller. */
export interface Failure {
  /** At most 300 characters: see TEXT_SIZE. */
  message: string
  code?: string
  syscall?: string
}

export class Channel {
  readonly shared: SharedArrayBuffer
  readonly words: Int32Array
  readonly incoming: Ring
  readonly outgoing: Ring

  /** Lays the channel out in `shared`; a listener's has no rings. */
  constructor(shared: SharedArrayBuffer) {
    const capacity = (shared.byteLength - HEADER_SIZE) / 2
    this.shared = shared
    this.words = new Int32Array(shared, 0, WORDS_SIZE / 4)
    this.incoming = new Ring(this.words, INCOMING_HEAD, INCOMING_TAIL, new Uint8Array(shared, HEADER_SIZE, capacity))
    this.outgoing = new Ring(this.words, OUTGOING_HEAD, OUTGOING_TAIL, new Uint8Array(shared, HEADER_SIZE + capacity, capacity))
  }

  static allocate(ringCapacity: number): Channel {
    return new Channel(new SharedArrayBuffer(HEADER_SIZE + 2 * ringCapacity))
  }

  read(word: number): number {
    return Atomics.load(this.words, word)
  }

  /** Worker: sets a word and wakes the caller. */
  publish(word: number, value: number): void {
    Atomics.store(this.words, word, value)
    this.signal()
  }

  /** Worker: something changed. */
  signal(): void {
    Atomics.add(this.words, SIGNAL, 1)
    Atomics.notify(this.words, SIGNAL)
  }

  /** Worker: who is at the other end (a listener: where it listens). To be followed by `publish`. */
  set address(address: Address) {
    this.#writeText(0, ADDRESS_LENGTH, address)
  }
  get address(): Address {
    return this.#readText(0, ADDRESS_LENGTH) as Address
  }

  /** Worker: why STATE is about to become FAILED, or OUTGOING_END BROKEN. */
  set failure(failure: Failure) {
    this.#writeText(1, FAILURE_LENGTH, failure)
  }
  get failure(): Failure {
    return this.#readText(1, FAILURE_LENGTH) as Failure
  }

  #writeText(slot: number, lengthWord: number, value: Address | Failure): void {
    const text = new TextEncoder().encode(JSON.stringify(value))
    new Uint8Array(this.shared, WORDS_SIZE + slot * TEXT_SIZE).set(text)
    Atomics.store(this.words, lengthWord, text.length)
  }

  #readText(slot: number, lengthWord: number): unknown {
    const bytes = new Uint8Array(this.shared, WORDS_SIZE + slot * TEXT_SIZE, this.read(lengthWord))
    return JSON.parse(new TextDecoder().decode(bytes.slice())) // a copy: TextDecoder refuses shared memory
  }
}

/** Bytes from one writer to one reader, in order. Head and tail count bytes modulo 2^32. */
export class Ring {
  readonly #words: Int32Array
  readonly #head: number
  readonly #tail: number
  readonly #bytes: Uint8Array

  constructor(words: Int32Array, head: number, tail: number, bytes: Uint8Array) {
    this.#words = words
    this.#head = head
    this.#tail = tail
    this.#bytes = bytes
  }

  get used(): number {
    return (Atomics.load(this.#words, this.#head) - Atomics.load(this.#words, this.#tail)) >>> 0
  }

  get room(): number {
    return this.#bytes.length - this.used
  }

  /** Writer: copies as much as fits. @returns how many bytes */
  write(chunk: Uint8Array): number {
    const count = Math.min(chunk.length, this.room)
    const at = Atomics.load(this.#words, this.#head) & (this.#bytes.length - 1)
    const first = Math.min(count, this.#bytes.length - at)
    this.#bytes.set(chunk.subarray(0, first), at)
    this.#bytes.set(chunk.subarray(first, count), 0)
    Atomics.add(this.#words, this.#head, count) // after the bytes: it is what makes them visible
    return count
  }

  /** Reader: the oldest bytes, as many as lie together. A view on shared memory, good until they are consumed. */
  peek(): Uint8Array {
    const at = Atomics.load(this.#words, this.#tail) & (this.#bytes.length - 1)
    return this.#bytes.subarray(at, Math.min(at + this.used, this.#bytes.length))
  }

  /** Reader: gives the room back. */
  consume(count: number): void {
    Atomics.add(this.#words, this.#tail, count)
  }
}
