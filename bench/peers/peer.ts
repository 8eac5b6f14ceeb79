// What every contender looks like: up to three places in which it can have a connection, and what can be done with one there.
import { Cannot, type Certificates, type Place, type Served, type Task, type Terms, type Work } from '../work.ts'

/** A contender's connections in one place, on given terms. Each method does the thing once; all of it can be asked for again and again. */
export interface Ends {
  /** What was agreed, where that is not what the terms say. */
  note?: string
  /** Connects, shakes hands, and closes. */
  handshake(): void | Promise<void>
  /** The same with a session of the first handshake; it has to be resumed. */
  resume?(): void | Promise<void>
  /** Client to server, on a connection that stays open; from a server in another process, the other way. */
  transfer(bytes: number, size: number): void | Promise<void>
  /** There and back. */
  echo?(size: number): void | Promise<void>
  close(): void | Promise<void>
}

/** Where the server is that stands in a process of its own. */
export interface ServerAddress {
  ports: Record<Served, number>
  /** Where pages come from, and a WebSocket to it leads to the ports (Wisp). */
  web: number
}

export interface Given {
  certificates: Certificates
  server?: ServerAddress
}

/** One small adapter each. Where a method is missing, or throws Cannot, there is no figure. */
export interface Peer {
  name: string
  memory?(terms: Terms, given: Given): Ends | Promise<Ends>
  loopback?(terms: Terms, given: Given): Ends | Promise<Ends>
  server?(terms: Terms, given: Given & { server: ServerAddress }): Ends | Promise<Ends>
  primitive?(name: string, size: number): Task
  /** Instead of all others: it has the work done elsewhere. */
  elsewhere?(work: Work, given: Given): Promise<Task>
}

const WHERE: Record<Place, string> = {
  memory: 'it has nothing that would work without sockets on both ends',
  loopback: 'it has no server',
  server: 'it is no client',
}

function endsOf(peer: Peer, place: Place, terms: Terms, given: Given): Ends | Promise<Ends> {
  if (place === 'server') {
    if (!peer.server) throw new Cannot(WHERE.server)
    if (!given.server) throw new Error('there is no server')
    return peer.server(terms, { ...given, server: given.server })
  }
  const make = peer[place]
  if (!make) throw new Cannot(WHERE[place])
  return make.call(peer, terms, given)
}

/** Connects where that is needed, so that the first run is like the others. */
export async function prepare(peer: Peer, work: Work, given: Given): Promise<Task> {
  if (peer.elsewhere) return peer.elsewhere(work, given)
  if (work.work === 'primitive') {
    if (!peer.primitive) throw new Cannot('it shows no primitives')
    return peer.primitive(work.name, work.size)
  }
  const ends = await endsOf(peer, work.place, work.terms, given)
  const once = operation(ends, work)
  await once(1)
  return { note: ends.note, run: once, close: () => ends.close() }
}

function operation(ends: Ends, work: Exclude<Work, { work: 'primitive' }>): Task['run'] {
  switch (work.work) {
    case 'handshake':
      if (work.resumed && !ends.resume) throw new Cannot('it resumes no sessions')
      return repeat(() => (work.resumed ? ends.resume!() : ends.handshake()))
    case 'bulk':
      return (times) => ends.transfer(times * work.size, work.size)
    case 'echo':
      if (!ends.echo) throw new Cannot('its connection has one direction only')
      return repeat(() => ends.echo!(work.size))
  }
}

/** Without a turn of the event loop in between, where the operation needs none. */
function repeat(once: () => void | Promise<void>): Task['run'] {
  return async (times) => {
    for (let i = 0; i < times; i++) {
      const waiting = once()
      if (waiting) await waiting
    }
  }
}
