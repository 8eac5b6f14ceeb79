// Imports of built-in modules that lead to membio's, by module hooks (Node 22.15, Deno). Where there are none (Node 20, Bun) the patched built-in
// objects have to do.
import * as nodeModule from 'node:module'

/** @param names without `node:` @returns what ends it */
export function redirect(names: readonly string[]): () => void {
  const { registerHooks } = nodeModule as { registerHooks?: RegisterHooks }
  const here = import.meta.url as string | undefined // some bundles do not know
  return registerHooks && here ? byHooks(registerHooks, names, here) : () => {}
}

interface Resolved {
  url: string
  format?: string
  shortCircuit?: boolean
}
interface Context {
  parentURL?: string
  conditions?: readonly string[]
}
type NextResolve = (specifier: string, context?: object) => Resolved
type RegisterHooks = (hooks: { resolve(specifier: string, context: Context, next: NextResolve): Resolved }) => { deregister(): void }

function byHooks(registerHooks: RegisterHooks, names: readonly string[], here: string): () => void {
  const home = new URL('./', here).href // where all of membio is: it needs the built-in modules themselves
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const prefixed = specifier.startsWith('node:')
      const name = prefixed ? specifier.slice(5) : specifier
      if (!names.includes(name) || context.parentURL?.startsWith(home)) return next(specifier, context)
      // Node 22 looks for it among its own modules whatever is said here (`loadBuiltinWithHooks`); and there it finds the patched object.
      if (prefixed && context.conditions?.includes('require')) return next(specifier, context)
      return { url: new URL(`./${name}.js`, home).href, format: 'module', shortCircuit: true }
    },
  })
  return () => hooks.deregister()
}
