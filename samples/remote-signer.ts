// An HTTPS server whose private key lives in another thread. The worker makes the key, hands out the certificate and nothing else, and
// signs with node:crypto. It could as well ask an HSM or a KMS over the network: it may take its time, and the server's thread waits
// for it with Atomics.wait. The program sends itself one request, prints the answer, and ends.
//
//   npm run -s sample -- remote-signer
import { createPrivateKey, sign } from 'node:crypto'
import { get } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, threadId, Worker } from 'node:worker_threads'
import { createContext, type Signer, type SignRequest } from 'membio'
import { nodeSocket, Poller } from 'membio/transport'
import { createCertificate, createKey } from 'membio/x509'
import { fail, readOptions } from './support.ts'

interface Question extends SignRequest {
  /** Two numbers, the state and the length, and then room for the signature. */
  reply: SharedArrayBuffer
}

const WAITING = 0
const SIGNED = 1
const FAILED = 2
const HEADER = 8
const LONGEST = 1024 // RSA-8192; text of a failure is cut there
const PATIENCE = 5000 // milliseconds

// ---- The thread with the key. ----

function keepKey(): void {
  const pem = createKey('P-256')
  const cert = createCertificate({ key: pem, subject: { CN: 'localhost' }, hosts: ['localhost'] })
  const key = createPrivateKey(pem)
  parentPort!.on('message', async ({ scheme, message, reply }: Question) => {
    try {
      if (scheme !== 'ecdsa_secp256r1_sha256') throw new Error(`no P-256 key signs with ${scheme}`)
      answer(reply, SIGNED, await sign('sha256', message, key)) // a KMS: await kms.sign(...)
    } catch (error) {
      answer(reply, FAILED, new TextEncoder().encode(String(error)))
    }
  })
  parentPort!.postMessage(cert)
}

function answer(reply: SharedArrayBuffer, state: number, bytes: Uint8Array): void {
  const [header, room] = [new Int32Array(reply, 0, 2), new Uint8Array(reply, HEADER)]
  room.set(bytes.subarray(0, room.length))
  header[1] = Math.min(bytes.length, room.length)
  Atomics.store(header, 0, state)
  Atomics.notify(header, 0)
}

// ---- The thread with the connections. ----

/** Asks the worker, and waits. Browsers forbid that on their main thread; workers may. */
function remoteSigner(worker: Worker): Signer {
  return ({ scheme, message }) => {
    const reply = new SharedArrayBuffer(HEADER + LONGEST)
    const header = new Int32Array(reply, 0, 2)
    worker.postMessage({ scheme, message, reply } satisfies Question)
    if (Atomics.wait(header, 0, WAITING, PATIENCE) === 'timed-out') throw new Error(`no signature within ${PATIENCE} ms`)
    const state = Atomics.load(header, 0) // first: what was written before it is there then
    const bytes = new Uint8Array(reply, HEADER, header[1]).slice()
    if (state === FAILED) throw new Error(new TextDecoder().decode(bytes))
    return bytes
  }
}

async function serveOnce(): Promise<void> {
  const worker = new Worker(fileURLToPath(import.meta.url))
  const cert = await new Promise<string>((resolve) => worker.once('message', resolve))
  const context = createContext({ cert, signer: remoteSigner(worker) })

  const server = createServer((socket) => {
    const engine = context.createEngine({ role: 'server' })
    const poller: Poller = new Poller(engine, nodeSocket(socket), {
      onPlaintext: () => {
        const body = `thread ${threadId} serves, thread ${worker.threadId} signs with ${engine.agreed!.signatureScheme}\n`
        poller.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
        poller.close()
      },
      onClose: (error) => {
        if (error) fail(error)
        server.close()
        context.free()
        void worker.terminate()
      },
    })
  })
  server.listen(0, 'localhost', () => {
    const { port } = server.address() as AddressInfo
    get({ host: 'localhost', port, ca: cert }, (response) => {
      response.on('data', (chunk) => process.stdout.write(`${response.statusCode} ${chunk}`))
    })
  })
}

if (isMainThread) {
  readOptions('remote-signer', [], 'Serves one HTTPS request, its own, with a private key that lives in another thread.')
  await serveOnce()
} else {
  keepKey()
}
