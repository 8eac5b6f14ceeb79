/* Signers that misbehave in ways signer.c has not, now or later, and what happens to a connection while one is awaited. */
#include "harness.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

/* ---- The import, for these numbers. ---- */

enum { GOOD = ODD_SIGNER, FAILS, EMPTY, TOO_LONG, SHORT, NONSENSE, WRONG_KEY, SIGNERS };

static const char *signer_type = "P-256";
static int gone[SIGNERS];

int sign_with(const char *pem, uint32_t scheme, const uint8_t *message, size_t length, uint8_t *out, size_t *out_length) {
  BIO *in = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *options;
  ERR_set_mark();
  int ok = EVP_DigestSignInit_ex(context, &options, scheme == 0x0807 ? NULL : "SHA256", NULL, NULL, key, NULL) > 0;
  if (scheme == 0x0804) ok = ok && EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
  ok = ok && EVP_DigestSign(context, out, out_length, message, length) > 0;
  ERR_pop_to_mark(); /* a signer has no business with this queue */
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(in);
  return ok;
}

int32_t odd_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity) {
  size_t given = capacity;
  if (scheme == 0) return gone[signer]++;
  memset(out, 0x55, capacity);
  switch (signer) {
    case GOOD:
      return sign_with(leaf_of(signer_type)->key, scheme, message, length, out, &given) ? (int32_t)given : -1;
    case WRONG_KEY:
      return sign_with(self_signed()->key, scheme, message, length, out, &given) ? (int32_t)given : -1;
    case EMPTY:
      return 0;
    case TOO_LONG:
      return (int32_t)capacity + 1000;
    case SHORT:
      return 7;
    case NONSENSE:
      return (int32_t)capacity;
    default:
      return -1;
  }
}

/* ---- Signers that answer at once ---- */

/* A server, and a client if the options say mutual, whose certificates are signed for by signer. */
static const char *open_signed(pair *p, const pair_options *o, uint32_t signer) {
  signer_type = o->type;
  CHECK_ALL(pair_contexts(p, o));
  CHECK(tls_context_use_signer(p->server_context, signer) == TLS_DONE);
  if (o->mutual) CHECK(tls_context_use_signer(p->client_context, signer) == TLS_DONE);
  return pair_connect(p, o);
}

static const char *signs(const void *argument) {
  const pair_options *o = argument;
  const int before = gone[GOOD];
  pair p;
  CHECK_ALL(open_signed(&p, o, GOOD));
  CHECK_ALL(pair_establish(&p));
  CHECK_ALL(pair_exchange(&p, 1000));
  CHECK(gone[GOOD] == before);
  CHECK(tls_context_use_signer(p.server_context, FAILS) == TLS_DONE); /* replaced; but the connection may hold it */
  tls_context_free(p.server_context);
  p.server_context = NULL;
  pair_close(&p);
  CHECK(gone[GOOD] == before + 1 + o->mutual);
  return NULL;
}

static const char *signs_badly(const void *argument) {
  for (uint32_t signer = FAILS; signer < SIGNERS; signer++) {
    pair p;
    const int before = gone[signer];
    CHECK_ALL(open_signed(&p, argument, signer));
    pair_run(&p);
    CHECK(p.server.status == TLS_ERROR && p.client.status == TLS_ERROR);
    CHECK(strcmp(tls_connection_error(p.server.connection)->library, "signer routines") == 0);
    CHECK(strcmp(tls_connection_error(p.server.connection)->reason, "the signer failed") == 0);
    pair_close(&p);
    CHECK(gone[signer] > before);
  }
  return NULL;
}

static const char *not_used(const void *unused) {
  (void)unused;
  const int before = gone[GOOD];
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  CHECK(tls_context_use_signer(c, GOOD) == TLS_ERROR && gone[GOOD] == before + 1); /* no certificate yet */
  CHECK(tls_context_use_signer(c, TLS_SIGNER_LATER) == TLS_ERROR);
  const identity *one = leaf_of("P-256");
  CHECK(tls_context_use_certificate(c, (const uint8_t *)one->cert, strlen(one->cert)) == TLS_DONE);
  for (int i = 0; i < 5; i++) CHECK(tls_context_use_signer(c, i % 2 ? GOOD : TLS_SIGNER_LATER) == TLS_DONE);
  CHECK(tls_context_use_key(c, (const uint8_t *)one->key, strlen(one->key), NULL) == TLS_DONE);
  CHECK(gone[GOOD] == before + 3);
  tls_context_free(c);
  return NULL;
}

/* ---- Signers that answer later ---- */

static const char *await(pair *p, side **waits, tls_bytes **asked) {
  pair_run(p);
  *waits = p->server.status == TLS_WANT_CALLBACK ? &p->server : &p->client;
  CHECK((*waits)->status == TLS_WANT_CALLBACK);
  CHECK((*asked = side_event(*waits, TLS_EVENT_SIGN)) != NULL && (*asked)->detail != 0 && (*asked)->length > 0);
  for (int i = 0; i < 3; i++) CHECK(tls_handshake((*waits)->connection) == TLS_WANT_CALLBACK);
  CHECK(!side_saw(*waits, TLS_EVENT_SIGN));
  return NULL;
}

