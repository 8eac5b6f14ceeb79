// The host's roots as OpenSSL has parsed them: once, for all contexts.
import type { TlsRootsPointer } from '../abi/generated.ts'
import { safetyNet } from '../abi/handle.ts'
import type { Library } from '../abi/library.ts'
import { settingError } from '../errors.ts'
import { hostRootList, type HostRoots } from '../host-roots.ts'

/** Kept as long as the list: a program may replace its host's, and seldom does. */
const parsed = new WeakMap<Library, WeakMap<readonly string[], TlsRootsPointer>>()
const collector = safetyNet<() => void>((free) => free())

/** What contexts share: see tls_context_trust_roots. @throws TlsError of kind `usage` where the host has none */
export function sharedRoots(library: Library, which: HostRoots = 'default'): TlsRootsPointer {
  const { exports, memory } = library
  const list = hostRootList('ca', which)
  const ofLibrary = parsed.get(library) ?? new WeakMap<readonly string[], TlsRootsPointer>()
  const known = ofLibrary.get(list)
  if (known) return known
  const pem = new TextEncoder().encode(list.join('\n'))
  const roots = memory.lend([pem], (at) => exports.tls_roots_new(at, pem.length))
  if (!roots) throw settingError(memory.error(exports.tls_library_error()), "the host's roots were refused")
  parsed.set(library, ofLibrary.set(list, roots))
  collector.register(list, () => exports.tls_roots_free(roots))
  return roots
}
