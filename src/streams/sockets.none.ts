// Browsers, and runtimes we do not know: there is no TCP.
import { usageError } from '../errors.ts'

const ADVICE = 'use secure() over a WebSocket to a proxy, or over any other byte stream'
const noTcp = () => usageError(`this runtime opens no TCP connections; ${ADVICE}`, 'ERR_TLS_NO_TCP')

/** See sockets.d.ts. */
export const dial = (): Promise<never> => Promise.reject(noTcp())

/** See sockets.d.ts. */
export const listen = (): Promise<never> => Promise.reject(noTcp())
