// Reads certdata.txt, NSS's list of certificates and what Mozilla trusts them for: PKCS #11 objects in text. It knows no files, and when
// it meets what it does not understand, it throws: a root taken in by mistake would not be noticed by anybody.

export interface Root {
  /** Mozilla's name for it. */
  label: string
  der: Uint8Array
}

/** By attribute; octal bytes as they are written. */
type PkcsObject = Map<string, string>

/**
 * The certificates trusted to issue for TLS servers, in the list's order.
 *
 * CKA_NSS_SERVER_DISTRUST_AFTER is not looked at, as in Debian's ca-certificates and curl's mk-ca-bundle: it says that what such a root
 * issued up to that date is to be accepted still, which a list of roots cannot say. Leaving the root out would refuse servers that Mozilla
 * accepts; Mozilla takes it out itself once those certificates have expired.
 */
export function serverRoots(certdata: string): Root[] {
  const objects = parseObjects(certdata)
  const trust = new Map<string, string>()
  for (const object of objects.filter(isA('CKO_NSS_TRUST'))) {
    const identity = identityOf(object)
    if (trust.has(identity)) throw new Error(`certdata.txt: two opinions about ${attribute(object, 'CKA_LABEL')}`)
    trust.set(identity, attribute(object, 'CKA_TRUST_SERVER_AUTH'))
  }
  return objects
    .filter((object) => isA('CKO_CERTIFICATE')(object) && trust.get(identityOf(object)) === 'CKT_NSS_TRUSTED_DELEGATOR')
    .map((object) => ({ label: unquoted(attribute(object, 'CKA_LABEL')), der: octal(attribute(object, 'CKA_VALUE')) }))
}

/** An attribute is a line of name, type and value, or lines of octal up to END; the first of each object is its class. */
function parseObjects(certdata: string): PkcsObject[] {
  const objects: PkcsObject[] = []
  const lines = certdata.split('\n').map((line) => line.trim())
  const begin = lines.indexOf('BEGINDATA')
  if (begin < 0) throw new Error('certdata.txt: there is no BEGINDATA')
  for (let i = begin + 1; i < lines.length; i++) {
    const line = lines[i]!
    if (line === '' || line.startsWith('#')) continue
    const [, name, type, text = ''] = /^(CKA_\w+) (\w+)(?: (.+))?$/.exec(line) ?? []
    const end = type === 'MULTILINE_OCTAL' ? lines.indexOf('END', i) : i
    if (name === 'CKA_CLASS') objects.push(new Map())
    const object = objects.at(-1)
    if (!name || !object || object.has(name) || end < 0) throw new Error(`certdata.txt:${i + 1}: not understood: ${line}`)
    object.set(name, end === i ? text : lines.slice(i + 1, end).join(''))
    i = end
  }
  return objects
}

const isA = (type: string) => (object: PkcsObject) => object.get('CKA_CLASS') === type

/** What a certificate and an opinion about it have in common, says NSS: not the label, which people choose. */
const identityOf = (object: PkcsObject) => `${attribute(object, 'CKA_ISSUER')} ${attribute(object, 'CKA_SERIAL_NUMBER')}`

function attribute(object: PkcsObject, name: string): string {
  const value = object.get(name)
  if (!value) throw new Error(`certdata.txt: ${object.get('CKA_LABEL') ?? 'an object'} has no ${name}`)
  return value
}

function octal(text: string): Uint8Array {
  if (!/^(\\[0-3][0-7]{2})+$/.test(text)) throw new Error(`certdata.txt: not octal: ${text.slice(0, 80)}`)
  return Uint8Array.from(text.slice(1).split('\\'), (digits) => parseInt(digits, 8))
}

function unquoted(label: string): string {
  const text = /^"([^"\\]+)"$/.exec(label)?.[1]
  if (!text) throw new Error(`certdata.txt: not a name in quotes: ${label}`)
  return text
}
