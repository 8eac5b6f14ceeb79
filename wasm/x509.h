/* What fields.c, ocsp.c and x509-*.c share with each other, and what the files below them do for them alone. */
#ifndef MEMBIO_X509_H
#define MEMBIO_X509_H

#include <openssl/ocsp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "internal.h"

/* ---- fields.c: structured values, as lengths and bytes ---- */

/* Writing. 1, or 0 for want of memory. A text that is NULL is left out. */
int put_bytes(BIO *out, const char *name, const void *value, size_t length);
int put_text(BIO *out, const char *name, const char *text);
int put_number(BIO *out, const char *name, int64_t number);
/* What an i2d function gave: its length and its allocation, which is freed. */
int put_asn1(BIO *out, const char *name, int length, unsigned char *der);
int put_certificate(BIO *out, const char *name, const X509 *certificate);
/* The fields written to group, as one field of out; frees group. ok is whether all went well so far. */
int put_group(BIO *out, const char *name, BIO *group, int ok);

/* Reading. Borrowed from the bytes below them. */
typedef struct fields {
  const uint8_t *at, *end;
} fields;
typedef struct field {
  const uint8_t *name, *value;
  uint32_t name_length, length;
} field;

fields fields_over(const uint8_t *bytes, size_t length);
fields fields_in(const field *group);
int fields_next(fields *from, field *next);
int field_is(const field *f, const char *name);
/* The first field of that name. */
int fields_find(fields from, const char *name, field *found);
/* Copies with a NUL behind; the caller frees them, secrets with text_wipe. NULL: no such field, or no memory. */
char *field_text(const field *f);
char *fields_text(fields from, const char *name);
int64_t fields_number(fields from, const char *name, int64_t otherwise);
void text_wipe(char *text);

/* ---- x509-describe.c, x509-extensions.c, ocsp.c: OpenSSL's objects as fields. 1, or 0 on failure. ---- */

int put_name(BIO *out, const char *field, const X509_NAME *name);
int put_time(BIO *out, const char *field, const ASN1_TIME *time);
int put_integer(BIO *out, const char *field, const ASN1_INTEGER *integer);
int put_object(BIO *out, const char *field, const ASN1_OBJECT *object);
int put_oid(BIO *out, const char *field, const ASN1_OBJECT *object);
int put_public_key(BIO *out, X509_PUBKEY *key);
int put_extensions(BIO *out, const STACK_OF(X509_EXTENSION) *extensions);
int describe_ocsp(BIO *out, const uint8_t *der, size_t length);

/* ---- x509-issue.c ---- */

/* Adds the extensions a request asks for to *made. 0: refused, with library_option set. */
int extensions_make(fields request, X509V3_CTX *context, int name_is_empty, STACK_OF(X509_EXTENSION) **made);

/* ---- pem.c ---- */

/* A public key (SubjectPublicKeyInfo), and the other things that come in PEM or DER. */
EVP_PKEY *public_key_parse(const uint8_t *bytes, size_t length);
X509_REQ *request_parse(const uint8_t *bytes, size_t length);
PKCS7 *pkcs7_parse(const uint8_t *bytes, size_t length);
STACK_OF(X509_CRL) *crls_parse(const uint8_t *bytes, size_t length);

/* ---- error.c ---- */

/* For calls that read a request (fields.c). clear: before and after such a call. option: a literal, the field that the next failure is
   about, or NULL. refuse: what is wrong, as a literal of our own, for the library_failed that follows; returns 0. */
void library_clear(void);
void library_option(const char *name);
int library_refuse(const char *reason);

#endif
