/* Whom to trust, and what a connection says about itself: pins, CRLs, OCSP, raw public keys, bindings, options, at any time. */
#include "harness.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>

static const uint8_t *bytes_of(const tls_bytes *bytes) { return (const uint8_t *)(bytes + 1); }

/* ---- What is agreed, asked for too early and too late ---- */

static void ask_everything(tls_connection *c) {
  tls_peer_agreed(c);
  for (uint32_t chain = 0; chain < 3; chain++)
    for (uint32_t index = 0; index < 3; index++) tls_bytes_free(tls_peer_certificate(c, chain, index));
  tls_bytes_free(tls_peer_certificate(c, TLS_CHAIN_SENT, 0xffffffff));
  tls_bytes_free(tls_peer_certificate(c, TLS_CHAIN_VERIFIED, 0x80000000));
  for (uint32_t type = 0; type < 7; type++) tls_bytes_free(tls_peer_channel_binding(c, type));
  tls_bytes_free(tls_peer_exporter(c, "EXPORTER", NULL, 0, 0));
  tls_bytes_free(tls_peer_exporter(c, "", (const uint8_t *)"", 0, 32));
  tls_bytes_free(tls_peer_public_key(c));
  tls_bytes_free(tls_peer_ocsp_response(c));
  tls_bytes_free(tls_peer_scts(c));
}

static const char *any_time(const void *argument) {
  const uint32_t version = *(const uint32_t *)argument;
  pair p;
  size_t length;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = version, .mutual = 1, .client_flags = TLS_FLAG_REQUEST_OCSP}));
  for (int i = 0; i < 10; i++) {
    side *from = i % 2 ? &p.server : &p.client, *to = i % 2 ? &p.client : &p.server;
    ask_everything(p.client.connection);
    ask_everything(p.server.connection);
    side_drive(from);
    uint8_t *bytes = side_take(from, &length);
    side_deliver(to, bytes, length, 0);
    free(bytes);
  }
  CHECK(p.client.established && p.server.established);
  tls_abort(p.client.connection, 49);
  ask_everything(p.client.connection);
  pair_run(&p);
  ask_everything(p.server.connection);
  pair_close(&p);
  return NULL;
}

static int same(tls_bytes *a, tls_bytes *b) {
  int equal = a != NULL && b != NULL && a->length == b->length && a->length > 0 && memcmp(a + 1, b + 1, a->length) == 0;
  tls_bytes_free(a);
  tls_bytes_free(b);
  return equal;
}

static const char *bindings(const void *argument) {
  static const uint8_t context[] = {0, 1, 2};
  static const char *const types[] = {"RSA-2048", "P-256", "Ed25519"};
  const uint32_t version = *(const uint32_t *)argument;
  for (int t = 0; t < 3; t++) {
    pair p;
    CHECK_ALL(pair_open(&p, &(pair_options){.version = version, .type = types[t]}));
    CHECK_ALL(pair_establish(&p));
    tls_connection *c = p.client.connection, *s = p.server.connection;
    if (version == 0x0303)
      CHECK(same(tls_peer_channel_binding(c, TLS_BINDING_UNIQUE), tls_peer_channel_binding(s, TLS_BINDING_UNIQUE)));
    else
      CHECK(tls_peer_channel_binding(c, TLS_BINDING_UNIQUE) == NULL && tls_library_error()->reason[0] != '\0');
    CHECK(same(tls_peer_channel_binding(c, TLS_BINDING_SERVER_END_POINT), tls_peer_channel_binding(s, TLS_BINDING_SERVER_END_POINT)));
    CHECK(same(tls_peer_channel_binding(c, TLS_BINDING_EXPORTER), tls_peer_channel_binding(s, TLS_BINDING_EXPORTER)));
    CHECK(same(tls_peer_channel_binding(c, TLS_BINDING_FINISHED), tls_peer_channel_binding(s, TLS_BINDING_PEER_FINISHED)));
    CHECK(same(tls_peer_channel_binding(s, TLS_BINDING_FINISHED), tls_peer_channel_binding(c, TLS_BINDING_PEER_FINISHED)));
    CHECK(tls_peer_channel_binding(c, 99) == NULL);
    for (size_t length = 1; length < 10000; length = length * 3 + 1)
      CHECK(same(tls_peer_exporter(c, "EXPORTER-x", context, sizeof context, length), tls_peer_exporter(s, "EXPORTER-x", context, sizeof context, length)));
    tls_bytes_free(tls_peer_exporter(c, "EXPORTER-x", context, sizeof context, 100000)); /* more than HKDF has */
    CHECK_ALL(pair_exchange(&p, 1000));
    pair_close(&p);
  }
  return NULL;
}

