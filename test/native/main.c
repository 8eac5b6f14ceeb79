/*
 * The C side under AddressSanitizer, UBSan and leak check: a line "ok N - name" or "not ok N - name # what" for each case, then the
 * total. Any argument is a substring of the names to run. ./build.sh native builds it; native.test.ts runs it.
 */
#include "harness.h"

#include <unistd.h>

static int number, failures;
static const char *wanted = "";

void run_case(const char *name, case_body body, const void *argument) {
  if (strstr(name, wanted) == NULL) return;
  uint32_t live = tls_library_live();
  const char *failure = body(argument);
  entropy_fails = 0;
  if (failure == NULL && tls_library_live() != live) failure = "left contexts or connections behind";
  failures += failure != NULL;
  printf("%sok %d - %s%s%s\n", failure ? "not " : "", ++number, name, failure ? " # " : "", failure ? failure : "");
  fflush(stdout);
}

/* Before anything else has seeded the generator. */
static const char *without_entropy(const void *unused) {
  (void)unused;
  entropy_fails = 1;
  CHECK(tls_key_create("P-256") == NULL && tls_library_error()->code != 0);
  CHECK(tls_key_create("RSA-2048") == NULL && tls_key_create("Ed25519") == NULL);
  CHECK(tls_context_new(TLS_PROTOCOL_TLS) == NULL && tls_library_error()->code != 0);
  CHECK(entropy_calls > 0);
  return NULL;
}

static const char *starts(const void *unused) {
  (void)unused;
  CHECK(tls_library_abi() == ABI_VERSION);
  CHECK(strncmp(tls_library_version(), "OpenSSL 3.5.", 12) == 0);
  return NULL;
}

int main(int count, char **arguments) {
  if (count > 1) wanted = arguments[1];
  if (!memory_install() || tls_library_init() != TLS_DONE || entropy_calls != 0) {
    printf("Bail out! the library does not start, or asks for entropy too early\n");
    return 1;
  }
  run_case("the library starts", starts, NULL);
  run_case("without entropy there is no key and no context", without_entropy, NULL);
  ring_cases();
  handshake_cases();
  session_cases();
  pressure_cases();
  hostile_cases();
  lifetime_cases();
  credential_cases();
  datagram_cases();
  park_cases();
  psk_cases();
  live_cases();
  trust_cases();
  roots_cases();
  signer_cases();
  odd_signer_cases();
  refusal_cases();
  x509_cases();
  acceleration_cases();
  memory_cases();
  memory_wrong_cases();
  memory_lost_cases();
  credentials_free();
  printf("1..%d\n%d passed, %d failed\n", number, number - failures, failures);
  fflush(stdout);
  if (failures > 0) _exit(1); /* what failed did not clean up: its leaks are no news */
  return 0;
}
