// `node --import .../preload.js?VARIANT`: loads openssl.wasm as a variant says, before the program does: for the compiled sources,
// which most tests import, and for the package `membio`, which samples and programs do.
import { readFileSync } from 'node:fs'
import * as sources from '../../src/index.ts'
import { PRELOADED, type PreloadedClock } from './clock.ts'
import { repository } from './paths.ts'
import type { Variant } from './variants.ts'

const FILES: Record<Variant, string> = {
  host: 'dist/openssl.wasm',
  wasm: 'dist/openssl.wasm',
  portable: 'build/wasm/openssl-portable.wasm',
}

const variant = new URL(import.meta.url).search.slice(1) as Variant
const module = new WebAssembly.Module(readFileSync(`${repository}${FILES[variant]}`))
const acceleration = variant === 'host' ? 'host' : 'wasm'
const packaged = (await import('membio' as string)) as typeof sources
const clock: PreloadedClock = { now: () => Date.now() }
Object.assign(globalThis, { [PRELOADED]: clock })
for (const { init } of [sources, packaged]) await init({ module, acceleration, dangerousHost: { now: () => clock.now() } })
