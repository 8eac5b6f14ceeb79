/*
 * The contract between openssl.wasm and src/abi: every export, constant and shared struct, declared once.
 * wasm/gen.ts reads this file and writes src/abi/generated.ts and the linker's export list; nothing is typed by hand twice.
 *
 * Conventions, valid for every function below:
 *  - A pointer argument is borrowed for the call: the callee copies what it keeps. `const char *` is NUL-terminated UTF-8.
 *  - A returned `tls_bytes *` is owned by the caller and goes back through tls_bytes_free, which wipes it. NULL means "none",
 *    or failure where the comment says so.
 *  - Objects (`tls_context *`, `tls_connection *`) are owned by the caller and freed by their own _free. Freeing a context
 *    that connections still use is allowed: OpenSSL counts references.
 *  - Calls return at once. "Not ready" is a status. On TLS_ERROR the OpenSSL error queue has already been drained into a
 *    tls_error: the connection's own where there is a connection, the library's otherwise.
 *  - Not re-entrant: no export may be called from inside an import.
 *
 * The generator understands: `#define NAME number`, `typedef struct NAME { ... } NAME;` with uint32_t, int32_t, double and
 * char[N] fields, opaque `typedef struct NAME NAME;`, and EXPORT declarations whose types are those, (u)int32_t, double,
 * size_t, `uint8_t *` and `const char *`.
 */
#ifndef MEMBIO_ABI_H
#define MEMBIO_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Linked into the module's export list by name, so the same line works natively. */
#define EXPORT extern

/* Bumped on any change below; the loader refuses a module of another version. */
#define ABI_VERSION 3

/* ---- Status: what a call on a connection came to. Positive return values of tls_read and tls_write are byte counts. ---- */
#define TLS_DONE 0
#define TLS_WANT_READ (-1)     /* needs ciphertext from the peer: SSL_ERROR_WANT_READ */
#define TLS_WANT_WRITE (-2)    /* the outgoing BIO is full: SSL_ERROR_WANT_WRITE */
#define TLS_WANT_CALLBACK (-3) /* parked until tls_resume: an event says on what */
#define TLS_CLOSED (-4)        /* close_notify: this direction has ended in good order */
#define TLS_ERROR (-5)         /* fatal; the same error is reported by every later call */

#define TLS_ROLE_CLIENT 0
#define TLS_ROLE_SERVER 1

/* ---- tls_context_new: streams (TLS 1.x), or datagrams (DTLS 1.2) ---- */
#define TLS_PROTOCOL_TLS 0
#define TLS_PROTOCOL_DTLS 1

/* ---- Events, in tls_bytes.kind ---- */
#define TLS_EVENT_KEYLOG 1       /* data: one NSS key log line, without the newline */
#define TLS_EVENT_SESSION 2      /* data: length of the id (1 byte), id, session in DER; detail: lifetime in seconds */
#define TLS_EVENT_ALERT 3        /* detail: TLS_DIRECTION_* << 16 | level << 8 | description */
#define TLS_EVENT_STATE 4        /* data: the state machine's state (SSL_state_string_long); only when tracing */
#define TLS_EVENT_MESSAGE 5      /* detail: TLS_DIRECTION_* << 16 | content type; data: the message; only when tracing */
#define TLS_EVENT_AGREED 6       /* what was agreed has changed: renegotiation or post-handshake authentication */
#define TLS_EVENT_EARLY_DATA 7   /* data: 0-RTT plaintext, which may be a replay */
/* These park the handshake until tls_resume. */
#define TLS_EVENT_CLIENT_HELLO 8        /* data: the ClientHello's body (RFC 8446, 4.1.2) */
#define TLS_EVENT_CERTIFICATE_REQUEST 9 /* data: the acceptable CAs' names in DER, each behind a uint32 length */
#define TLS_EVENT_VERIFY 10             /* the peer's certificate, with OpenSSL's verdict in tls_peer_agreed */
#define TLS_EVENT_PSK 11                /* data: the identity a TLS 1.2 client asks a key for */
#define TLS_EVENT_SIGN 12               /* detail: IANA SignatureScheme; data: what is to be signed; goes on with tls_resume_signature */
#define TLS_EVENT_RENEGOTIATION 13      /* the client has asked for a new handshake */

#define TLS_DIRECTION_RECEIVED 0
#define TLS_DIRECTION_SENT 1

