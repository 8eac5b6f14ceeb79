/* Certificates and keys: made, read in every encoding, damaged. */
#include "harness.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

static const uint8_t *bytes_of(const char *text) { return (const uint8_t *)text; }

/* Where the first certificate of a split bundle begins: behind the field's name and two lengths. */
#define FIRST (4 + sizeof "certificate" - 1 + 4)

static const char *passphrase = "correct horse";

/* What OpenSSL writes for a key, in a buffer that the caller frees. */
static uint8_t *key_as(const char *pem, int der, const char *with, size_t *length) {
  BIO *in = BIO_new_mem_buf(pem, -1), *out = BIO_new(BIO_s_mem());
  EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
  const EVP_CIPHER *cipher = with ? EVP_aes_256_cbc() : NULL;
  int size = with ? (int)strlen(with) : 0;
  if (der)
    i2d_PKCS8PrivateKey_bio(out, key, cipher, with, size, NULL, NULL);
  else
    PEM_write_bio_PKCS8PrivateKey(out, key, cipher, with, size, NULL, NULL);
  char *data;
  *length = (size_t)BIO_get_mem_data(out, &data);
  uint8_t *copy = malloc(*length + 64);
  memcpy(copy, data, *length);
  EVP_PKEY_free(key);
  BIO_free(in);
  BIO_free(out);
  return copy;
}

/* However the padding comes out: of 2,000 wrong passphrases some eight leave one that looks good. */
static const char *wrong_passphrases(const void *unused) {
  (void)unused;
  BIO *in = BIO_new_mem_buf(leaf_of("P-256")->key, -1), *out = BIO_new(BIO_s_mem());
  EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
  char *pem;
  CHECK(PEM_write_bio_PrivateKey_traditional(out, key, EVP_aes_128_cbc(), (const unsigned char *)"right", 5, NULL, NULL));
  size_t length = (size_t)BIO_get_mem_data(out, &pem);
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  CHECK(tls_context_use_key(c, bytes_of(pem), length, "right") == TLS_DONE);
  for (int i = 0; i < 2000; i++) {
    char guess[32];
    snprintf(guess, sizeof guess, "wrong %d", i);
    CHECK(tls_context_use_key(c, bytes_of(pem), length, guess) == TLS_ERROR);
    CHECK(strcmp(tls_library_error()->reason, "bad decrypt") == 0);
  }
  tls_context_free(c);
  EVP_PKEY_free(key);
  BIO_free(in);
  BIO_free(out);
  return NULL;
}

