// What stands behind nginx and HAProxy, without TLS: it has one large body and sends back any other. And what both tell of themselves.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Stage } from '../stage.ts'

export interface WebFacts {
  /** HTTP/1.1 and HTTP/2 by ALPN. /tls says in JSON how it was asked, /large is large, /echo sends back what it is sent. */
  port: number
  /** Only with a certificate. */
  mutualPort: number
  /** Of /large: SHA-256 in hexadecimal digits. */
  largeHash: string
}

/** What /tls says. */
export interface Told {
  version: string
  cipher: string
  /** '1', or '0' */
  resumed: string
  /** 'HTTP/1.1', or 'HTTP/2.0' */
  protocol: string
  /** The subject of the client's certificate. */
  client: string
}

export const LARGE = 8 * 1024 * 1024

export interface Backend {
  port: number
  largeHash: string
  large: Buffer
}

export async function backend(stage: Stage): Promise<Backend> {
  const [port] = (await stage.ports(1)) as [number]
  const large = randomBytes(LARGE)
  const server = createServer((request, response) => {
    if (request.url === '/large') response.end(large)
    else void buffer(request).then((all) => response.end(all)) // nginx reads no answer before it has sent the whole request
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  stage.defer(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { port, large, largeHash: createHash('sha256').update(large).digest('hex') }
}