/* ---- tls_connection_set_verify ---- */
#define TLS_VERIFY_NONE 0    /* ask for no certificate (server), accept any (client); the verdict is still recorded */
#define TLS_VERIFY_OPTIONAL 1 /* server: ask; accept none or a valid one */
#define TLS_VERIFY_RECORD 2  /* ask; accept none and any; the verdict is recorded and left to the caller */
#define TLS_VERIFY_REQUIRE 3 /* a valid certificate or no handshake */

/* ---- tls_connection_new flags ---- */
#define TLS_FLAG_TRACE 1                     /* queue STATE and MESSAGE events */
#define TLS_FLAG_KEYLOG 2                    /* queue KEYLOG events */
#define TLS_FLAG_SESSIONS 4                  /* queue SESSION events */
#define TLS_FLAG_EARLY_DATA 8                /* server: accept 0-RTT and queue EARLY_DATA events */
#define TLS_FLAG_POST_HANDSHAKE_AUTH 16      /* client: offer post-handshake authentication (RFC 8446, 4.6.2) */
#define TLS_FLAG_REQUEST_OCSP 32             /* client: ask for a stapled OCSP response */
#define TLS_FLAG_REQUIRE_OCSP 64             /* client: refuse a certificate without one */
#define TLS_FLAG_REQUEST_SCTS 128            /* client: ask for SCTs by TLS extension (RFC 6962, 3.3.1); they are handed over as they come */
#define TLS_FLAG_PARK_CLIENT_HELLO 256       /* server: stop at the ClientHello with TLS_WANT_CALLBACK */
#define TLS_FLAG_PARK_CERTIFICATE_REQUEST 512 /* client: stop where a certificate is asked for */
#define TLS_FLAG_PARK_VERIFY 1024            /* stop when the peer's certificate has been looked at */
#define TLS_FLAG_PARK_PSK 2048               /* server, TLS 1.2: stop where the client names its PSK identity */
#define TLS_FLAG_DELIVER_OCSP 4096           /* client: ask for a stapled OCSP response and hand it over unchecked */
#define TLS_FLAG_PARK_RENEGOTIATION 8192     /* server, TLS 1.2: stop where the client asks for a new handshake */

/* ---- tls_peer_chain ---- */
#define TLS_CHAIN_SENT 0     /* as the peer sent it, leaf first */
#define TLS_CHAIN_VERIFIED 1 /* as built by verification, leaf first, trust anchor last */

/* ---- tls_context_use_signer ---- */
#define TLS_SIGNER_LATER 0 /* instead of calling the host: park, with TLS_EVENT_SIGN */

typedef struct tls_context tls_context;
typedef struct tls_connection tls_connection;
typedef struct tls_roots tls_roots;

/* Bytes handed to the host; an event when kind is not 0. The data follows the struct. */
typedef struct tls_bytes {
  uint32_t length;
  uint32_t kind;
  uint32_t detail;
} tls_bytes;

/* Why a call failed: the drained error queue, oldest entry (the root cause) first, and what surrounds it. */
typedef struct tls_error {
  uint32_t code;           /* OpenSSL's packed code, 0 if there is none */
  int32_t verify_result;   /* X509_V_ERR_*, or 0 */
  int32_t verify_depth;    /* depth of the certificate it is about; 0 is the leaf */
  int32_t alert_sent;      /* AlertDescription, or -1 */
  int32_t alert_received;  /* AlertDescription, or -1 */
  uint32_t eof;            /* 1 if the incoming stream ended without close_notify */
  char library[32];        /* "SSL routines" */
  char reason[96];         /* "certificate verify failed" */
  char detail[160];        /* the text OpenSSL attached, if any */
  char verify_name[48];    /* "CERT_HAS_EXPIRED" */
  char verify_text[96];    /* "certificate has expired" */
  char stack[640];         /* the whole queue, a line an entry: "library: reason: detail" */
  char option[32];         /* the field of a request (see fields.c) that was refused, if it is known */
} tls_error;