/* ---- Pins ---- */

static const char *distrusted(pair *p, const pair_options *o, const char *name) {
  CHECK_ALL(pair_connect(p, o));
  pair_run(p);
  CHECK(p->client.status == TLS_ERROR && strcmp(tls_connection_error(p->client.connection)->verify_name, name) == 0);
  return NULL;
}

static const char *trusted(pair *p, const pair_options *o) {
  CHECK_ALL(pair_connect(p, o));
  CHECK_ALL(pair_establish(p));
  return NULL;
}

static const char *pins(const void *unused) {
  (void)unused;
  const pair_options o = {.version = 0x0304};
  pair p;
  uint8_t digests[96] = {1};
  CHECK_ALL(pair_contexts(&p, &o));
  CHECK_ALL(trusted(&p, &o));
  tls_bytes *authoritys = tls_peer_certificate(p.client.connection, TLS_CHAIN_VERIFIED, 1);
  tls_bytes *digest = tls_digest("SHA256", bytes_of(authoritys), authoritys->length);
  CHECK(tls_context_set_pins(p.client_context, digests, 0) == TLS_ERROR && tls_context_set_pins(p.client_context, digests, 31) == TLS_ERROR);
  CHECK(tls_context_set_pins(p.client_context, digests, 96) == TLS_DONE);
  CHECK_ALL(distrusted(&p, &o, "PIN_MISMATCH"));
  CHECK_ALL(pair_connect(&p, &o));
  CHECK(tls_connection_set_verify(p.client.connection, TLS_VERIFY_RECORD, HOST) == TLS_DONE);
  CHECK_ALL(pair_establish(&p));
  CHECK(strcmp(tls_peer_agreed(p.client.connection)->verify_name, "PIN_MISMATCH") == 0);
  memcpy(digests + 64, bytes_of(digest), 32);
  CHECK(tls_context_set_pins(p.client_context, digests, 96) == TLS_DONE);
  CHECK_ALL(trusted(&p, &o));
  CHECK(tls_digest("no such digest", digests, 1) == NULL && tls_digest("", digests, 1) == NULL);
  tls_bytes_free(authoritys);
  tls_bytes_free(digest);
  pair_close(&p);
  return NULL;
}

/* ---- CRLs ---- */

/* The authority's list; serial: of who is on it, in hexadecimal, or NULL. */
static tls_bytes *crl_of(const char *serial) {
  request r = {NULL, 0}, revoked = {NULL, 0};
  request_text(&r, "issuerCert", authority()->cert);
  request_text(&r, "issuerKey", authority()->key);
  request_text(&r, "thisUpdate", "1700000000");
  request_text(&r, "nextUpdate", "4000000000");
  request_text(&r, "number", "1A");
  request_text(&revoked, "serialNumber", serial);
  request_text(&revoked, "date", "1700000000");
  request_text(&revoked, "reason", "1");
  if (serial != NULL) request_group(&r, "revoked", &revoked);
  request_free(&revoked);
  tls_bytes *crl = tls_crl_create(r.bytes, r.length);
  request_free(&r);
  return crl;
}

static X509 *certificate_of(const identity *one) {
  BIO *in = BIO_new_mem_buf(one->cert, -1);
  X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
  BIO_free(in);
  return certificate;
}

