/*
 * One TLS connection: SSL between two rings. The classic loop lives here in its smallest form: call OpenSSL, ask SSL_get_error
 * what it wants, return that.
 */
#include <string.h>

#include "signer.h"

static int connection_index(void) {
  static int index = -1;
  if (index < 0) index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  return index;
}

tls_connection *connection_of(const SSL *ssl) { return SSL_get_ex_data(ssl, connection_index()); }

/* OpenSSL asks for SCTs only where somebody looks at them. What they are worth is for the host to say: it knows the logs. */
static int accept_scts(const CT_POLICY_EVAL_CTX *policy, const STACK_OF(SCT) *scts, void *unused) {
  return (void)policy, (void)scts, (void)unused, 1;
}

static int connection_attach(tls_connection *c) {
  BIO *(*bio_new)(ring *) = SSL_is_dtls(c->ssl) ? datagram_bio_new : ring_bio_new;
  BIO *incoming = bio_new(&c->incoming), *outgoing = bio_new(&c->outgoing);
  if (incoming == NULL || outgoing == NULL || !SSL_set_ex_data(c->ssl, connection_index(), c)) {
    BIO_free(incoming);
    BIO_free(outgoing);
    return 0;
  }
  SSL_set_bio(c->ssl, incoming, outgoing);
  if (c->role == TLS_ROLE_SERVER)
    SSL_set_accept_state(c->ssl);
  else
    SSL_set_connect_state(c->ssl);
  events_attach(c);
  park_attach(c);
  if (c->flags & TLS_FLAG_REQUEST_SCTS && !SSL_set_ct_validation_callback(c->ssl, accept_scts, NULL)) return 0;
  if (c->flags & TLS_FLAG_POST_HANDSHAKE_AUTH) SSL_set_post_handshake_auth(c->ssl, 1);
  if (c->flags & (TLS_FLAG_REQUEST_OCSP | TLS_FLAG_REQUIRE_OCSP | TLS_FLAG_DELIVER_OCSP)) SSL_set_tlsext_status_type(c->ssl, TLSEXT_STATUSTYPE_ocsp);
  return verify_bind_sessions(c);
}

/* Shared by all connections that fail and have no memory left to say why. */
static tls_error unpaid_error;

tls_connection *tls_connection_new(tls_context *context, uint32_t role, uint32_t flags, uint32_t capacity) {
  ERR_clear_error();
  tls_connection *c = OPENSSL_zalloc(sizeof *c);
  if (c == NULL) {
    library_failed();
    return NULL;
  }
  c->role = role;
  c->flags = flags;
  c->refuse = -1;
  c->cookies = cookies_retain(context->cookies);
  c->verify_mode = TLS_VERIFY_REQUIRE;
  c->events_end = &c->events;
  c->alert_sent = c->alert_received = -1;
  ring_init(&c->incoming, capacity);
  ring_init(&c->outgoing, capacity);
  live_handles++;
  if ((c->ssl = SSL_new(context->ssl)) == NULL || !connection_attach(c)) {
    library_failed();
    tls_connection_free(c);
    return NULL;
  }
  return c;
}

void tls_connection_free(tls_connection *c) {
  if (c == NULL) return;
  SSL_free(c->ssl); /* before the rings, which its BIOs borrow */
  ring_release(&c->incoming);
  ring_release(&c->outgoing);
  events_release(c);
  cookies_release(c->cookies);
  OPENSSL_free(c->peer);
  psk_release(c);
  SSL_SESSION_free(c->found);
  OPENSSL_free(c->client_hello);
  signature_release(c);
  OPENSSL_free(c->identity);
  OPENSSL_free(c->alpn);
  OPENSSL_free(c->ocsp);
  if (c->error != &unpaid_error) OPENSSL_free(c->error);
  OPENSSL_clear_free(c, sizeof *c);
  live_handles--;
}

void tls_connection_take_over(tls_connection *c, tls_connection *from) {
  uint8_t *storage = c->incoming.storage; /* none, usually */
  c->incoming.storage = from->incoming.storage;
  c->incoming.head = from->incoming.head;
  c->incoming.tail = from->incoming.tail;
  c->incoming.eof = from->incoming.eof;
  from->incoming.storage = storage;
  from->incoming.head = from->incoming.tail = 0;
}

