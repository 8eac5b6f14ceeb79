// Generated from wasm/abi.h by wasm/gen.ts (npm run build:abi). Do not edit.

export const ABI_VERSION = 3
export const TLS_DONE = 0
export const TLS_WANT_READ = -1
export const TLS_WANT_WRITE = -2
export const TLS_WANT_CALLBACK = -3
export const TLS_CLOSED = -4
export const TLS_ERROR = -5
export const TLS_ROLE_CLIENT = 0
export const TLS_ROLE_SERVER = 1
export const TLS_PROTOCOL_TLS = 0
export const TLS_PROTOCOL_DTLS = 1
export const TLS_EVENT_KEYLOG = 1
export const TLS_EVENT_SESSION = 2
export const TLS_EVENT_ALERT = 3
export const TLS_EVENT_STATE = 4
export const TLS_EVENT_MESSAGE = 5
export const TLS_EVENT_AGREED = 6
export const TLS_EVENT_EARLY_DATA = 7
export const TLS_EVENT_CLIENT_HELLO = 8
export const TLS_EVENT_CERTIFICATE_REQUEST = 9
export const TLS_EVENT_VERIFY = 10
export const TLS_EVENT_PSK = 11
export const TLS_EVENT_SIGN = 12
export const TLS_EVENT_RENEGOTIATION = 13
export const TLS_DIRECTION_RECEIVED = 0
export const TLS_DIRECTION_SENT = 1
export const TLS_VERIFY_NONE = 0
export const TLS_VERIFY_OPTIONAL = 1
export const TLS_VERIFY_RECORD = 2
export const TLS_VERIFY_REQUIRE = 3
export const TLS_FLAG_TRACE = 1
export const TLS_FLAG_KEYLOG = 2
export const TLS_FLAG_SESSIONS = 4
export const TLS_FLAG_EARLY_DATA = 8
export const TLS_FLAG_POST_HANDSHAKE_AUTH = 16
export const TLS_FLAG_REQUEST_OCSP = 32
export const TLS_FLAG_REQUIRE_OCSP = 64
export const TLS_FLAG_REQUEST_SCTS = 128
export const TLS_FLAG_PARK_CLIENT_HELLO = 256
export const TLS_FLAG_PARK_CERTIFICATE_REQUEST = 512
export const TLS_FLAG_PARK_VERIFY = 1024
export const TLS_FLAG_PARK_PSK = 2048
export const TLS_FLAG_DELIVER_OCSP = 4096
export const TLS_FLAG_PARK_RENEGOTIATION = 8192
export const TLS_CHAIN_SENT = 0
export const TLS_CHAIN_VERIFIED = 1
export const TLS_SIGNER_LATER = 0
export const TLS_OPTION_SECURITY_LEVEL = 1
export const TLS_OPTION_CLIENT_PREFERENCE = 2
export const TLS_OPTION_LEGACY = 3
export const TLS_OPTION_RENEGOTIATION = 4
export const TLS_OPTION_MAX_SEND_FRAGMENT = 5
export const TLS_OPTION_MAX_FRAGMENT_LENGTH = 6
export const TLS_OPTION_RECORD_PADDING = 7
export const TLS_OPTION_TICKETS = 8
export const TLS_OPTION_TICKET_COUNT = 9
export const TLS_OPTION_SESSION_LIFETIME = 10
export const TLS_OPTION_TICKET_ROTATION = 11
export const TLS_OPTION_MAX_EARLY_DATA = 12
export const TLS_OPTION_PARTIAL_CHAIN = 13
export const TLS_OPTION_VERIFY_DEPTH = 14
export const TLS_OPTION_CRL_CHECK = 15
export const TLS_OPTION_RAW_PUBLIC_KEYS = 16
export const TLS_OPTION_ANY_PURPOSE = 17
export const TLS_OPTION_NO_DH = 18
export const TLS_TICKETS_STATELESS = 0
export const TLS_TICKETS_STATEFUL = 1
export const TLS_TICKETS_NONE = 2
export const TLS_TICKETS_BOTH = 3
export const TLS_ALERT_OF_VERDICT = 256
export const TLS_BINDING_UNIQUE = 0
export const TLS_BINDING_SERVER_END_POINT = 1
export const TLS_BINDING_EXPORTER = 2
export const TLS_BINDING_FINISHED = 3
export const TLS_BINDING_PEER_FINISHED = 4
export const TLS_EARLY_DATA_NONE = 0
export const TLS_EARLY_DATA_REJECTED = 1
export const TLS_EARLY_DATA_ACCEPTED = 2
export const TLS_TEMPORARY_KEY_NONE = 0
export const TLS_TEMPORARY_KEY_DH = 1
export const TLS_TEMPORARY_KEY_ECDH = 2
export const TLS_TEMPORARY_KEY_KEM = 3
export const TLS_KIND_CERTIFICATE = 1
export const TLS_KIND_REQUEST = 2
export const TLS_KIND_CRL = 3
export const TLS_KIND_OCSP = 4

