/*
 * The incoming and outgoing BIO: rings of fixed capacity that look to OpenSSL like a non-blocking socket. Full means "retry the
 * write", empty means "retry the read", empty after eof means end of file; so a peer that sends and never reads costs a fixed
 * amount of memory, and back-pressure is as real as with a kernel socket.
 *
 * Storage is lent from a small pool only while bytes are pending: ten thousand idle connections hold none. It is wiped of
 * nothing: it carries ciphertext only.
 */
#include <string.h>

#include "internal.h"

/* As many blocks as a busy event loop uses at once; more would only sit in the heap. All of one size, the usual one. */
#define POOL_BLOCKS 8
#define POOL_BLOCK_SIZE 65536

static uint8_t *pool[POOL_BLOCKS];
static int pool_count;

static uint8_t *storage_borrow(uint32_t capacity) {
  if (capacity == POOL_BLOCK_SIZE && pool_count > 0) return pool[--pool_count];
  return OPENSSL_malloc(capacity);
}

static void storage_return(uint8_t *storage, uint32_t capacity) {
  if (storage == NULL) return;
  if (capacity == POOL_BLOCK_SIZE && pool_count < POOL_BLOCKS)
    pool[pool_count++] = storage;
  else
    OPENSSL_free(storage);
}

void ring_init(ring *r, uint32_t capacity) {
  memset(r, 0, sizeof *r);
  r->capacity = capacity;
}

void ring_release(ring *r) {
  storage_return(r->storage, r->capacity);
  r->storage = NULL;
  r->head = r->tail = 0;
}

uint32_t ring_pending(const ring *r) { return r->head - r->tail; }

uint32_t ring_free(const ring *r) { return r->capacity - ring_pending(r); }

uint8_t *ring_space(ring *r, uint32_t *length) {
  if (r->storage == NULL && (r->storage = storage_borrow(r->capacity)) == NULL) {
    *length = 0;
    return NULL;
  }
  uint32_t at = r->head & (r->capacity - 1), until_wrap = r->capacity - at, space = ring_free(r);
  *length = space < until_wrap ? space : until_wrap;
  return r->storage + at;
}

void ring_commit(ring *r, uint32_t length) { r->head += length; }

const uint8_t *ring_peek(const ring *r, uint32_t *length) {
  uint32_t at = r->tail & (r->capacity - 1), until_wrap = r->capacity - at, pending = ring_pending(r);
  *length = pending < until_wrap ? pending : until_wrap;
  return r->storage == NULL ? NULL : r->storage + at;
}

void ring_consume(ring *r, uint32_t length) {
  r->tail += length;
  if (r->head == r->tail) ring_release(r);
}

/* ---- The BIO_METHOD. ---- */

static int ring_bio_write(BIO *bio, const char *in, int length) {
  ring *r = BIO_get_data(bio);
  int written = 0;
  BIO_clear_retry_flags(bio);
  while (written < length) {
    uint32_t space;
    uint8_t *at = ring_space(r, &space);
    if (at == NULL) return -1; /* out of memory: an error, not a retry */
    if (space == 0) break;
    if (space > (uint32_t)(length - written)) space = (uint32_t)(length - written);
    memcpy(at, in + written, space);
    ring_commit(r, space);
    written += (int)space;
  }
  if (written == 0 && length > 0) {
    BIO_set_retry_write(bio);
    return -1;
  }
  return written;
}

static int ring_bio_read(BIO *bio, char *out, int length) {
  ring *r = BIO_get_data(bio);
  int read = 0;
  BIO_clear_retry_flags(bio);
  if (r->gate != NULL && r->gate(r, r->gate_owner)) {
    BIO_set_retry_read(bio);
    return -1;
  }
  while (read < length) {
    uint32_t pending;
    const uint8_t *at = ring_peek(r, &pending);
    if (pending == 0) break;
    if (pending > (uint32_t)(length - read)) pending = (uint32_t)(length - read);
    memcpy(out + read, at, pending);
    ring_consume(r, pending);
    read += (int)pending;
  }
  if (read > 0 || length <= 0) return read;
  if (r->eof) return 0;
  BIO_set_retry_read(bio);
  return -1;
}

static long ring_bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  const ring *r = BIO_get_data(bio);
  (void)number;
  (void)pointer;
  switch (command) {
    case BIO_CTRL_PENDING:
    case BIO_CTRL_WPENDING:
      return (long)ring_pending(r);
    case BIO_CTRL_EOF:
      return r->eof && ring_pending(r) == 0;
    case BIO_CTRL_FLUSH: /* written is written: the poller takes it from here */
    case BIO_CTRL_DUP:
      return 1;
    default:
      return 0;
  }
}

static BIO_METHOD *method_new(const ring_functions *f) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, f->name);
  if (method != NULL && BIO_meth_set_write(method, f->write) && BIO_meth_set_read(method, f->read) && BIO_meth_set_ctrl(method, f->ctrl))
    return method;
  BIO_meth_free(method);
  return NULL;
}

BIO *ring_bio_with(ring *r, BIO_METHOD **method, const ring_functions *functions) {
  if (*method == NULL) *method = method_new(functions);
  BIO *bio = *method == NULL ? NULL : BIO_new(*method);
  if (bio == NULL) return NULL;
  BIO_set_data(bio, r);
  BIO_set_init(bio, 1);
  return bio;
}

BIO *ring_bio_new(ring *r) {
  static const ring_functions functions = {"membio ring", ring_bio_write, ring_bio_read, ring_bio_ctrl};
  static BIO_METHOD *method;
  return ring_bio_with(r, &method, &functions);
}