int32_t tls_connection_set_servername(tls_connection *c, const char *name) {
  ERR_clear_error();
  return SSL_set_tlsext_host_name(c->ssl, name) ? TLS_DONE : library_failed();
}

/* SSL_set_SSL_CTX takes over certificates, suites, ALPN and trust; bounds and groups were copied by SSL_new and are set again. */
int32_t tls_connection_set_context(tls_connection *c, tls_context *context) {
  ERR_clear_error();
  if (signature_is_awaited(c)) return library_failed_with("it is too late for another context: its key is about to sign");
  if (SSL_set_SSL_CTX(c->ssl, context->ssl) == NULL ||
      !SSL_set_min_proto_version(c->ssl, (int)SSL_CTX_get_min_proto_version(context->ssl)) ||
      !SSL_set_max_proto_version(c->ssl, (int)SSL_CTX_get_max_proto_version(context->ssl)) ||
      (context->groups != NULL && !SSL_set1_groups_list(c->ssl, context->groups)) || !verify_bind_sessions(c))
    return library_failed();
  events_attach(c); /* the callbacks that live in SSL_CTX */
  park_attach(c);
  return TLS_DONE;
}

/* ---- Ciphertext side. ---- */

uint8_t *tls_incoming_space(tls_connection *c, uint32_t *length) { return ring_space(&c->incoming, length); }
void tls_incoming_commit(tls_connection *c, uint32_t length) { ring_commit(&c->incoming, length); }
void tls_incoming_eof(tls_connection *c) { c->incoming.eof = 1; }
uint32_t tls_incoming_pending(tls_connection *c) { return ring_pending(&c->incoming); }
const uint8_t *tls_outgoing_peek(tls_connection *c, uint32_t *length) { return ring_peek(&c->outgoing, length); }
void tls_outgoing_consume(tls_connection *c, uint32_t length) { ring_consume(&c->outgoing, length); }
uint32_t tls_outgoing_pending(tls_connection *c) { return ring_pending(&c->outgoing); }

/* ---- Progress. ---- */

/* More than a KB: only connections that fail have one. */
static tls_error *error_begin(tls_connection *c) {
  if (c->error != NULL) return c->error;
  ERR_set_mark();
  c->error = OPENSSL_malloc(sizeof *c->error);
  ERR_pop_to_mark();
  if (c->error == NULL) c->error = &unpaid_error;
  error_reset(c->error);
  return c->error;
}

static int32_t record_failure(tls_connection *c) {
  unsigned long code = ERR_peek_error();
  tls_error *error = error_begin(c);
  c->failed = 1;
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) error->eof = 1;
  if (code == 0 && c->incoming.eof) error->eof = 1;
  /* A bad certificate ends the connection only where it is refused; otherwise this failure has another reason. */
  if (c->verify_mode == TLS_VERIFY_REQUIRE || c->verify_mode == TLS_VERIFY_OPTIONAL) {
    error->verify_result = c->verify_result;
    error->verify_depth = c->verify_depth;
  }
  error_drain(error);
  return TLS_ERROR;
}

int32_t status_of(tls_connection *c, int result) {
  switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_NONE:
      return TLS_DONE;
    case SSL_ERROR_WANT_READ:
      return c->waiting ? TLS_WANT_CALLBACK : TLS_WANT_READ; /* waiting: the gate in psk.c holds the bytes back */
    case SSL_ERROR_WANT_WRITE:
      return TLS_WANT_WRITE;
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
    case SSL_ERROR_WANT_X509_LOOKUP: /* a client's certificate (park.c), or a signature (signer-park.c) */
    case SSL_ERROR_WANT_RETRY_VERIFY:
      return TLS_WANT_CALLBACK;
    case SSL_ERROR_ZERO_RETURN:
      return TLS_CLOSED;
    case SSL_ERROR_SYSCALL:
      /* close_notify after user_canceled (RFC 8446, 6.1), as Java ends its connections: OpenSSL 3.5 has seen it, SSL_get_error has not. */
      if (ERR_peek_error() == 0 && SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN) return TLS_CLOSED;
      return record_failure(c);
    default:
      return record_failure(c);
  }
}

