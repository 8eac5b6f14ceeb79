/*
 * Between the three files about private keys that are somewhere else: signer.c (OpenSSL's provider), signer-schemes.c (which signatures
 * there are) and signer-park.c (waiting for one); and what connection.c needs of them.
 */
#ifndef MEMBIO_SIGNER_H
#define MEMBIO_SIGNER_H

#include "internal.h"

/* ---- signer-schemes.c ---- */

typedef struct signature_scheme {
  uint16_t number;   /* IANA's */
  uint8_t pss;       /* RSA: PSS padding, with a salt as long as the digest */
  const char *key;   /* the key's type, as EVP_PKEY_is_a(3) takes it */
  const char *group; /* EC: the curve that belongs to the digest */
  int digest;        /* NID; NID_undef where the scheme signs messages */
} signature_scheme;

/* The scheme for a public key and a digest (NULL: none), or NULL. */
const signature_scheme *scheme_for(const EVP_PKEY *public, const char *digest, int pss);
/* The same with the other padding, or NULL. */
const signature_scheme *scheme_padded(const signature_scheme *scheme, const EVP_PKEY *public, int pss);
/* True where the key can sign with any scheme at all. */
int scheme_exists(const EVP_PKEY *public);
int scheme_verifies(const signature_scheme *scheme, EVP_PKEY *public, const uint8_t *signature, size_t length, const uint8_t *message,
                    size_t message_length);

/* A library of its own in OpenSSL's error queue, so that the host can tell whose fault it was. */
int signer_errors(void);
#define SIGNER_FAILED 1
/* Raises an error in words, printf's; is 0. */
#define signer_failed(...) (ERR_raise_data(signer_errors(), SIGNER_FAILED, __VA_ARGS__), 0)

/* ---- signer.c ---- */

typedef struct signer_key signer_key;

/* True for a key whose signer answers later: TLS_SIGNER_LATER. */
int signer_is_later(const EVP_PKEY *key);
/* Whether signature is one of message; raises why not. */
int signer_accepts(signer_key *key, const signature_scheme *scheme, const uint8_t *signature, size_t length, const uint8_t *message,
                   size_t message_length);

/* ---- signer-park.c ---- */

/* Called by the provider, inside one of OpenSSL's construct functions: takes down what is asked for. */
int signature_postpone(signer_key *key, const signature_scheme *scheme, const uint8_t *message, size_t length, uint8_t *placeholder,
                       size_t maximum);
int signature_is_awaited(const tls_connection *c);
/* tls_resume, where a signature is awaited: it can only refuse. */
int32_t signature_resume(tls_connection *c, int32_t alert);
void signature_release(tls_connection *c);

#endif
