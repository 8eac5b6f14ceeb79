/* What a setter refuses it refuses in words, also where OpenSSL has none. */
#include "harness.h"

static tls_context *context;
static tls_connection *client, *server;

static const uint8_t zeros[600];
static const char *text_of(size_t length) {
  static char text[1000];
  memset(text, 'x', length);
  text[length] = '\0';
  return text;
}

static int32_t versions(void) { return tls_context_set_versions(context, 0x9999, 0); }
static int32_t newest(void) { return tls_context_set_versions(context, 0x0303, 0x9999); }
static int32_t ciphers(void) { return tls_context_set_cipher_list(context, "NONE-SUCH"); }
static int32_t suites(void) { return tls_context_set_cipher_suites(context, "TLS_NONE_SUCH"); }
static int32_t groups(void) { return tls_context_set_groups(context, "x25519:none-such"); }
static int32_t schemes(void) { return tls_context_set_signature_schemes(context, "ed25519:none-such"); }
static int32_t option(void) { return tls_context_set_option(context, 99, 1); }
static int32_t fragment(void) { return tls_context_set_option(context, TLS_OPTION_MAX_SEND_FRAGMENT, 100); }
static int32_t asked_fragment(void) { return tls_context_set_option(context, TLS_OPTION_MAX_FRAGMENT_LENGTH, 700); }
static int32_t padding(void) { return tls_context_set_option(context, TLS_OPTION_RECORD_PADDING, 99999); }
static int32_t tickets(void) { return tls_context_set_option(context, TLS_OPTION_TICKETS, 9); }
static int32_t raw_keys(void) { return tls_context_set_option(context, TLS_OPTION_RAW_PUBLIC_KEYS, 9); }
static int32_t certificate(void) { return tls_context_use_certificate(context, zeros, 9); }
static int32_t key(void) { return tls_context_use_key(context, zeros, 9, NULL); }
static int32_t pkcs12(void) { return tls_context_use_pkcs12(context, zeros, 9, NULL); }
static int32_t signer(void) { return tls_context_use_signer(context, TLS_SIGNER_LATER); }
static int32_t ca(void) { return tls_context_add_ca(context, zeros, 0); }
static int32_t crl(void) { return tls_context_add_crl(context, zeros, 0); }
static int32_t alpn(void) { return tls_context_set_alpn(context, (const uint8_t *)"\5h2", 3); }
static int32_t empty_alpn(void) { return tls_context_set_alpn(context, (const uint8_t *)"\0h2", 3); }
static int32_t id_context(void) { return tls_context_set_session_id_context(context, zeros, 33); }
static int32_t ticket_keys(void) { return tls_context_set_ticket_keys(context, zeros, 81); }
static int32_t pins(void) { return tls_context_set_pins(context, zeros, 31); }
static int32_t ocsp(void) { return tls_context_set_ocsp_response(context, zeros, 9); }
static int32_t policy(void) { return tls_context_require_policy(context, "no.oid"); }
static int32_t dh(void) { return tls_context_set_dh_parameters(context, zeros, 9); }
static int32_t servername(void) { return tls_connection_set_servername(client, text_of(300)); }
static int32_t own_alpn(void) { return tls_connection_set_alpn(client, (const uint8_t *)"\5h2", 3); }
static int32_t session(void) { return tls_connection_set_session(client, zeros, 9); }
static int32_t found_session(void) { return tls_connection_find_session(server, zeros, 9); }
static int32_t long_identity(void) { return tls_connection_add_psk(client, text_of(256), zeros, 32); }
static int32_t long_identity_of_servers(void) { return tls_connection_add_psk(server, text_of(257), zeros, 32); }
static int32_t long_psk(void) { return tls_connection_add_psk(server, "me", zeros, 513); }
static int32_t empty_psk(void) { return tls_connection_add_psk(client, "me", zeros, 0); }
static int32_t hint(void) { return tls_connection_set_psk_hint(server, text_of(900)); }
static int32_t expected_key(void) { return tls_connection_expect_key(client, zeros, 9); }
static int32_t answer(void) { return tls_resume(server, -1); }
static int32_t signature(void) { return tls_resume_signature(server, zeros, 9); }
static int32_t key_update(void) { return tls_key_update(client, 0); }
static int32_t renegotiation(void) { return tls_renegotiate(client); }
static int32_t late_certificate(void) { return tls_request_certificate(server, TLS_VERIFY_REQUIRE); }
static int32_t ticket(void) { return tls_send_ticket(server); }
static int32_t exporter(void) { return tls_peer_exporter(client, "EXPORTER", NULL, 0, 32) == NULL ? TLS_ERROR : TLS_DONE; }
static int32_t binding(void) { return tls_peer_channel_binding(client, TLS_BINDING_UNIQUE) == NULL ? TLS_ERROR : TLS_DONE; }
static int32_t digest(void) { return tls_digest("none-such", zeros, 9) == NULL ? TLS_ERROR : TLS_DONE; }
static int32_t mtu(void) { return dtls_set_mtu(client, 9); }

