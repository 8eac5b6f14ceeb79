/*
 * RSA with a private key, by the host. OpenSSL pads, blinds and unblinds as always; only the power between goes to the host, which so sees
 * neither what is signed nor what was encrypted. What the host declines is computed here.
 *
 * Keys take their methods from RSA_get_default_method; RSA_PKCS1_OpenSSL says which are no strangers. wrap.options leads both to us.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "acceleration.h"

extern const RSA_METHOD *__real_RSA_PKCS1_OpenSSL(void);

static const RSA_METHOD *methods;
/* Of ex_data: the host_key, or DECLINED. */
static int key_index;
#define DECLINED UINT32_MAX

/* ---- The host's copy of a key, made at its first use. ---- */

static void forget(void *rsa, void *key, CRYPTO_EX_DATA *data, int index, long unused, void *unused_too) {
  (void)rsa, (void)data, (void)index, (void)unused, (void)unused_too;
  if ((uintptr_t)key != DECLINED) host_key_drop((host_key)(uintptr_t)key);
}

/* A duplicate makes its own. */
static int duplicate(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **key, int index, long unused, void *unused_too) {
  (void)to, (void)from, (void)index, (void)unused, (void)unused_too;
  *key = NULL;
  return 1;
}

static host_key import(const RSA *rsa) {
  uint8_t *der = NULL;
  int length = i2d_RSAPrivateKey(rsa, &der);
  host_key key = length > 0 ? host_key_import(HOST_KEY_RSA, der, (size_t)length) : 0;
  if (length > 0) OPENSSL_clear_free(der, (size_t)length);
  return key;
}

static host_key key_of(RSA *rsa) {
  host_key key = (host_key)(uintptr_t)RSA_get_ex_data(rsa, key_index);
  if (key == DECLINED) return 0;
  if (key != 0) return key;
  key = import(rsa);
  if (RSA_set_ex_data(rsa, key_index, (void *)(uintptr_t)(key == 0 ? DECLINED : key))) return key;
  host_key_drop(key);
  return 0;
}

/* ---- The method. ---- */

static int host_power(BIGNUM *out, const BIGNUM *base, RSA *rsa) {
  host_key key = key_of(rsa);
  int size = RSA_size(rsa);
  uint8_t *number = key == 0 ? NULL : OPENSSL_malloc((size_t)size);
  int ok = number != NULL && BN_bn2binpad(base, number, size) == size && host_rsa_power(key, number, (size_t)size) &&
           BN_bin2bn(number, size, out) != NULL;
  OPENSSL_clear_free(number, (size_t)size);
  return ok;
}

static int private_power(BIGNUM *out, const BIGNUM *base, RSA *rsa, BN_CTX *ctx) {
  if (host_wants_rsa() && host_power(out, base, rsa)) return 1;
  return RSA_meth_get_mod_exp(__real_RSA_PKCS1_OpenSSL())(out, base, rsa, ctx);
}

/* OpenSSL's own methods, where memory is out. */
const RSA_METHOD *__wrap_RSA_PKCS1_OpenSSL(void) {
  if (methods != NULL) return methods;
  RSA_METHOD *ours = RSA_meth_dup(__real_RSA_PKCS1_OpenSSL());
  key_index = RSA_get_ex_new_index(0, NULL, NULL, duplicate, forget);
  if (ours == NULL || key_index < 0 || !RSA_meth_set_mod_exp(ours, private_power)) {
    RSA_meth_free(ours);
    return __real_RSA_PKCS1_OpenSSL();
  }
  return methods = ours;
}

const RSA_METHOD *__wrap_RSA_get_default_method(void) { return __wrap_RSA_PKCS1_OpenSSL(); }
