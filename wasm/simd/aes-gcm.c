/*
 * AES-GCM (NIST SP 800-38D) for EVP, on the AES of aes-bitslice.c and the GHASH of ghash.c.
 *
 * The key stream is made in groups of eight counters, the first of which is a multiple of eight. With the usual nonce of twelve bytes
 * the first group has one block too many, the block that hides the tag, and six blocks for the text.
 *
 * Interposes providers/implementations/ciphers/cipher_aes_gcm.c, and with it cipher_aes_gcm_hw.c and crypto/modes/gcm128.c. What is
 * common to all GCM ciphers, ciphercommon_gcm.c, stays.
 */
#include "aes.h"

#include <string.h>

#include <openssl/crypto.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "prov/ciphercommon.h"
#include "prov/ciphercommon_gcm.h"
#include "prov/implementations.h"
#include "prov/providercommon.h"
#pragma GCC diagnostic pop

#include "ghash.h"

enum { BLOCK = AES_BLOCK_SIZE, GROUP = AES_EIGHT };

/* Text goes through both algorithms in pieces that stay in the processor's first cache. */
enum { PIECE = 4096 };

/* Limits of 5.2.1.1, in bytes. */
#define MOST_TEXT (((uint64_t)1 << 36) - 32)
#define MOST_AAD ((uint64_t)1 << 61)

typedef struct state {
  /* of a key */
  AES_KEY key;
  ghash_key hash_key;
  /* of a message */
  uint8_t nonce[12]; /* the first part of the counter blocks */
  uint32_t counter;  /* the other part: of the block that hides the tag, and once the stream is started, of the next group */
  int is_started;
  uint8_t stream[GROUP], tag_mask[BLOCK];
  size_t used; /* of the stream */
  uint8_t hash[BLOCK], waiting[GHASH_POWERS * BLOCK];
  size_t waiting_length;
  uint64_t aad_length, text_length;
} state;

/* PROV_GCM_CTX ends with the state of gcm128.c, which is not here: ours is in its place, and beyond. */
typedef union context {
  PROV_GCM_CTX base;
  struct {
    uint8_t head[offsetof(PROV_GCM_CTX, gcm)];
    state s;
  } ours;
} context;

static state *state_of(PROV_GCM_CTX *base) { return &((context *)base)->ours.s; }

/* ---- The hash of AAD and ciphertext, each filled up with zeros, and their lengths. ---- */

