/*
 * P-224 by OpenSSL's plain arithmetic. TLS has no such group any more (RFC 8446 knows none below 256 bits) and certificates hardly: the
 * code and tables that would make it fast are 6 KB of openssl.wasm, compressed, that nobody asks for.
 *
 * Interposes crypto/ec/ecp_nistp224.c. Secret scalars stay secret: without a method of its own a group is multiplied by a ladder.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "internal/deprecated.h"
#include "crypto/ec/ec_local.h"
#pragma GCC diagnostic pop

const EC_METHOD *EC_GFp_nistp224_method(void) { return EC_GFp_nist_method(); }

NISTP224_PRE_COMP *EC_nistp224_pre_comp_dup(NISTP224_PRE_COMP *table) { return table; }

void EC_nistp224_pre_comp_free(NISTP224_PRE_COMP *table) { (void)table; }
