// The seam between C and TypeScript: what openssl.wasm imports and exports, and that nobody can mistake another module for it.
import * as assert from 'uvu/assert'
import { ABI_VERSION, EXPORT_NAMES, TLS_PROTOCOL_TLS } from '../../src/abi/generated.ts'
import { Library } from '../../src/abi/library.ts'
import { run } from '../support/node.ts'
import { wasmModule } from '../support/paths.ts'
import { suite } from '../support/suite.ts'
import { stubModule } from '../support/wasm-stub.ts'

const contract = suite('abi: contract')

const { imports, exports } = WebAssembly.Module
/** What the toolchain adds to abi.h's list: needed are the first two; the others it keeps for glue that we do not have. */
const TOOLCHAIN_EXPORTS = ['_initialize', 'memory', '__indirect_function_table', 'htonl', 'htons', 'malloc', 'ntohs']

/** Entropy, the clock, private keys that are somewhere else, the choice of a pre-shared key, and the host's cryptography. */
const IMPORTS = ['aead', 'drop_key', 'getrandom', 'import_key', 'now', 'psk', 'rsa', 'sign']

contract(`openssl.wasm imports ${IMPORTS.join(', ')}, and nothing more`, () => {
  const names = imports(wasmModule()).map((entry) => `${entry.kind} ${entry.module}.${entry.name}`)
  assert.equal(
    names.sort(),
    IMPORTS.map((name) => `function membio.${name}`),
  )
})

contract('openssl.wasm exports what abi.h declares, and what the toolchain needs', () => {
  const names = exports(wasmModule()).map((entry) => entry.name)
  assert.equal(
    EXPORT_NAMES.filter((name) => !names.includes(name)),
    [],
  )
  assert.equal(
    names.filter((name) => ![...EXPORT_NAMES, ...TOOLCHAIN_EXPORTS].includes(name)),
    [],
  )
})

contract('the bindings have not drifted from abi.h', () => {
  const { code, stderr } = run(process.execPath, ['build/wasm/gen.js', '--check'])
  assert.is(code, 0, stderr)
})

const INITIALIZE = [...EXPORT_NAMES, '_initialize']

/** Modules that are not ours, and what is said about them. */
const FOREIGN: { name: string; module: () => WebAssembly.Module; message: RegExp }[] = [
  {
    name: 'of another ABI version',
    module: () => stubModule(INITIALIZE, ABI_VERSION + 1),
    message: new RegExp(`openssl.wasm has ABI version ${ABI_VERSION + 1}, this package needs ${ABI_VERSION}`),
  },
  {
    name: 'that lacks an export',
    module: () =>
      stubModule(
        INITIALIZE.filter((name) => name !== 'tls_handshake'),
        ABI_VERSION,
      ),
    message: /openssl.wasm lacks tls_handshake/,
  },
  {
    name: 'that asks for more imports',
    module: () => stubModule(INITIALIZE, ABI_VERSION, [['wasi_snapshot_preview1', 'fd_write']]),
    message: /imports it must not have: wasi_snapshot_preview1.fd_write/,
  },
]

for (const { name, module, message } of FOREIGN) {
  contract(`a module ${name} is refused`, () => assert.throws(() => new Library(module()), message))
}

contract('two libraries share the module and nothing else', () => {
  const [a, b] = [new Library(wasmModule()), new Library(wasmModule())]
  const context = a.exports.tls_context_new(TLS_PROTOCOL_TLS)
  assert.is(a.liveHandles, 1)
  assert.is(b.liveHandles, 0)
  a.exports.tls_context_free(context)
  assert.is(a.liveHandles, 0)
  assert.match(a.version, /^OpenSSL 3\.5\.\d+ /)
})
