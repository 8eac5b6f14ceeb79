// Compiled, never run: a program that is typed for node:https or node:http2 takes membio's modules as they are.
import type * as nodeHttp2 from 'node:http2'
import type * as nodeHttps from 'node:https'
import type * as http2 from '../../src/https/http2.ts'
import type * as https from '../../src/https/index.ts'

type Assignable<Ours extends Nodes, Nodes> = Ours

export type Https = Assignable<typeof https, typeof nodeHttps>
export type HttpsDefault = Assignable<typeof https.default, typeof nodeHttps>
export type Agent = Assignable<https.Agent, nodeHttps.Agent>
export type Server = Assignable<https.Server, nodeHttps.Server>
export type Http2 = Assignable<typeof http2, typeof nodeHttp2>
export type Http2Default = Assignable<typeof http2.default, typeof nodeHttp2>
