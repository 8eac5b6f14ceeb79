// What a server of this run is, and how a client's process hears where it runs. A server belongs into a file in servers/, and into the
// table in clients.ts.
import { client, issue, root, server, strangeRoot, type Identity } from '../support/certs.ts'
import type { Stage } from './stage.ts'

export interface Server<Facts> {
  readonly name: string
  /** Debian's packages that it comes from. */
  readonly packages: readonly string[]
  /** Resolves once it accepts connections. What it returns goes to the clients as JSON. */
  start(stage: Stage): Promise<Facts>
}

/** Who knows whom: made once a run, so that servers and clients agree. PEM. */
export interface Certificates {
  ca: string
  /** A CA that has signed for nobody here: who trusts it alone must refuse every server. */
  wrongCa: string
  server: Identity
  /** CN=client.test */
  client: Identity
  /** Like `client`, but signed by `wrongCa`. */
  strangeClient: Identity
}

/** Everything a client's process is told. */
export interface Briefing {
  tls: 'membio' | 'native'
  certificates: Certificates
  servers: Record<string, unknown>
}

export const VARIABLE = 'MEMBIO_ECOSYSTEM'

let made: Certificates | undefined

/** In the process that starts the servers. */
export function certificates(): Certificates {
  return (made ??= {
    ca: root().cert,
    wrongCa: strangeRoot().cert,
    server: server(),
    client: client(),
    strangeClient: issue({ subject: { CN: 'client.test' }, usage: ['client'] }, strangeRoot()),
  })
}

let read: Briefing | undefined

/** In a client's process. */
export const briefing = (): Briefing => (read ??= JSON.parse(process.env[VARIABLE]!) as Briefing)

/** Where a server is, and what it is like. */
export const factsOf = <Facts>({ name }: Server<Facts>): Facts => briefing().servers[name] as Facts
