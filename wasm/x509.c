/* Keys and certificates made and read: enough for a development CA and to show who a peer is. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "internal.h"

static tls_bytes *bytes_from_bio(BIO *bio) {
  char *data;
  long length = BIO_get_mem_data(bio, &data);
  return bytes_new(0, 0, data, (size_t)length);
}

/* ---- Keys. ---- */

static EVP_PKEY *key_generate(const char *type) {
  if (strncmp(type, "RSA-", 4) == 0) return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(type + 4, NULL, 10));
  if (strncmp(type, "P-", 2) == 0) return EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
  return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

tls_bytes *tls_key_create(const char *type) {
  ERR_clear_error();
  EVP_PKEY *key = key_generate(type);
  BIO *bio = BIO_new(BIO_s_mem()); /* wiped when freed */
  tls_bytes *pem = NULL;
  if (key != NULL && bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) pem = bytes_from_bio(bio);
  BIO_free(bio);
  EVP_PKEY_free(key);
  if (pem == NULL) library_failed();
  return pem;
}

/* ---- Certificates: making. ---- */

typedef int (*line_handler)(void *target, const char *name, const char *value);

/* Calls handler for each "name=value" line. */
static int each_line(const char *lines, line_handler handler, void *target) {
  char *copy = OPENSSL_strdup(lines), *line, *rest = copy;
  int ok = copy != NULL;
  while (ok && (line = strsep(&rest, "\n")) != NULL) {
    char *value = strchr(line, '=');
    if (value == NULL) continue; /* an empty line */
    *value++ = '\0';
    ok = handler(target, line, value);
  }
  OPENSSL_free(copy);
  return ok;
}

static int subject_line(void *name, const char *type, const char *value) {
  return X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0);
}

typedef struct extension_target {
  X509 *certificate;
  X509V3_CTX context;
} extension_target;

static int extension_line(void *pointer, const char *name, const char *value) {
  extension_target *target = pointer;
  X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &target->context, name, value);
  int ok = extension != NULL && X509_add_ext(target->certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return ok;
}

/* 159 random bits: positive and well above the 64 that the CA/Browser Forum asks for. */
static int serial_set(X509 *certificate) {
  BIGNUM *number = BN_new();
  int ok = number != NULL && BN_rand(number, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
           BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
  BN_free(number);
  return ok;
}

static int certificate_fill(X509 *certificate, EVP_PKEY *key, const char *subject, const char *extensions, double not_before,
                            double not_after, X509 *issuer) {
  extension_target target = {.certificate = certificate};
  X509_NAME *name = X509_NAME_new();
  if (issuer == NULL) issuer = certificate;
  X509V3_set_ctx(&target.context, issuer, certificate, NULL, NULL, 0);
  int ok = name != NULL && each_line(subject, subject_line, name) && X509_set_version(certificate, X509_VERSION_3) &&
           serial_set(certificate) && X509_set_subject_name(certificate, name) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after) != NULL && X509_set_pubkey(certificate, key) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) && each_line(extensions, extension_line, &target);
  X509_NAME_free(name);
  return ok;
}

/* Ed25519, Ed448 and ML-DSA bring their own digest: it is mandatory (2), and there is none to name. */
static const EVP_MD *digest_for(EVP_PKEY *key) {
  char name[64];
  if (EVP_PKEY_get_default_digest_name(key, name, sizeof name) == 2 && strcmp(name, SN_undef) == 0) return NULL;
  return EVP_sha256();
}

static X509 *certificate_parse_one(const char *pem) {
  STACK_OF(X509) *all = certificates_parse((const uint8_t *)pem, strlen(pem));
  X509 *one = all == NULL ? NULL : sk_X509_shift(all);
  sk_X509_pop_free(all, X509_free);
  return one;
}

tls_bytes *tls_certificate_create(const char *key_pem, const char *subject, const char *extensions, double not_before,
                                  double not_after, const char *issuer_pem, const char *issuer_key_pem) {
  ERR_clear_error();
  EVP_PKEY *key = key_parse((const uint8_t *)key_pem, strlen(key_pem), NULL), *signer = key;
  X509 *certificate = X509_new(), *issuer = NULL;
  BIO *bio = BIO_new(BIO_s_mem());
  tls_bytes *pem = NULL;
  int ok = key != NULL && certificate != NULL && bio != NULL;
  if (ok && issuer_pem != NULL) {
    issuer = certificate_parse_one(issuer_pem);
    signer = key_parse((const uint8_t *)issuer_key_pem, strlen(issuer_key_pem), NULL);
    ok = issuer != NULL && signer != NULL && X509_check_private_key(issuer, signer);
  }
  if (ok && certificate_fill(certificate, key, subject, extensions, not_before, not_after, issuer) &&
      X509_sign(certificate, signer, digest_for(signer)) > 0 && PEM_write_bio_X509(bio, certificate))
    pem = bytes_from_bio(bio);
  if (pem == NULL) library_failed();
  if (signer != key) EVP_PKEY_free(signer);
  EVP_PKEY_free(key);
  X509_free(issuer);
  X509_free(certificate);
  BIO_free(bio);
  return pem;
}

/* ---- Certificates: reading. ---- */

static int put_counted(BIO *out, const void *bytes, size_t length) {
  uint32_t count = (uint32_t)length;
  return BIO_write(out, &count, sizeof count) == sizeof count && (length == 0 || BIO_write(out, bytes, (int)length) == (int)length);
}

