/*
 * Signers that answer later, without a stack to suspend.
 *
 * OpenSSL's state machine can stop before it constructs a message (pre_work may say "more work", as it does for early data) but not
 * while it constructs one, and what is to be signed is only known then. So the two messages that carry a signature of ours,
 * CertificateVerify and TLS 1.2's ServerKeyExchange, are constructed one step early, in pre_work, by OpenSSL's own functions, with a
 * placeholder where the signature belongs; then the handshake parks. With the answer it goes on to the construction proper, where the
 * built message is written out with the signature in its place. Each side effect of construction happens once, and in its order.
 *
 * OpenSSL is not patched: the four functions of its state machine that matter here are called across object files, and the linker
 * leads those calls here (wrap.options). Their shape belongs to the version in versions.env; the compiler checks it.
 */
#include <string.h>

#include "libssl.h"
#include "ssl/statem/statem_local.h"

#include "signer.h"

typedef CON_FUNC_RETURN (*construct)(SSL_CONNECTION *s, WPACKET *packet);

extern WORK_STATE __real_ossl_statem_client_pre_work(SSL_CONNECTION *s, WORK_STATE work);
extern WORK_STATE __real_ossl_statem_server_pre_work(SSL_CONNECTION *s, WORK_STATE work);
extern int __real_ossl_statem_client_construct_message(SSL_CONNECTION *s, construct *function, int *type);
extern int __real_ossl_statem_server_construct_message(SSL_CONNECTION *s, construct *function, int *type);

/* The connection whose message is being constructed early. */
static tls_connection *early;

/* In signature_wait.state */
enum { IDLE, WAITING, ANSWERED };

typedef struct signature_wait {
  int state;
  uint8_t *message; /* what is to be signed */
  size_t message_length;
  signer_key *key;
  const signature_scheme *scheme;
  uint8_t *built; /* the handshake message without its header, up to the signature */
  size_t built_length, placeholder_length;
  uint8_t *signature;
  size_t signature_length;
  int32_t refuse; /* AlertDescription, or -1 */
} signature_wait;

static void wait_reset(signature_wait *wait) {
  OPENSSL_free(wait->message);
  OPENSSL_free(wait->built);
  OPENSSL_free(wait->signature);
  *wait = (signature_wait){.refuse = -1};
}

void signature_release(tls_connection *c) {
  if (c->signature != NULL) wait_reset(c->signature);
  OPENSSL_free(c->signature);
  c->signature = NULL;
}

int signature_postpone(signer_key *key, const signature_scheme *scheme, const uint8_t *message, size_t length, uint8_t *placeholder,
                       size_t maximum) {
  signature_wait *wait = early == NULL ? NULL : early->signature;
  if (wait == NULL || wait->message != NULL || (wait->message = OPENSSL_memdup(message, length)) == NULL) return 0;
  wait->message_length = length;
  wait->key = key;
  wait->scheme = scheme;
  wait->placeholder_length = maximum;
  memset(placeholder, 0, maximum);
  return 1;
}

/* ---- The early construction. ---- */

static int build(SSL_CONNECTION *s, tls_connection *c, construct function) {
  signature_wait *wait = c->signature;
  WPACKET packet;
  size_t written = 0;
  if (!WPACKET_init(&packet, s->init_buf)) return SSLfatal(s, SSL_AD_INTERNAL_ERROR, ERR_R_INTERNAL_ERROR), 0;
  early = c;
  int ok = function(s, &packet) == CON_FUNC_SUCCESS && WPACKET_get_total_written(&packet, &written);
  early = NULL;
  WPACKET_cleanup(&packet);
  if (!ok) return 0; /* SSLfatal was called */
  /* The signature, behind its two bytes of length, is the last field of both messages (RFC 8446, 4.4.3; RFC 8422, 5.4). */
  wait->built_length = wait->message == NULL ? written : written - 2 - wait->placeholder_length;
  wait->built = OPENSSL_memdup(s->init_buf->data, wait->built_length);
  if (wait->built == NULL) SSLfatal(s, SSL_AD_INTERNAL_ERROR, ERR_R_CRYPTO_LIB);
  return wait->built != NULL;
}

/* The construction proper: what was built, and the signature. */
static CON_FUNC_RETURN write_built(SSL_CONNECTION *s, WPACKET *packet) {
  signature_wait *wait = connection_of(SSL_CONNECTION_GET_USER_SSL(s))->signature;
  int ok = WPACKET_memcpy(packet, wait->built, wait->built_length) &&
           (wait->message == NULL || WPACKET_sub_memcpy_u16(packet, wait->signature, wait->signature_length));
  if (!ok) SSLfatal(s, SSL_AD_INTERNAL_ERROR, ERR_R_INTERNAL_ERROR);
  wait_reset(wait);
  return ok ? CON_FUNC_SUCCESS : CON_FUNC_ERROR;
}