/* GHASH is faster with four blocks at once. What does not make four waits for more. */
static void absorb(state *s, const uint8_t *bytes, size_t length) {
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

static void absorb_padding(state *s) {
  static const uint8_t zeros[BLOCK];
  absorb(s, zeros, -s->waiting_length % BLOCK);
}

static void store_big_endian(uint8_t to[8], uint64_t number) {
  for (int i = 0; i < 8; i++) to[i] = (uint8_t)(number >> (56 - 8 * i));
}

/* And that ends it. */
static void absorb_lengths(state *s, uint64_t aad_length, uint64_t text_length) {
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

static void make_groups(state *s, spread_key *spread, uint8_t *out, const uint8_t *in, size_t count) {
  if (!spread->is_there) {
    aes_spread(&spread->key, &s->key);
    aes_ctr_nonce(&spread->nonce, &spread->key, s->nonce);
    spread->is_there = 1;
  }
  aes_ctr_eights(&spread->key, &spread->nonce, s->counter, out, in, count);
  s->counter += (uint32_t)count * 8;
}

static void next_group(state *s, spread_key *spread) {
  memset(s->stream, 0, GROUP);
  make_groups(s, spread, s->stream, s->stream, 1);
  s->used = 0;
}

/* The group of the first counter. Made when there is text, or none to come: a message spreads its key but once. */
static void start_stream(state *s, spread_key *spread) {
  uint32_t at = s->counter % 8 * BLOCK;
  s->counter -= s->counter % 8;
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

static void add_stream(uint8_t *out, const uint8_t *in, const uint8_t *stream, size_t length) {
  for (; length >= BLOCK; length -= BLOCK, in += BLOCK, out += BLOCK, stream += BLOCK) {
    wasm_v128_store(out, wasm_v128_xor(wasm_v128_load(in), wasm_v128_load(stream)));
  }
  while (length-- > 0) *out++ = *in++ ^ *stream++;
}

typedef enum { OPEN, SEAL } direction;

static void transform(state *s, uint8_t *out, const uint8_t *in, size_t length, direction direction) {
  spread_key spread;
  size_t now;
  spread.is_there = 0;
  if (!s->is_started) start_stream(s, &spread);
  for (; length > 0; in += now, out += now, length -= now) {
    int whole_groups = s->used == GROUP && length >= GROUP;
    if (s->used == GROUP && !whole_groups) next_group(s, &spread);
    now = whole_groups ? PIECE : GROUP - s->used;
    if (now > length) now = whole_groups ? length / GROUP * GROUP : length;
    if (direction == OPEN) absorb(s, in, now);
    if (whole_groups) {
      make_groups(s, &spread, out, in, now / GROUP);
    } else {
      add_stream(out, in, s->stream + s->used, now);
      s->used += now;
    }
    if (direction == SEAL) absorb(s, out, now);
  }
  put_away(&spread);
}

/* ---- The methods that ciphercommon_gcm.c calls. ---- */

static int set_key(PROV_GCM_CTX *base, const unsigned char *key, size_t length) {
  static const uint8_t zeros[BLOCK];
  state *s = state_of(base);
  uint8_t h[BLOCK];
  if (AES_set_encrypt_key(key, (int)length * 8, &s->key) != 0) return 0;
  AES_encrypt(zeros, h, &s->key);
  ghash_prepare(&s->hash_key, h);
  OPENSSL_cleanse(h, sizeof h);
  base->key_set = 1;
  return 1;
}

/* 7.1: twelve bytes are followed by the number 1; of any others the hash is taken. */
static int set_nonce(PROV_GCM_CTX *base, const unsigned char *nonce, size_t length) {
  state *s = state_of(base);
  uint8_t last[4] = {0, 0, 0, 1};
  memset(s->hash, 0, BLOCK);
  s->waiting_length = 0;
  if (length == sizeof s->nonce) {
    memcpy(s->nonce, nonce, length);
  } else {
    absorb(s, nonce, length);
    absorb_padding(s);
    absorb_lengths(s, 0, length);
    memcpy(s->nonce, s->hash, sizeof s->nonce);
    memcpy(last, s->hash + sizeof s->nonce, sizeof last);
    memset(s->hash, 0, BLOCK);
  }
  s->counter = (uint32_t)last[0] << 24 | (uint32_t)last[1] << 16 | (uint32_t)last[2] << 8 | last[3];
  s->aad_length = s->text_length = 0;
  s->is_started = 0;
  return 1;
}

static int add_aad(PROV_GCM_CTX *base, const unsigned char *aad, size_t length) {
  state *s = state_of(base);
  if (s->text_length > 0 || length > MOST_AAD - s->aad_length) return 0;
  s->aad_length += length;
  absorb(s, aad, length);
  return 1;
}

static int crypt_text(PROV_GCM_CTX *base, const unsigned char *in, size_t length, unsigned char *out) {
  state *s = state_of(base);
  if (length > MOST_TEXT - s->text_length) return 0;
  if (s->text_length == 0) absorb_padding(s);
  s->text_length += length;
  transform(s, out, in, length, base->enc ? SEAL : OPEN);
  return 1;
}

/* The tag, or whether `tag` is right. */
static int finish(PROV_GCM_CTX *base, unsigned char *tag) {
  state *s = state_of(base);
  transform(s, NULL, NULL, 0, SEAL); /* a message without text has had no stream, and so no mask */
  absorb_padding(s);
  absorb_lengths(s, s->aad_length, s->text_length);
  add_stream(s->hash, s->hash, s->tag_mask, BLOCK);
  if (!base->enc) return base->taglen <= BLOCK && CRYPTO_memcmp(s->hash, tag, base->taglen) == 0;
  memcpy(tag, s->hash, BLOCK);
  base->taglen = BLOCK;
  return 1;
}

static int one_shot(PROV_GCM_CTX *base, unsigned char *aad, size_t aad_length, const unsigned char *in, size_t length, unsigned char *out,
                    unsigned char *tag, size_t tag_length) {
  (void)tag_length; /* TLS has one only */
  base->taglen = BLOCK;
  return add_aad(base, aad, aad_length) && crypt_text(base, in, length, out) && finish(base, tag);
}

/* ---- Contexts, and the tables of functions that the provider has for EVP. ---- */

static void *aes_gcm_newctx(void *provider, size_t bits) {
  static const PROV_GCM_HW methods = {set_key, set_nonce, add_aad, crypt_text, finish, one_shot};
  context *c;
  if (!ossl_prov_is_running()) return NULL;
  c = OPENSSL_zalloc(sizeof *c);
  if (c != NULL) ossl_gcm_initctx(provider, &c->base, bits, &methods);
  return c;
}

static void *aes_gcm_dupctx(void *c) { return c == NULL || !ossl_prov_is_running() ? NULL : OPENSSL_memdup(c, sizeof(context)); }

static void aes_gcm_freectx(void *c) { OPENSSL_clear_free(c, sizeof(context)); }

IMPLEMENT_aead_cipher(aes, gcm, GCM, AEAD_FLAGS, 128, 8, 96);
IMPLEMENT_aead_cipher(aes, gcm, GCM, AEAD_FLAGS, 192, 8, 96);
IMPLEMENT_aead_cipher(aes, gcm, GCM, AEAD_FLAGS, 256, 8, 96);