static int put_field(BIO *out, const char *name, const void *value, size_t length) {
  return put_counted(out, name, strlen(name)) && put_counted(out, value, length);
}

static int put_text(BIO *out, const char *name, const char *value) { return value == NULL || put_field(out, name, value, strlen(value)); }

/* RFC 4514 order and escapes, UTF-8 kept as it is. */
static int put_name(BIO *out, const char *field, const X509_NAME *name) {
  BIO *text = BIO_new(BIO_s_mem());
  char *data;
  int ok = text != NULL && X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
  if (ok) {
    long length = BIO_get_mem_data(text, &data);
    ok = put_field(out, field, data, (size_t)length);
  }
  BIO_free(text);
  return ok;
}

/* Seconds since the epoch, in decimal. */
static int put_time(BIO *out, const char *field, const ASN1_TIME *time) {
  char text[32];
  int days, seconds;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  int ok = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time);
  ASN1_TIME_free(epoch);
  if (!ok) return 0;
  snprintf(text, sizeof text, "%lld", (long long)days * 86400 + seconds);
  return put_text(out, field, text);
}

static int put_hex(BIO *out, const char *field, const unsigned char *bytes, size_t length, const char separator) {
  char text[256];
  return OPENSSL_buf2hexstr_ex(text, sizeof text, NULL, bytes, length, separator) && put_text(out, field, text);
}

static int put_address(BIO *out, const ASN1_OCTET_STRING *address) {
  const unsigned char *b = ASN1_STRING_get0_data(address);
  char text[64];
  int used = 0, length = ASN1_STRING_length(address);
  if (length == 4) {
    snprintf(text, sizeof text, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
  } else if (length == 16) {
    for (int i = 0; i < 16; i += 2) used += snprintf(text + used, sizeof text - (size_t)used, "%s%x", i ? ":" : "", b[i] << 8 | b[i + 1]);
  } else {
    return 1; /* no address: not ours to guess */
  }
  return put_text(out, "ip", text);
}

static int put_alternative_names(BIO *out, const X509 *certificate) {
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    const char *field = name->type == GEN_DNS ? "dns" : name->type == GEN_EMAIL ? "email" : name->type == GEN_URI ? "uri" : NULL;
    if (name->type == GEN_IPADD)
      ok = put_address(out, name->d.iPAddress);
    else if (field != NULL)
      ok = put_field(out, field, ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5));
  }
  GENERAL_NAMES_free(names);
  return ok;
}

static int put_key(BIO *out, X509 *certificate) {
  EVP_PKEY *key = X509_get0_pubkey(certificate);
  char text[64];
  size_t length;
  if (key == NULL) return 1; /* a key type this build does not know */
  snprintf(text, sizeof text, "%d", EVP_PKEY_get_bits(key));
  int ok = put_text(out, "keyType", EVP_PKEY_get0_type_name(key)) && put_text(out, "keyBits", text);
  if (ok && EVP_PKEY_get_group_name(key, text, sizeof text, &length)) ok = put_text(out, "keyGroup", text);
  return ok;
}

static int put_certificate(BIO *out, X509 *certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length;
  const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
  return put_name(out, "subject", X509_get_subject_name(certificate)) && put_name(out, "issuer", X509_get_issuer_name(certificate)) &&
         put_hex(out, "serialNumber", ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), '\0') &&
         put_time(out, "notBefore", X509_get0_notBefore(certificate)) && put_time(out, "notAfter", X509_get0_notAfter(certificate)) &&
         put_alternative_names(out, certificate) && put_key(out, certificate) &&
         put_text(out, "signatureAlgorithm", OBJ_nid2sn(X509_get_signature_nid(certificate))) &&
         put_text(out, "ca", X509_check_ca(certificate) == 1 ? "1" : NULL) &&
         X509_digest(certificate, EVP_sha256(), digest, &length) && put_hex(out, "fingerprint256", digest, length, ':');
}

tls_bytes *tls_certificate_describe(const uint8_t *der, size_t length) {
  ERR_clear_error();
  const uint8_t *at = der;
  X509 *certificate = d2i_X509(NULL, &at, (long)length);
  BIO *out = BIO_new(BIO_s_mem());
  tls_bytes *fields = NULL;
  if (certificate != NULL && out != NULL && put_certificate(out, certificate)) fields = bytes_from_bio(out);
  if (fields == NULL) library_failed();
  ERR_clear_error();
  BIO_free(out);
  X509_free(certificate);
  return fields;
}

tls_bytes *tls_certificate_split(const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  STACK_OF(X509) *all = certificates_parse(bytes, length);
  BIO *out = BIO_new(BIO_s_mem());
  tls_bytes *split = NULL;
  int ok = all != NULL && out != NULL;
  for (int i = 0; ok && i < sk_X509_num(all); i++) {
    unsigned char *der = NULL;
    int count = i2d_X509(sk_X509_value(all, i), &der);
    ok = count > 0 && put_counted(out, der, (size_t)count);
    OPENSSL_free(der);
  }
  if (ok) split = bytes_from_bio(out);
  if (split == NULL) library_failed();
  sk_X509_pop_free(all, X509_free);
  BIO_free(out);
  return split;
}
