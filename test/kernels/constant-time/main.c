/*
 * Whether the kernels' control flow and addresses depend on secrets, after A. Langley's ctgrind (2010): keys and texts are marked as
 * uninitialised, and valgrind's memcheck then reports every branch and every address that is computed from them.
 *
 * Its limits: it sees the code that this machine's compiler makes of the C, not what a WebAssembly engine makes of it; it knows of no
 * instruction whose duration depends on its operands (there is none among those used but, on some small processors, multiplication);
 * and it sees only what is run.
 *
 * `constant-time` runs the kernels; `constant-time branch` and `constant-time index` do what must not be done, to show that it would be
 * noticed. The kernels are here without OpenSSL, so without what stands between them and EVP (*-evp.c).
 */
#include "aes-gcm.h"
#include "chacha20-poly1305.h"

#include "public-key.h"

#include <stdio.h>
#include <string.h>

#include <openssl/modes.h>
#include <valgrind/memcheck.h>

#include "crypto/chacha.h"

static void secret(void *p, size_t length) { VALGRIND_MAKE_MEM_UNDEFINED(p, length); }

/* ---- OpenSSL's part: wiping, and CBC's chaining, which uses nothing but the block function. ---- */

void OPENSSL_cleanse(void *p, size_t length) { memset(p, 0, length); }

void CRYPTO_cbc128_encrypt(const unsigned char *in, unsigned char *out, size_t length, const void *key, unsigned char iv[16],
                           block128_f block) {
  (void)length, (void)iv;
  block(in, out, key);
}

void CRYPTO_cbc128_decrypt(const unsigned char *in, unsigned char *out, size_t length, const void *key, unsigned char iv[16],
                           block128_f block) {
  CRYPTO_cbc128_encrypt(in, out, length, key, iv, block);
}

/* ---- Uses. ---- */

enum { TEXT = 1000 };
static uint8_t text[TEXT], out[TEXT + 16], nonce[16] = {1, 2, 3}, tag[16];

static void use_chacha20_poly1305(chacha20_poly1305_direction direction) {
  POLY1305 mac;
  uint32_t key[8] = {1}, counter[4] = {2};
  uint8_t rest[CHACHA20_BLOCK];
  secret(key, sizeof key);
  secret(text, sizeof text);
  ChaCha20_ctr32(out, text, TEXT, key, counter);
  chacha20_poly1305_text(&mac, rest, key, counter + 1, nonce, 13, out, text, TEXT, direction);
  Poly1305_Update(&mac, nonce, 7);
  Poly1305_Final(&mac, tag);
}

static void use_aes(int bits) {
  AES_KEY key;
  uint8_t user_key[32] = {1}, iv[16] = {2};
  secret(user_key, sizeof user_key);
  secret(text, sizeof text);
  AES_set_encrypt_key(user_key, bits, &key);
  AES_encrypt(text, out, &key);
  AES_decrypt(text, out, &key);
  AES_cbc_encrypt(text, out, TEXT / 16 * 16, &key, iv, AES_DECRYPT);
  AES_cbc_encrypt(text, out, 16, &key, iv, AES_ENCRYPT);
}

static void use_gcm(int bits, aes_gcm_direction direction, size_t nonce_length) {
  aes_gcm state;
  uint8_t key[32] = {1};
  secret(key, sizeof key);
  secret(text, sizeof text);
  aes_gcm_set_key(&state, key, (size_t)bits / 8);
  aes_gcm_set_nonce(&state, nonce, nonce_length);
  aes_gcm_add_aad(&state, nonce, 13);
  aes_gcm_crypt(&state, out, text, 300, direction);
  aes_gcm_crypt(&state, out + 300, text + 300, TEXT - 300, direction);
  aes_gcm_tag(&state, tag);
}

static int leak(const char *how) {
  static const uint8_t table[2] = {3, 4};
  uint8_t bit = 1;
  secret(&bit, 1);
  if (strcmp(how, "index") == 0) return table[bit & 1];
  return bit & 1 ? printf("one\n") : printf("zero\n");
}

int main(int argc, char **argv) {
  if (argc > 1) return leak(argv[1]) == 0;
  use_chacha20_poly1305(CHACHA20_POLY1305_SEAL);
  use_chacha20_poly1305(CHACHA20_POLY1305_OPEN);
  for (int bits = 128; bits <= 256; bits += 64) {
    use_aes(bits);
    use_gcm(bits, AES_GCM_SEAL, 12);
    use_gcm(bits, AES_GCM_OPEN, 12);
    use_gcm(bits, AES_GCM_SEAL, 16);
  }
  use_public_key();
  return 0;
}
