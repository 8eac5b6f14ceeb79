/*
 * Memory that is given back is wiped. OpenSSL wipes what it knows to be secret, but not every copy on the way: decoders and encoders free
 * private keys as they are (crypto/asn1/a_i2d_fp.c, crypto/pem/pem_lib.c). In WebAssembly freed memory stays readable for as long as the
 * module lives, so all of it is cleared, whatever it held.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "internal.h"

static void *wiping_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return malloc(size);
}

/* One instruction where there is one: every engine with SIMD has bulk memory operations too. */
#ifdef __wasm__
__attribute__((target("bulk-memory")))
#endif
static void
wipe(void *memory, size_t length) {
  __builtin_memset(memory, 0, length);
  __asm__ volatile("" ::"r"(memory) : "memory"); /* or the compiler would see that nobody reads it any more */
}

static void wiping_free(void *memory, const char *file, int line) {
  (void)file, (void)line;
  if (memory == NULL) return;
  wipe(memory, malloc_usable_size(memory));
  free(memory);
}

/* Never in place of realloc(3), which leaves the old bytes behind when it moves. */
static void *wiping_realloc(void *memory, size_t size, const char *file, int line) {
  size_t held = memory == NULL ? 0 : malloc_usable_size(memory);
  if (memory != NULL && size <= held && size > held / 2) return memory;
  void *moved = malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, memory, held < size ? held : size);
  wiping_free(memory, file, line);
  return moved;
}

int wipe_install(void) { return CRYPTO_set_mem_functions(wiping_malloc, wiping_realloc, wiping_free); }
