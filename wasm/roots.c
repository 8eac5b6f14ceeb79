/*
 * A list of roots that many contexts trust. A system has a hundred and more, most of them never asked for, and parsing one takes a good part of
 * a millisecond, for its key; so they are kept as they came, and parsed when somebody's issuer has a name like theirs. Contexts share the
 * certificates, and as long as they add none of their own, also OpenSSL's index of them.
 */
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "internal.h"

typedef struct root {
  uint8_t *der; /* with what a "TRUSTED CERTIFICATE" has behind it; NULL once it is in the store */
  long length;
  uint32_t key;
} root;

struct tls_roots {
  X509_STORE *store; /* its look-up holds the other reference */
  root *list;
  size_t count, room;
  int references;
};

/* ---- Names. ---- */

/*
 * Names that are equal for X509_NAME_cmp(3) have the same key. It does not see how a string is encoded, nor case, spaces and all else that is
 * no letter or digit of ASCII; nor the order of attributes.
 */
static uint32_t attribute_key(const uint8_t *at, const uint8_t *end) {
  uint32_t key = 2166136261u; /* FNV-1a */
  long length;
  int tag, class;
  if (ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) return 0; /* OBJECT IDENTIFIER */
  for (; length > 0; length--) key = (key ^ *at++) * 16777619u;
  if (ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) return 0;
  int width = tag == V_ASN1_BMPSTRING ? 2 : tag == V_ASN1_UNIVERSALSTRING ? 4 : 1;
  for (const uint8_t *stop = at + length - length % width; at < stop; at += width) {
    uint32_t character = 0;
    for (int i = 0; i < width; i++) character = character << 8 | at[i];
    if (character >= 'A' && character <= 'Z') character += 'a' - 'A';
    if ((character >= 'a' && character <= 'z') || (character >= '0' && character <= '9')) key = (key ^ character) * 16777619u;
  }
  return key;
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type, value } (RFC 5280, 4.1.2.4) */
static uint32_t name_key(const uint8_t *at, const uint8_t *end) {
  uint32_t key = 0;
  long length;
  int tag, class;
  if (ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) return 0;
  while (at < end) {
    if (ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) return 0;
    if (tag == V_ASN1_SET) continue; /* into it */
    key += attribute_key(at, at + length);
    at += length;
  }
  return key;
}

/* Certificate ::= SEQUENCE { SEQUENCE { [0] version OPTIONAL, serial, algorithm, issuer, validity, subject, ... 0 if it is none. */
static int subject_find(const uint8_t *at, const uint8_t *end, const uint8_t **subject, const uint8_t **subject_end) {
  long length;
  int tag, class;
  for (int depth = 0; depth < 2; depth++)
    if (ASN1_get_object(&at, &length, &tag, &class, end - at) != V_ASN1_CONSTRUCTED || tag != V_ASN1_SEQUENCE) return 0;
  end = at + length;
  for (int field = 0; field < 5;) {
    *subject = at;
    if (at >= end || ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) return 0;
    at += length;
    if (class == V_ASN1_UNIVERSAL) field++; /* not the version */
  }
  *subject_end = at;
  return tag == V_ASN1_SEQUENCE;
}

/* ---- The list. ---- */

static void list_release(tls_roots *roots) {
  if (roots == NULL || --roots->references > 0) return;
  for (size_t i = 0; i < roots->count; i++) OPENSSL_free(roots->list[i].der);
  OPENSSL_free(roots->list);
  OPENSSL_free(roots);
}

/* Takes der over. What does not look like a certificate is told at once. */
static int list_add(tls_roots *roots, uint8_t *der, long length) {
  const uint8_t *at = der, *end;
  ERR_set_mark();
  int found = subject_find(der, der + length, &at, &end);
  ERR_pop_to_mark();
  if (!found) {
    X509_free(d2i_X509_AUX(NULL, &at, length)); /* it knows why not */
    if (ERR_peek_error() == 0) ERR_raise(ERR_LIB_X509, ERR_R_ASN1_LIB);
  }
  if (found && roots->count == roots->room) {
    size_t room = roots->room == 0 ? 256 : roots->room * 2;
    root *list = OPENSSL_realloc(roots->list, room * sizeof *list);
    if (list != NULL) {
      roots->list = list;
      roots->room = room;
    }
    found = list != NULL;
  }
  if (found)
    roots->list[roots->count++] = (root){der, length, name_key(at, end)};
  else
    OPENSSL_free(der);
  return found;
}

