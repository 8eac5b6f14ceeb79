// Compiled, never run: `membio/tls` can stand wherever node:tls does.
import type * as node from 'node:tls'
import * as named from 'membio/tls'
import drop from 'membio/tls'

const module: Omit<typeof node, 'default'> = drop
const namespace: Omit<typeof node, 'default'> = named

/** What Node's functions give, ours do; what they take, ours take. */
const connect: typeof node.connect = drop.connect
const createServer: typeof node.createServer = drop.createServer
const socket: node.TLSSocket = drop.connect({ port: 443 })
const server: node.Server = drop.createServer({ SNICallback: (_name, done) => done(null, drop.createSecureContext()) })
const listener: node.Server = new drop.Server({}, (accepted) => accepted.keyUpdate({ requestPeer: true }))
const upgraded: node.TLSSocket = new drop.TLSSocket(socket, { isServer: true })

/** And beyond them. */
const patient = drop.connect({ port: 443, checkServerIdentity: async () => undefined, earlyData: new Uint8Array(1) })
patient.requestCertificate({ required: false }, () => undefined)

export { module, namespace, connect, createServer, server, listener, upgraded }