/* ---- tls_context_set_option ---- */
#define TLS_OPTION_SECURITY_LEVEL 1      /* SSL_CTX_set_security_level(3) */
#define TLS_OPTION_CLIENT_PREFERENCE 2   /* 1: the client's order of suites counts, not ours */
#define TLS_OPTION_LEGACY 3              /* 1: connect to servers without RFC 5746, and renegotiate without it */
#define TLS_OPTION_RENEGOTIATION 4       /* how many renegotiations a peer may ask for; 0 refuses them (default) */
#define TLS_OPTION_MAX_SEND_FRAGMENT 5   /* bytes of plaintext in a record, 512 to 16384 */
#define TLS_OPTION_MAX_FRAGMENT_LENGTH 6 /* client: asks for records of 512, 1024, 2048 or 4096 bytes (RFC 6066, 4) */
#define TLS_OPTION_RECORD_PADDING 7      /* TLS 1.3: pads records to a multiple of this many bytes */
#define TLS_OPTION_TICKETS 8             /* TLS_TICKETS_* */
#define TLS_OPTION_TICKET_COUNT 9        /* TLS 1.3 tickets a server sends after a full handshake */
#define TLS_OPTION_SESSION_LIFETIME 10   /* seconds a session can be resumed for */
#define TLS_OPTION_TICKET_ROTATION 11    /* seconds a ticket key is used for; 0: for ever */
#define TLS_OPTION_MAX_EARLY_DATA 12     /* bytes of 0-RTT data a server accepts in a connection */
#define TLS_OPTION_PARTIAL_CHAIN 13      /* 1: a chain may end at any certificate in the store, not only at a root */
#define TLS_OPTION_VERIFY_DEPTH 14       /* intermediates allowed between leaf and root */
#define TLS_OPTION_CRL_CHECK 15          /* 0: none, 1: the leaf, 2: the whole chain */
#define TLS_OPTION_RAW_PUBLIC_KEYS 16    /* 1: raw public keys besides certificates, 2: only they (RFC 7250) */

#define TLS_OPTION_ANY_PURPOSE 17        /* 1: extended key usage does not matter */
#define TLS_OPTION_NO_DH 18              /* 1: no finite-field DH, unless parameters are set */

#define TLS_TICKETS_STATELESS 0
#define TLS_TICKETS_STATEFUL 1 /* sessions stay here: SESSION events carry them, tls_connection_find_session brings them back */
#define TLS_TICKETS_NONE 2
#define TLS_TICKETS_BOTH 3 /* stateless for clients that take tickets, session ids for the others; SESSION events, too */

/* ---- tls_resume ---- */
#define TLS_ALERT_OF_VERDICT 256

/* ---- tls_peer_channel_binding ---- */
#define TLS_BINDING_UNIQUE 0           /* RFC 5929, up to TLS 1.2 */
#define TLS_BINDING_SERVER_END_POINT 1 /* RFC 5929 */
#define TLS_BINDING_EXPORTER 2         /* RFC 9266 */
#define TLS_BINDING_FINISHED 3         /* not a binding: our Finished message */
#define TLS_BINDING_PEER_FINISHED 4

/* ---- tls_agreed.early_data: SSL_get_early_data_status(3) ---- */
#define TLS_EARLY_DATA_NONE 0
#define TLS_EARLY_DATA_REJECTED 1
#define TLS_EARLY_DATA_ACCEPTED 2

/* ---- tls_agreed.temporary_key ---- */
#define TLS_TEMPORARY_KEY_NONE 0
#define TLS_TEMPORARY_KEY_DH 1
#define TLS_TEMPORARY_KEY_ECDH 2
#define TLS_TEMPORARY_KEY_KEM 3

/* What the handshake agreed on. Strings are empty where nothing was agreed. */
typedef struct tls_agreed {
  uint32_t version;            /* 0x0304 */
  uint32_t cipher_id;          /* IANA number, 0x1301 */
  uint32_t resumed;
  int32_t verify_result;       /* X509_V_OK is 0; meaningful when the peer sent a certificate */
  int32_t verify_depth;
  uint32_t peer_certificate;   /* 1 if the peer has authenticated itself with a certificate, 2: with a raw public key */
  uint32_t early_data;         /* TLS_EARLY_DATA_* */
  uint32_t alpn_length;
  uint32_t temporary_key;      /* client: TLS_TEMPORARY_KEY_*, what the server's ephemeral key is */
  uint32_t temporary_key_bits;
  char temporary_key_name[48]; /* "X25519", "prime256v1" */
  char version_name[16];       /* "TLSv1.3" */
  char cipher_version[16];     /* the oldest version that has the suite, "TLSv1.2" */
  char cipher_standard[64];    /* "TLS_AES_128_GCM_SHA256" */
  char cipher_openssl[64];     /* "ECDHE-RSA-AES128-GCM-SHA256" */
  char group[48];              /* "X25519MLKEM768" */
  char signature[48];          /* the signature scheme of our own handshake signature */
  char peer_signature[48];     /* and of the peer's */
  char servername[256];        /* SNI: asked for by the client */
  char alpn[256];              /* alpn_length bytes */
  char verify_name[48];
} tls_agreed;