static const struct {
  const char *name;
  int32_t (*call)(void);
} calls[] = {
    {"versions", versions},
    {"the newest version", newest},
    {"ciphers", ciphers},
    {"suites", suites},
    {"groups", groups},
    {"signature schemes", schemes},
    {"an option", option},
    {"the size of fragments", fragment},
    {"the size of fragments to ask for", asked_fragment},
    {"padding", padding},
    {"tickets", tickets},
    {"raw public keys", raw_keys},
    {"a certificate", certificate},
    {"a key", key},
    {"PKCS#12", pkcs12},
    {"a signer", signer},
    {"a CA", ca},
    {"a CRL", crl},
    {"ALPN", alpn},
    {"an empty ALPN name", empty_alpn},
    {"a session id context", id_context},
    {"ticket keys", ticket_keys},
    {"pins", pins},
    {"an OCSP response", ocsp},
    {"a policy", policy},
    {"DH parameters", dh},
    {"a server name", servername},
    {"a connection's ALPN", own_alpn},
    {"a session", session},
    {"a session that was found", found_session},
    {"the identity of a PSK", long_identity},
    {"the identity of a server's PSK", long_identity_of_servers},
    {"a PSK", long_psk},
    {"an empty PSK", empty_psk},
    {"a PSK hint", hint},
    {"an expected key", expected_key},
    {"an answer", answer},
    {"a signature", signature},
    {"a key update", key_update},
    {"a renegotiation", renegotiation},
    {"a certificate after the handshake", late_certificate},
    {"a ticket", ticket},
    {"keying material", exporter},
    {"a channel binding", binding},
    {"a digest", digest},
    {"an MTU", mtu},
};

static const char *in_words(const void *unused) {
  (void)unused;
  context = tls_context_new(TLS_PROTOCOL_TLS);
  client = tls_connection_new(context, TLS_ROLE_CLIENT, 0, 65536);
  server = tls_connection_new(context, TLS_ROLE_SERVER, 0, 65536);
  const char *failure = NULL;
  for (size_t i = 0; i < sizeof calls / sizeof *calls && failure == NULL; i++) {
    (void)tls_context_set_session_id_context(context, zeros, 40); /* another error, which must not be told again */
    int32_t status = calls[i].call();
    const tls_error *error = tls_library_error();
    if (status != TLS_ERROR || error->reason[0] == '\0' || strstr(error->reason, "memory") || (strstr(error->reason, "id context") && calls[i].call != id_context))
      failure = calls[i].name;
  }
  tls_connection_free(client);
  tls_connection_free(server);
  tls_context_free(context);
  return failure;
}

/* Nothing is taken of a file that is only half readable. */
static const char *half_a_file(const void *unused) {
  static const char broken[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
  (void)unused;
  request r = {NULL, 0};
  request_text(&r, "issuerCert", authority()->cert);
  request_text(&r, "issuerKey", authority()->key);
  request_text(&r, "thisUpdate", "1700000000");
  request_text(&r, "nextUpdate", "4000000000");
  request_text(&r, "number", "0A");
  tls_bytes *der = tls_crl_create(r.bytes, r.length);
  request_free(&r);
  CHECK(der != NULL);
  char *good = pem_of("X509 CRL", (const uint8_t *)(der + 1), der->length), *half = malloc(strlen(good) + sizeof broken);
  strcpy(half, good);
  strcat(half, broken);
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  CHECK(tls_context_add_crl(c, (const uint8_t *)good, strlen(good)) == TLS_DONE);
  CHECK(tls_context_add_crl(c, (const uint8_t *)(der + 1), der->length) == TLS_DONE);
  CHECK(tls_context_add_crl(c, (const uint8_t *)half, strlen(half)) == TLS_ERROR);
  tls_context_free(c);
  tls_bytes_free(der);
  free(good);
  free(half);
  return NULL;
}

void refusal_cases(void) {
  run_case("refusals: each is told in words", in_words, NULL);
  run_case("refusals: revocation lists of which one is broken", half_a_file, NULL);
}
