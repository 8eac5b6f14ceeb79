// What a caller may say, each option with its default and the reason for it. settings.ts checks it.
import type { HostRoots } from '../host-roots.ts'
import type { AlpnProtocol } from './alpn.ts'
import type { Signer } from './signer.ts'

/** Which end of the handshake. */
export type Role = 'client' | 'server'
/** Protocol versions that are sound. */
export type Version = 'TLSv1.2' | 'TLSv1.3'
/** Deprecated by RFC 8996: only with `insecureLegacyPeers`. */
export type LegacyVersion = 'TLSv1' | 'TLSv1.1'
/** PEM text, or PEM or DER as bytes. */
export type Encoded = string | Uint8Array

/** A certificate with its key, in one file or two. */
export interface Identity {
  /** Leaf first, then the intermediates that lead to a root. */
  cert?: Encoded
  /** PKCS#8, encrypted or not, PKCS#1 or SEC1. */
  key?: Encoded
  /**
   * Instead of `key`: signs with the private key of `cert`, which is somewhere else (HSM, KMS, another thread). 'event' is for signatures
   * that take time: the engine parks with a `sign` event. See docs/signer.md.
   */
  signer?: Signer | 'event'
  /** Decrypts `key` or `pkcs12`. */
  passphrase?: string
  /** Certificate, key and chain in one PKCS#12 file, instead of `cert` and `key`. */
  pkcs12?: Uint8Array
}

/** RFC 4279, RFC 8446 4.2.11. The key should have at least 32 random bytes; with TLS 1.3 it goes with SHA-256 suites. */
export interface PreSharedKey {
  /** Names the key, in clear on the wire. UTF-8, at most 255 bytes. */
  identity: string
  /** The secret itself, at most 512 bytes. */
  key: Uint8Array
}

/**
 * Chooses a client's key when the server's hint is known; undefined: none fits. It is called in the midst of a handshake and must not use
 * membio; what it throws ends the handshake with the alert internal_error and becomes the TlsError's `cause`. A client that offers TLS 1.3,
 * which has no hints, calls it before each ClientHello (a server may ask for a second: RFC 8446, 4.1.4), and once more where the server
 * chooses TLS 1.2.
 * @param hint from a TLS 1.2 server that gave one
 */
export type PskChooser = (hint: string | undefined) => PreSharedKey | undefined

/** Our own certificate: a server needs one (or pre-shared keys), a client for mTLS only. */
export interface ContextOptions extends Identity {
  /**
   * Several certificates for keys of different types, instead of one: the handshake takes one that the peer can check. Keys may also stand
   * apart, in any order, `[{ cert: a }, { cert: b }, { key: ofB }, { key: ofA }]`: each goes to the certificate that it fits. Of two
   * certificates for keys of the same type the later counts.
   */
  identities?: readonly Identity[]

  // ---- Whom to trust. ----

  /**
   * Certificates to trust, instead of the host's. Default for clients: the host's roots (Node, Deno, Bun); where the host shows
   * none (browsers, workerd) a client must give them, for instance `mozillaRoots` of membio/roots. Servers trust nobody by
   * default: public roots say nothing about who may be a client. An empty list trusts nobody.
   */
  ca?: Encoded | readonly Encoded[]
  /**
   * Which of the host's roots, without `ca`. Default 'default': those the runtime's own TLS would trust. Given explicitly, it holds for
   * every peer whose certificate is asked for, clients too, and for those whose verdict is only recorded.
   */
  hostRoots?: HostRoots
  /** Certificates to trust besides the host's roots. */
  extraCa?: Encoded | readonly Encoded[]
  /** Revocation lists. Once there is one, every certificate of a chain needs its issuer's list, or only the leaf: `crlCheck`. */
  crls?: Encoded | readonly Encoded[]
  /** Default 'chain' when `crls` are given: an intermediate can be revoked as well. */
  crlCheck?: 'leaf' | 'chain'
  /** Lets a chain end at any certificate of `ca`, not only at a self-signed root. Default false, as in OpenSSL. */
  partialChain?: boolean
  /** Intermediates allowed between leaf and root. Default 100, OpenSSL's: signature checks are bounded by the message's size already. */
  verifyDepth?: number
  /** Certificate policies of which one must be valid for the chain, as dotted OIDs (RFC 5280, 6.1). */
  policies?: readonly string[]
  /**
   * The verified chain must contain one of these: `sha256/` and the base64 digest of a public key (SubjectPublicKeyInfo, as curl's
   * --pinnedpubkey has it), or a certificate's SHA-256 fingerprint in hexadecimal. Comes on top of verification.
   */
  pins?: readonly string[]
  /** Ignores the certificate's extended key usage: a client's certificate will do for a server, and the other way round. */
  dangerouslyIgnorePurpose?: boolean
  /** Verify certificates as of this time instead of now. For tests. */
  verifyTime?: Date
  /** Also accept ('accept') or only use ('require') raw public keys instead of certificates (RFC 7250); see `expectedKeys`. */
  rawPublicKeys?: 'accept' | 'require'

