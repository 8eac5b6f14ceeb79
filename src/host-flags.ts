// Switches of Node's command line that concern TLS and that no module tells of: as given to `node`, or in NODE_OPTIONS. Elsewhere there are none.

interface HostProcess {
  execArgv?: readonly string[]
  env?: Record<string, string | undefined>
}

/** `--name` is true, `--name=value` is the value. What stands last wins, and the command line over the environment. */
export function hostFlag(name: string): string | true | undefined {
  const { process = {} } = globalThis as { process?: HostProcess }
  if (!process.execArgv) return undefined
  const given = [...words(process.env?.NODE_OPTIONS ?? ''), ...process.execArgv]
  for (let at = given.length - 1; at >= 0; at--) {
    const option = given[at]!.replaceAll('_', '-')
    if (option === `--no-${name}`) return undefined
    if (option === `--${name}`) return VALUED.has(name) ? given[at + 1] : true
    if (option.startsWith(`--${name}=`)) return given[at]!.slice(name.length + 3)
  }
  return undefined
}

/** The value may also be the next word. */
const VALUED = new Set(['tls-keylog'])

/** Words in double quotes may have blanks in them; a backslash stands before a quote that is meant. */
function words(options: string): string[] {
  const found = options.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return found.map((word) => word.replace(/"((?:[^"\\]|\\.)*)"/g, (_all, inner: string) => inner.replace(/\\(.)/g, '$1')))
}