/* ---- Library (library.c) ---- */

/* Loads the default provider and the seed source. Call once, first. Touches neither entropy nor the clock. */
EXPORT int32_t tls_library_init(void);
EXPORT uint32_t tls_library_abi(void);
/* "OpenSSL 3.5.7 9 Jun 2026" */
EXPORT const char *tls_library_version(void);
/* Contexts and connections not yet freed; for leak tests. */
EXPORT uint32_t tls_library_live(void);
/* The error of the last call that returned TLS_ERROR or NULL without a connection. */
EXPORT const tls_error *tls_library_error(void);
/* The names of all cipher suites that can be asked for, each behind a uint32 length. NULL: see tls_library_error. */
EXPORT tls_bytes *tls_library_ciphers(void);
/*
 * From now on the imports `aead` and `rsa` are asked: for the text of AES-GCM records of at least so many bytes (0: none), and for
 * operations with RSA private keys. Keys go to the host by `import_key`. Without a call nothing does.
 */
EXPORT void tls_library_accelerate(uint32_t least_aes_gcm, uint32_t rsa);
/* Scratch memory for arguments; tls_memory_free wipes all of its bytes. */
EXPORT uint8_t *tls_memory_alloc(size_t length);
EXPORT void tls_memory_free(uint8_t *memory, size_t length);
EXPORT void tls_bytes_free(tls_bytes *bytes);

/* ---- Context: SSL_CTX (context.c). Setters return TLS_DONE or TLS_ERROR. ---- */

/* protocol is TLS_PROTOCOL_*. NULL: see tls_library_error. */
EXPORT tls_context *tls_context_new(uint32_t protocol);
EXPORT void tls_context_free(tls_context *context);
/* Protocol versions as on the wire (0x0303); 0 leaves the bound open. */
EXPORT int32_t tls_context_set_versions(tls_context *context, uint32_t minimum, uint32_t maximum);
/* TLS 1.2 and older, OpenSSL's cipher list format; an empty one leaves TLS 1.3 alone. */
EXPORT int32_t tls_context_set_cipher_list(tls_context *context, const char *list);
/* TLS 1.3, colon-separated; an empty list leaves the older versions alone. */
EXPORT int32_t tls_context_set_cipher_suites(tls_context *context, const char *list);
EXPORT int32_t tls_context_set_groups(tls_context *context, const char *list);
EXPORT int32_t tls_context_set_signature_schemes(tls_context *context, const char *list);
/* A PEM bundle (leaf first, then intermediates) or one DER certificate. */
EXPORT int32_t tls_context_use_certificate(tls_context *context, const uint8_t *bytes, size_t length);
/* PEM or DER, PKCS#8 (encrypted too) or traditional. Must fit one of the certificates given before, if there are any. passphrase may be NULL. */
EXPORT int32_t tls_context_use_key(tls_context *context, const uint8_t *bytes, size_t length, const char *passphrase);
/* Whether each certificate has got its key, a signer or its successor: another one with a key of the same type. */
EXPORT int32_t tls_context_check_keys(tls_context *context);
/*
 * Instead of a key: whenever the key of the certificate given last shall sign, the import `sign` is called with this number
 * (signer.c). The same import tells when the number is not needed any more: when neither this context nor a connection holds the
 * key, or when this call failed.
 */
EXPORT int32_t tls_context_use_signer(tls_context *context, uint32_t signer);
/* Certificate, key and chain in one. */
EXPORT int32_t tls_context_use_pkcs12(tls_context *context, const uint8_t *bytes, size_t length, const char *passphrase);
/* Adds trust anchors, PEM bundle or DER; returns how many, or TLS_ERROR. Their names are sent in a server's CertificateRequest. */
EXPORT int32_t tls_context_add_ca(tls_context *context, const uint8_t *bytes, size_t length);
/* Trust anchors for many contexts (roots.c), a PEM bundle; each is parsed when it is looked for, once. NULL: see tls_library_error. */
EXPORT tls_roots *tls_roots_new(const uint8_t *bytes, size_t length);
/* Contexts that trust them keep them. */
EXPORT void tls_roots_free(tls_roots *roots);
/*
 * Trusts them, too. Last of all that changes trust: tls_context_add_ca and tls_context_add_crl come before it. Their names are not sent in a
 * CertificateRequest: there are too many.
 */
