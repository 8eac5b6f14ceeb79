/*
 * Structured values between C and src/x509/fields.ts: a sequence of fields, each a name and a value, both as a uint32_t length and
 * that many bytes. A value may be such a sequence itself. Lengths instead of syntax: whatever a value holds, it cannot be taken for
 * another field, another extension or an end.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509.h"

/* ---- Writing. Each returns 1, or 0 when memory runs out or the bytes are too many. ---- */

int put_counted(BIO *out, const void *bytes, size_t length) {
  uint32_t count = (uint32_t)length;
  if (length > INT_MAX) return 0;
  return BIO_write(out, &count, sizeof count) == sizeof count && (length == 0 || BIO_write(out, bytes, (int)length) == (int)length);
}

int put_bytes(BIO *out, const char *name, const void *value, size_t length) {
  return put_counted(out, name, strlen(name)) && put_counted(out, value, length);
}

int put_text(BIO *out, const char *name, const char *text) { return text == NULL || put_bytes(out, name, text, strlen(text)); }

int put_number(BIO *out, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, number);
  return put_text(out, name, text);
}

int put_asn1(BIO *out, const char *name, int length, unsigned char *der) {
  int ok = length > 0 && put_bytes(out, name, der, (size_t)length);
  OPENSSL_free(der);
  return ok;
}

int put_certificate(BIO *out, const char *name, const X509 *certificate) {
  unsigned char *der = NULL;
  int length = i2d_X509(certificate, &der);
  return put_asn1(out, name, length, der);
}

int put_group(BIO *out, const char *name, BIO *group, int ok) {
  char *data;
  if (ok && group != NULL) {
    long length = BIO_get_mem_data(group, &data);
    ok = put_bytes(out, name, data, (size_t)length);
  }
  BIO_free(group);
  return ok && group != NULL;
}

tls_bytes *bytes_from_bio(BIO *bio, int ok) {
  char *data;
  tls_bytes *bytes = NULL;
  if (ok && bio != NULL) {
    long length = BIO_get_mem_data(bio, &data);
    bytes = bytes_new(0, 0, data, (size_t)length);
  }
  BIO_free(bio); /* which wipes it */
  if (bytes == NULL) library_failed();
  library_clear(); /* what was tried and passed over on the way to success */
  return bytes;
}

/* ---- Reading ---- */

static int take_counted(fields *from, const uint8_t **bytes, uint32_t *length) {
  size_t left = (size_t)(from->end - from->at);
  if (left < sizeof *length) return 0;
  memcpy(length, from->at, sizeof *length);
  if (left - sizeof *length < *length) return 0;
  *bytes = from->at + sizeof *length;
  from->at = *bytes + *length;
  return 1;
}

fields fields_over(const uint8_t *bytes, size_t length) { return (fields){bytes, bytes + length}; }

fields fields_in(const field *group) { return fields_over(group->value, group->length); }

int fields_next(fields *from, field *next) {
  return take_counted(from, &next->name, &next->name_length) && take_counted(from, &next->value, &next->length);
}

int field_is(const field *f, const char *name) {
  size_t length = strlen(name);
  return f->name_length == length && memcmp(f->name, name, length) == 0;
}

int fields_find(fields from, const char *name, field *found) {
  while (fields_next(&from, found))
    if (field_is(found, name)) return 1;
  return 0;
}

char *field_text(const field *f) { return OPENSSL_strndup((const char *)f->value, f->length); }

char *fields_text(fields from, const char *name) {
  field found;
  return fields_find(from, name, &found) ? field_text(&found) : NULL;
}

int64_t fields_number(fields from, const char *name, int64_t otherwise) {
  char *text = fields_text(from, name);
  int64_t number = text == NULL ? otherwise : strtoll(text, NULL, 10);
  OPENSSL_free(text);
  return number;
}

void text_wipe(char *text) {
  if (text != NULL) OPENSSL_clear_free(text, strlen(text));
}