static int list_fill(tls_roots *roots, const uint8_t *bytes, size_t length) {
  BIO *bio = BIO_new_mem_buf(bytes, (int)length);
  uint8_t *der;
  long der_length;
  int ok = bio != NULL;
  ERR_set_mark();
  while (ok && PEM_bytes_read_bio(&der, &der_length, NULL, PEM_STRING_X509_TRUSTED, bio, NULL, NULL)) {
    ERR_clear_last_mark();
    ok = list_add(roots, der, der_length);
    ERR_set_mark();
  }
  unsigned long error = ERR_peek_last_error();
  int ended = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE && roots->count > 0;
  if (ok && ended)
    ERR_pop_to_mark();
  else
    ERR_clear_last_mark();
  BIO_free(bio);
  return ok && ended;
}

/* Into the store, those with this key or all. What turns out to be none is not trusted. */
static int list_load(tls_roots *roots, X509_STORE *store, const uint32_t *key) {
  int ok = 1;
  for (size_t i = 0; ok && i < roots->count; i++) {
    root *one = &roots->list[i];
    const uint8_t *at = one->der;
    if (at == NULL || (key != NULL && one->key != *key)) continue;
    ERR_set_mark();
    X509 *certificate = d2i_X509_AUX(NULL, &at, one->length);
    ok = certificate == NULL || X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    ERR_pop_to_mark();
    if (!ok) break;
    OPENSSL_free(one->der);
    one->der = NULL;
  }
  return ok;
}

/* ---- What OpenSSL asks when it looks for an issuer and has not met it before: X509_LOOKUP_METHOD(3). ---- */

static int on_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *result) {
  tls_roots *roots = X509_LOOKUP_get_method_data(lookup);
  X509_STORE *store = X509_LOOKUP_get_store(lookup);
  const unsigned char *der;
  size_t length;
  if (type != X509_LU_X509 || !X509_NAME_get0_der(name, &der, &length)) return 0;
  uint32_t key = name_key(der, der + length);
  if (!list_load(roots, store, &key)) return 0;
  X509_OBJECT *found = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
  X509 *certificate = found == NULL ? NULL : X509_OBJECT_get0_X509(found);
  if (certificate == NULL || !X509_OBJECT_set1_X509(result, certificate)) return 0;
  X509_free(certificate); /* who asks takes a reference, too; the store has its own */
  return 1;
}

static void on_lookup_free(X509_LOOKUP *lookup) { list_release(X509_LOOKUP_get_method_data(lookup)); }

static X509_LOOKUP_METHOD *lookup_method(void) {
  static X509_LOOKUP_METHOD *method;
  if (method == NULL && (method = X509_LOOKUP_meth_new("membio roots")) != NULL) {
    X509_LOOKUP_meth_set_get_by_subject(method, on_subject);
    X509_LOOKUP_meth_set_free(method, on_lookup_free);
  }
  return method;
}

static int lookup_add(tls_roots *roots) {
  X509_LOOKUP_METHOD *method = lookup_method();
  X509_LOOKUP *lookup = method == NULL ? NULL : X509_STORE_add_lookup(roots->store, method);
  if (lookup == NULL || !X509_LOOKUP_set_method_data(lookup, roots)) return 0;
  roots->references++;
  return 1;
}

/* ---- What the host calls. ---- */

void tls_roots_free(tls_roots *roots) {
  if (roots == NULL) return;
  X509_STORE_free(roots->store);
  list_release(roots);
}

tls_roots *tls_roots_new(const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  tls_roots *roots = OPENSSL_zalloc(sizeof *roots);
  if (roots != NULL) roots->references = 1;
  if (roots != NULL && list_fill(roots, bytes, length) && (roots->store = X509_STORE_new()) != NULL && lookup_add(roots)) return roots;
  library_failed();
  tls_roots_free(roots);
  return NULL;
}

/* What a context adds must not get into other contexts' store. */
static int add_all(X509_STORE *own, X509_STORE *shared) {
  const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(shared);
  int ok = 1;
  for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++)
    ok = X509_STORE_add_cert(own, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
  return ok;
}

int32_t tls_context_trust_roots(tls_context *context, tls_roots *roots) {
  X509_STORE *own = SSL_CTX_get_cert_store(context->ssl);
  ERR_clear_error();
  if (sk_X509_OBJECT_num(X509_STORE_get0_objects(own)) > 0)
    return list_load(roots, roots->store, NULL) && add_all(own, roots->store) ? TLS_DONE : library_failed();
  SSL_CTX_set1_cert_store(context->ssl, roots->store);
  return TLS_DONE;
}
