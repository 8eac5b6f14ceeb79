/*
 * Certificates, requests and CRLs as fields, for src/x509/describe.ts, and as text for people. What OpenSSL makes of them is what is
 * told: nothing is parsed a second time on the other side.
 */
#include <string.h>

#include "x509.h"

/* ---- Parts ---- */

/* RFC 4514 order and escapes, UTF-8 kept as it is. */
static int print_name(BIO *out, const X509_NAME *name) {
  return X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
}

/* An attribute's value as UTF-8, or as RFC 4514 writes what is no string: '#' and its encoding in hexadecimal. */
static int put_value(BIO *out, const char *field, const ASN1_STRING *value) {
  unsigned char *utf8;
  int length = ASN1_STRING_to_UTF8(&utf8, value);
  if (length >= 0) {
    int ok = put_bytes(out, field, utf8, (size_t)length);
    OPENSSL_free(utf8);
    return ok;
  }
  BIO *text = BIO_new(BIO_s_mem());
  int ok = text != NULL && ASN1_STRING_print_ex(text, value, ASN1_STRFLGS_DUMP_ALL | ASN1_STRFLGS_DUMP_DER) >= 0;
  return put_group(out, field, text, ok);
}

static int put_attribute(BIO *out, const X509_NAME_ENTRY *entry) {
  BIO *group = BIO_new(BIO_s_mem());
  int ok = group != NULL && put_object(group, "type", X509_NAME_ENTRY_get_object(entry)) &&
           put_value(group, "value", X509_NAME_ENTRY_get_data(entry));
  return put_group(out, "attribute", group, ok);
}

int put_name(BIO *out, const char *field, const X509_NAME *name) {
  BIO *group = BIO_new(BIO_s_mem()), *text = BIO_new(BIO_s_mem());
  int ok = group != NULL && text != NULL && print_name(text, name);
  ok = put_group(group, "text", text, ok);
  for (int i = 0; ok && i < X509_NAME_entry_count(name); i++) ok = put_attribute(group, X509_NAME_get_entry(name, i));
  return put_group(out, field, group, ok);
}

/* Seconds since the epoch. A time that cannot be read is left out. */
int put_time(BIO *out, const char *field, const ASN1_TIME *time) {
  int days, seconds;
  ASN1_TIME *epoch = time == NULL ? NULL : ASN1_TIME_set(NULL, 0);
  int known = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time);
  ASN1_TIME_free(epoch);
  return !known || put_number(out, field, (int64_t)days * 86400 + seconds);
}

/* Hexadecimal; a negative number with its sign. */
int put_integer(BIO *out, const char *field, const ASN1_INTEGER *integer) {
  BIGNUM *number = ASN1_INTEGER_to_BN(integer, NULL);
  char *text = number == NULL ? NULL : BN_bn2hex(number);
  int ok = text != NULL && put_text(out, field, text);
  OPENSSL_free(text);
  BN_free(number);
  return ok;
}

/* Always the numbers. */
int put_oid(BIO *out, const char *field, const ASN1_OBJECT *object) {
  int length = OBJ_obj2txt(NULL, 0, object, 1);
  char *text = length > 0 ? OPENSSL_malloc((size_t)length + 1) : NULL;
  int ok = text != NULL && OBJ_obj2txt(text, length + 1, object, 1) == length && put_text(out, field, text);
  OPENSSL_free(text);
  return ok;
}

/* OpenSSL's short name, or the numbers. */
int put_object(BIO *out, const char *field, const ASN1_OBJECT *object) {
  int nid = OBJ_obj2nid(object);
  return nid != NID_undef ? put_text(out, field, OBJ_nid2sn(nid)) : put_oid(out, field, object);
}

static int put_digest(BIO *out, const char *field, const EVP_MD *type, const unsigned char *bytes, int length) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size;
  return length > 0 && EVP_Digest(bytes, (size_t)length, digest, &size, type, NULL) && put_bytes(out, field, digest, size);
}

/* ---- Keys ---- */

