/*
 * X25519 (RFC 7748) and Ed25519 (RFC 8032) in OpenSSL's hands.
 *
 * Interposes crypto/ec/curve25519.c. Ed25519's secrets go through scalars and multiples of the base point in constant time; verifying
 * takes a time that depends on what is public.
 */
#include <string.h>

#include <openssl/evp.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/ecx.h"
#pragma GCC diagnostic pop
#include "edwards25519.h"
#include "scalar25519.h"
#include "x25519.h"

enum { BYTES = 32, HASH_BYTES = 64 };

/* Numbers are bytes outside, and words inside: little endian both. */
typedef union number {
  uint8_t bytes[BYTES];
  uint32_t words[BYTES / 4];
} number;

typedef union hash {
  uint8_t bytes[HASH_BYTES];
  uint32_t words[HASH_BYTES / 4];
} hash;

static number number_from(const uint8_t bytes[BYTES]) {
  number result;
  memcpy(result.bytes, bytes, BYTES);
  return result;
}

/* ---- X25519. ---- */

int ossl_x25519(uint8_t out[BYTES], const uint8_t private_key[BYTES], const uint8_t peer[BYTES]) {
  static const uint8_t zeros[BYTES] = {0};
  number scalar = number_from(private_key), u = number_from(peer);
  x25519(u.words, scalar.words, u.words);
  memcpy(out, u.bytes, BYTES);
  OPENSSL_cleanse(&scalar, sizeof scalar);
  OPENSSL_cleanse(&u, sizeof u);
  return CRYPTO_memcmp(out, zeros, BYTES) != 0; /* a point of small order */
}

void ossl_x25519_public_from_private(uint8_t out[BYTES], const uint8_t private_key[BYTES]) {
  number scalar = number_from(private_key);
  x25519_base(scalar.words, scalar.words);
  memcpy(out, scalar.bytes, BYTES);
}

/* ---- Ed25519 (RFC 8032, 5.1). ---- */

typedef struct bytes {
  const uint8_t *at;
  size_t length;
} bytes;

/* The variants: plain (no flag), with a context, of a hash (dom2 of RFC 8032, 2). */
typedef struct variant {
  uint8_t has_dom, is_prehashed, needs_context;
  bytes context;
} variant;

static int variant_is_valid(const variant *v) {
  if (v->needs_context && v->context.length == 0) return 0;
  return v->has_dom ? v->context.length <= UINT8_MAX : v->context.length == 0;
}

static int hash_all(EVP_MD_CTX *context, const EVP_MD *sha512, const variant *v, hash *out, const bytes *pieces, int count) {
  static const char dom[] = "SigEd25519 no Ed25519 collisions";
  int ok = EVP_DigestInit_ex(context, sha512, NULL);
  if (ok && v != NULL && v->has_dom) {
    uint8_t rest[2] = {v->is_prehashed != 0, (uint8_t)v->context.length};
    ok = EVP_DigestUpdate(context, dom, sizeof dom - 1) && EVP_DigestUpdate(context, rest, sizeof rest) &&
         EVP_DigestUpdate(context, v->context.at, v->context.length);
  }
  for (int i = 0; ok && i < count; i++) ok = EVP_DigestUpdate(context, pieces[i].at, pieces[i].length);
  return ok && EVP_DigestFinal_ex(context, out->bytes, NULL);
}

/* The secret scalar, and the prefix behind it (5.1.5). */
static int expand(EVP_MD_CTX *context, const EVP_MD *sha512, hash *out, const uint8_t private_key[BYTES]) {
  bytes piece = {private_key, BYTES};
  if (!hash_all(context, sha512, NULL, out, &piece, 1)) return 0;
  out->bytes[0] &= 248;
  out->bytes[31] &= 63;
  out->bytes[31] |= 64;
  return 1;
}

static void encode_multiple(uint8_t out[BYTES], const uint32_t scalar[8]) {
  edwards point;
  number encoded;
  edwards_multiply_base(&point, scalar);
  edwards_encode(encoded.words, &point);
  memcpy(out, encoded.bytes, BYTES);
}