int32_t tls_handshake(tls_connection *c) {
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  int32_t status = c->flags & TLS_FLAG_EARLY_DATA && !c->early_data_finished ? early_data_read(c) : TLS_DONE;
  if (status == TLS_DONE) status = status_of(c, SSL_do_handshake(c->ssl));
  if (status == TLS_DONE) status = park_after_handshake(c);
  if (status == TLS_DONE) leftovers_free(c);
  return status;
}

/* What came before a request for renegotiation is delivered before the host is asked: it may change its mind. */
static int reads_by_record(const tls_connection *c) {
  return (c->flags & TLS_FLAG_PARK_RENEGOTIATION) && SSL_version(c->ssl) < TLS1_3_VERSION;
}

/* As ERR_clear_error(3), for what is called for each record: most often there is nothing, and it would look through all sixteen places. */
static void errors_clear(void) {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

/* SSL_read would only say so after it has taken a buffer, and wiped it again. */
static int nothing_to_read(const tls_connection *c) {
  return ring_pending(&c->incoming) == 0 && !c->incoming.eof && !c->waiting && !SSL_in_init(c->ssl) && !SSL_has_pending(c->ssl) &&
         !(SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN);
}

int32_t tls_read(tls_connection *c, uint8_t *out, size_t length) {
  size_t total = 0, read;
  int32_t status = TLS_DONE;
  if (c->failed) return TLS_ERROR;
  while (total < length && status == TLS_DONE && !(total > 0 && reads_by_record(c))) {
    if (nothing_to_read(c)) {
      status = TLS_WANT_READ;
      break;
    }
    errors_clear();
    if (SSL_read_ex(c->ssl, out + total, length - total, &read))
      total += read;
    else
      status = status_of(c, 0);
  }
  if (!events_note_peer(c) && status != TLS_ERROR) status = tls_abort(c, SSL_AD_INTERNAL_ERROR);
  if (status != TLS_ERROR && renegotiation_exceeded(c)) status = renegotiation_end(c);
  /* What arrived before a failure is delivered first; the failure is kept and met by the next call. */
  return total > 0 ? (int32_t)total : status;
}

int32_t tls_write(tls_connection *c, const uint8_t *plaintext, size_t length) {
  size_t total = 0, written;
  int32_t status = TLS_DONE;
  if (c->failed) return TLS_ERROR;
  while (total < length && status == TLS_DONE) {
    size_t record = length - total < SSL3_RT_MAX_PLAIN_LENGTH ? length - total : SSL3_RT_MAX_PLAIN_LENGTH;
    /* Asked for before, not found out after: a record that OpenSSL could not flush would have to be written again. */
    if (ring_free(&c->outgoing) < record + RECORD_ROOM) {
      status = TLS_WANT_WRITE;
      break;
    }
    errors_clear();
    if (SSL_write_ex(c->ssl, plaintext + total, record, &written))
      total += written;
    else
      status = status_of(c, 0);
  }
  return total > 0 ? (int32_t)total : status;
}

int32_t tls_close_write(tls_connection *c) {
  if (c->failed) return TLS_ERROR;
  if (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN) return TLS_DONE;
  if (c->established && SSL_in_init(c->ssl)) return c->waiting ? TLS_WANT_CALLBACK : TLS_WANT_READ; /* in another handshake there is no end */
  if (ring_free(&c->outgoing) < ALERT_ROOM) return TLS_WANT_WRITE;
  ERR_clear_error();
  int result = SSL_shutdown(c->ssl);
  return result >= 0 ? TLS_DONE : status_of(c, result);
}

const tls_error *tls_connection_error(tls_connection *c) {
  static tls_error none;
  tls_error *error = c->error;
  if (error == NULL) error_reset(error = &none);
  error->alert_sent = c->alert_sent;
  error->alert_received = c->alert_received;
  return error;
}

uint32_t tls_connection_failed(tls_connection *c) { return (uint32_t)c->failed; }
