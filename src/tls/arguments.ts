// The forms that Node's connect functions can be called in.
import type * as net from 'node:net'

export interface ConnectArguments {
  options: net.NetConnectOpts & Record<string, unknown>
  callback?: () => void
}

/** `(options[, callback])`, `(port[, host][, callback])`, `(path[, callback])`; or what Node itself hands on, an array of them. */
export function connectArguments(given: readonly unknown[]): ConnectArguments {
  const args = Array.isArray(given[0]) ? (given[0] as unknown[]) : given
  const last = args.at(-1)
  return {
    options: optionsOf(args[0], args[1]) as ConnectArguments['options'],
    ...(typeof last === 'function' && { callback: last as () => void }),
  }
}

/** As `tls.connect` has them: options may follow port, host or path, and win. */
export function mergedArguments(args: readonly unknown[]): ConnectArguments {
  const { options, callback } = connectArguments(args)
  const more = [args[1], args[2]].find((arg) => typeof arg === 'object' && arg !== null)
  return { options: { ...options, ...more }, ...(callback && { callback }) }
}

function optionsOf(first: unknown, second: unknown): object {
  if (typeof first === 'object' && first !== null) return first
  if (first === undefined || typeof first === 'function') return {}
  if (isPath(first)) return { path: first }
  return { port: first, ...(typeof second === 'string' && { host: second }) }
}

const isPath = (value: unknown): boolean => typeof value === 'string' && !(Number(value) >= 0 && value.trim() !== '')
