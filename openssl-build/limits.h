/*
 * Comes before libssl's internal headers: in its own files (cc.sh), and in ours (wasm/libssl.h). A connection has room for 32 records that a
 * cipher works on at once, in three arrays, 5.7 KB, which are also wiped for each record that is written; only hardware does that, by way
 * of an ENGINE. All others use one; DTLS looks at the one behind it, too (statem_dtls.c), where a message ends with its record.
 */
#include <openssl/ssl.h>
#undef SSL_MAX_PIPELINES
#define SSL_MAX_PIPELINES 2
