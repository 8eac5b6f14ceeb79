// The package's entry `membio/https`: everything node:https exports, by the same names, as named exports and as one object; and what other
// HTTP clients can be given to use membio's TLS.
import { Agent } from './agent.ts'
import { connector } from './connector.ts'
import { get, module, request } from './request.ts'
import { createServer, Server } from './server.ts'

const ours = { Agent, Server, createServer, get, request }
const https: typeof module & typeof ours = Object.assign(module, ours)

/** All of node:https as one object: `https.globalAgent` can be replaced there. */
export default https
/** What `require` gives. */
export { https as 'module.exports' }
/** For requests without an agent of their own: keeps connections, and closes what was idle for five seconds. */
export const globalAgent: Agent = https.globalAgent
export { Agent, connector, createServer, get, request, Server }
export { http2Connection, type Authority, type Http2ConnectionOptions } from './http2-connection.ts'
export { ProxyError } from './proxy.ts'
export type { AgentOptions } from './agent.ts'
export type { ConnectCallback, Connector, ConnectorOptions, ConnectRequest } from './connector.ts'
export type { ProxyHop, ProxyHopOptions, ProxyOptions } from './route.ts'
