// The package's entry `membio/register`: importing it makes the whole program use membio where it says tls, https and http2, its dependencies
// included. `node --import membio/register app.js`; docs/register.md has the other runtimes.
import { syncBuiltinESMExports } from 'node:module'
import http2 from '../https/http2.ts'
import https from '../https/index.ts'
import tls from '../tls/index.ts'
import { patch, type Module } from './patch.ts'
import { redirect } from './redirect.ts'

/** Asked for and not imported: in Bun an import would fix what the module's names stand for. */
const host = (name: string) => process.getBuiltinModule(`node:${name}`) as unknown as Module

interface Replacement {
  host: Module
  ours: Module
  /** What stays the host's. */
  except: readonly string[]
}

const http2Except = Object.keys(http2).filter((name) => (http2 as Module)[name] === host('http2')[name])

const REPLACEMENTS: Record<string, Replacement> = {
  // Roots come from the host's own functions: membio asks for them there.
  tls: { host: host('tls'), ours: tls as unknown as Module, except: ['rootCertificates', 'getCACertificates', 'setDefaultCACertificates'] },
  https: { host: host('https'), ours: https as unknown as Module, except: [] },
  http2: { host: host('http2'), ours: http2 as unknown as Module, except: http2Except },
}

let undo: (() => void)[] | undefined

/** From now on `tls`, `https` and `http2` are membio's. Importing this module has done it already; this is for after `unregister`. */
export function register(): void {
  if (undo) return
  undo = Object.values(REPLACEMENTS).map(({ host, ours, except }) => patch(host, ours, except))
  undo.push(redirect(Object.keys(REPLACEMENTS)))
  syncBuiltinESMExports()
}

/** The runtime's own modules are back for who imports or asks for them from now on. What was imported or made before stays as it is. */
export function unregister(): void {
  for (const restore of undo ?? []) restore()
  undo = undefined
  syncBuiltinESMExports()
}

register()
