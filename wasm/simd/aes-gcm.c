/*
 * AES-GCM (NIST SP 800-38D), on the AES of aes-bitslice.c and the GHASH of ghash.c.
 *
 * The key stream is made in groups of eight counters, the first of which is a multiple of eight. With the usual nonce of twelve bytes
 * the first group has one block too many, the block that hides the tag, and six blocks for the text. A nonce of another length makes
 * the first counter a secret, which may not decide where a group begins; nobody uses them, so they are served, but slowly.
 */
#include "aes-gcm.h"

#include <string.h>

#include <openssl/crypto.h>

enum { BLOCK = AES_BLOCK_SIZE, GROUP = AES_EIGHT };

enum { FIRST_COUNTER = 1 };

/* Text goes through both algorithms in pieces that stay in the processor's first cache. */
enum { PIECE = 4096 };

/* Limits of 5.2.1.1, in bytes. */
#define MOST_TEXT (((uint64_t)1 << 36) - 32)
#define MOST_AAD ((uint64_t)1 << 61)

/* ---- The hash of AAD and ciphertext, each filled up with zeros, and their lengths. ---- */

/* GHASH is faster with four blocks at once. What does not make four waits for more. */
static void absorb(aes_gcm *s, const uint8_t *bytes, size_t length) {
  size_t now;
  if (s->waiting_length > 0) {
    now = sizeof s->waiting - s->waiting_length < length ? sizeof s->waiting - s->waiting_length : length;
    memcpy(s->waiting + s->waiting_length, bytes, now);
    s->waiting_length += now;
    bytes += now;
    length -= now;
    if (s->waiting_length < sizeof s->waiting) return;
    ghash_absorb(&s->hash_key, s->hash, s->waiting, sizeof s->waiting / BLOCK);
  }
  now = length - length % sizeof s->waiting;
  ghash_absorb(&s->hash_key, s->hash, bytes, now / BLOCK);
  s->waiting_length = length - now;
  memcpy(s->waiting, bytes + now, s->waiting_length);
}

static void absorb_padding(aes_gcm *s) {
  static const uint8_t zeros[BLOCK];
  absorb(s, zeros, -s->waiting_length % BLOCK);
}

static void store_big_endian(uint8_t to[8], uint64_t number) {
  for (int i = 0; i < 8; i++) to[i] = (uint8_t)(number >> (56 - 8 * i));
}

/* And that ends it. */
static void absorb_lengths(aes_gcm *s, uint64_t aad_length, uint64_t text_length) {
  uint8_t lengths[BLOCK];
  store_big_endian(lengths, aad_length * 8);
  store_big_endian(lengths + 8, text_length * 8);
  absorb(s, lengths, BLOCK);
  ghash_absorb(&s->hash_key, s->hash, s->waiting, s->waiting_length / BLOCK);
  s->waiting_length = 0;
}

/* ---- The key stream. ---- */

/* The key spread out, for as long as a call takes. */
typedef struct spread_key {
  int is_there;
  aes_spread_key key;
  aes_planes nonce;
} spread_key;

static void add_stream(uint8_t *out, const uint8_t *in, const uint8_t *stream, size_t length) {
  for (; length >= BLOCK; length -= BLOCK, in += BLOCK, out += BLOCK, stream += BLOCK) {
    wasm_v128_store(out, wasm_v128_xor(wasm_v128_load(in), wasm_v128_load(stream)));
  }
  while (length-- > 0) *out++ = *in++ ^ *stream++;
}

/* Block for block, beginning anywhere. */
static void make_blocks(aes_gcm *s, uint8_t *out, const uint8_t *in, size_t count) {
  uint8_t block[BLOCK];
  for (; count > 0; count--, s->counter++, in += BLOCK, out += BLOCK) {
    memcpy(block, s->nonce, sizeof s->nonce);
    for (int i = 0; i < 4; i++) block[12 + i] = (uint8_t)(s->counter >> (24 - 8 * i));
    AES_encrypt(block, block, &s->key);
    add_stream(out, in, block, BLOCK);
  }
}

static void make_groups(aes_gcm *s, spread_key *spread, uint8_t *out, const uint8_t *in, size_t count) {
  if (s->counter_is_secret) {
    make_blocks(s, out, in, 8 * count);
    return;
  }
  if (!spread->is_there) {
    aes_spread(&spread->key, &s->key);
    aes_ctr_nonce(&spread->nonce, &spread->key, s->nonce);
    spread->is_there = 1;
  }
  aes_ctr_eights(&spread->key, &spread->nonce, s->counter, out, in, count);
  s->counter += (uint32_t)count * 8;
}

