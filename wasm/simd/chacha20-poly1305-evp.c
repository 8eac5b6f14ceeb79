/*
 * EVP's ChaCha20-Poly1305 in one pass over a message, for the calls that TLS makes. All else stays with OpenSSL's
 * cipher_chacha20_poly1305_hw.c, which finds its context as it would have left it.
 *
 * TLS 1.3 gives the additional data (AAD), then the text, then asks for the tag. The AAD is kept until the text comes: then the first
 * four blocks of the key stream are one for Poly1305's key and three for text, where OpenSSL makes a call for each. TLS 1.2 gives a
 * whole record.
 */
#include <string.h>

#include "chacha20-poly1305.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "providers/implementations/ciphers/cipher_chacha20_poly1305.h"
#pragma GCC diagnostic pop

typedef PROV_CIPHER_HW_CHACHA20_POLY1305 methods;
typedef PROV_CHACHA20_POLY1305_CTX context;

extern const PROV_CIPHER_HW *__real_ossl_prov_cipher_hw_chacha20_poly1305(size_t keybits);

static methods ours;
static int (*openssl_aead_cipher)(PROV_CIPHER_CTX *base, unsigned char *out, size_t *written, const unsigned char *in, size_t length);

/* AAD is waiting in tls_aad: `aad` without `mac_inited`, which OpenSSL never has. Its length is in len.aad. */
static int is_waiting(const context *c) { return c->aad && !c->mac_inited; }

/* ---- Steps. ---- */

static void keep_aad(context *c, size_t length) {
  c->len.aad = length;
  c->aad = 1;
}

/* What OpenSSL does when AAD comes. */
static void absorb_aad(context *c) {
  static const uint8_t zeros[CHACHA_BLK_SIZE];
  c->chacha.counter[0] = 0;
  ChaCha20_ctr32(c->chacha.buf, zeros, CHACHA_BLK_SIZE, c->chacha.key.d, c->chacha.counter);
  Poly1305_Init(&c->poly1305, c->chacha.buf);
  c->chacha.counter[0] = 1;
  c->chacha.partial_len = 0;
  c->len.text = 0;
  c->mac_inited = 1;
  Poly1305_Update(&c->poly1305, c->tls_aad, c->len.aad);
}

/* The first of the text, and the AAD before it if there is any. */
static void crypt_text(context *c, uint8_t *out, const uint8_t *in, size_t length) {
  if (!c->aad) c->len.aad = 0;
  chacha20_poly1305_text(&c->poly1305, c->chacha.buf, c->chacha.key.d, c->chacha.counter + 1, c->tls_aad, c->len.aad, out, in, length,
                         c->base.enc ? CHACHA20_POLY1305_SEAL : CHACHA20_POLY1305_OPEN);
  c->chacha.counter[0] = 1 + (unsigned)(length / CHACHA_BLK_SIZE);
  c->chacha.partial_len = length % CHACHA_BLK_SIZE;
  c->len.text = length;
  c->aad = 0;
  c->mac_inited = 1;
}

static void take_tag(context *c, uint8_t tag[POLY1305_BLOCK_SIZE]) {
  static const uint8_t zeros[POLY1305_BLOCK_SIZE];
  Poly1305_Update(&c->poly1305, zeros, -c->len.text % POLY1305_BLOCK_SIZE);
  Poly1305_Update(&c->poly1305, (uint8_t *)&c->len, POLY1305_BLOCK_SIZE); /* both lengths, little-endian as WebAssembly is */
  Poly1305_Final(&c->poly1305, tag);
  c->mac_inited = 0;
}

/* RFC 7905: tls_init has put the record's nonce in place and its header into tls_aad. The tag follows the text. */
static int crypt_record(context *c, uint8_t *out, size_t *written, const uint8_t *in, size_t length) {
  size_t text = c->tls_payload_length;
  uint8_t tag[POLY1305_BLOCK_SIZE];
  c->tls_payload_length = NO_TLS_PAYLOAD_LENGTH;
  keep_aad(c, EVP_AEAD_TLS1_AAD_LEN);
  crypt_text(c, out, in, text);
  c->chacha.partial_len = 0;
  take_tag(c, c->base.enc ? c->tag : tag);
  if (c->base.enc) {
    memcpy(out + text, c->tag, POLY1305_BLOCK_SIZE);
    *written = length;
    return 1;
  }
  if (CRYPTO_memcmp(tag, in + text, POLY1305_BLOCK_SIZE) != 0) {
    memset(out, 0, text);
    return 0;
  }
  *written = text;
  return 1;
}

/* ---- The method table. ---- */

static int aead_cipher(PROV_CIPHER_CTX *base, unsigned char *out, size_t *written, const unsigned char *in, size_t length) {
  context *c = (context *)base;
  int is_record = c->tls_payload_length != NO_TLS_PAYLOAD_LENGTH, has_aad = in != NULL && out == NULL, has_text = in != NULL && out != NULL;
  if (!c->mac_inited && is_record && has_text && length == c->tls_payload_length + POLY1305_BLOCK_SIZE) {
    return crypt_record(c, out, written, in, length);
  }
  if (!c->mac_inited && !is_record && has_text) {
    crypt_text(c, out, in, length);
    *written = length;
    return 1;
  }
  if (!c->mac_inited && !is_record && has_aad && !is_waiting(c) && length <= sizeof c->tls_aad) {
    memcpy(c->tls_aad, in, length);
    keep_aad(c, length);
    *written = length;
    return 1;
  }
  if (is_waiting(c)) absorb_aad(c);
  return openssl_aead_cipher(base, out, written, in, length);
}

const PROV_CIPHER_HW *__wrap_ossl_prov_cipher_hw_chacha20_poly1305(size_t keybits) {
  if (openssl_aead_cipher == NULL) {
    ours = *(const methods *)__real_ossl_prov_cipher_hw_chacha20_poly1305(keybits);
    openssl_aead_cipher = ours.aead_cipher;
    ours.aead_cipher = aead_cipher;
  }
  return &ours.base;
}
