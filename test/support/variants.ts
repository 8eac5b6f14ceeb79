// Other ways to compute the same: all that the tests say must hold with each. A variant is loaded before anything else, in each
// process, its children and its threads, by a module that NODE_OPTIONS names: preload.ts.

/** Everything that the host can do is the host's; nothing is; nothing, and OpenSSL's portable C in the place of wasm/simd. */
export const VARIANTS = ['host', 'wasm', 'portable'] as const
export type Variant = (typeof VARIANTS)[number]

/** NODE_OPTIONS, with what stands there already. */
export function nodeOptionsFor(variant: Variant): string {
  const preload = new URL(`./preload.js?${variant}`, import.meta.url)
  return [process.env.NODE_OPTIONS, `--import=${preload.href}`].filter(Boolean).join(' ')
}
