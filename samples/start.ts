// `npm start`: starts the asynchronous server on a free port, runs the asynchronous client against it, and shows the handshake as it
// goes. Two processes and a real socket between them; leaves with 0 if both did well.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { relative } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { version } from 'membio'

const LEGEND = `
  -->      sent by the client          <--      sent by the server
  record   what is on the wire; encrypted (application_data) once both sides have a key
  message  what the record carries: a step of the handshake
  state    where OpenSSL's state machine is now
  want     what it waits for: WANT_READ until the socket is readable, WANT_WRITE until it is writable
           (seldom in a handshake: all of it fits into the socket at once)`

const authority = relative('.', fileURLToPath(new URL('../dev-ca/ca.pem', import.meta.url)))

function run(name: string, args: readonly string[], stdout: 'pipe' | 'inherit'): ChildProcess {
  console.log(`\n$ npm run -s sample -- ${[name, ...args].join(' ')}`)
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  return spawn(process.execPath, [program, ...args], { stdio: ['ignore', stdout, 'inherit'] })
}

/** Shows what the server prints; resolves to its port once it listens. */
function listening(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      console.log(`server: ${line}`)
      const port = /listening on .*:(\d+)$/.exec(line)?.[1]
      if (port) resolve(port)
    })
    lines.on('close', () => reject(new Error('the server ended before it listened')))
  })
}

console.log(`${version()}, in WebAssembly, on memory BIOs\n${LEGEND}`)
const server = run('async-server', ['0'], 'pipe')
const serverEnded = once(server, 'exit')
process.on('exit', () => server.kill())
const port = await listening(createInterface({ input: server.stdout! }))

const client = run('async-client', ['localhost', port, '--ca', authority, '--trace'], 'inherit')
const [clientCode] = await once(client, 'exit')

server.kill('SIGINT')
const [serverCode] = await serverEnded
process.exitCode = clientCode === 0 && serverCode === 0 ? 0 : 1
