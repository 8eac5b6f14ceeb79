/* What the C files share with each other and with nobody else. The public contract is abi.h. */
#ifndef MEMBIO_INTERNAL_H
#define MEMBIO_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "abi.h"

/* ---- bio.c: the bounded ring that stands where a socket would ---- */

typedef struct ring {
  uint8_t *storage;  /* NULL while the ring is empty: an idle connection holds none */
  uint32_t capacity; /* a power of two */
  uint32_t head;     /* total bytes ever written; head - tail is what is pending */
  uint32_t tail;     /* total bytes ever read */
  int eof;           /* the writer is gone: an empty ring reads as end of file, not as "wait" */
  /* Asked before each read: non-zero holds the bytes back, and the reader is told to wait. NULL: never. */
  int (*gate)(struct ring *r, void *owner);
  void *gate_owner;
} ring;

void ring_init(ring *r, uint32_t capacity);
void ring_release(ring *r);
uint32_t ring_pending(const ring *r);
uint32_t ring_free(const ring *r);
uint8_t *ring_space(ring *r, uint32_t *length);
void ring_commit(ring *r, uint32_t length);
const uint8_t *ring_peek(const ring *r, uint32_t *length);
void ring_consume(ring *r, uint32_t length);
/* A BIO over a ring it borrows: the ring must outlive it. */
BIO *ring_bio_new(ring *r);
/* The same with other functions than those of a stream. They belong to *method, which is made at the first call. */
typedef struct ring_functions {
  const char *name;
  int (*write)(BIO *bio, const char *in, int length);
  int (*read)(BIO *bio, char *out, int length);
  long (*ctrl)(BIO *bio, int command, long number, void *pointer);
} ring_functions;
BIO *ring_bio_with(ring *r, BIO_METHOD **method, const ring_functions *functions);

/* ---- datagram.c: the same ring, holding whole datagrams ---- */

BIO *datagram_bio_new(ring *r);
/* The number in a datagram's first record header; 0 where there is none. */
uint64_t record_number(const uint8_t *datagram, size_t length);

/* ---- cookie.c: DTLS only ---- */

typedef struct cookie_jar cookie_jar;

/* Sets a DTLS context up; 0 when memory is out. */
int cookies_attach(tls_context *context);
/* A reference of its own, which goes back through cookies_release; NULL for NULL. */
cookie_jar *cookies_retain(cookie_jar *jar);
void cookies_release(cookie_jar *jar);

/* ---- context.c ---- */

/* A ticket key: 80 bytes as abi.h has them, or Node's 48. */
typedef struct ticket_key {
  uint8_t bytes[80];
  size_t length;
} ticket_key;

#define TICKET_KEYS 4

struct tls_context {
  SSL_CTX *ssl;
  STACK_OF(X509) *leaves; /* the certificates given, in their order: a key must fit one of them; NULL: none */
  uint8_t *alpn; /* wire format */
  size_t alpn_length;
  char *groups; /* kept for connections that come over from another context */
  double verify_time; /* seconds; negative: now */
  uint8_t session_id_context[SSL_MAX_SID_CTX_LENGTH];
  size_t session_id_context_length;
  cookie_jar *cookies; /* NULL unless DTLS */
  uint32_t renegotiations; /* how many a peer may ask for */
  uint8_t *pins; /* SHA-256 digests, 32 bytes each */
  size_t pins_length;
  uint8_t *ocsp; /* the response to staple */
  size_t ocsp_length;
  ticket_key tickets[TICKET_KEYS]; /* the newest first */
  int ticket_count;
  double ticket_made; /* when the newest was made or set; seconds */
  uint32_t ticket_rotation;
};

/* The context an SSL_CTX belongs to (ex_data). */
tls_context *context_of(const SSL_CTX *ssl);

/* ---- connection.c ---- */

/* A pre-shared key in a list. */
typedef struct psk {
  struct psk *next;
  char *identity;
  uint8_t *key;
  size_t length;
} psk;

