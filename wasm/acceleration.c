/*
 * The host's cryptography, as imports. It is native code with the processor's AES and wide multiplications, but each call has its
 * price: from which length on it is worth that, src/abi/acceleration.ts and its tables know, and tell by tls_library_accelerate.
 *
 * The host gets copies of the keys, under numbers; each is dropped when OpenSSL frees the object that it belongs to.
 */
#include "acceleration.h"

#include "abi.h"

#ifdef __wasm__
#define IMPORT(name) __attribute__((import_module("membio"), import_name(#name))) extern
#else
#define IMPORT(name) __attribute__((weak)) extern /* native programs have no host, unless they say so */
#endif

IMPORT(import_key) uint32_t membio_import_key(uint32_t kind, const uint8_t *bytes, uint32_t length);
IMPORT(drop_key) void membio_drop_key(uint32_t key);
IMPORT(aead)
int32_t membio_aead(uint32_t key, uint32_t direction, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_length, const uint8_t *in,
                    uint32_t length, uint8_t *out, uint8_t *tag);
IMPORT(rsa) int32_t membio_rsa(uint32_t key, uint8_t *number, uint32_t length);

static size_t least_text = SIZE_MAX;
static int rsa_wanted;

void tls_library_accelerate(uint32_t least_aes_gcm, uint32_t rsa) {
  least_text = least_aes_gcm == 0 ? SIZE_MAX : least_aes_gcm;
  rsa_wanted = rsa != 0;
}

host_key host_key_import(host_key_kind kind, const uint8_t *bytes, size_t length) {
  return membio_import_key((uint32_t)kind, bytes, (uint32_t)length);
}

void host_key_drop(host_key key) {
  if (key != 0) membio_drop_key(key);
}

int host_wants_text(size_t length) { return length >= least_text; }

host_outcome host_aead(host_key key, const host_message *m) {
  return (host_outcome)membio_aead(key, (uint32_t)m->direction, m->nonce, m->aad, (uint32_t)m->aad_length, m->in, (uint32_t)m->length,
                                   m->out, m->tag);
}

int host_wants_rsa(void) { return rsa_wanted; }

int host_rsa_power(host_key key, uint8_t *number, size_t length) { return membio_rsa(key, number, (uint32_t)length) == HOST_DONE; }
