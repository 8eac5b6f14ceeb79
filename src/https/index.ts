// The package's entry `membio/https`: everything node:https exports, by the same names, as named exports and as one object; and what other
// HTTP clients can be given to use membio's TLS.
import { Agent } from './agent.ts'
import { get, module, request } from './request.ts'
import { createServer, Server } from './server.ts'

const https = Object.assign(module, { Agent, Server, createServer, get, request })

export default https
export const { globalAgent } = https
export { Agent, createServer, get, request, Server }
