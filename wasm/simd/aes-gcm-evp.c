/*
 * EVP's AES-GCM, on aes-gcm.c. What is common to all GCM ciphers, ciphercommon_gcm.c, stays.
 *
 * Records of TLS may go to the host instead (acceleration.h), which takes them whole or not at all. TLS 1.2 hands them over whole. TLS 1.3
 * gives a header as AAD, then text, then asks for the tag; the header tells how long the text is, and so that there is no more to come.
 *
 * Interposes providers/implementations/ciphers/cipher_aes_gcm.c, and with it cipher_aes_gcm_hw.c and crypto/modes/gcm128.c.
 */
#include "aes-gcm.h"

#include <string.h>

#include <openssl/crypto.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "prov/ciphercommon.h"
#include "prov/ciphercommon_gcm.h"
#include "prov/implementations.h"
#include "prov/providercommon.h"
#pragma GCC diagnostic pop

#include "acceleration.h"

enum { HEADER = 5, TAG = AES_BLOCK_SIZE };

/* What the host needs, and has answered. The text of a message is the host's only if it is all of it. */
typedef struct hosted {
  uint8_t key[32];
  size_t key_length;
  host_key host_key; /* made at the first message that is the host's */
  int is_declined;   /* this key, for good */
  uint8_t header[HEADER];
  enum { OURS, OURS_AFTER_HEADER, HOSTS, HOSTS_AND_WRONG } message;
} hosted;

/* PROV_GCM_CTX ends with the state of gcm128.c, which is not here: ours is in its place, and beyond. */
typedef union context {
  PROV_GCM_CTX base;
  struct {
    uint8_t head[offsetof(PROV_GCM_CTX, gcm)];
    aes_gcm state;
    hosted hosted;
  } ours;
} context;

static aes_gcm *state_of(PROV_GCM_CTX *base) { return &((context *)base)->ours.state; }
static hosted *hosted_of(PROV_GCM_CTX *base) { return &((context *)base)->ours.hosted; }

/* ---- The host. ---- */

static void drop_key(hosted *h) {
  host_key_drop(h->host_key);
  h->host_key = 0;
  h->is_declined = 0;
}

static int host_has_key(hosted *h) {
  if (h->host_key == 0 && !h->is_declined) {
    h->host_key = host_key_import(HOST_KEY_AES, h->key, h->key_length);
    h->is_declined = h->host_key == 0;
  }
  return h->host_key != 0;
}

static int is_hosts(PROV_GCM_CTX *base, size_t length) {
  return host_wants_text(length) && !state_of(base)->counter_is_secret && host_has_key(hosted_of(base));
}

static host_outcome ask_host(PROV_GCM_CTX *base, const host_message *message) {
  host_outcome outcome = host_aead(hosted_of(base)->host_key, message);
  if (outcome == HOST_WRONG_TAG) memset(message->out, 0, message->length); /* as OpenSSL leaves a record that is none */
  return outcome;
}

/* RFC 8446, 5.2: type, version, and the length of text and tag. */
static int is_record(PROV_GCM_CTX *base, size_t length) {
  const hosted *h = hosted_of(base);
  size_t sealed = length + TAG;
  return h->message == OURS_AFTER_HEADER && h->header[0] == 23 && h->header[1] == 3 && h->header[2] == 3 &&
         h->header[3] == sealed >> 8 && h->header[4] == (sealed & 0xff) && (base->enc || base->taglen == TAG);
}

/* TLS 1.3. A tag to be checked stands where one that was made is left. */
static int crypt_record(PROV_GCM_CTX *base, const unsigned char *in, size_t length, unsigned char *out) {
  hosted *h = hosted_of(base);
  const host_message message = {base->enc ? HOST_SEAL : HOST_OPEN, state_of(base)->nonce, h->header, in, HEADER, length, out, base->buf};
  host_outcome outcome = ask_host(base, &message);
  if (outcome != HOST_DECLINED) h->message = outcome == HOST_DONE ? HOSTS : HOSTS_AND_WRONG;
  return outcome != HOST_DECLINED;
}

/* ---- The methods that ciphercommon_gcm.c calls. ---- */

static int set_key(PROV_GCM_CTX *base, const unsigned char *key, size_t length) {
  hosted *h = hosted_of(base);
  base->key_set = aes_gcm_set_key(state_of(base), key, length) != 0;
  drop_key(h);
  if (base->key_set) memcpy(h->key, key, h->key_length = length);
  return base->key_set;
}

static int set_nonce(PROV_GCM_CTX *base, const unsigned char *nonce, size_t length) {
  aes_gcm_set_nonce(state_of(base), nonce, length);
  hosted_of(base)->message = OURS;
  return 1;
}

static int add_aad(PROV_GCM_CTX *base, const unsigned char *aad, size_t length) {
  hosted *h = hosted_of(base);
  int is_header = h->message == OURS && state_of(base)->aad_length == 0 && length == HEADER;
  if (h->message >= HOSTS || !aes_gcm_add_aad(state_of(base), aad, length)) return 0;
  if (is_header) memcpy(h->header, aad, HEADER);
  h->message = is_header ? OURS_AFTER_HEADER : OURS;
  return 1;
}

static int crypt_text(PROV_GCM_CTX *base, const unsigned char *in, size_t length, unsigned char *out) {
  hosted *h = hosted_of(base);
  if (h->message >= HOSTS) return 0; /* it was whole */
  if (is_record(base, length) && is_hosts(base, length) && crypt_record(base, in, length, out)) return 1;
  h->message = OURS;
  return aes_gcm_crypt(state_of(base), out, in, length, base->enc ? AES_GCM_SEAL : AES_GCM_OPEN);
}

/* Gives the tag, or says whether the given one is right. */
static int finish(PROV_GCM_CTX *base, unsigned char *tag) {
  uint8_t right[AES_BLOCK_SIZE];
  int ok;
  if (hosted_of(base)->message >= HOSTS) {
    base->taglen = TAG;
    return hosted_of(base)->message == HOSTS;
  }
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
  if (tag_length == TAG && is_hosts(base, length)) {
    const host_message message = {base->enc ? HOST_SEAL : HOST_OPEN, state_of(base)->nonce, aad, in, aad_length, length, out, tag};
    host_outcome outcome = ask_host(base, &message);
    if (outcome != HOST_DECLINED) return outcome == HOST_DONE;
  }
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

/* The host's copy of the key belongs to one. */
static void *aes_gcm_dupctx(void *c) {
  context *copy = c == NULL || !ossl_prov_is_running() ? NULL : OPENSSL_memdup(c, sizeof(context));
  if (copy != NULL) copy->ours.hosted.host_key = 0;
  return copy;
}

static void aes_gcm_freectx(void *c) {
  if (c != NULL) drop_key(&((context *)c)->ours.hosted);
  OPENSSL_clear_free(c, sizeof(context));
}

IMPLEMENT_aead_cipher(aes, gcm, GCM, AEAD_FLAGS, 128, 8, 96);
IMPLEMENT_aead_cipher(aes, gcm, GCM, AEAD_FLAGS, 192, 8, 96);
IMPLEMENT_aead_cipher(aes, gcm, GCM, AEAD_FLAGS, 256, 8, 96);
