// The time that a short message takes there and back.
import type { Contender } from '../harness.ts'
import { DEFAULT } from '../work.ts'
import { type Case, measured, membio, NAMES, nativesOf, other, portable } from './case.ts'

const SIZE = 100

const echo = (name: string, contenders: readonly Contender[]): Case =>
  measured({ family: 'echo', name, unit: 'µs', work: { work: 'echo', place: 'loopback', terms: DEFAULT, size: SIZE }, contenders })

export const echoes: readonly Case[] = [
  echo('on Node', [membio('membio/tls'), portable('membio/tls'), other('node:tls')]),
  ...(['deno', 'bun'] as const).map((runtime) =>
    echo(`on ${NAMES[runtime]}`, [membio('membio/tls', runtime), ...nativesOf(runtime)]),
  ),
]
