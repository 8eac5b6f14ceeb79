// Which cipher suites there are.
import { library } from '../abi/instance.ts'
import { counted } from '../abi/memory.ts'
import { settingError } from '../errors.ts'

/**
 * All cipher suites that `cipherSuites` and `cipherList` can name, by OpenSSL's names, those of TLS 1.3 first. Many of them are weak, and
 * not used unless asked for. Loads the module.
 */
export function ciphers(): string[] {
  const { exports, memory } = library()
  const taken = memory.take(exports.tls_library_ciphers())
  if (!taken) throw settingError(memory.error(exports.tls_library_error()), 'ciphers')
  return Array.from(counted(taken.bytes), (name) => new TextDecoder().decode(name))
}
