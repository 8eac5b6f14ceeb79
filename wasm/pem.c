/* Bytes to certificates, keys and what goes with them, whether they come as PEM or DER. */
#include <limits.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "x509.h"

static BIO *bio_over(const uint8_t *bytes, size_t length) {
  return length > INT_MAX ? NULL : BIO_new_mem_buf(bytes, (int)length);
}

/* DER is a SEQUENCE in every case here. What is neither is told as PEM without a start line, which is what people can act on. */
static int looks_like_pem(const uint8_t *bytes, size_t length) { return length == 0 || bytes[0] != 0x30; }

static int ends_in_order(size_t found) {
  unsigned long error = ERR_peek_last_error();
  if (found == 0 || ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return 0;
  ERR_clear_error(); /* "no more PEM blocks" is how a bundle ends */
  return 1;
}

static STACK_OF(X509) *certificates_parse_pem(BIO *bio) {
  STACK_OF(X509) *all = sk_X509_new_null();
  if (all == NULL) return NULL;
  for (;;) {
    X509 *one = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    if (one == NULL) break;
    if (!sk_X509_push(all, one)) {
      X509_free(one);
      break;
    }
  }
  if (ends_in_order((size_t)sk_X509_num(all))) return all;
  sk_X509_pop_free(all, X509_free);
  return NULL;
}

static STACK_OF(X509) *certificates_parse_der(const uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes;
  X509 *one = d2i_X509(NULL, &at, (long)length);
  if (one == NULL) return NULL;
  STACK_OF(X509) *all = sk_X509_new_null();
  if (all != NULL && sk_X509_push(all, one)) return all;
  sk_X509_free(all);
  X509_free(one);
  return NULL;
}

STACK_OF(X509) *certificates_parse(const uint8_t *bytes, size_t length) {
  if (!looks_like_pem(bytes, length)) return certificates_parse_der(bytes, length);
  BIO *bio = bio_over(bytes, length);
  STACK_OF(X509) *all = bio == NULL ? NULL : certificates_parse_pem(bio);
  BIO_free(bio);
  return all;
}

typedef struct lock {
  const char *passphrase; /* or NULL */
  int asked;              /* the key is encrypted */
} lock;

/* OpenSSL's default would ask the terminal; there is none. Without a passphrase the key cannot be read, and the error says so. */
static int passphrase_copy(char *out, int size, int writing, void *pointer) {
  lock *l = pointer;
  (void)writing;
  l->asked = 1;
  if (l->passphrase == NULL) return -1;
  size_t length = strlen(l->passphrase);
  if (length > (size_t)size) return -1;
  memcpy(out, l->passphrase, length);
  return (int)length;
}

static EVP_PKEY *key_parse_der(const uint8_t *bytes, size_t length, lock *l) {
  const uint8_t *at = bytes;
  EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)length); /* PKCS#8 and the traditional forms */
  if (key != NULL) return key;
  BIO *bio = bio_over(bytes, length);
  ERR_clear_error();
  key = bio == NULL ? NULL : d2i_PKCS8PrivateKey_bio(bio, NULL, passphrase_copy, l);
  BIO_free(bio);
  return key;
}

static EVP_PKEY *key_parse_pem(const uint8_t *bytes, size_t length, lock *l) {
  BIO *bio = bio_over(bytes, length);
  EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, passphrase_copy, l);
  BIO_free(bio);
  return key;
}

/* Whether it is encrypted PKCS#8 which the passphrase opens: then a key of a kind that we do not know is in it. */
static int opens(const uint8_t *bytes, size_t length, const char *passphrase) {
  const uint8_t *at = bytes;
  BIO *bio = looks_like_pem(bytes, length) ? bio_over(bytes, length) : NULL;
  ERR_set_mark();
  X509_SIG *encrypted = bio != NULL ? PEM_read_bio_PKCS8(bio, NULL, NULL, NULL) : d2i_X509_SIG(NULL, &at, (long)length);
  PKCS8_PRIV_KEY_INFO *info = encrypted == NULL ? NULL : PKCS8_decrypt(encrypted, passphrase, (int)strlen(passphrase));
  int ok = info != NULL;
  ERR_pop_to_mark();
  PKCS8_PRIV_KEY_INFO_free(info);
  X509_SIG_free(encrypted);
  BIO_free(bio);
  return ok;
}

EVP_PKEY *key_parse(const uint8_t *bytes, size_t length, const char *passphrase) {
  lock l = {passphrase, 0};
  EVP_PKEY *key = looks_like_pem(bytes, length) ? key_parse_pem(bytes, length, &l) : key_parse_der(bytes, length, &l);
  if (key != NULL) {
    ERR_clear_error(); /* decoders that tried and passed leave entries behind */
    return key;
  }
  /* One wrong passphrase in 256 leaves padding that looks good, and then the garbage before it is complained of. */
  if (l.asked && passphrase != NULL && !opens(bytes, length, passphrase)) {
    ERR_clear_error();
    ERR_raise(ERR_LIB_PEM, PEM_R_BAD_DECRYPT);
  }
  return NULL;
}

EVP_PKEY *public_key_parse(const uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes;
  if (!looks_like_pem(bytes, length)) return d2i_PUBKEY(NULL, &at, (long)length);
  BIO *bio = bio_over(bytes, length);
  EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
  BIO_free(bio);
  if (key != NULL) ERR_clear_error();
  return key;
}

X509_REQ *request_parse(const uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes;
  if (!looks_like_pem(bytes, length)) return d2i_X509_REQ(NULL, &at, (long)length);
  BIO *bio = bio_over(bytes, length);
  X509_REQ *request = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return request;
}

PKCS7 *pkcs7_parse(const uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes;
  if (!looks_like_pem(bytes, length)) return d2i_PKCS7(NULL, &at, (long)length);
  BIO *bio = bio_over(bytes, length);
  PKCS7 *bundle = bio == NULL ? NULL : PEM_read_bio_PKCS7(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return bundle;
}

static int crls_push(STACK_OF(X509_CRL) *all, X509_CRL *one) {
  if (one != NULL && sk_X509_CRL_push(all, one)) return 1;
  X509_CRL_free(one);
  return 0;
}

STACK_OF(X509_CRL) *crls_parse(const uint8_t *bytes, size_t length) {
  STACK_OF(X509_CRL) *all = sk_X509_CRL_new_null();
  const uint8_t *at = bytes;
  int ok;
  if (all == NULL) return NULL;
  if (looks_like_pem(bytes, length)) {
    BIO *bio = bio_over(bytes, length);
    while (bio != NULL && crls_push(all, PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) continue;
    BIO_free(bio);
    ok = ends_in_order((size_t)sk_X509_CRL_num(all));
  } else {
    ok = crls_push(all, d2i_X509_CRL(NULL, &at, (long)length));
  }
  if (ok) return all;
  sk_X509_CRL_pop_free(all, X509_CRL_free);
  return NULL;
}
