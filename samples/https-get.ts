// membio/https in the place of node:https: three requests, of which the second uses the first one's connection, and the third a new one
// that resumes its session. With --proxy all of it goes through HTTP proxies, and where they are reached by https: that is TLS in TLS.
//
//   npm run -s sample -- https-get localhost 4433 /hello --ca ca.pem
//   npm run -s sample -- https-get localhost 4433 /hello --ca ca.pem --proxy https://localhost:8443,http://localhost:8080
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import https, { type ProxyError } from 'membio/https'
import { fail, readOptions } from './support.ts'

const { host, port, path = '/', servername, ca, cert, key, proxy } = readOptions(
  'https-get HOST PORT [PATH]',
  ['ca', 'cert', 'key', 'servername', 'proxy'],
  'Gets PATH three times: on a new connection, on the same, and on another that resumes its session.',
)
const agent = new https.Agent({ keepAlive: true, ca, cert, key, proxy: proxy?.map((url) => ({ url, ca })) })

async function get(): Promise<void> {
  const request = https.get({ host, port, path, servername, agent })
  const response = await new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject))
  const socket = response.socket as TLSSocket
  const body: Uint8Array[] = []
  for await (const chunk of response) body.push(chunk as Uint8Array)
  const connection = request.reusedSocket ? 'the same connection' : socket.isSessionReused() ? 'a resumed session' : 'a new session'
  console.log(`${response.statusCode} ${response.statusMessage}, ${socket.getProtocol()}, ${connection}: ${Buffer.concat(body)}`)
}

try {
  await get()
  await get()
  agent.destroy() // closes its connections; the sessions stay
  await get()
} catch (error) {
  const { hop } = error as Partial<ProxyError>
  if (hop) console.error(`on the way to the server, at proxy ${hop}:`)
  fail(error as Error)
} finally {
  agent.destroy()
}