static EVP_PKEY *key_of(const identity *one) {
  BIO *in = BIO_new_mem_buf(one->key, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
  BIO_free(in);
  return key;
}

static const char *crls(const void *unused) {
  (void)unused;
  const pair_options o = {.version = 0x0304};
  X509 *leaf = certificate_of(leaf_of("P-256"));
  BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
  char *serial = BN_bn2hex(number);
  for (int revoked = 0; revoked < 2; revoked++) {
    pair p;
    tls_bytes *crl = crl_of(revoked ? serial : NULL);
    CHECK(crl != NULL);
    char *pem = pem_of("X509 CRL", bytes_of(crl), crl->length);
    CHECK_ALL(pair_contexts(&p, &o));
    CHECK(tls_context_set_option(p.client_context, TLS_OPTION_CRL_CHECK, 1) == TLS_DONE);
    CHECK_ALL(distrusted(&p, &o, "UNABLE_TO_GET_CRL"));
    CHECK(tls_context_add_crl(p.client_context, (const uint8_t *)pem, strlen(pem)) == TLS_DONE);
    CHECK(tls_context_add_crl(p.client_context, bytes_of(crl), crl->length) == TLS_DONE); /* again, in DER */
    CHECK_ALL(revoked ? distrusted(&p, &o, "CERT_REVOKED") : trusted(&p, &o));
    uint8_t *bad = malloc(crl->length + 64);
    for (uint32_t seed = 1; seed <= 500; seed++) {
      noise n = {seed};
      memcpy(bad, bytes_of(crl), crl->length);
      tls_context_add_crl(p.client_context, bad, noise_mutate(&n, bad, crl->length, crl->length + 64));
    }
    CHECK_ALL(pair_connect(&p, &o));
    pair_run(&p);
    CHECK(!revoked || p.client.status == TLS_ERROR);
    free(bad);
    free(pem);
    tls_bytes_free(crl);
    pair_close(&p);
  }
  OPENSSL_free(serial);
  BN_free(number);
  X509_free(leaf);
  return NULL;
}

/* ---- OCSP ---- */

/* status: V_OCSP_CERTSTATUS_*; the authority's own response about the leaf. Returns its length. */
static size_t ocsp_of(int status, uint8_t **der) {
  X509 *leaf = certificate_of(leaf_of("P-256")), *issuer = certificate_of(authority());
  EVP_PKEY *key = key_of(authority());
  OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
  ASN1_TIME *from = X509_gmtime_adj(NULL, -60), *until = X509_gmtime_adj(NULL, 3600);
  OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf, issuer);
  OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, from, from, until);
  OCSP_basic_sign(basic, issuer, key, EVP_sha256(), NULL, OCSP_NOCERTS);
  OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char *made = NULL;
  size_t length = (size_t)i2d_OCSP_RESPONSE(response, &made);
  *der = malloc(length + 64);
  memcpy(*der, made, length);
  OPENSSL_free(made);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(from);
  ASN1_TIME_free(until);
  EVP_PKEY_free(key);
  X509_free(leaf);
  X509_free(issuer);
  return length;
}

static const char *staples(const void *argument) {
  static const char *const names[] = {NULL, "CERT_REVOKED", "OCSP_CERT_UNKNOWN"}; /* by V_OCSP_CERTSTATUS_* */
  static const uint8_t try_later[] = {0x30, 0x03, 0x0a, 0x01, 0x03};
  const pair_options o = {.version = *(const uint32_t *)argument, .client_flags = TLS_FLAG_REQUIRE_OCSP};
  pair p;
  CHECK_ALL(pair_contexts(&p, &o));
  CHECK_ALL(distrusted(&p, &o, "OCSP_VERIFY_NEEDED"));
  CHECK(tls_context_set_ocsp_response(p.server_context, try_later, 0) == TLS_ERROR);
  CHECK(tls_context_set_ocsp_response(p.server_context, try_later, 4) == TLS_ERROR);
  CHECK(tls_context_set_ocsp_response(p.server_context, try_later, 5) == TLS_DONE);
  CHECK_ALL(distrusted(&p, &o, "OCSP_RESP_INVALID"));
  for (int status = 0; status < 3; status++) {
    uint8_t *der;
    size_t length = ocsp_of(status, &der);
    CHECK(tls_context_set_ocsp_response(p.server_context, der, length) == TLS_DONE);
    CHECK_ALL(names[status] ? distrusted(&p, &o, names[status]) : trusted(&p, &o));
    free(der);
  }
  pair_close(&p);
  return NULL;
}

