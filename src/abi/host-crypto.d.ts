// What differs from runtime to runtime in acceleration: whose cryptography it is, and from which size on it pays. package.json's
// "imports" map chooses; most runtimes have none that answers at once.
declare module '#host-crypto' {
  const host: import('./acceleration.ts').HostCrypto | undefined
  export default host
}
