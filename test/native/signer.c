/*
 * Private keys somewhere else (wasm/signer.c, wasm/signer-park.c): every key type, version, role and way to sign, and the ways in which
 * it goes wrong. Here are also the key types that the host's own tests have no other program to sign with: ML-DSA.
 */
#include "harness.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#define NUMBER 7

typedef enum behaviour { GOOD, FAILS, SHORT, GARBAGE } behaviour;

/* The host: its signer, and what it was told. */
static EVP_PKEY *private_key;
static behaviour how;
static int asked, gone;

static size_t sign(uint32_t scheme, const uint8_t *message, size_t length, uint8_t *out, size_t capacity) {
  static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
  uint32_t family = scheme >> 8, member = scheme & 0xff; /* RFC 8446, 4.2.3 */
  int pss = family == 8 && member != 7 && member != 8;
  const char *digest = pss ? digests[(member - 4) % 5] : family < 8 ? digests[family - 4] : NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *options;
  int ok = context != NULL && EVP_DigestSignInit_ex(context, &options, digest, NULL, NULL, private_key, NULL);
  if (pss) ok = ok && EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, -1) > 0;
  ok = ok && EVP_DigestSign(context, out, &capacity, message, length);
  EVP_MD_CTX_free(context);
  if (how == GARBAGE) out[capacity / 2] ^= 1;
  return !ok ? 0 : how == SHORT ? 1 : capacity;
}

/* The module's import, natively. */
int32_t membio_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity);
int32_t membio_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity) {
  if (signer >= ODD_SIGNER) return odd_sign(signer, scheme, message, length, out, capacity);
  if (signer != NUMBER) abort();
  if (scheme == 0) return gone++, 0;
  asked++;
  return how == FAILS ? -1 : (int32_t)sign(scheme, message, length, out, capacity);
}

/* ---- A pair of connections, one of which has no key of its own. ---- */

typedef struct setting {
  const char *type, *argument; /* as EVP_PKEY_Q_keygen takes them */
  uint32_t version, role, signer;
} setting;

static EVP_PKEY *key_new(const char *type, const char *argument) {
  if (strncmp(type, "RSA", 3) != 0) return EVP_PKEY_Q_keygen(NULL, NULL, type, argument);
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  EVP_PKEY *key = NULL;
  if (EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0) EVP_PKEY_keygen(context, &key);
  EVP_PKEY_CTX_free(context);
  return key;
}

/* A certificate of private_key, signed by the authority. */
static tls_bytes *certificate_of_private_key(void) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *pem = NULL;
  PEM_write_bio_PKCS8PrivateKey(bio, private_key, NULL, NULL, 0, NULL, NULL);
  BIO_write(bio, "", 1);
  BIO_get_mem_data(bio, &pem);
  const identity *ca = authority();
  tls_bytes *made = certificate_new(pem, "CN=" HOST, "subjectAltName=DNS:" HOST, 1700000000, 4000000000, ca->cert, ca->key);
  BIO_free(bio);
  return made;
}

/* Opens a pair and puts the signer in the place of one side's key; that side comes back. */
static const char *open_signed(pair *p, const setting *s, side **own) {
  int is_client = s->role == TLS_ROLE_CLIENT;
  CHECK_ALL(pair_open(p, &(pair_options){.version = s->version, .mutual = is_client}));
  tls_context *context = tls_context_new(TLS_PROTOCOL_TLS);
  tls_bytes *certificate = certificate_of_private_key();
  CHECK(certificate != NULL);
  CHECK(tls_context_set_versions(context, s->version, s->version) == TLS_DONE);
  CHECK(tls_context_add_ca(context, (const uint8_t *)authority()->cert, strlen(authority()->cert)) == 1);
  CHECK(tls_context_use_certificate(context, (const uint8_t *)(certificate + 1), certificate->length) == TLS_DONE);
  CHECK(tls_context_use_signer(context, s->signer) == TLS_DONE);
  tls_bytes_free(certificate);
  *own = is_client ? &p->client : &p->server;
  tls_connection_free((*own)->connection);
  (*own)->connection = tls_connection_new(context, s->role, 0, 65536);
  uint32_t mode = is_client ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE;
  CHECK(tls_connection_set_verify((*own)->connection, mode, is_client ? HOST : NULL) == TLS_DONE);
  tls_context_free(context); /* the connection takes the signer with it */
  return NULL;
}