  // ---- What to speak. ----

  /** Default TLS 1.2: older versions are deprecated (RFC 8996). */
  minVersion?: Version | LegacyVersion
  /** Default TLS 1.3. */
  maxVersion?: Version | LegacyVersion
  /**
   * TLS 1.2, in OpenSSL's cipher list format (openssl-ciphers(1)). Default: forward-secret AEAD suites, in the order of `cipherSuites`. Empty:
   * none, only TLS 1.3 is spoken.
   */
  cipherList?: string
  /**
   * TLS 1.3 suites by IANA name, best first. Default: what is fastest here first. That is ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM; but
   * AES-128-GCM comes first where the runtime computes it so fast that this beats WebAssembly: on Bun, with `acceleration` 'auto' of `init`,
   * and everywhere with 'host'; not in DTLS. Empty: none, nothing newer than TLS 1.2 is spoken.
   */
  cipherSuites?: readonly string[]
  /** Whose order of suites counts on a server. Default 'server': it knows its hardware; but a client that puts ChaCha20 first is followed. */
  cipherPreference?: 'server' | 'client'
  /**
   * Groups for key exchange, best first. Default: the post-quantum hybrid X25519MLKEM768 first, so that traffic recorded today stays
   * closed tomorrow. Key shares are sent for the first group only, unless a name has a star: `['*X25519MLKEM768', '*X25519']`.
   */
  groups?: readonly string[]
  /** Signature schemes, best first, by IANA name or as `ECDSA+SHA256`. Default: OpenSSL's at its security level. */
  signatureSchemes?: readonly string[]
  /**
   * 2 to 5 (SSL_CTX_set_security_level(3)); 0 and 1 with `insecureLegacyPeers` only. Default: what an `@SECLEVEL=` in `cipherList` says, else 2:
   * 112 bits, RSA with 2048 bits, no SHA-1.
   */
  securityLevel?: number
  /** For DHE suites, which are not in the default list. Default 'auto': a group as strong as the certificate's key. 'none': no DHE. */
  dhParameters?: Encoded | 'auto' | 'none'
  /**
   * For peers that cannot do better. It changes the defaults of four options, and what is given of them holds as given: `minVersion` (TLS 1.0),
   * `cipherList` (everything that authenticates and encrypts: CBC, static RSA, DHE, 3DES), `securityLevel` (0: keys of any size, SHA-1),
   * and `insecureRenegotiation` (true). Everything it allows has known attacks.
   */
  insecureLegacyPeers?: boolean
  /**
   * Connects to servers without secure renegotiation (RFC 5746), and renegotiates with peers without it: whoever is on the path can put
   * words before those of a client. Default: as `insecureLegacyPeers`.
   */
  insecureRenegotiation?: boolean
  /**
   * OpenSSL's SSL_OP_* bits, to be set besides all that the other options say, and after them (SSL_CTX_set_options(3)). What they do is
   * OpenSSL's to say; some of them weaken what membio verifies by default: with SSL_OP_IGNORE_UNEXPECTED_EOF nobody notices truncation.
   */
  dangerousOpensslOptions?: number | bigint
  /** ALPN protocols, best first: what a client offers, and how a server chooses. Default: none, the extension is left out. */
  alpn?: readonly AlpnProtocol[]
  /** Bytes of plaintext in a record, 512 to 16,384. Default 16,384: fewer records, less work; small ones can be used sooner. */
  maxSendFragment?: number
  /** Client: asks the server for records of at most this size (RFC 6066, section 4), for small peers. Default: does not ask. */
  maxFragmentLength?: 512 | 1024 | 2048 | 4096
  /** TLS 1.3: pads records to a multiple of this many bytes, to hide lengths. Default 0: none, it costs traffic. */
  recordPadding?: number
  /**
   * How many renegotiations (TLS 1.2) a peer may ask for. Default 0: they are refused; they have a history of attacks. A server can decide about
   * each that is allowed: `park` at 'renegotiation'.
   */
  renegotiations?: number

  // ---- Sessions. ----

