/*
 * Certificates, certificate requests and CRLs, made and signed. Each is made from a request (fields.c) whose names are those of the
 * options in src/x509/create.ts; what is refused is told with the option's name.
 */
#include <string.h>
#include <time.h>

#include "x509.h"

/* ---- Parts ---- */

/* The digest to sign with: as strong as the key, or none where the algorithm brings its own (Ed25519, Ed448, ML-DSA). */
static const EVP_MD *digest_for(EVP_PKEY *key) {
  char name[64];
  int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_get_default_digest_name(key, name, sizeof name) == 2 && strcmp(name, SN_undef) == 0) return NULL;
  if (!EVP_PKEY_is_a(key, "EC") || bits <= 256) return EVP_sha256();
  return bits <= 384 ? EVP_sha384() : EVP_sha512();
}

static EVP_PKEY *read_key(fields from, const char *name, const char *passphrase_name) {
  field key;
  if (!fields_find(from, name, &key)) return NULL;
  char *passphrase = fields_text(from, passphrase_name);
  library_option(name);
  EVP_PKEY *found = key_parse(key.value, key.length, passphrase);
  text_wipe(passphrase);
  if (found != NULL) library_option(NULL);
  return found;
}

static int add_attribute(X509_NAME *name, fields attribute) {
  field value;
  char *type = fields_text(attribute, "type");
  int ok = type != NULL && fields_find(attribute, "value", &value) &&
           X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, value.value, (int)value.length, -1, 0);
  OPENSSL_free(type);
  return ok;
}

static X509_NAME *read_subject(fields from) {
  X509_NAME *name = X509_NAME_new();
  field f;
  library_option("subject");
  while (name != NULL && fields_next(&from, &f)) {
    if (!field_is(&f, "subject") || add_attribute(name, fields_in(&f))) continue;
    X509_NAME_free(name);
    return NULL;
  }
  library_option(NULL);
  return name;
}

/* Who signs. key is the issuer's; without an issuer the subject's own. */
typedef struct signer {
  X509 *certificate; /* NULL: self-signed */
  EVP_PKEY *key;
} signer;

static void signer_release(signer *s) {
  X509_free(s->certificate);
  EVP_PKEY_free(s->key);
}

/* usage: the KU_ bit that the issuer's certificate must not lack. */
static int read_issuer(fields from, signer *s, uint32_t usage) {
  field f;
  if (!fields_find(from, "issuerCert", &f)) return 1;
  library_option("issuer");
  STACK_OF(X509) *all = certificates_parse(f.value, f.length);
  s->certificate = all == NULL ? NULL : sk_X509_shift(all);
  sk_X509_pop_free(all, X509_free);
  if (s->certificate == NULL) return 0;
  s->key = read_key(from, "issuerKey", "issuerPassphrase");
  library_option("issuer");
  if (s->key == NULL || !X509_check_private_key(s->certificate, s->key)) return 0;
  if (fields_find(from, "anyIssuer", &f)) return library_option(NULL), 1;
  if ((X509_get_extension_flags(s->certificate) & EXFLAG_CA) == 0) return library_refuse("the issuer's certificate is no CA: make it with `ca: true`");
  if ((X509_get_key_usage(s->certificate) & usage) == 0) return library_refuse("the issuer's key usage does not allow this signature");
  library_option(NULL);
  return 1;
}

/* 159 random bits: positive and well above the 64 that the CA/Browser Forum asks for. */
static int set_serial(ASN1_INTEGER *serial, fields from) {
  char *text = fields_text(from, "serialNumber");
  BIGNUM *number = text == NULL ? BN_new() : NULL;
  int ok = text == NULL ? number != NULL && BN_rand(number, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) : BN_hex2bn(&number, text) > 0;
  ok = ok && BN_to_ASN1_INTEGER(number, serial) != NULL;
  OPENSSL_free(text);
  BN_free(number);
  return ok;
}

static int set_time(ASN1_TIME *time, fields from, const char *name) {
  library_option(name);
  if (ASN1_TIME_set(time, (time_t)fields_number(from, name, 0)) == NULL) return 0;
  library_option(NULL);
  return 1;
}

/* ---- Certificates ---- */

/* The subject's public key: of `key`, of `publicKey` or of `request`. *own is the private key, where that is what was given. */
static EVP_PKEY *read_subject_key(fields from, X509_REQ *request, EVP_PKEY **own) {
  field f;
  if (request != NULL) return X509_REQ_get_pubkey(request);
  if (fields_find(from, "publicKey", &f)) {
    library_option("publicKey");
    EVP_PKEY *key = public_key_parse(f.value, f.length);
    if (key != NULL) library_option(NULL);
    return key;
  }
  *own = read_key(from, "key", "passphrase");
  return *own != NULL && EVP_PKEY_up_ref(*own) ? *own : NULL;
}