static int put_key_number(BIO *out, const char *field, EVP_PKEY *key, const char *parameter) {
  BIGNUM *number = NULL;
  if (!EVP_PKEY_get_bn_param(key, parameter, &number)) return 1;
  char *text = BN_bn2hex(number);
  int ok = text != NULL && put_text(out, field, text);
  OPENSSL_free(text);
  BN_free(number);
  return ok;
}

static int put_key_facts(BIO *out, EVP_PKEY *key) {
  char group[64];
  size_t length;
  int ok = put_text(out, "type", EVP_PKEY_get0_type_name(key)) && put_number(out, "bits", EVP_PKEY_get_bits(key)) &&
           put_number(out, "securityBits", EVP_PKEY_get_security_bits(key));
  if (ok && EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &length))
    ok = put_text(out, "group", group) && put_text(out, "nistName", EC_curve_nid2nist(OBJ_sn2nid(group)));
  if (ok && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")))
    ok = put_key_number(out, "modulus", key, "n") && put_key_number(out, "exponent", key, "e");
  return ok;
}

int put_public_key(BIO *out, X509_PUBKEY *public) {
  BIO *group = BIO_new(BIO_s_mem());
  unsigned char *der = NULL;
  ASN1_OBJECT *algorithm;
  EVP_PKEY *key = X509_PUBKEY_get0(public);
  int length = i2d_X509_PUBKEY(public, &der);
  int ok = group != NULL && X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, public) &&
           put_digest(group, "sha256", EVP_sha256(), der, length);
  ok = put_asn1(group, "spki", length, der) && ok;
  /* A key of a kind that this build does not know is named and left at that. */
  ok = ok && (key == NULL ? put_object(group, "type", algorithm) : put_key_facts(group, key));
  return put_group(out, "key", group, ok);
}

/* ---- Whole things ---- */

static int put_signature(BIO *out, int nid, const X509_ALGOR *algorithm) {
  const ASN1_OBJECT *object;
  X509_ALGOR_get0(&object, NULL, NULL, algorithm);
  return nid != NID_undef ? put_text(out, "signatureAlgorithm", OBJ_nid2sn(nid)) : put_object(out, "signatureAlgorithm", object);
}

static int put_fingerprints(BIO *out, X509 *certificate) {
  unsigned char *der = NULL;
  int length = i2d_X509(certificate, &der);
  int ok = put_digest(out, "sha1", EVP_sha1(), der, length) && put_digest(out, "sha256", EVP_sha256(), der, length) &&
           put_digest(out, "sha512", EVP_sha512(), der, length);
  return put_asn1(out, "der", length, der) && ok;
}

static int describe_certificate(BIO *out, X509 *certificate) {
  const X509_ALGOR *algorithm;
  X509_get0_signature(NULL, &algorithm, certificate);
  return put_number(out, "version", X509_get_version(certificate) + 1) && put_name(out, "subject", X509_get_subject_name(certificate)) &&
         put_name(out, "issuer", X509_get_issuer_name(certificate)) &&
         put_integer(out, "serialNumber", X509_get0_serialNumber(certificate)) &&
         put_time(out, "notBefore", X509_get0_notBefore(certificate)) && put_time(out, "notAfter", X509_get0_notAfter(certificate)) &&
         put_public_key(out, X509_get_X509_PUBKEY(certificate)) &&
         put_signature(out, X509_get_signature_nid(certificate), algorithm) &&
         put_text(out, "ca", X509_check_ca(certificate) == 1 ? "1" : NULL) &&
         put_text(out, "selfIssued", (X509_get_extension_flags(certificate) & EXFLAG_SI) != 0 ? "1" : NULL) &&
         put_fingerprints(out, certificate) && put_extensions(out, X509_get0_extensions(certificate));
}

