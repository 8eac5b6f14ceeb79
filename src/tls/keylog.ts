// The key log file: `--tls-keylog=FILE` of Node's command line, or SSLKEYLOGFILE, as curl and browsers have it.
import { appendFile } from 'node:fs'
import type * as net from 'node:net'
import { hostFlag } from './host-flags.ts'

let warned = false
let warnedOfFailure = false

function keylogFile(): string | undefined {
  const flag = hostFlag('tls-keylog')
  return typeof flag === 'string' ? flag : process.env.SSLKEYLOGFILE
}

/** Writes the socket's secrets there, if the user wants it so. */
export function attachKeylogFile(socket: net.Socket): void {
  const file = keylogFile()
  if (!file) return
  if (!warned) {
    warned = true
    process.emitWarning(`Using --tls-keylog makes TLS connections insecure by writing secret key material to file ${file}`)
  }
  socket.on('keylog', (line: Buffer) => {
    appendFile(file, line, { mode: 0o600 }, (error) => {
      if (!error || warnedOfFailure) return
      warnedOfFailure = true
      process.emitWarning(`Failed to write TLS keylog (this warning will not be repeated): ${error}`)
    })
  })
}