EXPORT int32_t tls_context_trust_roots(tls_context *context, tls_roots *roots);
/* Protocols in wire format (RFC 7301): offered by a client, and a server's preference, best first. */
EXPORT int32_t tls_context_set_alpn(tls_context *context, const uint8_t *wire, size_t length);
/* Distinguishes sessions of different services that share ticket keys. At most 32 bytes. */
EXPORT int32_t tls_context_set_session_id_context(tls_context *context, const uint8_t *bytes, size_t length);
/* One of TLS_OPTION_*. */
EXPORT int32_t tls_context_set_option(tls_context *context, uint32_t option, uint32_t value);
/* SSL_OP_* bits to set besides (SSL_CTX_set_options(3)), the lower and the upper half of them. */
EXPORT int32_t tls_context_set_openssl_options(tls_context *context, uint32_t low, uint32_t high);
/* Keys for tickets, the newest first: 80 bytes each (name 16, HMAC-SHA256 32, AES-256 32), or 48 as Node has them. Without a call
   they are made at the first ticket. Setting them ends rotation until the next TLS_OPTION_TICKET_ROTATION. */
EXPORT int32_t tls_context_set_ticket_keys(tls_context *context, const uint8_t *keys, size_t length);
EXPORT tls_bytes *tls_context_get_ticket_keys(tls_context *context);
/* PEM or DER. */
EXPORT int32_t tls_context_add_crl(tls_context *context, const uint8_t *bytes, size_t length);
/* SHA-256 digests, 32 bytes each, of a SubjectPublicKeyInfo or a whole certificate: the verified chain must contain one of them. */
EXPORT int32_t tls_context_set_pins(tls_context *context, const uint8_t *digests, size_t length);
/* Server: the DER OCSP response to staple; it is sent to clients that ask for one. */
EXPORT int32_t tls_context_set_ocsp_response(tls_context *context, const uint8_t *der, size_t length);
/* Certificate policy that must be valid for the chain, as a dotted OID (RFC 5280, 6.1). */
EXPORT int32_t tls_context_require_policy(tls_context *context, const char *oid);
/* Diffie-Hellman parameters in PEM or DER, for DHE in TLS 1.2; without them groups are chosen to fit the key. */
EXPORT int32_t tls_context_set_dh_parameters(tls_context *context, const uint8_t *bytes, size_t length);
/* Verifies certificates as of this time (seconds since the epoch) instead of now. */
EXPORT int32_t tls_context_set_verify_time(tls_context *context, double seconds);

/* ---- Connection: SSL and its two BIOs (connection.c, bio.c) ---- */

/* Capacities are in bytes, powers of two, at least 32 KiB. NULL: see tls_library_error. */
EXPORT tls_connection *tls_connection_new(tls_context *context, uint32_t role, uint32_t flags, uint32_t capacity);
EXPORT void tls_connection_free(tls_connection *connection);
/* From now on these events are queued, too: TLS_FLAG_TRACE, TLS_FLAG_KEYLOG or both. */
EXPORT void tls_connection_report(tls_connection *connection, uint32_t flags);
/* Moves what has arrived (tls_incoming_*) from a connection that was never used to one that takes its place. */
EXPORT void tls_connection_take_over(tls_connection *connection, tls_connection *from);
/* Client: the name sent as SNI (RFC 6066); NULL: none. */
EXPORT int32_t tls_connection_set_servername(tls_connection *connection, const char *name);
/* mode is TLS_VERIFY_*. identity, or NULL for no name check: the host name or IP address the peer's leaf must carry. The last call counts. */
EXPORT int32_t tls_connection_set_verify(tls_connection *connection, uint32_t mode, const char *identity);
/* Overrides the context's list for this connection. */
EXPORT int32_t tls_connection_set_alpn(tls_connection *connection, const uint8_t *wire, size_t length);
/* Client, after tls_connection_set_verify: offers a session (DER). Returns TLS_DONE, or TLS_CLOSED if it does not fit this connection (expired, another
   identity, never verified) and was left out: a full handshake follows. */