/** An address in the module's memory; 0 is NULL. */
export type Pointer = number & { readonly pointer?: string }
export type TlsContextPointer = number & { readonly pointer?: 'tls_context' }
export type TlsConnectionPointer = number & { readonly pointer?: 'tls_connection' }
export type TlsRootsPointer = number & { readonly pointer?: 'tls_roots' }
export type TlsBytesPointer = number & { readonly pointer?: 'tls_bytes' }
export type TlsErrorPointer = number & { readonly pointer?: 'tls_error' }
export type TlsAgreedPointer = number & { readonly pointer?: 'tls_agreed' }

/** Bytes handed to the host; an event when kind is not 0. The data follows the struct. */
export const tlsBytesLayout = {
  length: { type: 'uint32_t', offset: 0, size: 4 },
  kind: { type: 'uint32_t', offset: 4, size: 4 },
  detail: { type: 'uint32_t', offset: 8, size: 4 },
} as const
/** sizeof(tls_bytes) */
export const tlsBytesSize = 12

/** Why a call failed: the drained error queue, oldest entry (the root cause) first, and what surrounds it. */
export const tlsErrorLayout = {
  code: { type: 'uint32_t', offset: 0, size: 4 },
  verifyResult: { type: 'int32_t', offset: 4, size: 4 },
  verifyDepth: { type: 'int32_t', offset: 8, size: 4 },
  alertSent: { type: 'int32_t', offset: 12, size: 4 },
  alertReceived: { type: 'int32_t', offset: 16, size: 4 },
  eof: { type: 'uint32_t', offset: 20, size: 4 },
  library: { type: 'char', offset: 24, size: 32 },
  reason: { type: 'char', offset: 56, size: 96 },
  detail: { type: 'char', offset: 152, size: 160 },
  verifyName: { type: 'char', offset: 312, size: 48 },
  verifyText: { type: 'char', offset: 360, size: 96 },
  stack: { type: 'char', offset: 456, size: 640 },
  option: { type: 'char', offset: 1096, size: 32 },
} as const
/** sizeof(tls_error) */
export const tlsErrorSize = 1128

