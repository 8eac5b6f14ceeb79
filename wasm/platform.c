/*
 * The operating system, as far as this module has one: a clock. OpenSSL and the C library behind it expect a Unix; each function
 * here stands in front of the C library's own and answers without the host, so that no WASI and no file system is imported.
 * wasm/link.sh asserts the import list: a new need shows up there as a failed link, not as a surprise at run time.
 *
 * Only the WebAssembly build has this file; native tests run on a real system.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

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

/* ---- Memory: growth needs no announcement; the loader compares memory.buffer with the one it knows. ---- */

void emscripten_notify_memory_growth(size_t index) { (void)index; }
