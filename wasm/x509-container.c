/* Several things in one: PEM bundles, PKCS #7 certificate bundles (RFC 2315), PKCS #12 files (RFC 7292). */
#include <string.h>

#include <openssl/pkcs12.h>

#include "x509.h"

static int put_certificates(BIO *out, const char *field, const STACK_OF(X509) *all) {
  int ok = 1;
  for (int i = 0; ok && i < sk_X509_num(all); i++) ok = put_certificate(out, field, sk_X509_value(all, i));
  return ok;
}

tls_bytes *tls_certificate_split(const uint8_t *bytes, size_t length) {
  library_clear();
  STACK_OF(X509) *all = certificates_parse(bytes, length);
  BIO *out = BIO_new(BIO_s_mem());
  int ok = all != NULL && out != NULL && put_certificates(out, "certificate", all);
  sk_X509_pop_free(all, X509_free);
  return bytes_from_bio(out, ok);
}

/* ---- PKCS #7. The signature of a signed one is not looked at: a bundle has none. ---- */

static int put_pkcs7(BIO *out, const STACK_OF(X509) *certificates, const STACK_OF(X509_CRL) *crls) {
  int ok = put_certificates(out, "certificate", certificates);
  for (int i = 0; ok && i < sk_X509_CRL_num(crls); i++) {
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(sk_X509_CRL_value(crls, i), &der);
    ok = put_asn1(out, "crl", length, der);
  }
  return ok;
}

tls_bytes *tls_pkcs7_parse(const uint8_t *bytes, size_t length) {
  library_clear();
  PKCS7 *bundle = pkcs7_parse(bytes, length);
  BIO *out = BIO_new(BIO_s_mem());
  int ok = bundle != NULL && out != NULL;
  if (ok && PKCS7_type_is_signed(bundle) && bundle->d.sign != NULL)
    ok = put_pkcs7(out, bundle->d.sign->cert, bundle->d.sign->crl);
  else if (ok && PKCS7_type_is_signedAndEnveloped(bundle) && bundle->d.signed_and_enveloped != NULL)
    ok = put_pkcs7(out, bundle->d.signed_and_enveloped->cert, bundle->d.signed_and_enveloped->crl);
  else if (ok)
    ok = library_refuse("a PKCS #7 message of a kind that has no certificates");
  PKCS7_free(bundle);
  return bytes_from_bio(out, ok);
}

/* ---- PKCS #12 ---- */

static int put_private_key(BIO *out, const EVP_PKEY *key) {
  if (key == NULL) return 1;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  unsigned char *der = NULL;
  int length = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  int ok = length > 0 && put_bytes(out, "key", der, (size_t)length);
  if (length > 0) OPENSSL_clear_free(der, (size_t)length);
  PKCS8_PRIV_KEY_INFO_free(info);
  return ok;
}

tls_bytes *tls_pkcs12_parse(const uint8_t *bytes, size_t length, const char *passphrase) {
  library_clear();
  const uint8_t *at = bytes;
  PKCS12 *file = d2i_PKCS12(NULL, &at, (long)length);
  EVP_PKEY *key = NULL;
  X509 *certificate = NULL;
  STACK_OF(X509) *chain = NULL;
  BIO *out = BIO_new(BIO_s_mem());
  int ok = file != NULL && out != NULL && PKCS12_parse(file, passphrase, &key, &certificate, &chain) && put_private_key(out, key);
  if (ok && certificate != NULL) {
    int count = 0;
    const char *name = (const char *)X509_alias_get0(certificate, &count);
    ok = put_certificate(out, "certificate", certificate) && (name == NULL || put_bytes(out, "name", name, (size_t)count));
  }
  ok = ok && put_certificates(out, "chain", chain);
  sk_X509_pop_free(chain, X509_free);
  X509_free(certificate);
  EVP_PKEY_free(key);
  PKCS12_free(file);
  return bytes_from_bio(out, ok);
}

/* Fields: key, keyPassphrase, cert (leaf first, then its chain), passphrase, iterations, name. */
static PKCS12 *pkcs12_make(fields from, EVP_PKEY *key, STACK_OF(X509) *chain, X509 *leaf) {
  char *passphrase = fields_text(from, "passphrase"), *name = fields_text(from, "name");
  int iterations = (int)fields_number(from, "iterations", 0);
  PKCS12 *file = NULL;
  if (passphrase != NULL)
    file = PKCS12_create(passphrase, name, key, leaf, chain, NID_aes_256_cbc, NID_aes_256_cbc, iterations, iterations, 0);
  text_wipe(passphrase);
  OPENSSL_free(name);
  return file;
}

tls_bytes *tls_pkcs12_create(const uint8_t *request, size_t length) {
  library_clear();
  fields from = fields_over(request, length);
  field encoded;
  char *passphrase = fields_text(from, "keyPassphrase");
  library_option("key");
  EVP_PKEY *key = fields_find(from, "key", &encoded) ? key_parse(encoded.value, encoded.length, passphrase) : NULL;
  text_wipe(passphrase);
  if (key != NULL) library_option("cert");
  STACK_OF(X509) *chain = key != NULL && fields_find(from, "cert", &encoded) ? certificates_parse(encoded.value, encoded.length) : NULL;
  X509 *leaf = chain == NULL ? NULL : sk_X509_shift(chain);
  PKCS12 *file = leaf == NULL ? NULL : pkcs12_make(from, key, chain, leaf);
  BIO *out = BIO_new(BIO_s_mem());
  int ok = file != NULL && out != NULL && i2d_PKCS12_bio(out, file);
  PKCS12_free(file);
  X509_free(leaf);
  sk_X509_pop_free(chain, X509_free);
  EVP_PKEY_free(key);
  return bytes_from_bio(out, ok);
}