/* Answers the one question that a parked side asks. */
static const char *answer(side *own) {
  uint8_t signature[8192];
  CHECK(own->status == TLS_WANT_CALLBACK && tls_handshake(own->connection) == TLS_WANT_CALLBACK);
  tls_bytes *question = tls_event_take(own->connection);
  CHECK(question != NULL && question->kind == TLS_EVENT_SIGN && tls_event_take(own->connection) == NULL);
  size_t length = sign(question->detail, (const uint8_t *)(question + 1), question->length, signature, sizeof signature);
  tls_bytes_free(question);
  CHECK(tls_resume(own->connection, -1) == TLS_ERROR);
  if (how == FAILS) {
    CHECK(tls_resume(own->connection, 80) == TLS_DONE);
    return NULL;
  }
  CHECK(tls_resume_signature(own->connection, signature, 0) == TLS_ERROR);
  CHECK(tls_resume_signature(own->connection, signature, length) == TLS_DONE);
  CHECK(tls_resume_signature(own->connection, signature, length) == TLS_ERROR);
  return NULL;
}

static const char *handshake(const setting *s) {
  pair p;
  side *own;
  int later = s->signer == TLS_SIGNER_LATER;
  asked = gone = 0;
  CHECK_ALL(open_signed(&p, s, &own));
  pair_run(&p);
  if (later) CHECK_ALL(answer(own));
  if (how == GOOD) {
    CHECK_ALL(pair_establish(&p));
    CHECK(tls_peer_agreed(p.client.connection)->version == s->version);
    CHECK_ALL(pair_exchange(&p, 1000));
  } else {
    pair_run(&p);
    const tls_error *error = tls_connection_error(own->connection);
    CHECK(own->status == TLS_ERROR && error->alert_sent == 80 && strcmp(error->library, "signer routines") == 0);
  }
  CHECK(asked == !later && gone == 0);
  pair_close(&p);
  CHECK(gone == !later);
  return NULL;
}

/* Given up while it waits for a signature. */
static const char *abandoned(const setting *s) {
  pair p;
  side *own;
  CHECK_ALL(open_signed(&p, s, &own));
  pair_run(&p);
  CHECK(own->status == TLS_WANT_CALLBACK);
  pair_close(&p);
  return NULL;
}

typedef struct key_type {
  const char *type, *argument;
  uint32_t version; /* the oldest it can sign in */
} key_type;

static const char *all_ways(const void *argument) {
  const key_type *k = argument;
  CHECK((private_key = key_new(k->type, k->argument)) != NULL);
  for (uint32_t version = k->version; version <= 0x0304; version++)
    for (uint32_t role = TLS_ROLE_CLIENT; role <= TLS_ROLE_SERVER; role++)
      for (int later = 0; later < 2; later++) {
        setting s = {k->type, k->argument, version, role, later ? TLS_SIGNER_LATER : NUMBER};
        for (how = GOOD; how <= GARBAGE; how++) CHECK_ALL(handshake(&s));
        how = GOOD;
        if (later) CHECK_ALL(abandoned(&s));
      }
  EVP_PKEY_free(private_key);
  return NULL;
}

/* Finite-field Diffie-Hellman, which the host's options do not all offer. */
static const char *dhe(const void *argument) {
  const uint32_t *signer = argument;
  pair p;
  side *own;
  how = GOOD;
  CHECK((private_key = key_new("RSA", NULL)) != NULL);
  CHECK_ALL(open_signed(&p, &(setting){"RSA", NULL, 0x0303, TLS_ROLE_SERVER, *signer}, &own));
  CHECK(SSL_set_cipher_list(own->connection->ssl, "DHE-RSA-AES128-GCM-SHA256") && SSL_set_dh_auto(own->connection->ssl, 1));
  pair_run(&p);
  if (*signer == TLS_SIGNER_LATER) CHECK_ALL(answer(own));
  CHECK_ALL(pair_establish(&p));
  CHECK(strcmp(tls_peer_agreed(p.client.connection)->cipher_openssl, "DHE-RSA-AES128-GCM-SHA256") == 0);
  pair_close(&p);
  EVP_PKEY_free(private_key);
  return NULL;
}

