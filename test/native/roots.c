/* Roots that are parsed when they are looked for: found whatever the spelling of their name, and harmless when they are none. */
#include "harness.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

typedef struct spelling {
  const char *what;
  int type; /* V_ASN1_*, or MBSTRING_* */
  const char *text;
  int length;
} spelling;

/* All one name for X509_NAME_cmp(3); the last is another. */
static const spelling spellings[] = {
    {"UTF-8", V_ASN1_UTF8STRING, "Root No. 7 \xc3\xa9", -1},
    {"upper case, more spaces", V_ASN1_UTF8STRING, "  ROOT  No.   7 \xc3\xa9", -1},
    {"Latin", V_ASN1_T61STRING, "root no. 7 \xe9", -1},
    {"two bytes a character", V_ASN1_BMPSTRING, "\0R\0o\0o\0t\0 \0n\0o\0.\0 \0""7\0 \0\xe9", 24},
    {"four bytes a character", V_ASN1_UNIVERSALSTRING,
     "\0\0\0r\0\0\0O\0\0\0o\0\0\0T\0\0\0 \0\0\0n\0\0\0o\0\0\0.\0\0\0 \0\0\0""7\0\0\0 \0\0\0\xe9", 48},
    {"another name", V_ASN1_UTF8STRING, "Root No. 8 \xc3\xa9", -1},
};
#define SPELLINGS ((int)(sizeof spellings / sizeof spellings[0]))

static X509_NAME *name_of(const spelling *s) {
  X509_NAME *name = X509_NAME_new();
  X509_NAME_add_entry_by_NID(name, NID_countryName, V_ASN1_PRINTABLESTRING, (const unsigned char *)"DE", -1, -1, 0);
  X509_NAME_add_entry_by_NID(name, NID_commonName, s->type, (const unsigned char *)s->text, s->length, -1, 0);
  return name;
}

/* A certificate for subject that the key of issuer signs; itself where both are the same. */
static X509 *certificate_of(const spelling *subject, const spelling *issuer, EVP_PKEY *key, EVP_PKEY *signer) {
  X509 *one = X509_new();
  X509_NAME *name = name_of(subject), *above = name_of(issuer);
  X509_set_version(one, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(one), subject == issuer ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(one), -3600);
  X509_gmtime_adj(X509_getm_notAfter(one), 3600);
  X509_set_subject_name(one, name);
  X509_set_issuer_name(one, above);
  X509_set_pubkey(one, key);
  X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, subject == issuer ? "critical,CA:TRUE" : "CA:FALSE");
  X509_add_ext(one, ca, -1);
  X509_EXTENSION_free(ca);
  X509_sign(one, signer, EVP_sha256());
  X509_NAME_free(name);
  X509_NAME_free(above);
  return one;
}

static char *pem_of_certificate(X509 *one) {
  unsigned char *der = NULL;
  int length = i2d_X509(one, &der);
  char *pem = pem_of("CERTIFICATE", der, (size_t)length);
  OPENSSL_free(der);
  return pem;
}

/* Against the store of a context: X509_V_OK or why not. */
static int verdict_on(tls_context *context, X509 *one) {
  X509_STORE_CTX *store = X509_STORE_CTX_new();
  X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(context->ssl), one, NULL);
  int ok = X509_verify_cert(store) == 1, error = X509_STORE_CTX_get_error(store);
  X509_STORE_CTX_free(store);
  return ok ? X509_V_OK : error;
}

static char *joined(const char *const *texts, int count) {
  size_t length = 1;
  for (int i = 0; i < count; i++) length += strlen(texts[i]);
  char *all = malloc(length);
  all[0] = '\0';
  for (int i = 0; i < count; i++) strcat(all, texts[i]);
  return all;
}

