// `enableTrace`: the messages of the handshake in words, on stderr.
import type { PollerEvent } from '../transport/poller.ts'

type TraceEvent = Extract<PollerEvent, { type: 'message' | 'state' }>

export function printTrace(event: TraceEvent): void {
  if (event.type === 'state') return
  const verb = event.direction === 'sent' ? 'Sent' : 'Received'
  process.stderr.write(`${verb} ${event.content} (${event.bytes.length} bytes)\n`)
}