/* ---- Parking. ---- */

static WORK_STATE fail(SSL_CONNECTION *s, int32_t alert) {
  SSLfatal(s, alert, ERR_R_OPERATION_FAIL);
  return WORK_ERROR;
}

static WORK_STATE await_signature(SSL_CONNECTION *s, tls_connection *c, construct function) {
  if (c->signature == NULL && (c->signature = OPENSSL_zalloc(sizeof *c->signature)) == NULL) return fail(s, SSL_AD_INTERNAL_ERROR);
  signature_wait *wait = c->signature;
  if (wait->state == IDLE) {
    wait_reset(wait);
    if (!build(s, c, function)) return WORK_ERROR;
    if (wait->message == NULL) return WORK_FINISHED_CONTINUE; /* an anonymous suite: nobody signs */
    if (!event_push(c, TLS_EVENT_SIGN, wait->scheme->number, wait->message, wait->message_length))
      return fail(s, SSL_AD_INTERNAL_ERROR); /* nobody would ever answer */
    wait->state = WAITING;
  }
  if (wait->state == WAITING) {
    s->rwstate = SSL_X509_LOOKUP;
    return WORK_MORE_A;
  }
  s->rwstate = SSL_NOTHING;
  if (wait->refuse >= 0) {
    (void)signer_failed("it refused to sign");
    return fail(s, wait->refuse);
  }
  if (!signer_accepts(wait->key, wait->scheme, wait->signature, wait->signature_length, wait->message, wait->message_length))
    return fail(s, SSL_AD_INTERNAL_ERROR);
  return WORK_FINISHED_CONTINUE;
}

/* What constructs the message that comes next, if that carries a signature and the key's signer answers later. */
static construct signing_construct(const SSL_CONNECTION *s) {
  if (s->s3.tmp.cert == NULL || !signer_is_later(s->s3.tmp.cert->privatekey)) return NULL;
  switch (s->statem.hand_state) {
    case TLS_ST_CW_CERT_VRFY:
    case TLS_ST_SW_CERT_VRFY:
      return tls_construct_cert_verify;
    case TLS_ST_SW_KEY_EXCH:
      return tls_construct_server_key_exchange;
    default:
      return NULL;
  }
}

static WORK_STATE pre_work(SSL_CONNECTION *s, WORK_STATE next) {
  tls_connection *c = connection_of(SSL_CONNECTION_GET_USER_SSL(s));
  construct function = next == WORK_FINISHED_CONTINUE ? signing_construct(s) : NULL;
  return function == NULL ? next : await_signature(s, c, function);
}

WORK_STATE __wrap_ossl_statem_client_pre_work(SSL_CONNECTION *s, WORK_STATE work) {
  return pre_work(s, __real_ossl_statem_client_pre_work(s, work));
}

WORK_STATE __wrap_ossl_statem_server_pre_work(SSL_CONNECTION *s, WORK_STATE work) {
  return pre_work(s, __real_ossl_statem_server_pre_work(s, work));
}

static int constructed(SSL_CONNECTION *s, int ok, construct *function) {
  const tls_connection *c = connection_of(SSL_CONNECTION_GET_USER_SSL(s));
  if (ok && signing_construct(s) != NULL && c->signature != NULL && c->signature->built != NULL) *function = write_built;
  return ok;
}

int __wrap_ossl_statem_client_construct_message(SSL_CONNECTION *s, construct *function, int *type) {
  return constructed(s, __real_ossl_statem_client_construct_message(s, function, type), function);
}

int __wrap_ossl_statem_server_construct_message(SSL_CONNECTION *s, construct *function, int *type) {
  return constructed(s, __real_ossl_statem_server_construct_message(s, function, type), function);
}

/* ---- The answer. ---- */

int32_t tls_resume_signature(tls_connection *c, const uint8_t *signature, size_t length) {
  if (!signature_is_awaited(c)) return library_failed_with("no signature was asked for");
  if (length == 0) return library_failed_with("the signature is empty");
  if ((c->signature->signature = OPENSSL_memdup(signature, length)) == NULL) return library_failed();
  c->signature->signature_length = length;
  c->signature->state = ANSWERED;
  return TLS_DONE;
}

int signature_is_awaited(const tls_connection *c) { return c->signature != NULL && c->signature->state == WAITING; }

int32_t signature_resume(tls_connection *c, int32_t alert) {
  if (alert < 0) return library_failed_with("a signature is awaited");
  c->signature->refuse = alert;
  c->signature->state = ANSWERED;
  return TLS_DONE;
}