/* A server that staples nonsense: what tls_context_set_ocsp_response would not take is put where it puts it. */
static const char *stapled_nonsense(const void *unused) {
  (void)unused;
  const pair_options o = {.version = 0x0304, .client_flags = TLS_FLAG_REQUIRE_OCSP};
  pair p;
  uint8_t *good;
  size_t length = ocsp_of(V_OCSP_CERTSTATUS_GOOD, &good);
  CHECK_ALL(pair_contexts(&p, &o));
  for (uint32_t seed = 1; seed <= 120; seed++) {
    noise n = {seed * 7};
    uint8_t *bad = OPENSSL_malloc(length + 64);
    memcpy(bad, good, length);
    OPENSSL_free(p.server_context->ocsp);
    p.server_context->ocsp = bad;
    p.server_context->ocsp_length = noise_mutate(&n, bad, length, length + 64);
    tls_bytes_free(tls_x509_describe(TLS_KIND_OCSP, bad, p.server_context->ocsp_length));
    CHECK_ALL(pair_connect(&p, &o));
    pair_run(&p);
    int unchanged = p.server_context->ocsp_length == length && memcmp(bad, good, length) == 0;
    CHECK(p.client.established == unchanged);
    tls_bytes_free(tls_peer_ocsp_response(p.client.connection));
  }
  free(good);
  pair_close(&p);
  return NULL;
}

/* ---- Raw public keys ---- */

static const char *raw_keys(const void *argument) {
  const pair_options o = {.version = *(const uint32_t *)argument, .mutual = 1};
  tls_bytes *right = public_key_of(leaf_of("P-256")), *wrong = public_key_of(authority());
  uint8_t bad[200];
  pair p;
  CHECK(right != NULL && wrong != NULL && right->length < 150);
  CHECK_ALL(pair_contexts(&p, &o));
  for (uint32_t mode = 1; mode <= 2; mode++) {
    CHECK(tls_context_set_option(p.client_context, TLS_OPTION_RAW_PUBLIC_KEYS, mode) == TLS_DONE);
    CHECK(tls_context_set_option(p.server_context, TLS_OPTION_RAW_PUBLIC_KEYS, mode) == TLS_DONE);
    for (int which = 0; which < 3; which++) { /* none expected, the wrong one, the right one */
      CHECK_ALL(pair_connect(&p, &o));
      for (int i = 0; i < 2; i++) {
        tls_connection *c = i ? p.client.connection : p.server.connection;
        CHECK(tls_connection_expect_key(c, bytes_of(wrong), 10) == TLS_ERROR);
        for (uint32_t seed = 0; seed < 100; seed++) {
          noise n = {seed};
          memcpy(bad, bytes_of(wrong), wrong->length);
          tls_connection_expect_key(c, bad, noise_mutate(&n, bad, wrong->length, sizeof bad));
        }
        if (which > 0) CHECK(tls_connection_expect_key(c, bytes_of(which == 1 ? wrong : right), right->length) == TLS_DONE);
      }
      pair_run(&p);
      CHECK(p.client.established == (which == 2) && p.server.established == (which == 2));
      if (which < 2) CHECK(strcmp(tls_connection_error(p.client.connection)->verify_name, "RPK_UNTRUSTED") == 0);
      if (which == 2) CHECK(tls_peer_agreed(p.server.connection)->peer_certificate == 2);
      tls_bytes *key = tls_peer_public_key(p.client.connection);
      CHECK(which < 2 || (key != NULL && key->length == right->length && memcmp(key + 1, right + 1, key->length) == 0));
      tls_bytes_free(key);
      ask_everything(p.client.connection);
      ask_everything(p.server.connection);
    }
  }
  tls_bytes_free(right);
  tls_bytes_free(wrong);
  pair_close(&p);
  return NULL;
}

/* ---- Settings that nobody would choose ---- */

static const char *options(const void *unused) {
  static const uint32_t values[] = {0, 1, 2, 3, 511, 513, 16385, 0x7fffffff, 0x80000000, 0xffffffff};
  (void)unused;
  for (uint32_t option = 0; option <= TLS_OPTION_NO_DH + 1; option++)
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
      if (option == TLS_OPTION_TICKET_COUNT && values[i] > 1000) continue; /* it would do so */
      const pair_options o = {.version = i % 2 ? 0x0303 : 0x0304, .mutual = 1, .flags = TLS_FLAG_SESSIONS, .server_flags = option == TLS_OPTION_MAX_EARLY_DATA ? TLS_FLAG_EARLY_DATA : 0};
      pair p;
      CHECK_ALL(pair_contexts(&p, &o));
      int known = option >= 1 && option <= TLS_OPTION_NO_DH;
      int32_t status = tls_context_set_option(p.client_context, option, values[i]);
      CHECK(known || status == TLS_ERROR);
      CHECK(tls_context_set_option(p.server_context, option, values[i]) == status);
      CHECK_ALL(pair_connect(&p, &o));
      pair_run(&p);
      if (p.client.established && p.server.established) CHECK_ALL(pair_exchange(&p, 3000));
      pair_close(&p);
    }
  return NULL;
}

