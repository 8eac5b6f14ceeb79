/* What the host's cryptography does instead of the code here, where that is faster: acceleration.c for its part, acceleration-rsa.c. */
#ifndef MEMBIO_ACCELERATION_H
#define MEMBIO_ACCELERATION_H

#include <stddef.h>
#include <stdint.h>

/* A key that the host has a copy of; 0: none. */
typedef uint32_t host_key;

typedef enum { HOST_KEY_AES, HOST_KEY_RSA } host_key_kind;
/* HOST_DECLINED: the host cannot, nothing has been written, and the work is to be done here. */
typedef enum { HOST_DECLINED, HOST_DONE, HOST_WRONG_TAG } host_outcome;
typedef enum { HOST_OPEN, HOST_SEAL } host_direction;

/* Text of an AES-GCM message, and all around it. tag is read or written. out is in, or does not overlap it. */
typedef struct host_message {
  host_direction direction;
  const uint8_t *nonce, *aad, *in;
  size_t aad_length, length;
  uint8_t *out, *tag;
} host_message;

/* AES: the raw key. RSA: a PKCS#1 RSAPrivateKey in DER. 0: the host does not take it. */
host_key host_key_import(host_key_kind kind, const uint8_t *bytes, size_t length);
/* The host forgets it; nothing for 0. */
void host_key_drop(host_key key);

/* Whether texts of that length are the host's. */
int host_wants_text(size_t length);
/* AES-GCM with a nonce of 12 bytes and a tag of 16. A wrong tag: out is as it was. */
host_outcome host_aead(host_key key, const host_message *message);

int host_wants_rsa(void);
/* number^d modulo n; all of it in place, big-endian, as long as n. 0: declined. */
int host_rsa_power(host_key key, uint8_t *number, size_t length);

#endif