struct tls_connection {
  SSL *ssl;
  ring incoming, outgoing;
  uint32_t role, flags;
  int failed;            /* an error has been recorded: it is final */
  uint32_t waiting;      /* the TLS_EVENT_* the handshake is parked on, or 0 */
  uint32_t answered;     /* bit per TLS_EVENT_*: tls_resume has been called for it */
  int32_t refuse;        /* AlertDescription to refuse with, or -1 */
  uint8_t *client_hello; /* its body, until the event has been made */
  size_t client_hello_length;
  int verify_mode;       /* TLS_VERIFY_* */
  char *identity;        /* expected host name or IP address, or NULL */
  int32_t verify_result, verify_depth;
  uint8_t *alpn; /* this connection's own list, or NULL: the context's */
  size_t alpn_length;
  int ocsp_given; /* what to staple is this connection's own; NULL: nothing */
  uint8_t *ocsp;
  size_t ocsp_length;
  cookie_jar *cookies; /* of the context it was made with; NULL unless DTLS */
  uint8_t *peer;       /* DTLS server: the address the cookie is bound to; NULL: none is asked for */
  size_t peer_length;
  uint64_t record_offset; /* what dtls_take adds to record numbers of epoch 0 */
  psk *psks;
  uint32_t psk_chooser; /* client: the host's function that chooses one; 0: none */
  SSL_SESSION *found;      /* looked up for the client's id or ticket */
  int established;         /* the first handshake is done */
  uint32_t renegotiations; /* begun by the peer after it */
  int renegotiating;       /* we have asked for one, and it is not done */
  uint8_t finished[12];    /* the start of the peer's last Finished: whether another handshake has taken place */
  int untold;              /* an AGREED event was lost */
  X509 *known_peer;        /* compared only: whether the peer has shown another certificate */
  int early_data_finished; /* server: nothing more to read before the handshake */
  tls_error *error; /* NULL until it has failed */
  int32_t alert_sent, alert_received; /* AlertDescription, or -1 */
  struct signature_wait *signature; /* NULL until a signature is waited for */
  struct event_node *events, **events_end; /* oldest first; end is where the next one is hung */
};

tls_connection *connection_of(const SSL *ssl);
/* The one place where SSL_get_error(3) is read; a failure is recorded in the connection. */
int32_t status_of(tls_connection *c, int result);

/* ---- leftovers.c ---- */

/* Frees what a finished handshake leaves in libssl, and nobody asks for again. */
void leftovers_free(tls_connection *c);

/* ---- events.c ---- */

typedef struct event_node {
  tls_bytes *bytes;
  struct event_node *next;
} event_node;

/* 0 when memory is out and the event is lost: whoever waits for an answer to it, or for what it tells, must fail the connection then. */
int event_push(tls_connection *c, uint32_t kind, uint32_t detail, const void *data, size_t length);
/* Callbacks for trace, key log, sessions and alerts, set on the SSL and its context. */
void events_attach(tls_connection *c);
void events_release(tls_connection *c);
/* An event when the peer has shown another certificate since the handshake. 0 when the host could not be told what was agreed anew. */
int events_note_peer(tls_connection *c);
tls_bytes *bytes_new(uint32_t kind, uint32_t detail, const void *data, size_t length);

/* ---- fields.c: lists, too ---- */

/* Writes bytes behind their uint32 length. 1, or 0 for want of memory. */
int put_counted(BIO *out, const void *bytes, size_t length);
/* What was written, if ok; otherwise NULL, with the queue drained into the library's error. Frees bio, which may be NULL. */
tls_bytes *bytes_from_bio(BIO *bio, int ok);

/* ---- park.c: handshakes that wait for an answer ---- */

/* Sets the callbacks that this connection's flags ask for. */
void park_attach(tls_connection *c);
/* Parks on kind, with an event that carries data. 0 when memory is out: nobody would ever answer, so the handshake must fail. */
int park(tls_connection *c, uint32_t kind, const void *data, size_t length);
int park_answered(const tls_connection *c, uint32_t kind);
/* After a complete handshake: whether verification is still to be answered. TLS_DONE, TLS_WANT_CALLBACK or TLS_ERROR. */
int32_t park_after_handshake(tls_connection *c);

/* libssl's own table from X509_V_ERR_* to alerts. Not public; see live.c on why that is acceptable here. */
extern int ssl_x509err2alert(int verify_result);
/* In place of X509_verify_cert: adds pins, and parking. */
int on_verify(X509_STORE_CTX *store, void *unused);

/* ---- psk.c, session.c, trust.c, live.c ---- */

