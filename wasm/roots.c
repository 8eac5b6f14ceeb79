/*
 * A list of roots that many contexts trust. Parsing the hundred and more of a system takes its time, and is done once; contexts share the
 * certificates, and as long as they add none of their own, also OpenSSL's index of them.
 */
#include <openssl/x509_vfy.h>

#include "internal.h"

struct tls_roots {
  X509_STORE *store;
};

void tls_roots_free(tls_roots *roots) {
  if (roots != NULL) X509_STORE_free(roots->store);
  OPENSSL_free(roots);
}

tls_roots *tls_roots_new(const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  STACK_OF(X509) *all = certificates_parse(bytes, length);
  tls_roots *roots = OPENSSL_zalloc(sizeof *roots);
  int ok = all != NULL && roots != NULL && (roots->store = X509_STORE_new()) != NULL;
  for (int i = 0; ok && i < sk_X509_num(all); i++) ok = X509_STORE_add_cert(roots->store, sk_X509_value(all, i));
  sk_X509_pop_free(all, X509_free);
  if (ok) return roots;
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
  if (sk_X509_OBJECT_num(X509_STORE_get0_objects(own)) > 0) return add_all(own, roots->store) ? TLS_DONE : library_failed();
  SSL_CTX_set1_cert_store(context->ssl, roots->store);
  return TLS_DONE;
}
