/* AES without authentication: single blocks, CBC, and what EVP makes of them. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>

#include <openssl/aes.h>
#include <openssl/evp.h>

#include "kernels.h"

enum { MAXIMUM = 3000, SLACK = 16 };

static uint8_t input[MAXIMUM + 2 * SLACK], output[MAXIMUM + 2 * SLACK];

static void blocks(draws *d, const AES_KEY *encrypting, const AES_KEY *decrypting) {
  uint8_t block[AES_BLOCK_SIZE], back[AES_BLOCK_SIZE];
  draw_bytes(d, block, sizeof block);
  AES_encrypt(block, back, encrypting);
  note(d, back, sizeof back);
  AES_decrypt(back, back, decrypting);
  require(memcmp(block, back, sizeof block) == 0, "what was encrypted comes back");
  AES_decrypt(block, block, decrypting);
  note(d, block, sizeof block);
}

/* Also lengths that are no multiple of a block, with which OpenSSL pads or steals. */
static void cbc(draws *d, const AES_KEY *key, int encrypt) {
  uint8_t iv[AES_BLOCK_SIZE];
  size_t length = draw_length(d, MAXIMUM), at = draw_below(d, SLACK), to = draw_below(d, SLACK);
  if (draw_below(d, 4)) length -= length % AES_BLOCK_SIZE;
  draw_bytes(d, iv, sizeof iv);
  draw_bytes(d, input, sizeof input);
  draw_bytes(d, output, sizeof output);
  if (draw_below(d, 2)) {
    memcpy(output, input, sizeof output);
    AES_cbc_encrypt(output + at, output + at, length, key, iv, encrypt);
  } else {
    AES_cbc_encrypt(input + at, output + to, length, key, iv, encrypt);
  }
  note(d, output, sizeof output);
  note(d, iv, sizeof iv);
}

static void keys_one(draws *d) {
  static const int sizes[] = {128, 192, 256};
  AES_KEY encrypting, decrypting;
  uint8_t user_key[32];
  int bits = sizes[draw_below(d, 3)];
  draw_bytes(d, user_key, sizeof user_key);
  note_number(d, AES_set_encrypt_key(user_key, bits, &encrypting));
  note_number(d, AES_set_decrypt_key(user_key, bits, &decrypting));
  blocks(d, &encrypting, &decrypting);
  if (draw_below(d, 2)) cbc(d, &encrypting, AES_ENCRYPT);
  else cbc(d, &decrypting, AES_DECRYPT);
  if (draw_below(d, 16) == 0) {
    note_number(d, AES_set_encrypt_key(NULL, bits, &encrypting));
    note_number(d, AES_set_decrypt_key(user_key, bits, NULL));
    note_number(d, AES_set_encrypt_key(user_key, (int)draw_below(d, 300) / 64 * 64, &encrypting));
  }
}

static void modes_one(draws *d) {
  static const char *const names[] = {"AES-128-ECB", "AES-192-ECB", "AES-256-ECB", "AES-128-CBC", "AES-192-CBC",  "AES-256-CBC",
                                      "AES-128-CTR", "AES-256-CTR", "AES-128-CFB", "AES-256-OFB", "AES-256-CFB8", "AES-128-XTS",
                                      "AES-256-XTS", "AES-128-WRAP", "AES-256-WRAP"};
  enum { CIPHERS = sizeof names / sizeof *names };
  static EVP_CIPHER *fetched[CIPHERS];
  uint32_t which = draw_below(d, CIPHERS);
  int is_xts = which == 11 || which == 12, is_wrap = which > 12, encrypt = (int)draw_below(d, 2), all = 0, written, ok;
  size_t length = draw_length(d, MAXIMUM - 8), at = draw_below(d, SLACK);
  uint8_t key[64], iv[16];
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (fetched[which] == NULL) fetched[which] = EVP_CIPHER_fetch(NULL, names[which], NULL);
  require(fetched[which] != NULL, names[which]);
  draw_bytes(d, key, 32);
  draw_bytes(d, key + 32, 32);
  draw_bytes(d, iv, sizeof iv);
  draw_bytes(d, input, sizeof input);
  memset(output, 0, sizeof output);
  if (is_wrap) EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (is_wrap) length = 16 + 8 * draw_below(d, 20);
  ok = EVP_CipherInit_ex(context, fetched[which], NULL, key, iv, encrypt); /* XTS refuses two equal keys */
  note_number(d, ok);
  for (size_t done = 0, piece; ok && done < length; done += piece) {
    piece = is_xts || is_wrap || draw_below(d, 2) ? length - done : draw_length(d, length - done);
    ok = EVP_CipherUpdate(context, output + all, &written, input + at + done, (int)piece);
    if (ok) all += written;
  }
  if (ok) ok = EVP_CipherFinal_ex(context, output + all, &written);
  if (ok) all += written;
  note_number(d, ok);
  note(d, output, ok ? (size_t)all : 0); /* what a failed unwrapping leaves is of no concern */
  EVP_CIPHER_CTX_free(context);
}

/* What EVP knows of ciphers before it asks a provider. */
static void describe(const EVP_CIPHER *cipher, const char *from, const char *to, void *d) {
  (void)to;
  if (cipher == NULL) return; /* an alias */
  note(d, from, strlen(from));
  note_number(d, EVP_CIPHER_get_nid(cipher));
  note_number(d, EVP_CIPHER_get_block_size(cipher));
  note_number(d, EVP_CIPHER_get_key_length(cipher));
  note_number(d, EVP_CIPHER_get_iv_length(cipher));
  note_number(d, (int64_t)EVP_CIPHER_get_flags(cipher));
}

static void descriptions_one(draws *d) {
  note_number(d, (int64_t)draw(d)); /* all cases are the same one */
  EVP_CIPHER_do_all_sorted(describe, d);
}

const family descriptions_family = {"EVP's descriptions of ciphers", descriptions_one};
const family aes_family = {"AES", keys_one}, aes_modes_family = {"AES modes", modes_one};

/* ---- Measurements. ---- */

static EVP_CIPHER_CTX *context;

static void prepare(const char *name, int encrypt) {
  static const uint8_t key[32] = {1}, iv[16] = {2};
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  EVP_CIPHER_CTX_free(context);
  context = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex(context, cipher, NULL, key, iv, encrypt);
  EVP_CIPHER_CTX_set_padding(context, 0);
  EVP_CIPHER_free(cipher);
}

static void run(size_t size) {
  static uint8_t in[16384], out[16384 + 16];
  int length;
  EVP_CipherUpdate(context, out, &length, in, (int)size);
}

static void cbc_encrypt_prepare(size_t size) {
  (void)size;
  prepare("AES-128-CBC", 1);
}

static void cbc_decrypt_prepare(size_t size) {
  (void)size;
  prepare("AES-128-CBC", 0);
}

const measure aes_cbc_encrypt_measure = {"AES-128-CBC encrypt", cbc_encrypt_prepare, run};
const measure aes_cbc_decrypt_measure = {"AES-128-CBC decrypt", cbc_decrypt_prepare, run};
