// Where one server runs: a directory of its own, ports, daemons. Whatever was started here is stopped by `stop`, or at the latest when
// this process ends. If it is killed, the kernel signals the daemons (PR_SET_PDEATHSIG), but forgets to where they change their user.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo, type Server as Listener } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Some servers refuse to run as root: then nobody does it. */
export type As = 'self' | 'nobody'

export interface DaemonOptions {
  as: As
  /** What it prints once it accepts connections. */
  ready: RegExp
  /** The signal it ends at, without waiting for its clients. Default SIGTERM. */
  stop?: NodeJS.Signals
}

/** Debian's numbers of nobody and nogroup. */
const NOBODY = 65534
const root = process.getuid?.() === 0

/** Seconds until a daemon is ready, and until it has ended. */
const START = 60
const STOP = 15

interface Daemon {
  child: ChildProcess
  stop: NodeJS.Signals
  ended: Promise<void>
}

export class Stage {
  /** Absolute; everybody may enter it. */
  readonly directory: string
  /** What all daemons have printed. */
  readonly log: string
  readonly #daemons: Daemon[] = []
  readonly #closers: (() => unknown)[] = []

  constructor(name: string) {
    this.directory = mkdtempSync(join(tmpdir(), `membio-${name}-`))
    chmodSync(this.directory, 0o755)
    this.log = this.write('log', '')
    stages.add(this)
  }

  /** Free ports of 127.0.0.1, all different. */
  async ports(count: number): Promise<number[]> {
    const listeners = await Promise.all(Array.from({ length: count }, () => listening()))
    const ports = listeners.map((listener) => (listener.address() as AddressInfo).port)
    await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
    return ports
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** A file that only its owner may read, as servers want it of keys. Returns its path. */
  write(name: string, text: string, as: As = 'self'): string {
    writeFileSync(this.path(name), text, { mode: 0o600 })
    return this.#give(name, as)
  }

  mkdir(name: string, as: As = 'self'): string {
    mkdirSync(this.path(name), { recursive: true, mode: 0o700 })
    return this.#give(name, as)
  }

  #give(name: string, as: As): string {
    if (root && as === 'nobody') chownSync(this.path(name), NOBODY, NOBODY)
    return this.path(name)
  }

  /** A program that prepares something, run to its end. */
  run(command: string, args: readonly string[], { as = 'self', input = '' }: { as?: As; input?: string } = {}): string {
    const [program, ...rest] = asUser([command, ...args], as, 'SIGKILL')
    const options = { cwd: this.directory, input, timeout: START * 1000, encoding: 'utf8' } as const
    const { status, error, stdout, stderr } = spawnSync(program!, rest, options)
    appendFileSync(this.log, `${stdout}${stderr}`)
    if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}\n${stderr}`)
    return stdout
  }

  /**
   * A program that stays, in a process group of its own. Resolves once it is ready. It writes straight into the log: some open /dev/stdout
   * anew, and that has to be a file.
   */
  async daemon(command: string, args: readonly string[], { as, ready, stop = 'SIGTERM' }: DaemonOptions): Promise<void> {
    const [program, ...rest] = asUser([command, ...args], as, stop)
    const log = openSync(this.log, 'a')
    const from = fstatSync(log).size
    const child = spawn(program!, rest, { cwd: this.directory, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    let over: string | undefined
    const ended = new Promise<void>((resolve) => {
      child.once('error', (error) => resolve(void (over = error.message)))
      child.once('exit', (code, signal) => resolve(void (over = signal ?? `exit code ${code}`)))
    })
    this.#daemons.push({ child, stop, ended })
    for (const patience = performance.now() + START * 1000; !ready.test(readFileSync(this.log, 'latin1').slice(from)); await sleep(20)) {
      if (over) throw new Error(`${command} ended before it was ready: ${over}`)
      if (performance.now() > patience) throw new Error(`${command} was not ready after ${START} s`)
    }
  }

  /** For what is no daemon, but has to be closed too. */
  defer(close: () => unknown): void {
    this.#closers.push(close)
  }

  /** Ends the daemons, the last one first; throws if one of them had to be killed. */
  async stop(): Promise<void> {
    const killed: string[] = []
    for (const close of this.#closers.reverse()) await close()
    for (const { child, stop, ended } of this.#daemons.reverse()) {
      child.kill(stop)
      const late = setTimeout(() => killed.push(child.spawnfile) && signalGroup(child, 'SIGKILL'), STOP * 1000)
      await ended
      clearTimeout(late)
    }
    this.kill()
    if (killed.length) throw new Error(`had to be killed, ${STOP} s after ${killed.join(', ')} was told to end`)
  }

  /** The hard way, at once: whatever is left of the process groups, and the directory. */
  kill(): void {
    for (const { child } of this.#daemons) signalGroup(child, 'SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
    stages.delete(this)
  }

  /** The end of the log, for whoever reads about a failure. */
  lastWords(): string {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-40).join('\n')
  }
}

const stages = new Set<Stage>()
process.on('exit', () => stages.forEach((stage) => stage.kill()))

function asUser(command: readonly string[], as: As, deathSignal: NodeJS.Signals): string[] {
  const user = root && as === 'nobody' ? ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'] : []
  return ['setpriv', '--pdeathsig', deathSignal.slice('SIG'.length), ...user, ...command]
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal)
  } catch {
    // Nobody is left.
  }
}

function listening(): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const listener = createServer()
    listener.once('error', reject).listen(0, '127.0.0.1', () => resolve(listener))
  })
}
