// What rows/got.ts uses of got.
declare module 'got' {
  import type { Agent } from 'node:https'

  export interface Options {
    method: 'GET' | 'POST'
    body?: Buffer
    agent?: { https: Agent }
    responseType: 'buffer'
    retry: { limit: number }
  }

  const got: (url: string, options: Options) => Promise<{ statusCode: number; body: Buffer }>
  export default got
}