static const char *settings(const void *unused) {
  static const char *const texts[] = {"", ":", "::", "x", "P-256:", "TLS_AES_128_GCM_SHA256:x", "1.2.3", "1.2.", "99.99", "2.5.29.32.0", "@SECLEVEL=9", "ALL:!ALL", "*", "?x", "-", "\xff\xfe"};
  static uint8_t alpn[300] = {255};
  (void)unused;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    tls_context *c = tls_context_new(i % 2 ? TLS_PROTOCOL_TLS : TLS_PROTOCOL_DTLS);
    const uint8_t *bytes = (const uint8_t *)texts[i];
    const size_t length = strlen(texts[i]);
    tls_context_set_cipher_list(c, texts[i]);
    tls_context_set_cipher_suites(c, texts[i]);
    tls_context_set_groups(c, texts[i]);
    tls_context_set_signature_schemes(c, texts[i]);
    tls_context_require_policy(c, texts[i]);
    tls_context_set_versions(c, (uint32_t)(i * 0x101), (uint32_t)(i * 0x1111));
    CHECK(tls_context_use_certificate(c, bytes, length) == TLS_ERROR && tls_context_use_key(c, bytes, length, "") == TLS_ERROR);
    CHECK(tls_context_use_pkcs12(c, bytes, length, NULL) == TLS_ERROR && tls_context_add_ca(c, bytes, length) == TLS_ERROR);
    CHECK(tls_context_add_crl(c, bytes, length) == TLS_ERROR && tls_context_set_dh_parameters(c, bytes, length) == TLS_ERROR);
    CHECK(tls_context_set_session_id_context(c, alpn, 33) == TLS_ERROR && tls_context_set_session_id_context(c, alpn, i) == TLS_DONE);
    tls_context_set_alpn(c, alpn, i * 20);
    tls_context_set_verify_time(c, (double)i * 1e9 - 1);
    for (uint32_t role = 0; role < 2; role++) {
      tls_connection *s = tls_connection_new(c, role, (uint32_t)(i * 0x9e3779b9u) & 0xfff, 65536);
      if (s == NULL) continue;
      tls_connection_set_servername(s, texts[i]);
      tls_connection_set_verify(s, (uint32_t)i, texts[i]);
      tls_connection_set_alpn(s, alpn, i * 19);
      CHECK(tls_connection_set_session(s, bytes, length) == TLS_ERROR && tls_connection_find_session(s, bytes, length) == TLS_ERROR);
      CHECK(tls_connection_expect_key(s, bytes, length) == TLS_ERROR);
      tls_handshake(s);
      tls_connection_free(s);
    }
    tls_context_free(c);
  }
  return NULL;
}

void trust_cases(void) {
  static const uint32_t v12 = 0x0303, v13 = 0x0304;
  run_case("trust: everything asked at any time, TLS 1.2", any_time, &v12);
  run_case("trust: everything asked at any time, TLS 1.3", any_time, &v13);
  run_case("trust: bindings and exported keys, TLS 1.2", bindings, &v12);
  run_case("trust: bindings and exported keys, TLS 1.3", bindings, &v13);
  run_case("trust: pins", pins, NULL);
  run_case("trust: CRLs, and 500 damaged ones", crls, NULL);
  run_case("trust: stapled OCSP responses, TLS 1.2", staples, &v12);
  run_case("trust: stapled OCSP responses, TLS 1.3", staples, &v13);
  run_case("trust: 120 damaged OCSP responses", stapled_nonsense, NULL);
  run_case("trust: raw public keys, TLS 1.2", raw_keys, &v12);
  run_case("trust: raw public keys, TLS 1.3", raw_keys, &v13);
  run_case("trust: options with any value", options, NULL);
  run_case("trust: settings that nobody would choose", settings, NULL);
}
