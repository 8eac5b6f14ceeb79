/* The kernels of public-key cryptography, with private keys, nonces and shared secrets marked as secret. */
#ifndef PUBLIC_KEY_H
#define PUBLIC_KEY_H

void use_public_key(void);

#endif
