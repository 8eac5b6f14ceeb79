// The machine's own openssl command: an oracle for what we make, and a maker of files that we read.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, type Outcome } from './node.ts'
import type { Skip } from './suite.ts'

/** Set where the command is missing: pass it to `suite.unless`. */
export const noOpenssl: Skip | undefined = spawnSync('openssl', ['version']).error && {
  kind: 'no-openssl',
  reason: 'the openssl command is missing; apt-get install openssl',
}

/** The same for GnuTLS's certtool, another oracle. */
export const noCerttool: Skip | undefined = spawnSync('certtool', ['--version']).error && {
  kind: 'no-certtool',
  reason: 'the certtool command is missing; apt-get install gnutls-bin',
}

/** A directory for one use; files by name, both ways. */
export class Workshop {
  readonly #directory = mkdtempSync(join(tmpdir(), 'membio-'))

  path(name: string): string {
    return join(this.#directory, name)
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.path(name), content)
    return this.path(name)
  }

  read(name: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(readFileSync(this.path(name)))
  }

  /** Runs `openssl` with these arguments, and expects success. */
  openssl(...args: string[]): Outcome {
    const outcome = run('openssl', args)
    if (outcome.code !== 0) throw new Error(`openssl ${args.join(' ')}: ${outcome.stderr}`)
    return outcome
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true })
  }
}