/* Server: parks where a TLS 1.2 client names its identity. */
void psk_hold(tls_connection *c);
/* Client: it wants a pre-shared key, and no certificate instead. */
int psk_is_expected(const tls_connection *c);
void psk_release(tls_connection *c);
void session_attach_context(tls_context *context);
/* In DER; NULL when memory is out. */
tls_bytes *session_encode(const SSL_SESSION *session);
/* The session remembers this verdict against the peer: nobody who verifies will resume it. */
void session_note_verdict(SSL *ssl, long verdict);
void trust_attach_context(tls_context *context);
/* Whether the verified chain carries a pinned key, if there are pins. */
int trust_pins_hold(const tls_connection *c, STACK_OF(X509) *chain);
/* Server: takes 0-RTT data until there is none left. */
int32_t early_data_read(tls_connection *c);
/* The peer has asked for more new handshakes than the context allows. */
int renegotiation_exceeded(const tls_connection *c);
/* Ends the connection because of that. */
int32_t renegotiation_end(tls_connection *c);

/* What a record may add to its plaintext (RFC 8446, 5.2 allows 256; CBC with its explicit IV and split first record stays
   below), and what is kept free beyond it so that an alert always finds room. */
#define ALERT_ROOM 512
#define RECORD_ROOM (512 + ALERT_ROOM)

/* ---- verify.c ---- */

/* Server: sessions are resumed only where the client was verified as it would be now. Again whenever that changes. */
int verify_bind_sessions(tls_connection *c);
int verify_identity_matches(X509 *certificate, const char *identity);
/* Name without X509_V_ERR_, and the words for it; both know the reasons of ocsp.c too. */
const char *verify_name(long result);
const char *verify_text(long result);
/* Verdicts of our own, beyond OpenSSL's X509_V_ERR_*: none of the pinned keys is in the chain; a pre-shared key was to do it. */
#define VERIFY_PIN_MISMATCH 1001
#define VERIFY_PSK_EXPECTED 1002
/* RFC 9525: names come from subjectAltName only, never from the subject's CN; a wildcard stands for one whole label. */
#define VERIFY_HOST_FLAGS (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

/* ---- ocsp.c: what a response says about a certificate (RFC 6960) ---- */

/* OpenSSL 3.6 has names for these outcomes, 3.5 not yet: the same names and numbers. */
#ifndef X509_V_ERR_OCSP_RESP_INVALID
#define X509_V_ERR_OCSP_RESP_INVALID 96
#define X509_V_ERR_OCSP_SIGNATURE_FAILURE 97
#define X509_V_ERR_OCSP_NOT_YET_VALID 98
#define X509_V_ERR_OCSP_HAS_EXPIRED 99
#define X509_V_ERR_OCSP_NO_RESPONSE 100
#endif

/*
 * Whether a response, stapled or fetched, vouches for chain's leaf: signed by its issuer or by a responder the issuer has
 * appointed, of the time in seconds (negative: now), and "good". chain is a verified chain, leaf first; store is what it was
 * verified with. Returns X509_V_OK, X509_V_ERR_CERT_REVOKED, X509_V_ERR_OCSP_CERT_UNKNOWN or one of those above. Leaves the error
 * queue as it found it.
 */
int ocsp_check(const uint8_t *der, size_t length, STACK_OF(X509) *chain, X509_STORE *store, double time);
/* RFC 7633: the certificate is only good together with a stapled response. */
int certificate_must_staple(const X509 *certificate);

/* ---- error.c ---- */

/* Drains the queue into e. Keeps what the caller has set of verify_*, alert_* and eof. */
void error_drain(tls_error *e);
void error_reset(tls_error *e);
/* For calls without a connection: drains into the library's error and returns TLS_ERROR. Where OpenSSL gave no reason it is want of memory. */
int32_t library_failed(void);
/* The same for calls that OpenSSL refuses without a word: here is one. */
int32_t library_failed_or(const char *reason);
/* A failure of our own, in words, without an OpenSSL entry. */
int32_t library_failed_with(const char *reason);

/* ---- pem.c: bytes in PEM or DER to OpenSSL's objects ---- */

/* All certificates in bytes; NULL (with the queue filled) when there is none or one is broken. */
STACK_OF(X509) *certificates_parse(const uint8_t *bytes, size_t length);
EVP_PKEY *key_parse(const uint8_t *bytes, size_t length, const char *passphrase);

/* ---- entropy.c ---- */

int entropy_install(void);

/* ---- platform.c: WebAssembly only ---- */

int platform_install(void);

/* ---- library.c ---- */

extern uint32_t live_handles;

#endif
