/*
 * What EVP_aes_128_gcm() and its like return: descriptions of ciphers, by which EVP finds the provider's implementation.
 *
 * OpenSSL's also carry the implementations from before there were providers. Nothing runs them, but the linker cannot know that, and
 * with them came the tables of gcm128.c, and some 20 KB of code. Interposes e_aes.c, e_chacha20_poly1305.c, e_des.c, e_des3.c and
 * e_xcbc_d.c of crypto/evp, whose numbers these are.
 */
#include <openssl/evp.h>
#include <openssl/objects.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/evp.h"
#pragma GCC diagnostic pop

#define DESCRIBE(name, its_nid, its_block_size, its_key_length, its_iv_length, its_flags)                              \
  const EVP_CIPHER *EVP_##name(void) {                                                                                 \
    static const EVP_CIPHER description = {.nid = its_nid,                                                             \
                                           .block_size = its_block_size,                                               \
                                           .key_len = its_key_length,                                                  \
                                           .iv_len = its_iv_length,                                                    \
                                           .flags = its_flags,                                                         \
                                           .origin = EVP_ORIG_GLOBAL};                                                 \
    return &description;                                                                                               \
  }

enum {
  ASN1 = EVP_CIPH_FLAG_DEFAULT_ASN1, /* the IV is the only parameter in ASN.1 */
  OWN_IV = EVP_CIPH_CUSTOM_IV | EVP_CIPH_ALWAYS_CALL_INIT,
  AEAD = ASN1 | OWN_IV | EVP_CIPH_FLAG_CUSTOM_CIPHER | EVP_CIPH_CTRL_INIT | EVP_CIPH_CUSTOM_COPY | EVP_CIPH_CUSTOM_IV_LENGTH |
         EVP_CIPH_FLAG_AEAD_CIPHER,
  WRAP = EVP_CIPH_WRAP_MODE | OWN_IV | EVP_CIPH_FLAG_CUSTOM_CIPHER | ASN1,
  XTS = EVP_CIPH_XTS_MODE | ASN1 | OWN_IV | EVP_CIPH_CTRL_INIT | EVP_CIPH_CUSTOM_COPY,
};

#define DESCRIBE_AES(bits)                                                                                             \
  DESCRIBE(aes_##bits##_ecb, NID_aes_##bits##_ecb, 16, bits / 8, 0, EVP_CIPH_ECB_MODE | ASN1)                          \
  DESCRIBE(aes_##bits##_cbc, NID_aes_##bits##_cbc, 16, bits / 8, 16, EVP_CIPH_CBC_MODE | ASN1)                         \
  DESCRIBE(aes_##bits##_ofb, NID_aes_##bits##_ofb128, 1, bits / 8, 16, EVP_CIPH_OFB_MODE | ASN1)                       \
  DESCRIBE(aes_##bits##_cfb128, NID_aes_##bits##_cfb128, 1, bits / 8, 16, EVP_CIPH_CFB_MODE | ASN1)                    \
  DESCRIBE(aes_##bits##_cfb1, NID_aes_##bits##_cfb1, 1, bits / 8, 16, EVP_CIPH_CFB_MODE)                               \
  DESCRIBE(aes_##bits##_cfb8, NID_aes_##bits##_cfb8, 1, bits / 8, 16, EVP_CIPH_CFB_MODE)                               \
  DESCRIBE(aes_##bits##_ctr, NID_aes_##bits##_ctr, 1, bits / 8, 16, EVP_CIPH_CTR_MODE)                                 \
  DESCRIBE(aes_##bits##_gcm, NID_aes_##bits##_gcm, 1, bits / 8, 12, EVP_CIPH_GCM_MODE | AEAD)                          \
  DESCRIBE(aes_##bits##_ccm, NID_aes_##bits##_ccm, 1, bits / 8, 12, EVP_CIPH_CCM_MODE | AEAD)                          \
  DESCRIBE(aes_##bits##_wrap, NID_id_aes##bits##_wrap, 8, bits / 8, 8, WRAP)                                           \
  DESCRIBE(aes_##bits##_wrap_pad, NID_id_aes##bits##_wrap_pad, 8, bits / 8, 4, WRAP)

DESCRIBE_AES(128)
DESCRIBE_AES(192)
DESCRIBE_AES(256)
DESCRIBE(aes_128_xts, NID_aes_128_xts, 1, 2 * 16, 16, XTS) /* two keys */
DESCRIBE(aes_256_xts, NID_aes_256_xts, 1, 2 * 32, 16, XTS)

DESCRIBE(chacha20, NID_chacha20, 1, 32, 16, OWN_IV)
DESCRIBE(chacha20_poly1305, NID_chacha20_poly1305, 1, 32, 12, AEAD & ~ASN1)

#define DESCRIBE_DES(its_name, key_length, its_flags)                                                                  \
  DESCRIBE(its_name##_ecb, NID_##its_name##_ecb, 8, key_length, 0, EVP_CIPH_ECB_MODE | EVP_CIPH_RAND_KEY | its_flags)  \
  DESCRIBE(its_name##_cbc, NID_##its_name##_cbc, 8, key_length, 8, EVP_CIPH_CBC_MODE | EVP_CIPH_RAND_KEY | its_flags)  \
  DESCRIBE(its_name##_ofb, NID_##its_name##_ofb64, 1, key_length, 8, EVP_CIPH_OFB_MODE | EVP_CIPH_RAND_KEY | its_flags) \
  DESCRIBE(its_name##_cfb64, NID_##its_name##_cfb64, 1, key_length, 8, EVP_CIPH_CFB_MODE | EVP_CIPH_RAND_KEY | its_flags)

#define DESCRIBE_DES_CFB(its_name, key_length, its_flags)                                                              \
  DESCRIBE(its_name##_cfb1, NID_##its_name##_cfb1, 1, key_length, 8, EVP_CIPH_CFB_MODE | EVP_CIPH_RAND_KEY | its_flags) \
  DESCRIBE(its_name##_cfb8, NID_##its_name##_cfb8, 1, key_length, 8, EVP_CIPH_CFB_MODE | EVP_CIPH_RAND_KEY | its_flags)

DESCRIBE_DES(des_ede, 16, ASN1)
DESCRIBE_DES(des_ede3, 24, ASN1)
DESCRIBE_DES_CFB(des_ede3, 24, ASN1)
DESCRIBE(des_ede3_wrap, NID_id_smime_alg_CMS3DESwrap, 8, 24, 0,
         EVP_CIPH_WRAP_MODE | EVP_CIPH_CUSTOM_IV | EVP_CIPH_FLAG_CUSTOM_CIPHER | ASN1)

/* No provider here has these, so they fail as they did before. */
DESCRIBE_DES(des, 8, 0)
DESCRIBE_DES_CFB(des, 8, 0)
DESCRIBE(desx_cbc, NID_desx_cbc, 8, 24, 8, EVP_CIPH_CBC_MODE)

const EVP_CIPHER *EVP_des_ede(void) { return EVP_des_ede_ecb(); }
const EVP_CIPHER *EVP_des_ede3(void) { return EVP_des_ede3_ecb(); }
