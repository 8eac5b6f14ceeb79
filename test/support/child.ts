// Runs one test file in a process of its own: `node child.js FILE`, started by run-file.ts, which hears the results over IPC.
import { pathToFileURL } from 'node:url'
import type { Report } from './suite.ts'

// uvu looks at these when it is loaded: it must queue the suites and not start on its own.
Object.assign(globalThis, { UVU_DEFER: 1, UVU_INDEX: 0, UVU_QUEUE: [[null]] })
const { exec } = await import('uvu')
const { enqueue, strayError } = await import('./suite.ts')

process.on('disconnect', () => process.exit(1)) // nobody hears us any more
process.channel!.unref() // waiting for that is nothing to stay alive for
process.on('unhandledRejection', strayError)
process.on('uncaughtException', strayError)

const send = (report: Report) => void process.send!(report)
enqueue(send) // nothing yet, but what goes wrong while the file loads is reported
await import(pathToFileURL(process.argv[2]!).href)
const registered = enqueue(send)
await exec()
// Leaked timers and threads would keep the process alive for ever.
process.send!({ type: 'end', registered } satisfies Report, () => process.exit())
