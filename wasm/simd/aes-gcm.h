/* AES-GCM, message by message and in pieces. A state has no pointers: its bytes are all of it. */
#ifndef AES_GCM_H
#define AES_GCM_H

#include "aes.h"
#include "ghash.h"

typedef struct aes_gcm {
  /* of a key */
  AES_KEY key;
  ghash_key hash_key;
  /* of a message */
  uint8_t nonce[12]; /* the first part of the counter blocks */
  uint32_t counter;  /* the other part: of the block that hides the tag, and once the stream is started, of the next group */
  int counter_is_secret, is_started;
  uint8_t stream[AES_EIGHT], tag_mask[AES_BLOCK_SIZE];
  size_t used; /* of the stream */
  uint8_t hash[AES_BLOCK_SIZE], waiting[GHASH_POWERS * AES_BLOCK_SIZE];
  size_t waiting_length;
  uint64_t aad_length, text_length;
} aes_gcm;

typedef enum { AES_GCM_OPEN, AES_GCM_SEAL } aes_gcm_direction;

/* False: a key of 16, 24 or 32 bytes is needed. */
int aes_gcm_set_key(aes_gcm *s, const uint8_t *key, size_t length);

/* Begins a message. */
void aes_gcm_set_nonce(aes_gcm *s, const uint8_t *nonce, size_t length);

/* False, and nothing done: more than GCM allows, or AAD after text. */
int aes_gcm_add_aad(aes_gcm *s, const uint8_t *aad, size_t length);
int aes_gcm_crypt(aes_gcm *s, uint8_t *out, const uint8_t *in, size_t length, aes_gcm_direction direction);

/* Ends a message. */
void aes_gcm_tag(aes_gcm *s, uint8_t tag[AES_BLOCK_SIZE]);

#endif