static const char *refused(const void *unused) {
  (void)unused;
  asked = gone = 0;
  tls_context *context = tls_context_new(TLS_PROTOCOL_TLS);
  CHECK(tls_context_use_signer(context, NUMBER) == TLS_ERROR && gone == 1); /* whose key? */
  CHECK((private_key = key_new("EC", "secp256k1")) != NULL);
  tls_bytes *certificate = certificate_of_private_key();
  CHECK(tls_context_use_certificate(context, (const uint8_t *)(certificate + 1), certificate->length) == TLS_DONE);
  CHECK(tls_context_use_signer(context, NUMBER) == TLS_ERROR && gone == 2);
  CHECK(strstr(tls_library_error()->detail, "no signature scheme") != NULL);
  tls_bytes_free(certificate);
  EVP_PKEY_free(private_key);
  tls_context_free(context);
  CHECK(gone == 2 && asked == 0);
  return NULL;
}

/* ---- For memory.c: a handshake in which any allocation may fail. Returns whether all went well. ---- */

static EVP_PKEY *kept_key;
static tls_bytes *kept_certificate;

static int contexts_ready(const pair *p, uint32_t signer) {
  const char *ca = authority()->cert;
  return p->client_context != NULL && p->server_context != NULL &&
         tls_context_add_ca(p->client_context, (const uint8_t *)ca, strlen(ca)) == 1 &&
         tls_context_use_certificate(p->server_context, (const uint8_t *)(kept_certificate + 1), kept_certificate->length) == TLS_DONE &&
         tls_context_use_signer(p->server_context, signer) == TLS_DONE;
}

static int connections_ready(pair *p) {
  p->client = (side){.connection = tls_connection_new(p->client_context, TLS_ROLE_CLIENT, 0, 65536), .idle = 1};
  p->server = (side){.connection = tls_connection_new(p->server_context, TLS_ROLE_SERVER, 0, 65536), .idle = 1};
  return p->client.connection != NULL && p->server.connection != NULL &&
         tls_connection_set_verify(p->client.connection, TLS_VERIFY_REQUIRE, HOST) == TLS_DONE &&
         tls_connection_set_verify(p->server.connection, TLS_VERIFY_NONE, NULL) == TLS_DONE;
}

int signer_attempt(int later) {
  if (kept_key == NULL) private_key = kept_key = key_new("EC", "P-256");
  if (kept_certificate == NULL) kept_certificate = certificate_of_private_key();
  private_key = kept_key;
  asked = gone = 0;
  pair p = {.client_context = tls_context_new(TLS_PROTOCOL_TLS), .server_context = tls_context_new(TLS_PROTOCOL_TLS)};
  if (contexts_ready(&p, later ? TLS_SIGNER_LATER : NUMBER) && connections_ready(&p)) {
    pair_run(&p);
    if (p.server.status == TLS_WANT_CALLBACK) answer(&p.server);
    pair_run(&p);
  }
  int ok = p.client.established && p.server.established;
  pair_close(&p);
  if (asked > 0 && gone == 0) abort(); /* it is told, come what may */
  return ok;
}

void signer_attempts_end(void) {
  EVP_PKEY_free(kept_key);
  tls_bytes_free(kept_certificate);
}

void signer_cases(void) {
  static const key_type types[] = {
      {"RSA", NULL, 0x0303},     {"RSA-PSS", NULL, 0x0303},   {"EC", "P-256", 0x0303},     {"EC", "P-384", 0x0303},
      {"EC", "P-521", 0x0303},   {"ED25519", NULL, 0x0303},   {"ED448", NULL, 0x0303},     {"ML-DSA-44", NULL, 0x0304},
      {"ML-DSA-65", NULL, 0x0304}, {"ML-DSA-87", NULL, 0x0304},
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    char name[96];
    snprintf(name, sizeof name, "signer: %s%s%s", types[i].type, types[i].argument ? " " : "", types[i].argument ? types[i].argument : "");
    run_case(name, all_ways, &types[i]);
  }
  static const uint32_t now = NUMBER, later = TLS_SIGNER_LATER;
  run_case("signer: DHE", dhe, &now);
  run_case("signer: DHE, parked", dhe, &later);
  run_case("signer: refused", refused, NULL);
}