int ossl_ed25519_public_from_private(OSSL_LIB_CTX *library, uint8_t out[BYTES], const uint8_t private_key[BYTES], const char *properties) {
  hash expanded;
  EVP_MD *sha512 = EVP_MD_fetch(library, "SHA512", properties);
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int ok = sha512 != NULL && context != NULL && expand(context, sha512, &expanded, private_key);
  if (ok) encode_multiple(out, expanded.words);
  OPENSSL_cleanse(&expanded, sizeof expanded);
  EVP_MD_CTX_free(context);
  EVP_MD_free(sha512);
  return ok;
}

/* 5.1.6. The signature is written half by half; OpenSSL's callers know it for worthless when 0 is returned. */
static int sign(EVP_MD_CTX *context, const EVP_MD *sha512, const variant *v, uint8_t *out, bytes message, const uint8_t *public_key,
                const hash *expanded) {
  hash nonce, challenge;
  uint32_t r[8], k[8];
  number s;
  bytes first[] = {{expanded->bytes + BYTES, BYTES}, message}, second[] = {{out, BYTES}, {public_key, BYTES}, message};
  int ok = hash_all(context, sha512, v, &nonce, first, 2);
  if (ok) {
    scalar_from_hash(r, nonce.words);
    encode_multiple(out, r);
    ok = hash_all(context, sha512, v, &challenge, second, 3);
  }
  if (ok) {
    scalar_from_hash(k, challenge.words);
    scalar_multiply_add(s.words, k, expanded->words, r);
    memcpy(out + BYTES, s.bytes, BYTES);
  }
  OPENSSL_cleanse(&nonce, sizeof nonce);
  OPENSSL_cleanse(r, sizeof r);
  return ok;
}

int ossl_ed25519_sign(uint8_t *out, const uint8_t *message, size_t length, const uint8_t public_key[BYTES],
                      const uint8_t private_key[BYTES], const uint8_t has_dom, const uint8_t is_prehashed, const uint8_t needs_context,
                      const uint8_t *context, size_t context_length, OSSL_LIB_CTX *library, const char *properties) {
  const variant v = {has_dom, is_prehashed, needs_context, {context, context == NULL ? 0 : context_length}};
  hash expanded;
  if (!variant_is_valid(&v)) return 0;
  EVP_MD *sha512 = EVP_MD_fetch(library, "SHA512", properties);
  EVP_MD_CTX *hashing = EVP_MD_CTX_new();
  int ok = sha512 != NULL && hashing != NULL && expand(hashing, sha512, &expanded, private_key) &&
           sign(hashing, sha512, &v, out, (bytes){message, length}, public_key, &expanded);
  OPENSSL_cleanse(&expanded, sizeof expanded);
  EVP_MD_CTX_free(hashing);
  EVP_MD_free(sha512);
  return ok;
}

int ossl_ed25519_pubkey_verify(const uint8_t *public_key, size_t length) {
  edwards point;
  return length == BYTES && edwards_decode(&point, number_from(public_key).words);
}

/* 5.1.7, without the cofactor: the encoding of s B - k A is compared with the signature's first half. */
int ossl_ed25519_verify(const uint8_t *message, size_t length, const uint8_t signature[2 * BYTES], const uint8_t public_key[BYTES],
                        const uint8_t has_dom, const uint8_t is_prehashed, const uint8_t needs_context, const uint8_t *context,
                        size_t context_length, OSSL_LIB_CTX *library, const char *properties) {
  const variant v = {has_dom, is_prehashed, needs_context, {context, context == NULL ? 0 : context_length}};
  const number s = number_from(signature + BYTES), key = number_from(public_key);
  const bytes pieces[] = {{signature, BYTES}, {public_key, BYTES}, {message, length}};
  edwards point;
  hash challenge;
  uint32_t k[8];
  number encoded;
  if (!variant_is_valid(&v) || !scalar_is_reduced(s.words) || !edwards_decode(&point, key.words)) return 0;
  EVP_MD *sha512 = EVP_MD_fetch(library, "SHA512", properties);
  EVP_MD_CTX *hashing = EVP_MD_CTX_new();
  int ok = sha512 != NULL && hashing != NULL && hash_all(hashing, sha512, &v, &challenge, pieces, 3);
  EVP_MD_CTX_free(hashing);
  EVP_MD_free(sha512);
  if (!ok) return 0;
  edwards_negate(&point);
  scalar_from_hash(k, challenge.words);
  edwards_multiply_both(&point, s.words, k, &point);
  edwards_encode(encoded.words, &point);
  return memcmp(encoded.bytes, signature, BYTES) == 0;
}
