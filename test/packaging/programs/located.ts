// The module is at an address that the program is told.
import { hello } from './handshake.ts'

hello({ url: process.argv[2]! }).then(console.log)
