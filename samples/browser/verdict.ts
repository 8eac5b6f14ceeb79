// Why a connection failed, in words for a person: what is wrong, what was expected, what was presented. Knows no page.
import type { TlsError } from 'membio'
import type { Certificate } from 'membio/x509'
import type { Wish } from './session.ts'

export interface Verdict {
  title: string
  text: string
  /** Side by side, where there is something to compare. */
  expected?: string
  presented?: string
  /** For who wants to look it up. */
  code: string
}

/** @param chain as the server has sent it, leaf first */
export function explain(error: TlsError, wish: Wish, chain: readonly Certificate[]): Verdict {
  const words = () => {
    if (error.verify) return certificateWords(error.verify, wish, chain)
    return error.kind === 'io' ? pipeWords(error, wish) : protocolWords(error, wish)
  }
  return { ...words(), code: error.code }
}

type Words = Omit<Verdict, 'code'>

function certificateWords({ name, depth }: { name: string; depth: number }, wish: Wish, chain: readonly Certificate[]): Words {
  const bad = chain[depth] ?? chain[0]
  const leaf = chain[0]
  if (!bad || !leaf) return { title: 'The certificate was refused', text: `OpenSSL calls it ${name}.` }
  const whose = depth === 0 ? 'The server’s certificate' : `A certificate in the chain, ${nameOf(bad)},`
  const validity = `${day(bad.notBefore)} to ${day(bad.notAfter)}`
  switch (name) {
    case 'CERT_HAS_EXPIRED':
      return {
        title: 'The certificate has expired',
        text: `${whose} was valid until ${day(bad.notAfter)}, ${span(Date.now() - bad.notAfter.getTime())} ago. Its owner has to renew it.`,
        expected: `valid on ${day(new Date())}`,
        presented: validity,
      }
    case 'CERT_NOT_YET_VALID':
      return {
        title: 'The certificate is not valid yet',
        text: `${whose} begins in ${span(bad.notBefore.getTime() - Date.now())}. Or this machine’s clock is behind.`,
        expected: `valid on ${day(new Date())}`,
        presented: validity,
      }
    case 'HOSTNAME_MISMATCH':
    case 'IP_ADDRESS_MISMATCH':
      return {
        title: 'The certificate is for somebody else',
        text: `It does not name ${wish.host}: whoever answers there is another server, or one that was set up wrongly.`,
        expected: wish.host,
        presented: [...leaf.hosts, ...leaf.addresses].join(', ') || 'no name at all',
      }
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return {
        title: 'Nobody vouches for this certificate',
        text: 'The server has signed it itself: it could be anybody’s. If it is yours, paste it as an authority to trust.',
        expected: trusted(wish),
        presented: `${nameOf(leaf)}, signed by itself`,
      }
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        title: 'The authority is not one that is trusted here',
        text:
          'Somebody vouches for the server, but nobody whom this page was told to trust; ' +
          'or the server leaves out a certificate in between.',
        expected: trusted(wish),
        presented: `issued by ${issuerOf(chain.at(-1) ?? leaf)}`,
      }
    case 'INVALID_PURPOSE':
      return {
        title: 'The certificate is for another purpose',
        text: 'It may not be used by a server.',
        expected: 'TLS server',
        presented: leaf.extendedKeyUsage.join(', ') || 'other uses',
      }
    default:
      return { title: 'The certificate was refused', text: `${whose} does not pass: OpenSSL calls it ${name}.` }
  }
}

/** What the proxy had to say, or that there is none. */
function pipeWords({ message, code }: TlsError, { host, port }: Wish): Words {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return { title: 'The server does not answer', text: 'It said nothing for 15 seconds.' }
  const [, closed, reason = ''] = /closed with code (\d+)(?:: (.*))?$/.exec(message) ?? []
  if (closed === '4403') return { title: 'The proxy may not connect there', text: `${reason}. Its option --allow says where it may.` }
  if (closed === '4400') return { title: 'This is no address', text: `${reason}.` }
  if (/ENOTFOUND|EAI_/.test(reason)) return { title: 'There is no such host', text: `The proxy finds no address for ${host}.` }
  if (/ECONNREFUSED/.test(reason)) return { title: 'Nobody listens there', text: `${host} takes no connections on port ${port}.` }
  if (closed) return { title: 'The connection broke', text: `The proxy says: ${reason || `code ${closed}`}.` }
  return { title: 'The proxy cannot be reached', text: 'Is the program that served this page still running?' }
}

function protocolWords(error: TlsError, { host, port }: Wish): Words {
  const notTls = /WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|BAD_RECORD_TYPE|UNEXPECTED_MESSAGE|RECORD_TYPE/.test(error.code)
  if (notTls) return { title: 'This is not TLS', text: `Something answers on port ${port} of ${host}, but it speaks another protocol.` }
  if (error.kind === 'alert') {
    const says = error.alert?.name ?? error.reason ?? 'nothing more'
    return { title: 'The server refused', text: `It says ${says}: both sides may have no version or cipher suite in common.` }
  }
  if (error.kind === 'closed') return { title: 'The server hung up', text: 'It ended the connection in the middle, without saying why.' }
  if (error.kind === 'usage') return { title: 'That cannot be used', text: `${error.message}.` }
  return { title: 'The connection failed', text: `${error.message}.` }
}

const trusted = ({ ca }: Wish): string => (ca === undefined ? 'one of Mozilla’s authorities' : 'an authority that you have pasted')

/** The name that people know it by. */
export const nameOf = ({ subject, subjectAttributes, hosts }: Certificate): string =>
  subjectAttributes.find(({ type }) => type === 'CN')?.value ?? hosts[0] ?? (subject || 'without a name')

export function issuerOf({ issuer, issuerAttributes }: Certificate): string {
  const named = (wanted: string) => issuerAttributes.find(({ type }) => type === wanted)?.value
  return named('CN') ?? named('O') ?? (issuer || 'nobody with a name')
}

export const day = (date: Date, month: 'long' | 'short' = 'long'): string =>
  date.toLocaleDateString('en-GB', { day: 'numeric', month, year: 'numeric' })

/** Roughly, as people say it. */
export function span(milliseconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => milliseconds >= 2 * size) ?? ['second', 1000]
  const count = Math.max(1, Math.floor(milliseconds / size))
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
const UNITS = [['year', 31_557_600_000], ['month', 2_629_800_000], ['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]] as const