/** What the handshake agreed on. Strings are empty where nothing was agreed. */
export const tlsAgreedLayout = {
  version: { type: 'uint32_t', offset: 0, size: 4 },
  cipherId: { type: 'uint32_t', offset: 4, size: 4 },
  resumed: { type: 'uint32_t', offset: 8, size: 4 },
  verifyResult: { type: 'int32_t', offset: 12, size: 4 },
  verifyDepth: { type: 'int32_t', offset: 16, size: 4 },
  peerCertificate: { type: 'uint32_t', offset: 20, size: 4 },
  earlyData: { type: 'uint32_t', offset: 24, size: 4 },
  alpnLength: { type: 'uint32_t', offset: 28, size: 4 },
  temporaryKey: { type: 'uint32_t', offset: 32, size: 4 },
  temporaryKeyBits: { type: 'uint32_t', offset: 36, size: 4 },
  temporaryKeyName: { type: 'char', offset: 40, size: 48 },
  versionName: { type: 'char', offset: 88, size: 16 },
  cipherVersion: { type: 'char', offset: 104, size: 16 },
  cipherStandard: { type: 'char', offset: 120, size: 64 },
  cipherOpenssl: { type: 'char', offset: 184, size: 64 },
  group: { type: 'char', offset: 248, size: 48 },
  signature: { type: 'char', offset: 296, size: 48 },
  peerSignature: { type: 'char', offset: 344, size: 48 },
  servername: { type: 'char', offset: 392, size: 256 },
  alpn: { type: 'char', offset: 648, size: 256 },
  verifyName: { type: 'char', offset: 904, size: 48 },
} as const
/** sizeof(tls_agreed) */
export const tlsAgreedSize = 952

