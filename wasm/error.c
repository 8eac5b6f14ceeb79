/*
 * From OpenSSL's error queue to one flat struct. The queue is cleared before each call and drained right after it, inside the
 * same export, so no entry can be blamed on the wrong call.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/proverr.h>
#include <openssl/x509_vfy.h>

#include "x509.h"

static tls_error last;
static const char *option, *refusal; /* literals: the field of a request that is being read, and what is wrong in our own words */

static void text_set(char *out, size_t size, const char *text) {
  snprintf(out, size, "%s", text == NULL ? "" : text);
}

void error_reset(tls_error *e) {
  memset(e, 0, sizeof *e);
  e->alert_sent = e->alert_received = -1;
}

/* The oldest entry is the root cause. But a cipher that only says that it has failed, as AES-GCM does of a wrong tag, tells less than the
   record layer, which speaks next. */
#define CIPHER_FAILED ERR_PACK(ERR_LIB_PROV, 0, PROV_R_CIPHER_OPERATION_FAILED)

void error_drain(tls_error *e) {
  const char *detail;
  int flags;
  unsigned long code;
  size_t used = 0;
  while ((code = ERR_get_error_all(NULL, NULL, NULL, &detail, &flags)) != 0) {
    const char *library = ERR_lib_error_string(code), *reason = ERR_reason_error_string(code);
    if ((flags & ERR_TXT_STRING) == 0) detail = "";
    if (e->code == 0 || e->code == CIPHER_FAILED) {
      e->code = (uint32_t)code;
      text_set(e->library, sizeof e->library, library);
      text_set(e->reason, sizeof e->reason, reason);
      text_set(e->detail, sizeof e->detail, detail);
    }
    int n = snprintf(e->stack + used, sizeof e->stack - used, "%s%s: %s%s%s", used ? "\n" : "", library ? library : "unknown",
                     reason ? reason : "unknown", *detail ? ": " : "", detail);
    if (n > 0 && used + (size_t)n < sizeof e->stack) used += (size_t)n;
  }
  if (e->verify_result == X509_V_OK) return;
  text_set(e->verify_name, sizeof e->verify_name, verify_name(e->verify_result));
  text_set(e->verify_text, sizeof e->verify_text, verify_text(e->verify_result));
}

void library_clear(void) {
  ERR_clear_error();
  option = refusal = NULL;
}

void library_option(const char *name) { option = name; }

int library_refuse(const char *reason) {
  refusal = reason;
  return 0;
}

int32_t library_failed_or(const char *reason) {
  if (refusal != NULL) return library_failed_with(refusal);
  error_reset(&last);
  error_drain(&last);
  if (last.reason[0] == '\0') text_set(last.reason, sizeof last.reason, reason);
  text_set(last.option, sizeof last.option, option);
  return TLS_ERROR;
}

int32_t library_failed(void) { return library_failed_or("out of memory"); }

int32_t library_failed_with(const char *reason) {
  ERR_clear_error();
  error_reset(&last);
  text_set(last.reason, sizeof last.reason, reason);
  text_set(last.option, sizeof last.option, option);
  refusal = NULL;
  return TLS_ERROR;
}

const tls_error *tls_library_error(void) { return &last; }
