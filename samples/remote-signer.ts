// A TLS server whose private key lives in another thread. The worker makes the key, hands out the certificate and nothing else, and
// signs with node:crypto; it could as well ask a KMS over the network, since it may take its time. The server's thread waits for it
// with Atomics.wait. Run it: it answers one HTTPS request, its own, and prints what came.
import { createPrivateKey, sign } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { get } from 'node:https'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, threadId, Worker } from 'node:worker_threads'
import { createContext, type Signer, type SignRequest } from 'membio'
import { nodeSocket, Poller } from 'membio/transport'
import { createCertificate, createKey } from 'membio/x509'

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
    const bytes = new Uint8Array(reply, HEADER, header[1]).slice()
    if (Atomics.load(header, 0) === FAILED) throw new Error(new TextDecoder().decode(bytes))
    return bytes
  }
}

async function serveOnce(): Promise<void> {
  const worker = new Worker(fileURLToPath(import.meta.url))
  const cert = await new Promise<string>((resolve) => worker.once('message', resolve))
  const context = createContext({ cert, signer: remoteSigner(worker) })
  const body = `thread ${threadId} serves, thread ${worker.threadId} signs\n`

  const server = createServer((socket) => {
    const poller: Poller = new Poller(context.createEngine({ role: 'server' }), nodeSocket(socket), {
      onPlaintext: () => {
        poller.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
        poller.close()
      },
      onClose: (error) => {
        if (error) console.error(error)
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

if (isMainThread) await serveOnce()
else keepKey()