/** What openssl.wasm exports, beside its memory. */
export interface Exports {
  /** Loads the default provider and the seed source. Call once, first. Touches neither entropy nor the clock. */
  tls_library_init(): number
  tls_library_abi(): number
  /** "OpenSSL 3.5.7 9 Jun 2026" */
  tls_library_version(): Pointer
  /** Contexts and connections not yet freed; for leak tests. */
  tls_library_live(): number
  /** The error of the last call that returned TLS_ERROR or NULL without a connection. */
  tls_library_error(): TlsErrorPointer
  /** The names of all cipher suites that can be asked for, each behind a uint32 length. NULL: see tls_library_error. */
  tls_library_ciphers(): TlsBytesPointer
  /** From now on the imports `aead` and `rsa` are asked: for the text of AES-GCM records of at least so many bytes (0: none), and for operations with RSA private keys. Keys go to the host by `import_key`. Without a call nothing does. */
  tls_library_accelerate(leastAesGcm: number, rsa: number): void
  /** Scratch memory for arguments; tls_memory_free wipes all of its bytes. */
  tls_memory_alloc(length: number): Pointer
  tls_memory_free(memory: Pointer, length: number): void
  tls_bytes_free(bytes: TlsBytesPointer): void
  /** protocol is TLS_PROTOCOL_*. NULL: see tls_library_error. */
  tls_context_new(protocol: number): TlsContextPointer
  tls_context_free(context: TlsContextPointer): void
  /** Protocol versions as on the wire (0x0303); 0 leaves the bound open. */
  tls_context_set_versions(context: TlsContextPointer, minimum: number, maximum: number): number
  /** TLS 1.2 and older, OpenSSL's cipher list format; an empty one leaves TLS 1.3 alone. */
  tls_context_set_cipher_list(context: TlsContextPointer, list: Pointer): number
  /** TLS 1.3, colon-separated; an empty list leaves the older versions alone. */
  tls_context_set_cipher_suites(context: TlsContextPointer, list: Pointer): number
  tls_context_set_groups(context: TlsContextPointer, list: Pointer): number
  tls_context_set_signature_schemes(context: TlsContextPointer, list: Pointer): number
  /** A PEM bundle (leaf first, then intermediates) or one DER certificate. */
  tls_context_use_certificate(context: TlsContextPointer, bytes: Pointer, length: number): number
  /** PEM or DER, PKCS#8 (encrypted too) or traditional. Must fit one of the certificates given before, if there are any. passphrase may be NULL. */
  tls_context_use_key(context: TlsContextPointer, bytes: Pointer, length: number, passphrase: Pointer): number
  /** Whether each certificate has got its key, a signer or its successor: another one with a key of the same type. */
  tls_context_check_keys(context: TlsContextPointer): number
  /** Instead of a key: whenever the key of the certificate given last shall sign, the import `sign` is called with this number (signer.c). The same import tells when the number is not needed any more: when neither this context nor a connection holds the key, or when this call failed. */
  tls_context_use_signer(context: TlsContextPointer, signer: number): number
  /** Certificate, key and chain in one. */
  tls_context_use_pkcs12(context: TlsContextPointer, bytes: Pointer, length: number, passphrase: Pointer): number
  /** Adds trust anchors, PEM bundle or DER; returns how many, or TLS_ERROR. Their names are sent in a server's CertificateRequest. */
  tls_context_add_ca(context: TlsContextPointer, bytes: Pointer, length: number): number
  /** Trust anchors for many contexts (roots.c), a PEM bundle; each is parsed when it is looked for, once. NULL: see tls_library_error. */
  tls_roots_new(bytes: Pointer, length: number): TlsRootsPointer
  /** Contexts that trust them keep them. */
  tls_roots_free(roots: TlsRootsPointer): void
  /** Trusts them, too. Last of all that changes trust: tls_context_add_ca and tls_context_add_crl come before it. Their names are not sent in a CertificateRequest: there are too many. */
  tls_context_trust_roots(context: TlsContextPointer, roots: TlsRootsPointer): number
  /** Protocols in wire format (RFC 7301): offered by a client, and a server's preference, best first. */
  tls_context_set_alpn(context: TlsContextPointer, wire: Pointer, length: number): number
  /** Distinguishes sessions of different services that share ticket keys. At most 32 bytes. */
  tls_context_set_session_id_context(context: TlsContextPointer, bytes: Pointer, length: number): number
  /** One of TLS_OPTION_*. */
  tls_context_set_option(context: TlsContextPointer, option: number, value: number): number
  /** SSL_OP_* bits to set besides (SSL_CTX_set_options(3)), the lower and the upper half of them. */
  tls_context_set_openssl_options(context: TlsContextPointer, low: number, high: number): number
  /** Keys for tickets, the newest first: 80 bytes each (name 16, HMAC-SHA256 32, AES-256 32), or 48 as Node has them. Without a call they are made at the first ticket. Setting them ends rotation until the next TLS_OPTION_TICKET_ROTATION. */
  tls_context_set_ticket_keys(context: TlsContextPointer, keys: Pointer, length: number): number
  tls_context_get_ticket_keys(context: TlsContextPointer): TlsBytesPointer
  /** PEM or DER. */
  tls_context_add_crl(context: TlsContextPointer, bytes: Pointer, length: number): number
  /** SHA-256 digests, 32 bytes each, of a SubjectPublicKeyInfo or a whole certificate: the verified chain must contain one of them. */
  tls_context_set_pins(context: TlsContextPointer, digests: Pointer, length: number): number
  /** Server: the DER OCSP response to staple; it is sent to clients that ask for one. */
  tls_context_set_ocsp_response(context: TlsContextPointer, der: Pointer, length: number): number
  /** Certificate policy that must be valid for the chain, as a dotted OID (RFC 5280, 6.1). */
  tls_context_require_policy(context: TlsContextPointer, oid: Pointer): number
  /** Diffie-Hellman parameters in PEM or DER, for DHE in TLS 1.2; without them groups are chosen to fit the key. */
  tls_context_set_dh_parameters(context: TlsContextPointer, bytes: Pointer, length: number): number
  /** Verifies certificates as of this time (seconds since the epoch) instead of now. */
  tls_context_set_verify_time(context: TlsContextPointer, seconds: number): number
  /** Capacities are in bytes, powers of two, at least 32 KiB. NULL: see tls_library_error. */
  tls_connection_new(context: TlsContextPointer, role: number, flags: number, capacity: number): TlsConnectionPointer
  tls_connection_free(connection: TlsConnectionPointer): void
  /** From now on these events are queued, too: TLS_FLAG_TRACE, TLS_FLAG_KEYLOG or both. */
  tls_connection_report(connection: TlsConnectionPointer, flags: number): void
  /** Moves what has arrived (tls_incoming_*) from a connection that was never used to one that takes its place. */
  tls_connection_take_over(connection: TlsConnectionPointer, from: TlsConnectionPointer): void
  /** Client: the name sent as SNI (RFC 6066); NULL: none. */
  tls_connection_set_servername(connection: TlsConnectionPointer, name: Pointer): number
  /** mode is TLS_VERIFY_*. identity, or NULL for no name check: the host name or IP address the peer's leaf must carry. The last call counts. */
  tls_connection_set_verify(connection: TlsConnectionPointer, mode: number, identity: Pointer): number
  /** Overrides the context's list for this connection. */
  tls_connection_set_alpn(connection: TlsConnectionPointer, wire: Pointer, length: number): number
  /** Client, after tls_connection_set_verify: offers a session (DER). Returns TLS_DONE, or TLS_CLOSED if it does not fit this connection (expired, another identity, never verified) and was left out: a full handshake follows. */
  tls_connection_set_session(connection: TlsConnectionPointer, der: Pointer, length: number): number
  /** Server, while parked at the ClientHello: certificates and settings come from this context from now on (SSL_set_SSL_CTX). */
  tls_connection_set_context(connection: TlsConnectionPointer, context: TlsContextPointer): number
  /** Server, while parked at the ClientHello: what to staple in this connection, whatever the bytes are; none of them: nothing. */
  tls_connection_set_ocsp_response(connection: TlsConnectionPointer, bytes: Pointer, length: number): number
  /** Server, while parked at the ClientHello: the session that was looked up for an id or ticket. */
  tls_connection_find_session(connection: TlsConnectionPointer, der: Pointer, length: number): number
  /** A pre-shared key: the one a client offers, or one of those a server knows. Any number on a server. */
  tls_connection_add_psk(connection: TlsConnectionPointer, identity: Pointer, key: Pointer, length: number): number
  /** Client, instead of tls_connection_add_psk and after tls_connection_set_verify: when a key is needed, the import `psk` is called with this number (psk.c): for each ClientHello, where TLS 1.3 may be spoken, and when a TLS 1.2 server has chosen a suite with a pre-shared key. The same import tells when the connection is gone. With an identity to verify, or a verdict that is only recorded, certificates will do as well. */
  tls_connection_set_psk_chooser(connection: TlsConnectionPointer, chooser: number): number
  /** Server, TLS 1.2: helps the client to choose its identity (RFC 4279). */
  tls_connection_set_psk_hint(connection: TlsConnectionPointer, hint: Pointer): number
  /** A raw public key (SubjectPublicKeyInfo in DER) that the peer may authenticate with (RFC 7250). */
  tls_connection_expect_key(connection: TlsConnectionPointer, spki: Pointer, length: number): number
  /** The contiguous free space of the incoming BIO; *length is written. Valid until the next call on this connection. */
  tls_incoming_space(connection: TlsConnectionPointer, length: Pointer): Pointer
  tls_incoming_commit(connection: TlsConnectionPointer, length: number): void
  tls_incoming_eof(connection: TlsConnectionPointer): void
  tls_incoming_pending(connection: TlsConnectionPointer): number
  /** The contiguous pending bytes of the outgoing BIO; consume them when they are copied. */
  tls_outgoing_peek(connection: TlsConnectionPointer, length: Pointer): Pointer
  tls_outgoing_consume(connection: TlsConnectionPointer, length: number): void
  tls_outgoing_pending(connection: TlsConnectionPointer): number
  /** SSL_do_handshake until it asks for something. */
  tls_handshake(connection: TlsConnectionPointer): number
  /** SSL_read into out until it is full or something is wanted: bytes (> 0) or a status. */
  tls_read(connection: TlsConnectionPointer, out: Pointer, length: number): number
  /** SSL_write: bytes accepted (> 0; each is encrypted and in the outgoing BIO) or a status. */
  tls_write(connection: TlsConnectionPointer, plaintext: Pointer, length: number): number
  /** Sends close_notify (once): TLS_DONE, or another status to be called again: in the midst of another handshake it has to wait. Reading goes on. */
  tls_close_write(connection: TlsConnectionPointer): number
  /** Client, before the handshake: 0-RTT data (RFC 8446, 2.3): bytes accepted (> 0) or a status. */
  tls_write_early(connection: TlsConnectionPointer, plaintext: Pointer, length: number): number
  /** TLS 1.3: new keys for our direction, and with request for the peer's, too (RFC 8446, 4.6.3). */
  tls_key_update(connection: TlsConnectionPointer, request: number): number
  /** Bytes of plaintext in the records to come, 512 to 16384. */
  tls_set_max_send_fragment(connection: TlsConnectionPointer, size: number): number
  /** TLS 1.2: asks for a new handshake on this connection. */
  tls_renegotiate(connection: TlsConnectionPointer): number
  /** TLS 1.2: from now on a new handshake that the peer asks for is declined with the warning no_renegotiation, and ours is an error. */
  tls_refuse_renegotiation(connection: TlsConnectionPointer): void
  /** Server, TLS 1.3: asks the client for a certificate after the handshake; mode is TLS_VERIFY_*. */
  tls_request_certificate(connection: TlsConnectionPointer, mode: number): number
  /** Server, TLS 1.3: sends another ticket. */
  tls_send_ticket(connection: TlsConnectionPointer): number
  /** Ends the connection with a fatal alert of our choice. Always TLS_ERROR. */
  tls_abort(connection: TlsConnectionPointer, alert: number): number
  /** Goes on after TLS_WANT_CALLBACK. alert: -1 to go on, else refuse the handshake with this AlertDescription; after a VERIFY event TLS_ALERT_OF_VERDICT chooses the one that fits OpenSSL's verdict, and -1 overrules it. */
  tls_resume(connection: TlsConnectionPointer, alert: number): number
  /** Goes on after TLS_EVENT_SIGN. (tls_resume with an alert refuses.) */
  tls_resume_signature(connection: TlsConnectionPointer, signature: Pointer, length: number): number
  /** Next event, oldest first, or NULL. */
  tls_event_take(connection: TlsConnectionPointer): TlsBytesPointer
  tls_connection_error(connection: TlsConnectionPointer): TlsErrorPointer
  /** 1 once the connection has failed: its error is final. */
  tls_connection_failed(connection: TlsConnectionPointer): number
  /** Bytes of UDP payload that a datagram may have, at least 208. Required before the handshake: there is nobody to ask. More than 4096 counts only after it, so call it again then. */
  dtls_set_mtu(connection: TlsConnectionPointer, mtu: number): number
  /** A datagram from the peer. TLS_DONE, or TLS_WANT_READ when it was dropped: empty, or the incoming BIO is full. */
  dtls_receive(connection: TlsConnectionPointer, datagram: Pointer, length: number): number
  /** The oldest datagram for the peer: its length, or 0 when there is none. What does not fit into length is lost. */
  dtls_take(connection: TlsConnectionPointer, out: Pointer, length: number): number
  /** SSL_read, one record: bytes (> 0) or a status. Answers the peer's retransmissions, too. */
  dtls_read(connection: TlsConnectionPointer, out: Pointer, length: number): number
  /** SSL_write, one record and so one datagram: TLS_DONE, or a status with nothing written. Longer than dtls_room is the caller's risk. */
  dtls_write(connection: TlsConnectionPointer, plaintext: Pointer, length: number): number
  /** Bytes of plaintext that fit into one datagram (DTLS_get_data_mtu(3)); 0 before the handshake is done. */
  dtls_room(connection: TlsConnectionPointer): number
  /** Milliseconds until dtls_handle_timeout is due, 0 when it is; negative when nothing is waited for. */
  dtls_timeout(connection: TlsConnectionPointer): number
  /** Sends the last flight again if it is due (DTLSv1_handle_timeout(3)). TLS_ERROR when it was sent a dozen times. */
  dtls_handle_timeout(connection: TlsConnectionPointer): number
  /** Server, before the handshake: asks the client for a cookie that is bound to this address. */
  dtls_set_peer(connection: TlsConnectionPointer, address: Pointer, length: number): number
  /** Server, after dtls_set_peer, instead of dtls_receive: TLS_DONE if the datagram is a ClientHello with a good cookie, and the handshake may begin (DTLSv1_listen(3)). Else TLS_WANT_READ, nothing is kept of it, and a HelloVerifyRequest may be there to take. TLS_ERROR: see tls_library_error; the connection can be used again. */
  dtls_listen(connection: TlsConnectionPointer, datagram: Pointer, length: number): number
  /** Cookies given out so far are no longer accepted. */
  dtls_replace_cookie_secret(context: TlsContextPointer): number
  tls_peer_agreed(connection: TlsConnectionPointer): TlsAgreedPointer
  /** The peer's certificate number index in DER, or NULL past the end. */
  tls_peer_certificate(connection: TlsConnectionPointer, chain: number, index: number): TlsBytesPointer
  /** Keying material for label (RFC 8446, 7.5; RFC 5705). context may be NULL. NULL on failure: see tls_connection_error. */
  tls_peer_exporter(connection: TlsConnectionPointer, label: Pointer, context: Pointer, contextLength: number, length: number): TlsBytesPointer
  /** TLS_BINDING_*. NULL where it is not defined: see tls_library_error. */
  tls_peer_channel_binding(connection: TlsConnectionPointer, type: number): TlsBytesPointer
  /** The current session in DER, or NULL: resumable or not, as it is at the moment. */
  tls_peer_session(connection: TlsConnectionPointer): TlsBytesPointer
  /** The ticket of the current session, or NULL. */
  tls_peer_ticket(connection: TlsConnectionPointer): TlsBytesPointer
  /** The signature schemes that both sides know (SSL_get_shared_sigalgs(3)), as "RSA-PSS+SHA256", each behind a uint32 length. */
  tls_peer_shared_signature_schemes(connection: TlsConnectionPointer): TlsBytesPointer
  /** The peer's raw public key (SubjectPublicKeyInfo), or NULL. */
  tls_peer_public_key(connection: TlsConnectionPointer): TlsBytesPointer
  /** The stapled OCSP response in DER, or NULL. */
  tls_peer_ocsp_response(connection: TlsConnectionPointer): TlsBytesPointer
  /** The Signed Certificate Timestamps of TLS extension, certificate and OCSP response, each in its RFC 6962 encoding behind a uint32 length. */
  tls_peer_scts(connection: TlsConnectionPointer): TlsBytesPointer
  /** A message digest by OpenSSL name. */
  tls_digest(name: Pointer, bytes: Pointer, length: number): TlsBytesPointer
  /** "RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65" or "ML-DSA-87": a private key as PKCS#8. */
  tls_key_create(type: Pointer): TlsBytesPointer
  /** A private key, encrypted or not, as PKCS#8, as encrypted PKCS#8, or its public half as SubjectPublicKeyInfo. */
  tls_key_convert(request: Pointer, length: number): TlsBytesPointer
  tls_certificate_create(request: Pointer, length: number): TlsBytesPointer
  tls_request_create(request: Pointer, length: number): TlsBytesPointer
  tls_crl_create(request: Pointer, length: number): TlsBytesPointer
  tls_pkcs12_create(request: Pointer, length: number): TlsBytesPointer
  /** Fields: key (PKCS#8), certificate, chain (one each). passphrase may be NULL. */
  tls_pkcs12_parse(bytes: Pointer, length: number, passphrase: Pointer): TlsBytesPointer
  /** Fields: certificate and crl, one each. */
  tls_pkcs7_parse(bytes: Pointer, length: number): TlsBytesPointer
  /** Fields: certificate, one for each of a PEM bundle; a single DER certificate comes back so too. */
  tls_certificate_split(bytes: Pointer, length: number): TlsBytesPointer
  /** What it says, as fields. kind is TLS_KIND_*. */
  tls_x509_describe(kind: number, bytes: Pointer, length: number): TlsBytesPointer
  /** The same for people, as the openssl command prints it with -text: UTF-8. Not for TLS_KIND_OCSP. */
  tls_x509_print(kind: number, bytes: Pointer, length: number): TlsBytesPointer
  /** Fields: error, one for each reason against the certificate; certificate, the chain as far as it could be built, leaf first. */
  tls_certificate_verify(request: Pointer, length: number): TlsBytesPointer
}

