// request and get: http.ClientRequest with our agent as the one to take when none is given.
import * as http from 'node:http'
import type * as https from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { Agent, type HttpsAgent } from './agent.ts'

/** The very object that `import https from 'membio/https'` gives: programs may set another globalAgent. index.ts adds the functions. */
export const module = {
  /** As Node's: connections are kept for the next request, and closed when they were idle for five seconds. */
  globalAgent: new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000, proxyEnv: proxyEnvironment() }) as HttpsAgent,
}

/** What the host was told to follow for all programs: NODE_USE_ENV_PROXY, --use-env-proxy. Where it is too old for that, nothing. */
function proxyEnvironment(): NodeJS.ProcessEnv | undefined {
  return (http.globalAgent as { options?: http.AgentOptions }).options?.proxyEnv as NodeJS.ProcessEnv | undefined
}

type Options = https.RequestOptions & { agent?: http.Agent | boolean | undefined; _defaultAgent?: http.Agent }
type OnResponse = (response: http.IncomingMessage) => void

function send(args: unknown[]): http.ClientRequest {
  const [first] = args
  const url = typeof first === 'string' ? new URL(first) : first instanceof URL ? first : undefined
  const rest = url ? args.slice(1) : args
  const given = rest[0] && typeof rest[0] !== 'function' ? (rest.shift() as object) : {}
  // `_defaultAgent` is how an agent library says which protocol and port a request has that brings a socket of its own.
  const options: Options = { ...(url && urlToHttpOptions(url)), ...given, _defaultAgent: module.globalAgent }
  if (options.createConnection && !options.agent) options.defaultPort ??= 443 // an agent knows, and http would take 80
  return http.request(options, rest[0] as OnResponse | undefined)
}

/** As node:https has it: `(url[, options][, callback])`, `(options[, callback])`. */
export const request = ((...args: unknown[]) => send(args)) as typeof https.request

/** `request`, ended. */
export const get = ((...args: unknown[]) => {
  const request = send(args)
  request.end()
  return request
}) as typeof https.get
