// The key log file: `--tls-keylog=FILE` of Node's command line, or SSLKEYLOGFILE, as curl and browsers have it.
import { appendFile } from 'node:fs'
import type * as net from 'node:net'
import { hostFlag } from '../host-flags.ts'

let warned = false
let warnedOfFailure = false

/** And who has asked for it. */
function keylogFile(): { file: string; source: string } | undefined {
  const flag = hostFlag('tls-keylog')
  if (typeof flag === 'string') return { file: flag, source: '--tls-keylog' }
  const { SSLKEYLOGFILE: file } = process.env
  return file ? { file, source: 'SSLKEYLOGFILE' } : undefined
}

/** Writes the socket's secrets there, if the user wants it so. */
export function attachKeylogFile(socket: net.Socket): void {
  const wanted = keylogFile()
  if (!wanted) return
  const { file, source } = wanted
  if (!warned) process.emitWarning(`Using ${source} makes TLS connections insecure by writing secret key material to file ${file}`)
  warned = true
  socket.on('keylog', (line: Buffer) => {
    appendFile(file, line, { mode: 0o600 }, (error) => {
      if (!error || warnedOfFailure) return
      warnedOfFailure = true
      process.emitWarning(`Failed to write TLS keylog (this warning will not be repeated): ${error}`)
    })
  })
}