EXPORT int32_t tls_connection_set_session(tls_connection *connection, const uint8_t *der, size_t length);
/* Server, while parked at the ClientHello: certificates and settings come from this context from now on (SSL_set_SSL_CTX). */
EXPORT int32_t tls_connection_set_context(tls_connection *connection, tls_context *context);

/* Server, while parked at the ClientHello: what to staple in this connection, whatever the bytes are; none of them: nothing. */
EXPORT int32_t tls_connection_set_ocsp_response(tls_connection *connection, const uint8_t *bytes, size_t length);
/* Server, while parked at the ClientHello: the session that was looked up for an id or ticket. */
EXPORT int32_t tls_connection_find_session(tls_connection *connection, const uint8_t *der, size_t length);
/* A pre-shared key: the one a client offers, or one of those a server knows. Any number on a server. */
EXPORT int32_t tls_connection_add_psk(tls_connection *connection, const char *identity, const uint8_t *key, size_t length);
/*
 * Client, instead of tls_connection_add_psk and after tls_connection_set_verify: when a key is needed, the import `psk` is called with this
 * number (psk.c): for each ClientHello, where TLS 1.3 may be spoken, and when a TLS 1.2 server has chosen a suite with a pre-shared key. The
 * same import tells when the connection is gone. With an identity to verify, or a verdict that is only recorded, certificates will do as well.
 */
EXPORT int32_t tls_connection_set_psk_chooser(tls_connection *connection, uint32_t chooser);
/* Server, TLS 1.2: helps the client to choose its identity (RFC 4279). */
EXPORT int32_t tls_connection_set_psk_hint(tls_connection *connection, const char *hint);
/* A raw public key (SubjectPublicKeyInfo in DER) that the peer may authenticate with (RFC 7250). */
EXPORT int32_t tls_connection_expect_key(tls_connection *connection, const uint8_t *spki, size_t length);

/* The contiguous free space of the incoming BIO; *length is written. Valid until the next call on this connection. */
EXPORT uint8_t *tls_incoming_space(tls_connection *connection, uint32_t *length);
EXPORT void tls_incoming_commit(tls_connection *connection, uint32_t length);
EXPORT void tls_incoming_eof(tls_connection *connection);
EXPORT uint32_t tls_incoming_pending(tls_connection *connection);
/* The contiguous pending bytes of the outgoing BIO; consume them when they are copied. */
EXPORT const uint8_t *tls_outgoing_peek(tls_connection *connection, uint32_t *length);
EXPORT void tls_outgoing_consume(tls_connection *connection, uint32_t length);
EXPORT uint32_t tls_outgoing_pending(tls_connection *connection);

/* SSL_do_handshake until it asks for something. */
EXPORT int32_t tls_handshake(tls_connection *connection);
/* SSL_read into out until it is full or something is wanted: bytes (> 0) or a status. */
EXPORT int32_t tls_read(tls_connection *connection, uint8_t *out, size_t length);
/* SSL_write: bytes accepted (> 0; each is encrypted and in the outgoing BIO) or a status. */
EXPORT int32_t tls_write(tls_connection *connection, const uint8_t *plaintext, size_t length);
/* Sends close_notify (once): TLS_DONE, or another status to be called again: in the midst of another handshake it has to wait. Reading goes
   on. */