static const char *answer(const pair_options *o, side *waits, tls_bytes *asked) {
  uint8_t signature[600];
  size_t length = sizeof signature;
  CHECK(sign_with(leaf_of(o->type)->key, asked->detail, (const uint8_t *)(asked + 1), asked->length, signature, &length));
  tls_bytes_free(asked);
  CHECK(tls_resume(waits->connection, -1) == TLS_ERROR); /* nothing to go on with */
  CHECK(tls_resume_signature(waits->connection, signature, 0) == TLS_ERROR);
  CHECK(tls_resume_signature(waits->connection, signature, length) == TLS_DONE);
  CHECK(tls_resume_signature(waits->connection, signature, length) == TLS_ERROR);
  return NULL;
}

static const char *later(const void *argument) {
  const pair_options *o = argument;
  pair p;
  side *waits;
  tls_bytes *asked;
  CHECK_ALL(open_signed(&p, o, TLS_SIGNER_LATER));
  CHECK(tls_resume_signature(p.server.connection, (const uint8_t *)"x", 1) == TLS_ERROR);
  for (int i = 0; i < 1 + o->mutual; i++) {
    CHECK_ALL(await(&p, &waits, &asked));
    CHECK_ALL(answer(o, waits, asked));
  }
  CHECK_ALL(pair_establish(&p));
  CHECK_ALL(pair_exchange(&p, 3000));
  pair_close(&p);
  return NULL;
}

/* What comes in place of a signature. */
static const char *later_badly(const void *argument) {
  static const uint8_t nonsense[2000] = {0x30, 0x44, 0x02, 0x20};
  static const size_t lengths[] = {1, 8, 63, 64, 70, 72, 73, 256, 257, 2000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    pair p;
    side *waits;
    tls_bytes *asked;
    CHECK_ALL(open_signed(&p, argument, TLS_SIGNER_LATER));
    CHECK_ALL(await(&p, &waits, &asked));
    tls_bytes_free(asked);
    CHECK(tls_resume_signature(waits->connection, nonsense, lengths[i]) == TLS_DONE);
    pair_run(&p);
    CHECK(p.server.status == TLS_ERROR && p.client.status == TLS_ERROR);
    CHECK(strcmp(tls_connection_error(waits->connection)->library, "signer routines") == 0);
    pair_close(&p);
  }
  return NULL;
}

static const char *later_or_never(const void *argument) {
  for (int how = 0; how < 6; how++) {
    pair p;
    side *waits;
    tls_bytes *asked;
    CHECK_ALL(open_signed(&p, argument, TLS_SIGNER_LATER));
    CHECK_ALL(await(&p, &waits, &asked));
    tls_bytes_free(asked);
    if (how == 1) { /* refused */
      CHECK(tls_resume(waits->connection, 49) == TLS_DONE && tls_resume(waits->connection, 49) == TLS_ERROR);
      pair_run(&p);
      CHECK(waits->status == TLS_ERROR && tls_connection_error(waits->connection)->alert_sent == 49);
    } else if (how == 2) { /* aborted */
      CHECK(tls_abort(waits->connection, 80) == TLS_ERROR);
      tls_resume_signature(waits->connection, (const uint8_t *)"x", 1);
      CHECK(tls_handshake(waits->connection) == TLS_ERROR);
    } else if (how == 3) { /* the peer is gone */
      tls_incoming_eof(waits->connection);
      CHECK(tls_handshake(waits->connection) == TLS_WANT_CALLBACK);
    } else if (how == 4) { /* freed beneath it */
      CHECK(tls_connection_set_context(waits->connection, p.client_context) == TLS_ERROR);
      tls_context_free(p.server_context);
      p.server_context = NULL;
      CHECK(tls_handshake(waits->connection) == TLS_WANT_CALLBACK);
    } else if (how == 5) { /* the context has another key by now: the connection's stays */
      const identity *one = leaf_of("P-256");
      CHECK(tls_context_use_certificate(p.server_context, (const uint8_t *)one->cert, strlen(one->cert)) == TLS_DONE);
      CHECK(tls_context_use_key(p.server_context, (const uint8_t *)one->key, strlen(one->key), NULL) == TLS_DONE);
      CHECK(tls_resume_signature(waits->connection, (const uint8_t *)"xyz", 3) == TLS_DONE);
      CHECK(tls_handshake(waits->connection) == TLS_ERROR);
    }
    pair_close(&p); /* how 0: nobody answers */
  }
  return NULL;
}

void odd_signer_cases(void) {
  static const char *const types[] = {"RSA-2048", "P-256", "Ed25519"};
  char name[96];
  for (uint32_t version = 0x0303; version <= 0x0304; version++)
    for (int t = 0; t < 3; t++) {
      const pair_options o = {.version = version, .type = types[t], .mutual = 1}, server = {.version = version, .type = types[t]};
      const int tls = (int)version - 0x0301;
      snprintf(name, sizeof name, "odd signer: TLS 1.%d, %s", tls, types[t]);
      run_case(name, signs, &o);
      snprintf(name, sizeof name, "odd signer: answers later, TLS 1.%d, %s", tls, types[t]);
      run_case(name, later, &o);
      snprintf(name, sizeof name, "odd signer: fails in every way, TLS 1.%d, %s", tls, types[t]);
      run_case(name, signs_badly, &server);
      snprintf(name, sizeof name, "odd signer: later, nonsense, TLS 1.%d, %s", tls, types[t]);
      run_case(name, later_badly, &server);
      snprintf(name, sizeof name, "odd signer: later, or never, TLS 1.%d, %s", tls, types[t]);
      run_case(name, later_or_never, &server);
    }
  run_case("odd signer: not used, replaced, gone", not_used, NULL);
}