  /** Keeps sessions of different services apart that share ticket keys; at most 32 bytes. Default: "membio". */
  sessionIdContext?: Uint8Array
  /** Seconds a session can be resumed for. Default 7200: RFC 8446 allows a week, but a stolen ticket key opens as much. */
  sessionLifetime?: number
  /**
   * Server: 'stateless' tickets carry the session, encrypted (the default: nothing to store); 'stateful' ones only name it, and `session`
   * events hand it out for a store of yours; 'both' sends stateless ones to clients that take tickets, and names sessions for the others
   * (TLS 1.2), with `session` events for those and for all of TLS 1.3; 'none' allows no resumption.
   */
  tickets?: 'stateless' | 'stateful' | 'both' | 'none'
  /** TLS 1.3 tickets a server sends after a full handshake. Default 2: one for each of two connections at once, as in OpenSSL. */
  ticketCount?: number
  /** Server: keys for tickets, to share them between processes; see `SecureContext.ticketKeys`. Default: made at the first ticket. */
  ticketKeys?: Uint8Array
  /** Seconds until a new ticket key is made; three old ones go on opening tickets. Default 86,400, as in Go; 0 with `ticketKeys`. */
  ticketRotation?: number
  /**
   * Server: bytes of 0-RTT data accepted in a connection. Default 0: such data can be replayed. Each TLS 1.3 session is used once, and so
   * stays in this process, whatever `tickets` and `ticketKeys` say: another one takes neither it nor its early data.
   */
  maxEarlyData?: number
  /** Server: an OCSP response (DER) for the certificate, stapled for clients that ask (RFC 6066, section 8). */
  ocspResponse?: Uint8Array
}

/** Where a handshake can stop and wait for `engine.resume`. */
export type ParkPoint = 'clientHello' | 'certificateRequest' | 'verify' | 'psk' | 'renegotiation'

/** What is one connection's own. */
export interface EngineOptions {
  /** Which end of the handshake this is. */
  role: Role
  /**
   * Client: the host that is meant. Sent as SNI unless it is an IP address, and the server's certificate must be valid for it. Required,
   * because a certificate that is only valid for somebody is valid for nobody in particular.
   */
  servername?: string
  /** Client: the name or address the certificate must carry, where that is not `servername`. null: a decision on `verify` looks at the name. */
  identity?: string | null
  /** Client: a session of an earlier connection (the `session` event). One that does not fit is left out. */
  session?: Uint8Array
  /** Overrides the context's `alpn`. */
  alpn?: readonly AlpnProtocol[]
  /** Server: whether the client shall show a certificate. It is verified against `ca` in any case. Default 'none'. */
  clientCertificate?: 'none' | 'request' | 'require'
  /**
   * Goes on whatever the peer's certificate is, or without one; the verdict stands in `agreed.authorizationError`. Anybody on the
   * path can then read and change the traffic.
   */
  dangerouslyAcceptAnyCertificate?: boolean
  /** Raw public keys (SubjectPublicKeyInfo in DER) of which the peer must have one; with `rawPublicKeys` in the context. */
  expectedKeys?: readonly Uint8Array[]
  /**
   * Client: the key to authenticate with, instead of certificates: a server that shows one is refused. A function chooses the key by the
   * server's hint; together with `servername` or `identity` a server may show a certificate as well, which is verified as always. In TLS 1.2
   * the server then chooses between the suites: `cipherList` says which are offered.
   */
  psk?: PreSharedKey | PskChooser
  /** Server: the keys it knows. More can be given by a decision: see `park`. */
  psks?: readonly PreSharedKey[]
  /** Server, TLS 1.2: a hint for the client's choice of identity. */
  pskHint?: string
  /**
   * Client: asks for a stapled OCSP response, which is then checked ('request'), and refuses a server without one ('require'). With 'deliver'
   * it is only handed over, in `agreed.ocspResponse`: what it is worth is for the caller to find out.
   */
  ocsp?: 'request' | 'require' | 'deliver'
  /**
   * Client: asks for Signed Certificate Timestamps by TLS extension and OCSP response, too (RFC 6962, 3.3); those in the certificate come
   * anyway. They are handed over in `agreed.scts`, not verified: that takes a list of logs.
   */
  scts?: 'request'
  /** Client: offers to show a certificate after the handshake, when the server asks (RFC 8446, 4.6.2). Default false: not in HTTP/2. */
  postHandshakeAuth?: boolean
  /** Where to stop and wait for `engine.resume`. Default: nowhere. */
  park?: readonly ParkPoint[]
  /** Report `keylog` events: secrets that open the connection to whoever reads them. Default false. */
  keylog?: boolean
  /** Report `state` and `message` events. Default false: it costs time and memory. */
  trace?: boolean
}

/** What the context adds. */
export interface EngineSettings extends EngineOptions {
  /** Server: report `session` events. */
  sessions?: boolean
  /** Server: take 0-RTT data. */
  earlyData?: boolean
}