EXPORT int32_t tls_close_write(tls_connection *connection);
/* Client, before the handshake: 0-RTT data (RFC 8446, 2.3): bytes accepted (> 0) or a status. */
EXPORT int32_t tls_write_early(tls_connection *connection, const uint8_t *plaintext, size_t length);
/* TLS 1.3: new keys for our direction, and with request for the peer's, too (RFC 8446, 4.6.3). */
EXPORT int32_t tls_key_update(tls_connection *connection, uint32_t request);
/* Bytes of plaintext in the records to come, 512 to 16384. */
EXPORT int32_t tls_set_max_send_fragment(tls_connection *connection, uint32_t size);
/* TLS 1.2: asks for a new handshake on this connection. */
EXPORT int32_t tls_renegotiate(tls_connection *connection);
/* TLS 1.2: from now on a new handshake that the peer asks for is declined with the warning no_renegotiation, and ours is an error. */
EXPORT void tls_refuse_renegotiation(tls_connection *connection);
/* Server, TLS 1.3: asks the client for a certificate after the handshake; mode is TLS_VERIFY_*. */
EXPORT int32_t tls_request_certificate(tls_connection *connection, uint32_t mode);
/* Server, TLS 1.3: sends another ticket. */
EXPORT int32_t tls_send_ticket(tls_connection *connection);
/* Ends the connection with a fatal alert of our choice. Always TLS_ERROR. */
EXPORT int32_t tls_abort(tls_connection *connection, uint32_t alert);
/* Goes on after TLS_WANT_CALLBACK. alert: -1 to go on, else refuse the handshake with this AlertDescription; after a VERIFY event
   TLS_ALERT_OF_VERDICT chooses the one that fits OpenSSL's verdict, and -1 overrules it. */
EXPORT int32_t tls_resume(tls_connection *connection, int32_t alert);
/* Goes on after TLS_EVENT_SIGN. (tls_resume with an alert refuses.) */
EXPORT int32_t tls_resume_signature(tls_connection *connection, const uint8_t *signature, size_t length);
/* Next event, oldest first, or NULL. */
EXPORT tls_bytes *tls_event_take(tls_connection *connection);
EXPORT const tls_error *tls_connection_error(tls_connection *connection);
/* 1 once the connection has failed: its error is final. */
EXPORT uint32_t tls_connection_failed(tls_connection *connection);

/*
 * ---- DTLS (datagram.c, cookie.c): for connections of a TLS_PROTOCOL_DTLS context, in place of tls_incoming_*, tls_outgoing_*,
 * tls_read and tls_write. The two BIOs hold whole datagrams. Everything else is as with streams. ----
 */

/*
 * Bytes of UDP payload that a datagram may have, at least 208. Required before the handshake: there is nobody to ask. More than 4096
 * counts only after it, so call it again then.
 */
EXPORT int32_t dtls_set_mtu(tls_connection *connection, uint32_t mtu);
/* A datagram from the peer. TLS_DONE, or TLS_WANT_READ when it was dropped: empty, or the incoming BIO is full. */
EXPORT int32_t dtls_receive(tls_connection *connection, const uint8_t *datagram, size_t length);
/* The oldest datagram for the peer: its length, or 0 when there is none. What does not fit into length is lost. */
EXPORT uint32_t dtls_take(tls_connection *connection, uint8_t *out, size_t length);
/* SSL_read, one record: bytes (> 0) or a status. Answers the peer's retransmissions, too. */
EXPORT int32_t dtls_read(tls_connection *connection, uint8_t *out, size_t length);
/* SSL_write, one record and so one datagram: TLS_DONE, or a status with nothing written. Longer than dtls_room is the caller's risk. */
EXPORT int32_t dtls_write(tls_connection *connection, const uint8_t *plaintext, size_t length);
/* Bytes of plaintext that fit into one datagram (DTLS_get_data_mtu(3)); 0 before the handshake is done. */
EXPORT uint32_t dtls_room(tls_connection *connection);
/* Milliseconds until dtls_handle_timeout is due, 0 when it is; negative when nothing is waited for. */
EXPORT double dtls_timeout(tls_connection *connection);
/* Sends the last flight again if it is due (DTLSv1_handle_timeout(3)). TLS_ERROR when it was sent a dozen times. */
EXPORT int32_t dtls_handle_timeout(tls_connection *connection);
/* Server, before the handshake: asks the client for a cookie that is bound to this address. */
EXPORT int32_t dtls_set_peer(tls_connection *connection, const uint8_t *address, size_t length);
/*
 * Server, after dtls_set_peer, instead of dtls_receive: TLS_DONE if the datagram is a ClientHello with a good cookie, and the handshake
 * may begin (DTLSv1_listen(3)). Else TLS_WANT_READ, nothing is kept of it, and a HelloVerifyRequest may be there to take. TLS_ERROR: see
 * tls_library_error; the connection can be used again.
 */
EXPORT int32_t dtls_listen(tls_connection *connection, const uint8_t *datagram, size_t length);
/* Cookies given out so far are no longer accepted. */
EXPORT int32_t dtls_replace_cookie_secret(tls_context *context);

/* ---- What was agreed, and who the peer is (peer.c) ---- */

