/* libssl's insides, for the few places where its interface does not say enough. */
#ifndef MEMBIO_LIBSSL_H
#define MEMBIO_LIBSSL_H

#include "membio-limits.h" /* before all that sees the structs it changes */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "ssl/ssl_local.h"
#include "internal/ssl_unwrap.h"
#pragma GCC diagnostic pop

#endif
