/* Known answers: one call of a cipher or of Poly1305, with everything given. */
#include <string.h>

#include <openssl/evp.h>

#include "crypto/poly1305.h"
#include "kernels.h"

/* 1 when all went well, the tag of an AEAD cipher included; `out` has `length` bytes. */
int32_t kernels_cipher(const char *name, int32_t encrypt, const uint8_t *key, const uint8_t *iv, uint32_t iv_length, const uint8_t *aad,
                       uint32_t aad_length, const uint8_t *in, uint32_t length, uint8_t *out, uint8_t *tag, uint32_t tag_length) {
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int ok = cipher != NULL && EVP_CipherInit_ex(context, cipher, NULL, NULL, NULL, encrypt), written = 0, last = 0;
  if (tag_length > 0) ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, (int)iv_length, NULL);
  ok = ok && EVP_CipherInit_ex(context, NULL, NULL, key, iv, encrypt) && EVP_CIPHER_CTX_set_padding(context, 0);
  if (tag_length > 0 && !encrypt) ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)tag_length, tag);
  if (aad_length > 0) ok = ok && EVP_CipherUpdate(context, NULL, &written, aad, (int)aad_length);
  if (length > 0) ok = ok && EVP_CipherUpdate(context, out, &written, in, (int)length);
  ok = ok && EVP_CipherFinal_ex(context, out + length, &last);
  if (tag_length > 0 && encrypt) ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)tag_length, tag);
  EVP_CIPHER_CTX_free(context);
  EVP_CIPHER_free(cipher);
  return ok;
}

void kernels_poly1305(const uint8_t key[32], const uint8_t *message, uint32_t length, uint8_t tag[16]) {
  POLY1305 state;
  Poly1305_Init(&state, key);
  Poly1305_Update(&state, message, length);
  Poly1305_Final(&state, tag);
}