static void next_group(aes_gcm *s, spread_key *spread) {
  memset(s->stream, 0, GROUP);
  make_groups(s, spread, s->stream, s->stream, 1);
  s->used = 0;
}

/* The first group. Made when there is text, or none to come: a message spreads its key but once. */
static void start_stream(aes_gcm *s, spread_key *spread) {
  size_t at = s->counter_is_secret ? 0 : FIRST_COUNTER * BLOCK;
  s->counter -= (uint32_t)at / BLOCK;
  next_group(s, spread);
  memcpy(s->tag_mask, s->stream + at, BLOCK);
  s->used = at + BLOCK;
  s->is_started = 1;
}

static void put_away(spread_key *spread) {
  if (!spread->is_there) return;
  aes_wipe(&spread->key);
  OPENSSL_cleanse(&spread->nonce, sizeof spread->nonce);
}

static void transform(aes_gcm *s, uint8_t *out, const uint8_t *in, size_t length, aes_gcm_direction direction) {
  spread_key spread;
  size_t now;
  spread.is_there = 0;
  if (!s->is_started) start_stream(s, &spread);
  for (; length > 0; in += now, out += now, length -= now) {
    int whole_groups = s->used == GROUP && length >= GROUP;
    if (s->used == GROUP && !whole_groups) next_group(s, &spread);
    now = whole_groups ? PIECE : GROUP - s->used;
    if (now > length) now = whole_groups ? length / GROUP * GROUP : length;
    if (direction == AES_GCM_OPEN) absorb(s, in, now);
    if (whole_groups) {
      make_groups(s, &spread, out, in, now / GROUP);
    } else {
      add_stream(out, in, s->stream + s->used, now);
      s->used += now;
    }
    if (direction == AES_GCM_SEAL) absorb(s, out, now);
  }
  put_away(&spread);
}

/* ---- Messages. ---- */

int aes_gcm_set_key(aes_gcm *s, const uint8_t *key, size_t length) {
  static const uint8_t zeros[BLOCK];
  uint8_t h[BLOCK];
  if (AES_set_encrypt_key(key, (int)length * 8, &s->key) != 0) return 0;
  AES_encrypt(zeros, h, &s->key);
  ghash_prepare(&s->hash_key, h);
  OPENSSL_cleanse(h, sizeof h);
  return 1;
}

/* 7.1: twelve bytes are followed by the number 1; of any others the hash is taken. */
void aes_gcm_set_nonce(aes_gcm *s, const uint8_t *nonce, size_t length) {
  memset(s->hash, 0, BLOCK);
  s->waiting_length = 0;
  s->counter_is_secret = length != sizeof s->nonce;
  if (s->counter_is_secret) {
    absorb(s, nonce, length);
    absorb_padding(s);
    absorb_lengths(s, 0, length);
    memcpy(s->nonce, s->hash, sizeof s->nonce);
    s->counter = 0;
    for (size_t i = sizeof s->nonce; i < BLOCK; i++) s->counter = s->counter << 8 | s->hash[i];
    memset(s->hash, 0, BLOCK);
  } else {
    memcpy(s->nonce, nonce, length);
    s->counter = FIRST_COUNTER;
  }
  s->aad_length = s->text_length = 0;
  s->is_started = 0;
}

int aes_gcm_add_aad(aes_gcm *s, const uint8_t *aad, size_t length) {
  if (s->text_length > 0 || length > MOST_AAD - s->aad_length) return 0;
  s->aad_length += length;
  absorb(s, aad, length);
  return 1;
}

int aes_gcm_crypt(aes_gcm *s, uint8_t *out, const uint8_t *in, size_t length, aes_gcm_direction direction) {
  if (length > MOST_TEXT - s->text_length) return 0;
  if (s->text_length == 0) absorb_padding(s);
  s->text_length += length;
  transform(s, out, in, length, direction);
  return 1;
}

void aes_gcm_tag(aes_gcm *s, uint8_t tag[BLOCK]) {
  transform(s, NULL, NULL, 0, AES_GCM_SEAL); /* a message without text has had no stream, and so no mask */
  absorb_padding(s);
  absorb_lengths(s, s->aad_length, s->text_length);
  add_stream(tag, s->hash, s->tag_mask, BLOCK);
}
