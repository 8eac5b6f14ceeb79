/*
 * DTLS 1.2 (RFC 6347): what differs from a stream. The incoming and outgoing BIO carry whole datagrams, a record is read and written
 * whole, and lost flights are sent again by a timer that the host drives. The state machine is OpenSSL's, and so is all the rest of
 * a connection. Cookies are in cookie.c.
 */
#include <string.h>
#include <sys/time.h>

#include "internal.h"

/* OpenSSL collects a flight's records in a BIO_f_buffer of 4096 bytes: a longer record would be torn in two. */
#define HANDSHAKE_MTU 4096

/* ---- A queue of datagrams in a ring: two bytes of length before each. ---- */

#define LENGTH_SIZE 2
#define LONGEST 65535

static void put(ring *r, const uint8_t *bytes, uint32_t length) {
  while (length > 0) {
    uint32_t space;
    uint8_t *at = ring_space(r, &space);
    if (space > length) space = length;
    memcpy(at, bytes, space);
    ring_commit(r, space);
    bytes += space;
    length -= space;
  }
}

/* out may be NULL: the bytes are lost. */
static void get(ring *r, uint8_t *out, uint32_t length) {
  while (length > 0) {
    uint32_t pending;
    const uint8_t *at = ring_peek(r, &pending);
    if (pending > length) pending = length;
    if (out != NULL) {
      memcpy(out, at, pending);
      out += pending;
    }
    ring_consume(r, pending);
    length -= pending;
  }
}

/* 0 when the datagram was dropped: no room, no memory, or it could not be told from "nothing there". */
static int datagram_push(ring *r, const uint8_t *bytes, size_t length) {
  uint32_t space;
  if (length == 0 || length > LONGEST || ring_free(r) < LENGTH_SIZE + length) return 0;
  if (ring_space(r, &space) == NULL) return 0;
  const uint8_t prefix[LENGTH_SIZE] = {(uint8_t)(length >> 8), (uint8_t)length};
  put(r, prefix, LENGTH_SIZE);
  put(r, bytes, (uint32_t)length);
  return 1;
}

/* The oldest datagram's length, 0 when there is none. What does not fit is lost, as with recv(2). */
static uint32_t datagram_pop(ring *r, uint8_t *out, uint32_t room) {
  uint8_t prefix[LENGTH_SIZE];
  if (ring_pending(r) == 0) return 0;
  get(r, prefix, LENGTH_SIZE);
  uint32_t length = (uint32_t)prefix[0] << 8 | prefix[1], taken = length < room ? length : room;
  get(r, out, taken);
  get(r, NULL, length - taken);
  return taken;
}

/* ---- The BIO_METHOD. ---- */

/* A full queue loses the newest, as UDP would; then retransmission helps. Application data asks for room first (dtls_write). */
static int datagram_bio_write(BIO *bio, const char *in, int length) {
  BIO_clear_retry_flags(bio);
  datagram_push(BIO_get_data(bio), (const uint8_t *)in, length < 0 ? 0 : (size_t)length);
  return length;
}

static int datagram_bio_read(BIO *bio, char *out, int length) {
  BIO_clear_retry_flags(bio);
  uint32_t taken = length <= 0 ? 0 : datagram_pop(BIO_get_data(bio), (uint8_t *)out, (uint32_t)length);
  if (taken > 0) return (int)taken;
  BIO_set_retry_read(bio);
  return -1;
}

static long datagram_bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  const ring *r = BIO_get_data(bio);
  (void)number;
  (void)pointer;
  switch (command) {
    case BIO_CTRL_PENDING:
      return ring_pending(r) > 0;
    case BIO_CTRL_WPENDING: /* a datagram that is written is gone; OpenSSL would count it against the next one's MTU */
      return 0;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: /* IPv6 and UDP: lowers the smallest MTU that OpenSSL accepts to 208 */
      return 48;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: /* the host asks dtls_timeout */
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
      return 1;
    default:
      return 0;
  }
}

BIO *datagram_bio_new(ring *r) {
  static const ring_functions functions = {"membio datagrams", datagram_bio_write, datagram_bio_read, datagram_bio_ctrl};
  static BIO_METHOD *method;
  return ring_bio_with(r, &method, &functions);
}

/* ---- Record headers (RFC 6347, 4.3.1): type, version, epoch (2 bytes), number (6), length (2). ---- */

uint64_t record_number(const uint8_t *datagram, size_t length) {
  uint64_t number = 0;
  for (int i = 0; length >= DTLS1_RT_HEADER_LENGTH && i < 6; i++) number = number << 8 | datagram[5 + i];
  return number;
}

/* Epoch 0 is in the clear, and its headers are covered by no MAC. */
static void renumber(uint8_t *datagram, size_t length, uint64_t offset) {
  for (size_t at = 0; at + DTLS1_RT_HEADER_LENGTH <= length;) {
    uint8_t *record = datagram + at;
    uint64_t number = record_number(record, DTLS1_RT_HEADER_LENGTH) + offset;
    for (int i = 0; record[3] == 0 && record[4] == 0 && i < 6; i++) record[5 + i] = (uint8_t)(number >> (40 - 8 * i));
    at += DTLS1_RT_HEADER_LENGTH + ((size_t)record[11] << 8 | record[12]);
  }
}

/* ---- Ciphertext side. ---- */

int32_t dtls_receive(tls_connection *c, const uint8_t *datagram, size_t length) {
  return datagram_push(&c->incoming, datagram, length) ? TLS_DONE : TLS_WANT_READ;
}

uint32_t dtls_take(tls_connection *c, uint8_t *out, size_t length) {
  uint32_t taken = datagram_pop(&c->outgoing, out, (uint32_t)length);
  if (c->record_offset > 0) renumber(out, taken, c->record_offset);
  return taken;
}

/* ---- Plaintext side. ---- */

int32_t dtls_read(tls_connection *c, uint8_t *out, size_t length) {
  size_t read;
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  return SSL_read_ex(c->ssl, out, length, &read) ? (int32_t)read : status_of(c, 0);
}

int32_t dtls_write(tls_connection *c, const uint8_t *plaintext, size_t length) {
  size_t written;
  if (c->failed) return TLS_ERROR;
  if (ring_free(&c->outgoing) < LENGTH_SIZE + length + RECORD_ROOM) return TLS_WANT_WRITE;
  ERR_clear_error();
  return SSL_write_ex(c->ssl, plaintext, length, &written) ? TLS_DONE : status_of(c, 0);
}

uint32_t dtls_room(tls_connection *c) {
  size_t room = DTLS_get_data_mtu(c->ssl);
  return room < SSL3_RT_MAX_PLAIN_LENGTH ? (uint32_t)room : SSL3_RT_MAX_PLAIN_LENGTH;
}

int32_t dtls_set_mtu(tls_connection *c, uint32_t mtu) {
  ERR_clear_error();
  if (!SSL_is_init_finished(c->ssl) && mtu > HANDSHAKE_MTU) mtu = HANDSHAKE_MTU;
  return SSL_set_mtu(c->ssl, (long)mtu) ? TLS_DONE : library_failed_with("mtu too small");
}

/* ---- Retransmission (RFC 6347, 4.2.4). ---- */

double dtls_timeout(tls_connection *c) {
  struct timeval left;
  if (c->failed || !DTLSv1_get_timeout(c->ssl, &left)) return -1;
  return (double)left.tv_sec * 1000 + (double)left.tv_usec / 1000;
}

int32_t dtls_handle_timeout(tls_connection *c) {
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  return DTLSv1_handle_timeout(c->ssl) >= 0 ? TLS_DONE : status_of(c, -1);
}