EXPORT const tls_agreed *tls_peer_agreed(tls_connection *connection);
/* The peer's certificate number index in DER, or NULL past the end. */
EXPORT tls_bytes *tls_peer_certificate(tls_connection *connection, uint32_t chain, uint32_t index);
/* Keying material for label (RFC 8446, 7.5; RFC 5705). context may be NULL. NULL on failure: see tls_connection_error. */
EXPORT tls_bytes *tls_peer_exporter(tls_connection *connection, const char *label, const uint8_t *context, size_t context_length,
                                    size_t length);

/* TLS_BINDING_*. NULL where it is not defined: see tls_library_error. */
EXPORT tls_bytes *tls_peer_channel_binding(tls_connection *connection, uint32_t type);
/* The current session in DER, or NULL: resumable or not, as it is at the moment. */
EXPORT tls_bytes *tls_peer_session(tls_connection *connection);
/* The ticket of the current session, or NULL. */
EXPORT tls_bytes *tls_peer_ticket(tls_connection *connection);
/* The signature schemes that both sides know (SSL_get_shared_sigalgs(3)), as "RSA-PSS+SHA256", each behind a uint32 length. */
EXPORT tls_bytes *tls_peer_shared_signature_schemes(tls_connection *connection);
/* The peer's raw public key (SubjectPublicKeyInfo), or NULL. */
EXPORT tls_bytes *tls_peer_public_key(tls_connection *connection);
/* The stapled OCSP response in DER, or NULL. */
EXPORT tls_bytes *tls_peer_ocsp_response(tls_connection *connection);
/* The Signed Certificate Timestamps of TLS extension, certificate and OCSP response, each in its RFC 6962 encoding behind a uint32 length. */
EXPORT tls_bytes *tls_peer_scts(tls_connection *connection);
/* A message digest by OpenSSL name. */
EXPORT tls_bytes *tls_digest(const char *name, const uint8_t *bytes, size_t length);

/*
 * ---- Certificates (x509-*.c). NULL on failure: see tls_library_error. ----
 *
 * A request is a sequence of fields as fields.c describes them, so that nothing in a value can be taken for syntax; so is a result
 * that is called "fields". src/x509 knows their names. Encoded things are PEM or DER in, DER out.
 */

/* "RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521", "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65" or "ML-DSA-87": a private
   key as PKCS#8. */
EXPORT tls_bytes *tls_key_create(const char *type);
/* A private key, encrypted or not, as PKCS#8, as encrypted PKCS#8, or its public half as SubjectPublicKeyInfo. */
EXPORT tls_bytes *tls_key_convert(const uint8_t *request, size_t length);
EXPORT tls_bytes *tls_certificate_create(const uint8_t *request, size_t length);
EXPORT tls_bytes *tls_request_create(const uint8_t *request, size_t length);
EXPORT tls_bytes *tls_crl_create(const uint8_t *request, size_t length);
EXPORT tls_bytes *tls_pkcs12_create(const uint8_t *request, size_t length);
/* Fields: key (PKCS#8), certificate, chain (one each). passphrase may be NULL. */
EXPORT tls_bytes *tls_pkcs12_parse(const uint8_t *bytes, size_t length, const char *passphrase);
/* Fields: certificate and crl, one each. */
EXPORT tls_bytes *tls_pkcs7_parse(const uint8_t *bytes, size_t length);
/* Fields: certificate, one for each of a PEM bundle; a single DER certificate comes back so too. */
EXPORT tls_bytes *tls_certificate_split(const uint8_t *bytes, size_t length);

#define TLS_KIND_CERTIFICATE 1
#define TLS_KIND_REQUEST 2
#define TLS_KIND_CRL 3
#define TLS_KIND_OCSP 4

/* What it says, as fields. kind is TLS_KIND_*. */
EXPORT tls_bytes *tls_x509_describe(uint32_t kind, const uint8_t *bytes, size_t length);
/* The same for people, as the openssl command prints it with -text: UTF-8. Not for TLS_KIND_OCSP. */
EXPORT tls_bytes *tls_x509_print(uint32_t kind, const uint8_t *bytes, size_t length);
/* Fields: error, one for each reason against the certificate; certificate, the chain as far as it could be built, leaf first. */
EXPORT tls_bytes *tls_certificate_verify(const uint8_t *request, size_t length);

#endif
