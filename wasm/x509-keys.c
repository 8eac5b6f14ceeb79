/* Private keys made, and keys from one encoding to another. */
#include <stdlib.h>
#include <string.h>

#include <openssl/pkcs12.h>

#include "x509.h"

static EVP_PKEY *key_generate(const char *type) {
  if (strncmp(type, "RSA-", 4) == 0) return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(type + 4, NULL, 10));
  if (strncmp(type, "P-", 2) == 0) return EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
  return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static int write_private(BIO *out, const EVP_PKEY *key) {
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  int ok = info != NULL && i2d_PKCS8_PRIV_KEY_INFO_bio(out, info);
  PKCS8_PRIV_KEY_INFO_free(info); /* which wipes it */
  return ok;
}

/* PBES2 (RFC 8018) with AES-256-CBC, PBKDF2 with HMAC-SHA-256 and a salt of 16 random bytes. */
static int write_encrypted(BIO *out, const EVP_PKEY *key, const char *passphrase, int iterations) {
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  X509_ALGOR *algorithm = PKCS5_pbe2_set_iv_ex(EVP_aes_256_cbc(), iterations, NULL, 0, NULL, NID_hmacWithSHA256, NULL);
  X509_SIG *sealed = NULL;
  if (info != NULL && algorithm != NULL) sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, algorithm);
  int ok = sealed != NULL && i2d_PKCS8_bio(out, sealed);
  if (sealed == NULL) X509_ALGOR_free(algorithm); /* else it is part of it */
  X509_SIG_free(sealed);
  PKCS8_PRIV_KEY_INFO_free(info);
  return ok;
}

tls_bytes *tls_key_create(const char *type) {
  library_clear();
  EVP_PKEY *key = key_generate(type);
  BIO *out = BIO_new(BIO_s_mem());
  int ok = key != NULL && out != NULL && write_private(out, key);
  EVP_PKEY_free(key);
  return bytes_from_bio(out, ok);
}

/* Fields: key, passphrase to read it with; form: "private", "encrypted" or "public"; encryptPassphrase and iterations. */
static int convert(BIO *out, fields from, const EVP_PKEY *key, const char *form) {
  if (strcmp(form, "private") == 0) return write_private(out, key);
  if (strcmp(form, "public") == 0) return i2d_PUBKEY_bio(out, key);
  char *passphrase = fields_text(from, "encryptPassphrase");
  int ok = passphrase != NULL && write_encrypted(out, key, passphrase, (int)fields_number(from, "iterations", 0));
  text_wipe(passphrase);
  return ok;
}

tls_bytes *tls_key_convert(const uint8_t *request, size_t length) {
  library_clear();
  fields from = fields_over(request, length);
  field encoded;
  char *passphrase = fields_text(from, "passphrase"), *form = fields_text(from, "form");
  EVP_PKEY *key = fields_find(from, "key", &encoded) ? key_parse(encoded.value, encoded.length, passphrase) : NULL;
  BIO *out = BIO_new(BIO_s_mem());
  int ok = key != NULL && out != NULL && form != NULL && convert(out, from, key, form);
  EVP_PKEY_free(key);
  text_wipe(passphrase);
  OPENSSL_free(form);
  return bytes_from_bio(out, ok);
}
