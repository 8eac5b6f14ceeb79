// The module comes from wherever the runtime's entry says.
import { hello } from './handshake.ts'

hello().then(console.log)
