/*
 * TLS SignatureSchemes (RFC 8446, 4.2.3) that a signer can be asked for. SHA-1, SHA-224 and TLS 1.1's MD5-SHA1 are left out: deprecated,
 * and no scheme of TLS 1.3. An EC key signs with the digest of its curve's size only, in TLS 1.2 too, where the protocol would allow
 * any: services offer no other pair, and so a scheme's name says all of what is asked for.
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "signer.h"

static const signature_scheme schemes[] = {
    {0x0401, 0, "RSA", NULL, NID_sha256},        {0x0501, 0, "RSA", NULL, NID_sha384},
    {0x0601, 0, "RSA", NULL, NID_sha512},        {0x0804, 1, "RSA", NULL, NID_sha256},
    {0x0805, 1, "RSA", NULL, NID_sha384},        {0x0806, 1, "RSA", NULL, NID_sha512},
    {0x0809, 1, "RSA-PSS", NULL, NID_sha256},    {0x080a, 1, "RSA-PSS", NULL, NID_sha384},
    {0x080b, 1, "RSA-PSS", NULL, NID_sha512},    {0x0403, 0, "EC", SN_X9_62_prime256v1, NID_sha256},
    {0x0503, 0, "EC", SN_secp384r1, NID_sha384}, {0x0603, 0, "EC", SN_secp521r1, NID_sha512},
    {0x0807, 0, "ED25519", NULL, NID_undef},     {0x0808, 0, "ED448", NULL, NID_undef},
    {0x0904, 0, "ML-DSA-44", NULL, NID_undef},   {0x0905, 0, "ML-DSA-65", NULL, NID_undef},
    {0x0906, 0, "ML-DSA-87", NULL, NID_undef},
};

static int has_group(const EVP_PKEY *public, const char *group) {
  char name[32];
  return EVP_PKEY_get_group_name(public, name, sizeof name, NULL) && strcmp(name, group) == 0;
}

static int fits(const signature_scheme *scheme, const EVP_PKEY *public) {
  return EVP_PKEY_is_a(public, scheme->key) && (scheme->group == NULL || has_group(public, scheme->group));
}

static const signature_scheme *find(const EVP_PKEY *public, int digest, int pss) {
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (schemes[i].digest == digest && schemes[i].pss == pss && fits(&schemes[i], public)) return &schemes[i];
  return NULL;
}

int scheme_exists(const EVP_PKEY *public) {
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (fits(&schemes[i], public)) return 1;
  return 0;
}

/* NID_undef for none, -1 for an unknown one. */
static int digest_number(const char *name) {
  if (name == NULL || *name == '\0') return NID_undef;
  EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
  int number = digest == NULL ? -1 : EVP_MD_get_type(digest);
  EVP_MD_free(digest);
  return number;
}

const signature_scheme *scheme_for(const EVP_PKEY *public, const char *digest, int pss) {
  return find(public, digest_number(digest), pss);
}

const signature_scheme *scheme_padded(const signature_scheme *scheme, const EVP_PKEY *public, int pss) {
  return find(public, scheme->digest, pss);
}

int scheme_verifies(const signature_scheme *scheme, EVP_PKEY *public, const uint8_t *signature, size_t length, const uint8_t *message,
                    size_t message_length) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *options;
  const char *digest = scheme->digest == NID_undef ? NULL : OBJ_nid2sn(scheme->digest);
  ERR_set_mark();
  int ok = context != NULL && EVP_DigestVerifyInit_ex(context, &options, digest, NULL, NULL, public, NULL);
  if (ok && scheme->pss)
    ok = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
  ok = ok && EVP_DigestVerify(context, signature, length, message, message_length) == 1;
  ERR_pop_to_mark(); /* why it does not verify is no news */
  EVP_MD_CTX_free(context);
  return ok;
}

int signer_errors(void) {
  static int library;
  static ERR_STRING_DATA name[] = {{0, "signer routines"}, {0, NULL}}, reasons[] = {{SIGNER_FAILED, "the signer failed"}, {0, NULL}};
  if (library != 0) return library;
  library = ERR_get_next_error_library();
  name[0].error = ERR_PACK(library, 0, 0);
  ERR_load_strings(0, name);
  ERR_load_strings(library, reasons);
  return library;
}