/* A request proves that whoever wrote it has the key. */
static X509_REQ *read_request(fields from) {
  field f;
  if (!fields_find(from, "request", &f)) return NULL;
  library_option("request");
  X509_REQ *request = request_parse(f.value, f.length);
  EVP_PKEY *key = request == NULL ? NULL : X509_REQ_get0_pubkey(request);
  if (key != NULL && X509_REQ_verify(request, key) == 1) {
    library_option(NULL);
    return request;
  }
  if (request != NULL) library_refuse("the request is not signed with its own key");
  X509_REQ_free(request);
  return NULL;
}

/* The alternative names that a request asks for, where the caller has accepted them. */
static int accept_names(STACK_OF(X509_EXTENSION) **made, fields from, X509_REQ *request, int critical) {
  field f;
  if (request == NULL || !fields_find(from, "acceptNames", &f)) return 1;
  STACK_OF(X509_EXTENSION) *asked = X509_REQ_get_extensions(request);
  GENERAL_NAMES *names = X509V3_get_d2i(asked, NID_subject_alt_name, NULL, NULL);
  int ok = names == NULL || X509V3_add1_i2d(made, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) == 1;
  GENERAL_NAMES_free(names);
  sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
  return ok;
}

/* keyEncipherment is for RSA key transport; other algorithms must not have it (RFC 8410, 5; RFC 9881). */
static int add_default_usage(STACK_OF(X509_EXTENSION) **made, fields from, EVP_PKEY *key) {
  field f;
  if (!fields_find(from, "defaultUsage", &f)) return 1;
  const char *bits = EVP_PKEY_is_a(key, "RSA") ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
  X509_EXTENSION *usage = X509V3_EXT_nconf(NULL, NULL, "keyUsage", bits);
  int ok = usage != NULL && X509v3_add_ext(made, usage, -1) != NULL;
  X509_EXTENSION_free(usage);
  return ok;
}

static int add_extensions(X509 *certificate, fields from, X509_REQ *request, X509 *issuer) {
  STACK_OF(X509_EXTENSION) *made = NULL;
  X509V3_CTX context;
  int nameless = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  int ok = add_default_usage(&made, from, X509_get0_pubkey(certificate)) && accept_names(&made, from, request, nameless) &&
           extensions_make(from, &context, nameless, &made);
  for (int i = 0; ok && i < sk_X509_EXTENSION_num(made); i++) ok = X509_add_ext(certificate, sk_X509_EXTENSION_value(made, i), -1);
  sk_X509_EXTENSION_pop_free(made, X509_EXTENSION_free);
  if (ok && request != NULL && nameless && X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0)
    return library_refuse("no name would be certified: give `subject` or `hosts`, or accept the request's with `acceptRequested`");
  return ok;
}

static int set_subject(X509 *certificate, fields from, const X509_REQ *request) {
  field f;
  if (request != NULL && fields_find(from, "acceptSubject", &f))
    return X509_set_subject_name(certificate, X509_REQ_get_subject_name(request));
  X509_NAME *name = read_subject(from);
  int ok = name != NULL && X509_set_subject_name(certificate, name);
  X509_NAME_free(name);
  return ok;
}

static int make_certificate(X509 *certificate, fields from, X509_REQ *request, EVP_PKEY *key, X509 *issuer) {
  if (issuer == NULL) issuer = certificate;
  return X509_set_version(certificate, X509_VERSION_3) && set_serial(X509_get_serialNumber(certificate), from) &&
         set_time(X509_getm_notBefore(certificate), from, "notBefore") && set_time(X509_getm_notAfter(certificate), from, "notAfter") &&
         X509_set_pubkey(certificate, key) && set_subject(certificate, from, request) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
         add_extensions(certificate, from, request, issuer);
}

tls_bytes *tls_certificate_create(const uint8_t *bytes, size_t length) {
  library_clear();
  fields from = fields_over(bytes, length);
  signer issuer = {NULL, NULL};
  EVP_PKEY *own = NULL, *key = NULL;
  X509_REQ *request = read_request(from);
  X509 *certificate = X509_new();
  BIO *out = BIO_new(BIO_s_mem());
  field f;
  int ok = certificate != NULL && out != NULL && (request != NULL || !fields_find(from, "request", &f)) &&
           (key = read_subject_key(from, request, &own)) != NULL && read_issuer(from, &issuer, KU_KEY_CERT_SIGN) &&
           make_certificate(certificate, from, request, key, issuer.certificate);
  EVP_PKEY *signs = issuer.key != NULL ? issuer.key : own;
  ok = ok && signs != NULL && X509_sign(certificate, signs, digest_for(signs)) > 0 && i2d_X509_bio(out, certificate);
  signer_release(&issuer);
  EVP_PKEY_free(own);
  EVP_PKEY_free(key);
  X509_REQ_free(request);
  X509_free(certificate);
  return bytes_from_bio(out, ok);
}

/* ---- Requests (PKCS #10, RFC 2986) ---- */

static int make_request(X509_REQ *request, fields from, EVP_PKEY *key) {
  STACK_OF(X509_EXTENSION) *made = NULL;
  X509V3_CTX context;
  X509_NAME *subject = read_subject(from);
  X509V3_set_ctx(&context, NULL, NULL, request, NULL, 0);
  int ok = subject != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) && X509_REQ_set_subject_name(request, subject) &&
           X509_REQ_set_pubkey(request, key) && extensions_make(from, &context, X509_NAME_entry_count(subject) == 0, &made) &&
           X509_REQ_add_extensions(request, made) && X509_REQ_sign(request, key, digest_for(key)) > 0;
  sk_X509_EXTENSION_pop_free(made, X509_EXTENSION_free);
  X509_NAME_free(subject);
  return ok;
}

