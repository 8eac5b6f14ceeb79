// The certificate chain in readable form: what each certificate says, who vouches for it, and where trust begins.
import { parseCertificate, printCertificate, type Certificate } from 'membio/x509'
import { code, element, facts } from './dom.ts'
import { day, issuerOf, nameOf, span } from './verdict.ts'
import type { VerifyEvent } from './session.ts'

/** As the server has sent it, leaf first. */
export const sentChain = ({ peerChain }: VerifyEvent): Certificate[] => peerChain.map(parseCertificate)

/** Shows the chain that verification has built, or what was sent where it could not build more. @returns a sentence about it */
export function showChain(list: HTMLOListElement, event: VerifyEvent): string {
  const verified = event.verifiedChain.length >= event.peerChain.length ? event.verifiedChain : event.peerChain
  const chain = verified.map(parseCertificate)
  list.replaceChildren(...chain.map((certificate, depth) => card(certificate, depth, chain.length, event)))
  const sent = event.peerChain.length
  const sentWords = `The server sent ${sent === 1 ? 'one certificate' : `${sent} certificates`}`
  const added = chain.length - sent
  if (added <= 0) return `${sentWords}.`
  return `${sentWords}; ${added === 1 ? 'the authority’s was' : `${added} more were`} here already, among those to trust.`
}

function card(certificate: Certificate, depth: number, length: number, { ok, depth: badDepth }: VerifyEvent): HTMLLIElement {
  const isRoot = depth === length - 1 && ok
  const role = depth === 0 ? 'Server' : isRoot ? 'Authority, trusted here' : 'Authority'
  const isBad = !ok && depth === badDepth
  const text = element('details', { class: 'more' }, element('summary', {}, 'All of it'))
  text.addEventListener('toggle', () => {
    const label = `all of the certificate of ${nameOf(certificate)}`
    if (text.childElementCount === 1) text.append(code(printCertificate(certificate.der).trimEnd(), label))
  })
  return element(
    'li',
    { class: `card${isBad ? ' bad' : ''}${isRoot ? ' root' : ''}` },
    element('div', { class: 'role' }, isBad ? `${role}: refused` : role),
    element('h3', {}, nameOf(certificate)),
    facts([
      ['issued by', certificate.selfIssued ? 'itself' : issuerOf(certificate)],
      ['valid', `${day(certificate.notBefore, 'short')} – ${day(certificate.notAfter, 'short')}${remaining(certificate)}`],
      ...(depth === 0 ? ([['names', namesOf(certificate)]] as const) : []),
      ['key', keyOf(certificate)],
      ['signature', certificate.signatureAlgorithm],
      ['SHA-256', element('span', { class: 'fingerprint' }, inGroups(certificate.fingerprint256))],
    ]),
    text,
  )
}

const inGroups = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase().replace(/.{8}(?=.)/g, '$& ')

function namesOf({ hosts, addresses }: Certificate): string {
  const all = [...hosts, ...addresses]
  if (!all.length) return 'none'
  return all.length > 8 ? `${all.slice(0, 8).join(', ')} and ${all.length - 8} more` : all.join(', ')
}

function keyOf({ key: { type, bits, group, nistName } }: Certificate): string {
  const name = nistName ?? group
  return name ? `${type}, ${name}` : bits ? `${type}, ${bits} bits` : type
}

function remaining({ notBefore, notAfter }: Certificate): string {
  const now = Date.now()
  if (now < notBefore.getTime()) return ` (begins in ${span(notBefore.getTime() - now)})`
  return now > notAfter.getTime() ? ` (ended ${span(now - notAfter.getTime())} ago)` : ` (${span(notAfter.getTime() - now)} left)`
}
