// The host's own node:http2: sessions and streams are its work. It is asked for and not imported, and its functions are taken at once: what
// membio/register changes in the module would otherwise lead back to us.
import type * as http2 from 'node:http2'

export const host = { ...(process.getBuiltinModule('node:http2') as typeof http2) }