tls_bytes *tls_request_create(const uint8_t *bytes, size_t length) {
  library_clear();
  fields from = fields_over(bytes, length);
  EVP_PKEY *key = read_key(from, "key", "passphrase");
  X509_REQ *request = X509_REQ_new();
  BIO *out = BIO_new(BIO_s_mem());
  int ok = key != NULL && request != NULL && out != NULL && make_request(request, from, key) && i2d_X509_REQ_bio(out, request);
  X509_REQ_free(request);
  EVP_PKEY_free(key);
  return bytes_from_bio(out, ok);
}

/* ---- CRLs ---- */

static int set_reason(X509_REVOKED *revoked, int64_t reason) {
  ASN1_ENUMERATED *value = reason < 0 ? NULL : ASN1_ENUMERATED_new();
  if (reason < 0) return 1; /* RFC 5280, 5.3.1: rather none than "unspecified" */
  int ok = value != NULL && ASN1_ENUMERATED_set_int64(value, reason) &&
           X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, value, 0, X509V3_ADD_DEFAULT) == 1;
  ASN1_ENUMERATED_free(value);
  return ok;
}

static int add_revoked(X509_CRL *crl, fields from) {
  X509_REVOKED *revoked = X509_REVOKED_new();
  ASN1_INTEGER *serial = ASN1_INTEGER_new();
  ASN1_TIME *date = ASN1_TIME_set(NULL, (time_t)fields_number(from, "date", 0));
  int ok = revoked != NULL && serial != NULL && date != NULL && set_serial(serial, from) && X509_REVOKED_set_serialNumber(revoked, serial) &&
           X509_REVOKED_set_revocationDate(revoked, date) && set_reason(revoked, fields_number(from, "reason", -1));
  ASN1_TIME_free(date);
  ASN1_INTEGER_free(serial);
  if (ok && X509_CRL_add0_revoked(crl, revoked)) return 1;
  X509_REVOKED_free(revoked);
  return 0;
}

static int set_crl_times(X509_CRL *crl, fields from) {
  ASN1_TIME *this = ASN1_TIME_new(), *next = ASN1_TIME_new();
  int ok = this != NULL && next != NULL && set_time(this, from, "thisUpdate") && set_time(next, from, "nextUpdate") &&
           X509_CRL_set1_lastUpdate(crl, this) && X509_CRL_set1_nextUpdate(crl, next);
  ASN1_TIME_free(this);
  ASN1_TIME_free(next);
  return ok;
}

static int set_crl_number(X509_CRL *crl, fields from) {
  field f;
  ASN1_INTEGER *number = ASN1_INTEGER_new();
  BIGNUM *value = NULL;
  char *text = fields_find(from, "number", &f) ? field_text(&f) : NULL;
  int ok = number != NULL && text != NULL && BN_hex2bn(&value, text) > 0 && BN_to_ASN1_INTEGER(value, number) != NULL &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1;
  OPENSSL_free(text);
  BN_free(value);
  ASN1_INTEGER_free(number);
  return ok;
}

static int make_crl(X509_CRL *crl, fields from, const signer *issuer) {
  STACK_OF(X509_EXTENSION) *made = NULL;
  X509V3_CTX context;
  field f;
  X509V3_set_ctx(&context, issuer->certificate, NULL, NULL, crl, 0);
  int ok = X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate)) &&
           set_crl_times(crl, from) && set_crl_number(crl, from) && extensions_make(from, &context, 0, &made);
  for (int i = 0; ok && i < sk_X509_EXTENSION_num(made); i++) ok = X509_CRL_add_ext(crl, sk_X509_EXTENSION_value(made, i), -1);
  sk_X509_EXTENSION_pop_free(made, X509_EXTENSION_free);
  for (fields rest = from; ok && fields_next(&rest, &f);) {
    if (!field_is(&f, "revoked")) continue;
    library_option("revoked");
    ok = add_revoked(crl, fields_in(&f));
  }
  return ok && X509_CRL_sort(crl) && X509_CRL_sign(crl, issuer->key, digest_for(issuer->key)) > 0;
}

tls_bytes *tls_crl_create(const uint8_t *bytes, size_t length) {
  library_clear();
  fields from = fields_over(bytes, length);
  signer issuer = {NULL, NULL};
  X509_CRL *crl = X509_CRL_new();
  BIO *out = BIO_new(BIO_s_mem());
  int ok = crl != NULL && out != NULL && read_issuer(from, &issuer, KU_CRL_SIGN) && issuer.certificate != NULL &&
           make_crl(crl, from, &issuer) && i2d_X509_CRL_bio(out, crl);
  X509_CRL_free(crl);
  signer_release(&issuer);
  return bytes_from_bio(out, ok);
}
