// What rows/axios.ts uses of axios.
declare module 'axios' {
  import type { Agent } from 'node:https'

  export interface AxiosRequestConfig {
    url: string
    method: 'GET' | 'POST'
    data?: Buffer
    httpsAgent?: Agent
    responseType: 'arraybuffer'
    maxBodyLength: number
  }

  const axios: { request(config: AxiosRequestConfig): Promise<{ status: number; data: Buffer }> }
  export default axios
}
