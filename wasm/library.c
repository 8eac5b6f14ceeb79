/* The module as a whole: start-up, memory lent to the host, the number of live objects. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "internal.h"

uint32_t live_handles;

int32_t tls_library_init(void) {
#ifdef __wasm__
  if (!platform_install()) return library_failed_with("memory was allocated before it could be watched over");
#endif
  /* No configuration file: there is no file system, and a library must not change with the machine it runs on. */
  if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL)) return library_failed();
  if (OSSL_PROVIDER_load(NULL, "default") == NULL || !entropy_install()) return library_failed();
  return TLS_DONE;
}

uint32_t tls_library_abi(void) { return ABI_VERSION; }

const char *tls_library_version(void) { return OpenSSL_version(OPENSSL_VERSION); }

uint32_t tls_library_live(void) { return live_handles; }

/* All but those without encryption; what a security level forbids is listed, too. */
tls_bytes *tls_library_ciphers(void) {
  ERR_clear_error();
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  BIO *list = BIO_new(BIO_s_mem());
  int ok = context != NULL && list != NULL && SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL:!eNULL:@SECLEVEL=0") &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"
                                             "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256");
  const STACK_OF(SSL_CIPHER) *ciphers = ok ? SSL_CTX_get_ciphers(context) : NULL;
  for (int i = 0; ok && i < sk_SSL_CIPHER_num(ciphers); i++) {
    const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
    ok = put_counted(list, name, strlen(name));
  }
  SSL_CTX_free(context);
  return bytes_from_bio(list, ok);
}

uint8_t *tls_memory_alloc(size_t length) { return OPENSSL_malloc(length == 0 ? 1 : length); }

void tls_memory_free(uint8_t *memory, size_t length) { OPENSSL_clear_free(memory, length); }

void tls_bytes_free(tls_bytes *bytes) {
  if (bytes != NULL) OPENSSL_clear_free(bytes, sizeof *bytes + bytes->length);
}
