/* The module as a whole: start-up, memory lent to the host, the number of live objects. */
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

uint8_t *tls_memory_alloc(size_t length) { return OPENSSL_malloc(length == 0 ? 1 : length); }

void tls_memory_free(uint8_t *memory, size_t length) { OPENSSL_clear_free(memory, length); }

void tls_bytes_free(tls_bytes *bytes) {
  if (bytes != NULL) OPENSSL_clear_free(bytes, sizeof *bytes + bytes->length);
}
