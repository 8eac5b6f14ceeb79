// A Worker that asks a server behind a private CA, and shows it a client certificate: TLS of its own over the Worker's TCP sockets. The
// answer to GET /path is what the server says to GET /path, or why it could not be asked.
//
//   npx wrangler dev                            here, with the values of wrangler.jsonc, and CA, CERT and KEY in .dev.vars
//   npx wrangler secret put KEY                 for the deployed one; so too CA and CERT
import { createContext, TlsError, type SecureContext } from 'membio'
import { connect } from 'membio/streams'

interface Env {
  /** "db.internal.example:8443" */
  SERVER: string
  /** In PEM: whom to trust, and who we are. */
  CA: string
  CERT: string
  KEY: string
}

/** Made by the first request, for all: global scope has no randomness. */
let context: SecureContext | undefined

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url)
    try {
      return new Response(await ask(env, pathname))
    } catch (error) {
      if (error instanceof TlsError) return new Response(`${error.code}: ${error.message}\n`, { status: 502 })
      throw error
    }
  },
}

async function ask({ SERVER, CA, CERT, KEY }: Env, path: string): Promise<string> {
  context ??= createContext({ ca: CA, cert: CERT, key: KEY, alpn: ['http/1.1'] })
  const socket = connect(SERVER, { context })
  const writer = socket.writable.getWriter()
  await writer.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${SERVER}\r\nConnection: close\r\n\r\n`))
  return new Response(socket.readable).text() // fails where the stream was cut off
}