static int describe_request(BIO *out, X509_REQ *request) {
  STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
  const X509_ALGOR *algorithm;
  unsigned char *der = NULL;
  int length = i2d_X509_REQ(request, &der);
  EVP_PKEY *key = X509_REQ_get0_pubkey(request);
  X509_REQ_get0_signature(request, NULL, &algorithm);
  int ok = put_asn1(out, "der", length, der) && put_name(out, "subject", X509_REQ_get_subject_name(request)) &&
           put_public_key(out, X509_REQ_get_X509_PUBKEY(request)) &&
           put_signature(out, X509_REQ_get_signature_nid(request), algorithm) &&
           put_text(out, "verified", key != NULL && X509_REQ_verify(request, key) == 1 ? "1" : NULL) && put_extensions(out, extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return ok;
}

static int put_revoked(BIO *out, X509_REVOKED *revoked) {
  BIO *group = BIO_new(BIO_s_mem());
  ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, NULL, NULL);
  int ok = group != NULL && put_integer(group, "serialNumber", X509_REVOKED_get0_serialNumber(revoked)) &&
           put_time(group, "date", X509_REVOKED_get0_revocationDate(revoked)) &&
           (reason == NULL || put_number(group, "reason", ASN1_ENUMERATED_get(reason)));
  ASN1_ENUMERATED_free(reason);
  return put_group(out, "revoked", group, ok);
}

static int describe_crl(BIO *out, X509_CRL *crl) {
  STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
  ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
  const X509_ALGOR *algorithm;
  unsigned char *der = NULL;
  int length = i2d_X509_CRL(crl, &der);
  X509_CRL_get0_signature(crl, NULL, &algorithm);
  int ok = put_asn1(out, "der", length, der) && put_name(out, "issuer", X509_CRL_get_issuer(crl)) &&
           put_time(out, "thisUpdate", X509_CRL_get0_lastUpdate(crl)) && put_time(out, "nextUpdate", X509_CRL_get0_nextUpdate(crl)) &&
           put_signature(out, X509_CRL_get_signature_nid(crl), algorithm) && (number == NULL || put_integer(out, "number", number)) &&
           put_extensions(out, X509_CRL_get0_extensions(crl));
  for (int i = 0; ok && i < sk_X509_REVOKED_num(revoked); i++) ok = put_revoked(out, sk_X509_REVOKED_value(revoked, i));
  ASN1_INTEGER_free(number);
  return ok;
}

/* ---- For people. The flags are those of the openssl command. ---- */

static const unsigned long name_flags = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT |
                                        ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER;

static int print_certificate(BIO *out, X509 *certificate) { return X509_print_ex(out, certificate, name_flags, 0); }
static int print_request(BIO *out, X509_REQ *request) { return X509_REQ_print_ex(out, request, name_flags, 0); }
static int print_crl(BIO *out, X509_CRL *crl) { return X509_CRL_print_ex(out, crl, name_flags); }

/* ---- Exports ---- */

typedef struct telling {
  int (*certificate)(BIO *out, X509 *certificate);
  int (*request)(BIO *out, X509_REQ *request);
  int (*crl)(BIO *out, X509_CRL *crl);
} telling;

static const telling as_fields = {describe_certificate, describe_request, describe_crl};
static const telling as_text = {print_certificate, print_request, print_crl};

/* Of a bundle the first. */
static tls_bytes *tell(const telling *how, uint32_t kind, const uint8_t *bytes, size_t length) {
  BIO *out = BIO_new(BIO_s_mem());
  int ok = 0;
  library_clear();
  if (kind == TLS_KIND_CERTIFICATE) {
    STACK_OF(X509) *all = certificates_parse(bytes, length);
    ok = all != NULL && how->certificate(out, sk_X509_value(all, 0));
    sk_X509_pop_free(all, X509_free);
  } else if (kind == TLS_KIND_REQUEST) {
    X509_REQ *request = request_parse(bytes, length);
    ok = request != NULL && how->request(out, request);
    X509_REQ_free(request);
  } else if (kind == TLS_KIND_CRL) {
    STACK_OF(X509_CRL) *all = crls_parse(bytes, length);
    ok = all != NULL && how->crl(out, sk_X509_CRL_value(all, 0));
    sk_X509_CRL_pop_free(all, X509_CRL_free);
  } else if (kind == TLS_KIND_OCSP && how == &as_fields) {
    ok = describe_ocsp(out, bytes, length);
  }
  return bytes_from_bio(out, ok);
}

tls_bytes *tls_x509_describe(uint32_t kind, const uint8_t *bytes, size_t length) { return tell(&as_fields, kind, bytes, length); }

tls_bytes *tls_x509_print(uint32_t kind, const uint8_t *bytes, size_t length) { return tell(&as_text, kind, bytes, length); }
