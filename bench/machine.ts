// What a run ran on: figures mean nothing without it.
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { version } from 'membio'
import { NAMES, repository } from './cases/case.ts'
import type { Results } from './results.ts'
import { versionOf, type Runtime } from './runtimes.ts'

export function machine(): Results['machine'] {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${distribution() ?? type()}, kernel ${release().split('-')[0]}`,
  }
}

function distribution(): string | undefined {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Of membio, of the runtimes, and of the peers that are installed. */
export function versions(): Record<string, string> {
  const found: Record<string, string> = { membio: versionIn(repository) ?? '', 'OpenSSL in membio': version().split(' ')[1] ?? '' }
  for (const runtime of Object.keys(NAMES) as Runtime[]) {
    const text = versionOf(runtime)
    if (text) found[NAMES[runtime]] = text
  }
  for (const peer of ['node-forge', 'subtls', '@reclaimprotocol/tls', '@mercuryworkshop/epoxy-tls', 'libcurl.js']) {
    const text = versionIn(`${repository}build/bench/node_modules/${peer}/`)
    if (text) found[peer] = text
  }
  return found
}

function versionIn(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as { version: string }).version
  } catch {
    return undefined
  }
}
