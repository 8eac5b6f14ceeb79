/*
 * EVP's AES-GCM, on aes-gcm.c. What is common to all GCM ciphers, ciphercommon_gcm.c, stays.
 *
 * Interposes providers/implementations/ciphers/cipher_aes_gcm.c, and with it cipher_aes_gcm_hw.c and crypto/modes/gcm128.c.
 */
#include "aes-gcm.h"

#include <openssl/crypto.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "prov/ciphercommon.h"
#include "prov/ciphercommon_gcm.h"
#include "prov/implementations.h"
#include "prov/providercommon.h"
#pragma GCC diagnostic pop

/* PROV_GCM_CTX ends with the state of gcm128.c, which is not here: ours is in its place, and beyond. */
typedef union context {
  PROV_GCM_CTX base;
  struct {
    uint8_t head[offsetof(PROV_GCM_CTX, gcm)];
    aes_gcm state;
  } ours;
} context;

static aes_gcm *state_of(PROV_GCM_CTX *base) { return &((context *)base)->ours.state; }

/* ---- The methods that ciphercommon_gcm.c calls. ---- */

static int set_key(PROV_GCM_CTX *base, const unsigned char *key, size_t length) {
  base->key_set = aes_gcm_set_key(state_of(base), key, length) != 0;
  return base->key_set;
}

static int set_nonce(PROV_GCM_CTX *base, const unsigned char *nonce, size_t length) {
  aes_gcm_set_nonce(state_of(base), nonce, length);
  return 1;
}

static int add_aad(PROV_GCM_CTX *base, const unsigned char *aad, size_t length) { return aes_gcm_add_aad(state_of(base), aad, length); }

static int crypt_text(PROV_GCM_CTX *base, const unsigned char *in, size_t length, unsigned char *out) {
  return aes_gcm_crypt(state_of(base), out, in, length, base->enc ? AES_GCM_SEAL : AES_GCM_OPEN);
}

/* Gives the tag, or says whether the given one is right. */
static int finish(PROV_GCM_CTX *base, unsigned char *tag) {
  uint8_t right[AES_BLOCK_SIZE];
  int ok;
  if (base->enc) {
    aes_gcm_tag(state_of(base), tag);
    base->taglen = sizeof right;
    return 1;
  }
  aes_gcm_tag(state_of(base), right);
  ok = base->taglen <= sizeof right && CRYPTO_memcmp(right, tag, base->taglen) == 0;
  OPENSSL_cleanse(right, sizeof right); /* who made the message may not learn it */
  return ok;
}

static int one_shot(PROV_GCM_CTX *base, unsigned char *aad, size_t aad_length, const unsigned char *in, size_t length, unsigned char *out,
                    unsigned char *tag, size_t tag_length) {
  base->taglen = tag_length;
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