export const EXPORT_NAMES = [
  'tls_library_init',
  'tls_library_abi',
  'tls_library_version',
  'tls_library_live',
  'tls_library_error',
  'tls_library_ciphers',
  'tls_library_accelerate',
  'tls_memory_alloc',
  'tls_memory_free',
  'tls_bytes_free',
  'tls_context_new',
  'tls_context_free',
  'tls_context_set_versions',
  'tls_context_set_cipher_list',
  'tls_context_set_cipher_suites',
  'tls_context_set_groups',
  'tls_context_set_signature_schemes',
  'tls_context_use_certificate',
  'tls_context_use_key',
  'tls_context_check_keys',
  'tls_context_use_signer',
  'tls_context_use_pkcs12',
  'tls_context_add_ca',
  'tls_roots_new',
  'tls_roots_free',
  'tls_context_trust_roots',
  'tls_context_set_alpn',
  'tls_context_set_session_id_context',
  'tls_context_set_option',
  'tls_context_set_openssl_options',
  'tls_context_set_ticket_keys',
  'tls_context_get_ticket_keys',
  'tls_context_add_crl',
  'tls_context_set_pins',
  'tls_context_set_ocsp_response',
  'tls_context_require_policy',
  'tls_context_set_dh_parameters',
  'tls_context_set_verify_time',
  'tls_connection_new',
  'tls_connection_free',
  'tls_connection_report',
  'tls_connection_take_over',
  'tls_connection_set_servername',
  'tls_connection_set_verify',
  'tls_connection_set_alpn',
  'tls_connection_set_session',
  'tls_connection_set_context',
  'tls_connection_set_ocsp_response',
  'tls_connection_find_session',
  'tls_connection_add_psk',
  'tls_connection_set_psk_chooser',
  'tls_connection_set_psk_hint',
  'tls_connection_expect_key',
  'tls_incoming_space',
  'tls_incoming_commit',
  'tls_incoming_eof',
  'tls_incoming_pending',
  'tls_outgoing_peek',
  'tls_outgoing_consume',
  'tls_outgoing_pending',
  'tls_handshake',
  'tls_read',
  'tls_write',
  'tls_close_write',
  'tls_write_early',
  'tls_key_update',
  'tls_set_max_send_fragment',
  'tls_renegotiate',
  'tls_refuse_renegotiation',
  'tls_request_certificate',
  'tls_send_ticket',
  'tls_abort',
  'tls_resume',
  'tls_resume_signature',
  'tls_event_take',
  'tls_connection_error',
  'tls_connection_failed',
  'dtls_set_mtu',
  'dtls_receive',
  'dtls_take',
  'dtls_read',
  'dtls_write',
  'dtls_room',
  'dtls_timeout',
  'dtls_handle_timeout',
  'dtls_set_peer',
  'dtls_listen',
  'dtls_replace_cookie_secret',
  'tls_peer_agreed',
  'tls_peer_certificate',
  'tls_peer_exporter',
  'tls_peer_channel_binding',
  'tls_peer_session',
  'tls_peer_ticket',
  'tls_peer_shared_signature_schemes',
  'tls_peer_public_key',
  'tls_peer_ocsp_response',
  'tls_peer_scts',
  'tls_digest',
  'tls_key_create',
  'tls_key_convert',
  'tls_certificate_create',
  'tls_request_create',
  'tls_crl_create',
  'tls_pkcs12_create',
  'tls_pkcs12_parse',
  'tls_pkcs7_parse',
  'tls_certificate_split',
  'tls_x509_describe',
  'tls_x509_print',
  'tls_certificate_verify',
] as const satisfies readonly (keyof Exports)[]
