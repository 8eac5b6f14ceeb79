/*
 * The operating system, as far as this module has one: a clock. OpenSSL and the C library behind it expect a Unix; each function
 * here stands in front of the C library's own and answers without the host, so that no WASI and no file system is imported.
 * wasm/link.sh asserts the import list: a new need shows up there as a failed link, not as a surprise at run time.
 *
 * Only the WebAssembly build has this file; native tests run on a real system.
 */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "internal.h"

/* Milliseconds since the Unix epoch, fractions allowed. */
__attribute__((import_module("membio"), import_name("now"))) extern double membio_now(void);

/* ---- Clock. All of OpenSSL's times (session life, certificate validity, DTLS timers, DRBG reseeding) come through these. ---- */

time_t time(time_t *out) {
  time_t seconds = (time_t)(membio_now() / 1000);
  if (out != NULL) *out = seconds;
  return seconds;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
  (void)zone;
  double now = membio_now();
  out->tv_sec = (time_t)(now / 1000);
  out->tv_usec = (suseconds_t)((now - (double)out->tv_sec * 1000) * 1000);
  return 0;
}

/* One clock for every id: the host has one, and nothing here measures short intervals. */
int clock_gettime(clockid_t clock, struct timespec *out) {
  (void)clock;
  struct timeval now;
  gettimeofday(&now, NULL);
  out->tv_sec = now.tv_sec;
  out->tv_nsec = now.tv_usec * 1000;
  return 0;
}

/* ---- Environment: none. Keeps OPENSSL_CONF, SSL_CERT_FILE and the like from reaching into a library, and WASI's environ out. ---- */

char *getenv(const char *name) { return (void)name, NULL; }
char *secure_getenv(const char *name) { return (void)name, NULL; }

/* ---- Directories: none. OPENSSL_DIR_read is linked in by the `file:` store of the default provider. ---- */

DIR *opendir(const char *path) {
  (void)path;
  errno = ENOENT;
  return NULL;
}
struct dirent *readdir(DIR *directory) { return (void)directory, NULL; }
int closedir(DIR *directory) { return (void)directory, 0; }

/*
 * ---- Freed memory is wiped. ----
 *
 * OpenSSL cleanses what it knows to be secret, but not all: its decoders free a private key's DER as it is, and record buffers hold
 * plaintext. A WebAssembly memory never gives pages back to a system that would clear them, and anybody who can read it can read all of
 * it; so every block is wiped when it is freed. Only blocks too large to be anything but ciphertext (bio.c) or a bundle of certificates
 * are spared the time.
 */
#define WIPED_AT_MOST 32768

static void wiping_free(void *block, const char *file, int line) {
  (void)file, (void)line;
  if (block == NULL) return;
  size_t size = malloc_usable_size(block);
  if (size <= WIPED_AT_MOST) OPENSSL_cleanse(block, size);
  free(block);
}

static void *plain_malloc(size_t size, const char *file, int line) { return (void)file, (void)line, malloc(size); }

/* Not realloc: it would leave the old copy behind. */
static void *wiping_realloc(void *block, size_t size, const char *file, int line) {
  size_t old = block == NULL ? 0 : malloc_usable_size(block);
  if (size == 0) return wiping_free(block, file, line), NULL;
  if (size <= old && old - size <= old / 2) return block; /* it fits, and does not waste much */
  void *moved = malloc(size);
  if (moved == NULL) return NULL;
  if (old > 0) memcpy(moved, block, old < size ? old : size);
  wiping_free(block, file, line);
  return moved;
}

/* Before OpenSSL's first allocation. */
int platform_install(void) { return CRYPTO_set_mem_functions(plain_malloc, wiping_realloc, wiping_free); }

/* ---- Memory: growth needs no announcement; the loader compares memory.buffer with the one it knows. ---- */

void emscripten_notify_memory_growth(size_t index) { (void)index; }
