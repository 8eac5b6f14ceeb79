// Properties of a runtime's built-in module object that lead to ours: what reaches code that holds the object, the runtime's own included (its
// fetch calls `tls.connect`), and what is changed there by a program is changed in ours.

export type Module = Record<string, unknown>

/** Names that the host lacks, or has fixed, are left alone. @returns what puts the host's back */
export function patch(host: Module, ours: Module, except: readonly string[]): () => void {
  const before = new Map<string, PropertyDescriptor>()
  for (const name of Object.keys(ours)) {
    const descriptor = Object.getOwnPropertyDescriptor(host, name)
    if (!descriptor?.configurable || except.includes(name)) continue
    before.set(name, descriptor)
    Object.defineProperty(host, name, { configurable: true, enumerable: true, get: () => ours[name], set: (value) => void (ours[name] = value) })
  }
  return () => {
    for (const [name, descriptor] of before) Object.defineProperty(host, name, descriptor)
  }
}
