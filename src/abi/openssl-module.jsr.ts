// JSR, whose packages are addresses and no files, and where each runtime gets the same: the module is text, compiled synchronously.
import { opensslWasm } from 'membio/inline'

export default function opensslModule(): WebAssembly.Module {
  return new WebAssembly.Module(opensslWasm())
}