static uint8_t *pkcs12_of(const identity *one, const char *with, size_t *length) {
  BIO *key_in = BIO_new_mem_buf(one->key, -1), *cert_in = BIO_new_mem_buf(one->cert, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
  X509 *cert = PEM_read_bio_X509(cert_in, NULL, NULL, NULL);
  PKCS12 *made = PKCS12_create(with, "name", key, cert, NULL, 0, 0, 0, 0, 0);
  unsigned char *der = NULL;
  *length = (size_t)i2d_PKCS12(made, &der);
  uint8_t *copy = malloc(*length + 64);
  memcpy(copy, der, *length);
  OPENSSL_free(der);
  PKCS12_free(made);
  X509_free(cert);
  EVP_PKEY_free(key);
  BIO_free(key_in);
  BIO_free(cert_in);
  return copy;
}

static const char *key_forms(const void *argument) {
  const identity *one = leaf_of(argument);
  for (int form = 0; form < 4; form++) {
    size_t length;
    const char *with = form & 2 ? passphrase : NULL;
    uint8_t *key = key_as(one->key, form & 1, with, &length);
    tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
    CHECK(tls_context_use_certificate(c, bytes_of(one->cert), strlen(one->cert)) == TLS_DONE);
    CHECK(tls_context_use_key(c, key, length, with) == TLS_DONE);
    if (with != NULL) {
      CHECK(tls_context_use_key(c, key, length, "wrong") == TLS_ERROR);
      CHECK(tls_context_use_key(c, key, length, NULL) == TLS_ERROR && tls_library_error()->code != 0);
    }
    tls_context_free(c);
    free(key);
  }
  return NULL;
}

static const char *pkcs12(const void *argument) {
  size_t length;
  uint8_t *file = pkcs12_of(leaf_of(argument), passphrase, &length);
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  CHECK(tls_context_use_pkcs12(c, file, length, "wrong") == TLS_ERROR);
  CHECK(strstr(tls_library_error()->reason, "mac verify failure") != NULL);
  CHECK(tls_context_use_pkcs12(c, file, length, NULL) == TLS_ERROR);
  CHECK(tls_context_use_pkcs12(c, file, length, passphrase) == TLS_DONE);
  tls_context_free(c);
  free(file);
  return NULL;
}

static const char *wrong_key(const void *unused) {
  (void)unused;
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  const identity *one = leaf_of("P-256"), *type = leaf_of("Ed25519"), *other = authority();
  CHECK(tls_context_use_certificate(c, bytes_of(one->cert), strlen(one->cert)) == TLS_DONE);
  CHECK(tls_context_use_key(c, bytes_of(other->key), strlen(other->key), NULL) == TLS_ERROR);
  CHECK(tls_context_use_key(c, bytes_of(type->key), strlen(type->key), NULL) == TLS_ERROR);
  tls_context_free(c);
  return NULL;
}

typedef struct damage {
  const char *what;
  int der;
} damage;

/* Damaged credentials: taken or refused, never more. */
static const char *damaged(const void *argument) {
  const damage *d = argument;
  const identity *one = leaf_of("RSA-2048");
  size_t length;
  uint8_t *good;
  if (strcmp(d->what, "key") == 0)
    good = key_as(one->key, d->der, passphrase, &length);
  else if (strcmp(d->what, "pkcs12") == 0)
    good = pkcs12_of(leaf_of("P-256"), passphrase, &length);
  else if (d->der) {
    tls_bytes *split = tls_certificate_split(bytes_of(one->cert), strlen(one->cert));
    length = split->length - FIRST;
    good = malloc(length + 64);
    memcpy(good, (const uint8_t *)(split + 1) + FIRST, length);
    tls_bytes_free(split);
  } else {
    length = strlen(one->cert);
    good = malloc(length + 64);
    memcpy(good, one->cert, length);
  }
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  uint8_t *bad = malloc(length + 64);
  /* A key or PKCS#12 file costs a thousand rounds of key derivation each time. */
  int rounds = strcmp(d->what, "certificate") == 0 ? 1000 : 150;
  for (int seed = 1; seed <= rounds; seed++) {
    noise n = {(uint32_t)seed};
    memcpy(bad, good, length);
    size_t now = noise_mutate(&n, bad, length, length + 64);
    if (seed % 3 == 0) now = noise_mutate(&n, bad, now, length + 64);
    if (strcmp(d->what, "key") == 0)
      tls_context_use_key(c, bad, now, passphrase);
    else if (strcmp(d->what, "pkcs12") == 0)
      tls_context_use_pkcs12(c, bad, now, passphrase);
    else {
      tls_context_use_certificate(c, bad, now);
      tls_context_add_ca(c, bad, now);
      tls_bytes_free(tls_x509_describe(TLS_KIND_CERTIFICATE, bad, now));
      tls_bytes_free(tls_certificate_split(bad, now));
    }
  }
  free(good);
  free(bad);
  tls_context_free(c);
  return NULL;
}

static const char *made(const void *argument) {
  static const char extensions[] = "basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:a.test,IP:::1,email:a@b.test,URI:https://a/";
  identity one = identity_new(argument, extensions, NULL);
  identity leaf = identity_new("P-256", "", &one);
  tls_bytes *split = tls_certificate_split(bytes_of(leaf.cert), strlen(leaf.cert));
  CHECK(split != NULL);
  tls_bytes *fields = tls_x509_describe(TLS_KIND_CERTIFICATE, (const uint8_t *)(split + 1) + FIRST, split->length - FIRST);
  CHECK(fields != NULL);
  tls_bytes_free(fields);
  tls_bytes_free(split);
  identity_free(&leaf);
  identity_free(&one);
  return NULL;
}

static const char *not_made(const void *unused) {
  (void)unused;
  const identity *one = leaf_of("P-256"), *other = leaf_of("Ed25519");
  CHECK(tls_key_create("DSA") == NULL && tls_key_create("") == NULL && tls_key_create("P-999") == NULL);
  CHECK(certificate_new("no key", "", "", 0, 1, NULL, NULL) == NULL);
  CHECK(certificate_new(one->key, "nonsense=1", "", 0, 1, NULL, NULL) == NULL);
  CHECK(certificate_new(one->key, "", "nonsense=1", 0, 1, NULL, NULL) == NULL);
  CHECK(certificate_new(one->key, "", "subjectAltName=IP:x", 0, 1, NULL, NULL) == NULL);
  CHECK(certificate_new(one->key, "", "", 0, 1, "no certificate", one->key) == NULL);
  CHECK(certificate_new(one->key, "", "", 0, 1, one->cert, other->key) == NULL);
  CHECK(certificate_new(one->key, "", "", 0, 1, one->cert, "no key") == NULL);
  CHECK(tls_library_error()->stack[0] != '\0');
  return NULL;
}

void credential_cases(void) {
  static const char *const types[] = {"RSA-2048", "P-256", "Ed25519"};
  static const damage damages[] = {{"certificate", 0}, {"certificate", 1}, {"key", 0}, {"key", 1}, {"pkcs12", 1}};
  for (int i = 0; i < 3; i++) {
    char name[96];
    snprintf(name, sizeof name, "credentials: a key in every form, %s", types[i]);
    run_case(name, key_forms, types[i]);
    snprintf(name, sizeof name, "credentials: PKCS#12, %s", types[i]);
    run_case(name, pkcs12, types[i]);
    snprintf(name, sizeof name, "credentials: made and read back, %s", types[i]);
    run_case(name, made, types[i]);
  }
  run_case("credentials: a key that does not fit", wrong_key, NULL);
  run_case("credentials: what cannot be made", not_made, NULL);
  for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
    char name[96];
    snprintf(name, sizeof name, "credentials: a damaged %s in %s", damages[i].what, damages[i].der ? "DER" : "PEM");
    run_case(name, damaged, &damages[i]);
  }
  run_case("credentials: 2000 wrong passphrases, and each is told as one", wrong_passphrases, NULL);
}
