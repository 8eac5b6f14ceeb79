// The module is part of the bundle.
import { opensslWasm } from 'membio/inline'
import { hello } from './handshake.ts'

hello({ bytes: opensslWasm() }).then(console.log)