static const char *all_spellings(const void *unused) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  (void)unused;
  for (int of_root = 0; of_root < SPELLINGS; of_root++) {
    X509 *root = certificate_of(&spellings[of_root], &spellings[of_root], key, key);
    char *pem = pem_of_certificate(root), *all = joined((const char *const[]){authority()->cert, pem, self_signed()->cert}, 3);
    tls_roots *roots = tls_roots_new((const uint8_t *)all, strlen(all));
    CHECK(roots != NULL);
    tls_context *context = tls_context_new(TLS_PROTOCOL_TLS), *other = tls_context_new(TLS_PROTOCOL_TLS);
    CHECK(tls_context_trust_roots(context, roots) == TLS_DONE);
    CHECK(tls_context_add_ca(other, (const uint8_t *)authority()->cert, strlen(authority()->cert)) > 0);
    CHECK(tls_context_trust_roots(other, roots) == TLS_DONE);
    tls_roots_free(roots); /* the contexts keep them */
    for (int of_issuer = 0; of_issuer < SPELLINGS; of_issuer++) {
      static const spelling leaf = {"leaf", V_ASN1_UTF8STRING, "leaf", -1};
      X509 *one = certificate_of(&leaf, &spellings[of_issuer], key, key);
      int is_same = (of_root == SPELLINGS - 1) == (of_issuer == SPELLINGS - 1);
      int expected = is_same ? X509_V_OK : X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
      CHECK(verdict_on(context, one) == expected);
      CHECK(verdict_on(context, one) == expected); /* from OpenSSL's index, now */
      CHECK(verdict_on(other, one) == expected);
      X509_free(one);
    }
    tls_context_free(context);
    tls_context_free(other);
    X509_free(root);
    free(pem);
    free(all);
  }
  EVP_PKEY_free(key);
  return NULL;
}

/* Cut anywhere, and with any byte another: refused at once, or trusted by nobody, or still what it was. */
static const char *damaged(const void *unused) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *root = certificate_of(&spellings[0], &spellings[0], key, key);
  static const spelling leaf = {"leaf", V_ASN1_UTF8STRING, "leaf", -1};
  X509 *one = certificate_of(&leaf, &spellings[0], key, key);
  unsigned char *der = NULL;
  int length = i2d_X509(root, &der);
  noise n = {7};
  (void)unused;
  for (int i = 0; i < 2 * length; i++) {
    size_t cut = i < length ? (size_t)i : (size_t)length;
    unsigned char before = der[i % length];
    if (i >= length) der[i % length] = (unsigned char)noise_below(&n, 256);
    char *pem = pem_of("CERTIFICATE", der, cut);
    der[i % length] = before;
    tls_roots *roots = tls_roots_new((const uint8_t *)pem, strlen(pem));
    CHECK(roots != NULL || tls_library_error()->reason[0] != '\0');
    if (roots != NULL) {
      tls_context *context = tls_context_new(TLS_PROTOCOL_TLS);
      CHECK(tls_context_trust_roots(context, roots) == TLS_DONE);
      int verdict = verdict_on(context, one);
      CHECK(i >= length || verdict != X509_V_OK);
      tls_context_free(context);
    }
    tls_roots_free(roots);
    free(pem);
  }
  OPENSSL_free(der);
  X509_free(root);
  X509_free(one);
  EVP_PKEY_free(key);
  return NULL;
}

static const char *no_list(const void *unused) {
  static const char *const texts[] = {"", "no certificate", "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n"};
  (void)unused;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    CHECK(tls_roots_new((const uint8_t *)texts[i], strlen(texts[i])) == NULL);
    CHECK(tls_library_error()->reason[0] != '\0');
  }
  char *half = joined((const char *const[]){authority()->cert, texts[2]}, 2);
  CHECK(tls_roots_new((const uint8_t *)half, strlen(half)) == NULL);
  free(half);
  return NULL;
}

void roots_cases(void) {
  run_case("roots: found by each spelling of their name", all_spellings, NULL);
  run_case("roots: damaged ones are refused, or trusted by nobody", damaged, NULL);
  run_case("roots: what is no list of certificates is refused", no_list, NULL);
}
