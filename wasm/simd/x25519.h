/* X25519 (RFC 7748, 5): numbers are eight words, little endian. */
#ifndef X25519_H
#define X25519_H

#include <stdint.h>

/* out = scalar * u, in constant time. The scalar is clamped (section 5); out may be any of the arguments. */
void x25519(uint32_t out[8], const uint32_t scalar[8], const uint32_t u[8]);

/* out = scalar * 9, the base point: a public key. */
void x25519_base(uint32_t out[8], const uint32_t scalar[8]);

#endif
