// The host's own node:tls, for its defaults and roots. It is asked for and not imported: an import may be led back to us by membio/register, and
// in Bun it fixes what the module's names stand for before membio/register can change that.
import type * as node from 'node:tls'

export const host = process.getBuiltinModule('node:tls') as typeof node
