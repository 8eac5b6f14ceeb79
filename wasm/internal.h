/* What the C files share with each other and with nobody else. The public contract is abi.h. */
#ifndef MEMBIO_INTERNAL_H
#define MEMBIO_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "abi.h"

/* ---- bio.c: the bounded ring that stands where a socket would ---- */

typedef struct ring {
  uint8_t *storage;  /* NULL while the ring is empty: an idle connection holds none */
  uint32_t capacity; /* a power of two */
  uint32_t head;     /* total bytes ever written; head - tail is what is pending */
  uint32_t tail;     /* total bytes ever read */
  int eof;           /* the writer is gone: an empty ring reads as end of file, not as "wait" */
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

/* ---- context.c ---- */

struct tls_context {
  SSL_CTX *ssl;
  X509 *leaf; /* the certificate given last: the next key must fit it */
  uint8_t *alpn; /* wire format */
  size_t alpn_length;
  double verify_time; /* seconds; negative: now */
};

/* The context an SSL_CTX belongs to (ex_data). */
tls_context *context_of(const SSL_CTX *ssl);

/* ---- connection.c ---- */

struct tls_connection {
  SSL *ssl;
  ring incoming, outgoing;
  uint32_t role, flags;
  int failed;          /* an error has been recorded: it is final */
  int parked;          /* PARKED_*: where the ClientHello decision stands */
  int32_t refuse;      /* AlertDescription to refuse with, or -1 */
  int verify_mode;     /* TLS_VERIFY_* */
  char *identity;      /* expected host name or IP address, or NULL */
  int32_t verify_result, verify_depth;
  uint8_t *alpn; /* this connection's own list, or NULL: the context's */
  size_t alpn_length;
  tls_error error;
  struct signature_wait *signature; /* NULL until a signature is waited for */
  struct event_node *events, **events_end; /* oldest first; end is where the next one is hung */
};

enum { PARKED_NO, PARKED_WAITING, PARKED_ANSWERED };

tls_connection *connection_of(const SSL *ssl);

/* ---- events.c ---- */

typedef struct event_node {
  tls_bytes *bytes;
  struct event_node *next;
} event_node;

void event_push(tls_connection *c, uint32_t kind, uint32_t detail, const void *data, size_t length);
/* Callbacks for trace, key log, sessions and alerts, set on the SSL and its context. */
void events_attach(tls_connection *c);
void events_release(tls_connection *c);
tls_bytes *bytes_new(uint32_t kind, uint32_t detail, const void *data, size_t length);

/* ---- verify.c ---- */

/* Server: sessions are resumed only where they were verified as they would be now. */
void verify_tickets(SSL_CTX *ssl);
int verify_identity_matches(X509 *certificate, const char *identity);
const char *verify_name(long result);

/* ---- error.c ---- */

/* Drains the queue into e. Keeps what the caller has set of verify_*, alert_* and eof. */
void error_drain(tls_error *e);
void error_reset(tls_error *e);
/* For calls without a connection: drains into the library's error and returns TLS_ERROR. */
int32_t library_failed(void);
/* A failure of our own, in words, without an OpenSSL entry. */
int32_t library_failed_with(const char *reason);

/* ---- pem.c: bytes in PEM or DER to OpenSSL's objects ---- */

/* All certificates in bytes; NULL (with the queue filled) when there is none or one is broken. */
STACK_OF(X509) *certificates_parse(const uint8_t *bytes, size_t length);
EVP_PKEY *key_parse(const uint8_t *bytes, size_t length, const char *passphrase);

/* ---- entropy.c ---- */

int entropy_install(void);

/* ---- library.c ---- */

extern uint32_t live_handles;

#endif
