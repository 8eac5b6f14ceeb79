// The kinds of skip that may happen in CI, each with the reason why. Any other skip is a failure there: what CI does not run,
// nobody runs.
export const ALLOWED_SKIPS: Readonly<Record<string, string>> = {
  'no-ipv6': 'containers often have no IPv6 loopback, and nothing can be installed to change it',
  'peer-cannot': 'the other program is there, but lacks what the row is about, or has it wrong; the reason names it',
  'no-java': 'a JDK is large, and only one of several peers',
}
