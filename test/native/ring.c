/* The ring alone: wrapping, limits, and counters that pass 2^32 after 4 GiB. */
#include "harness.h"

#define CAPACITY 65536u

/* Writes and reads pieces of uneven size; every byte must come out in order. */
static const char *stream_through(ring *r, uint32_t rounds) {
  noise n = {7};
  uint32_t in = 0, out = 0;
  for (uint32_t i = 0; i < rounds; i++) {
    uint32_t space, pending;
    uint8_t *to = ring_space(r, &space);
    uint32_t count = space < 4096 ? space : noise_below(&n, space + 1);
    for (uint32_t k = 0; k < count; k++) to[k] = (uint8_t)(in++ * 31 >> 3);
    ring_commit(r, count);
    CHECK(ring_pending(r) == in - out && ring_free(r) == CAPACITY - (in - out));
    const uint8_t *from = ring_peek(r, &pending);
    count = noise_below(&n, pending + 1);
    for (uint32_t k = 0; k < count; k++) CHECK(from[k] == (uint8_t)(out++ * 31 >> 3));
    if (count > 0) ring_consume(r, count);
  }
  return NULL;
}

static const char *wraps(const void *start) {
  ring r;
  uint32_t space;
  ring_init(&r, CAPACITY);
  /* As after that many bytes: an empty ring starts over, so the counters are set where they would be. */
  CHECK(ring_space(&r, &space) != NULL && space == CAPACITY);
  r.head = r.tail = *(const uint32_t *)start;
  const char *failure = stream_through(&r, 5000);
  ring_release(&r);
  return failure;
}

static const char *fills_and_empties(const void *unused) {
  (void)unused;
  ring r;
  uint32_t length;
  ring_init(&r, CAPACITY);
  CHECK(ring_peek(&r, &length) == NULL && length == 0);
  memset(ring_space(&r, &length), 1, CAPACITY);
  ring_commit(&r, CAPACITY);
  ring_space(&r, &length);
  CHECK(length == 0 && ring_free(&r) == 0);
  ring_peek(&r, &length);
  CHECK(length == CAPACITY);
  ring_consume(&r, CAPACITY);
  CHECK(r.storage == NULL && ring_free(&r) == CAPACITY);
  ring_release(&r);
  ring_release(&r);
  return NULL;
}

static const char *bio_is_a_socket(const void *unused) {
  (void)unused;
  ring r;
  char bytes[8];
  ring_init(&r, CAPACITY);
  BIO *bio = ring_bio_new(&r);
  CHECK(bio != NULL);
  CHECK(BIO_read(bio, bytes, 8) == -1 && BIO_should_read(bio));
  static const char large[CAPACITY];
  CHECK(BIO_write(bio, large, (int)CAPACITY - 3) == (int)CAPACITY - 3);
  CHECK(BIO_write(bio, "12345", 5) == 3);
  CHECK(BIO_write(bio, "12345", 5) == -1 && BIO_should_write(bio));
  CHECK(BIO_pending(bio) == (int)CAPACITY && !BIO_eof(bio));
  for (uint32_t left = CAPACITY; left > 0; left -= 8) CHECK(BIO_read(bio, bytes, 8) == 8);
  CHECK(memcmp(bytes + 5, "123", 3) == 0);
  r.eof = 1;
  CHECK(BIO_eof(bio) && BIO_read(bio, bytes, 8) == 0 && !BIO_should_retry(bio));
  BIO_free(bio);
  ring_release(&r);
  return NULL;
}

void ring_cases(void) {
  static const uint32_t starts[] = {0, CAPACITY - 1, 0x7fffff00u, 0xfffffff0u};
  run_case("ring: wraps around its end", wraps, &starts[0]);
  run_case("ring: starts anywhere", wraps, &starts[1]);
  run_case("ring: counters pass 2^31", wraps, &starts[2]);
  run_case("ring: counters pass 2^32", wraps, &starts[3]);
  run_case("ring: full to the last byte, then empty and without storage", fills_and_empties, NULL);
  run_case("ring: its BIO behaves like a non-blocking socket", bio_is_a_socket, NULL);
}
