// What a program of a user's does with membio, as far as no socket is needed: keys, certificates, a handshake, a message.
import { createContext, init, type InitOptions } from 'membio'
import { createCertificate, createKey } from 'membio/x509'

export async function hello(options?: InitOptions): Promise<string> {
  await init(options)
  const key = createKey()
  const cert = createCertificate({ key, hosts: ['example.test'] })
  const serverContext = createContext({ cert, key })
  const clientContext = createContext({ ca: cert })
  const server = serverContext.createEngine({ role: 'server' })
  const client = clientContext.createEngine({ role: 'client', servername: 'example.test' })
  while (!client.agreed || !server.agreed) {
    client.handshake()
    server.receiveCiphertext(client.takeCiphertext())
    server.handshake()
    client.receiveCiphertext(server.takeCiphertext())
  }
  client.writePlaintext(new TextEncoder().encode(`hello over ${client.agreed.version}`))
  server.receiveCiphertext(client.takeCiphertext())
  const text = new TextDecoder().decode(server.readPlaintext()!.plaintext)
  for (const thing of [client, server, clientContext, serverContext]) thing.free()
  return text
}
