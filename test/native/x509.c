/*
 * Certificates, requests, CRLs, OCSP responses, bundles: made, read, verified; each damaged in many ways, and each with one allocation
 * after the other failing. What they mean is tested in test/x509; here nothing may crash, leak or read beyond its bytes.
 */
#include "harness.h"

#include <time.h>

#include "x509.h"

/* ---- Things to read, as bytes ---- */

typedef struct thing {
  const char *name;
  uint8_t *bytes;
  size_t length;
} thing;

static thing take(const char *name, tls_bytes *from) {
  thing one = {name, NULL, from == NULL ? 0 : from->length};
  if (from == NULL) return one;
  one.bytes = malloc(one.length);
  memcpy(one.bytes, from + 1, one.length);
  tls_bytes_free(from);
  return one;
}

static X509 *x509_of(const identity *one) {
  STACK_OF(X509) *all = certificates_parse((const uint8_t *)one->cert, strlen(one->cert));
  X509 *first = sk_X509_shift(all);
  sk_X509_pop_free(all, X509_free);
  return first;
}

static void put_subject(request *r, const char *type, const char *value) {
  request attribute = {NULL, 0};
  request_text(&attribute, "type", type);
  request_text(&attribute, "value", value);
  request_group(r, "subject", &attribute);
}

static void put_extension(request *r, const char *name, const char *value) {
  request extension = {NULL, 0};
  request_text(&extension, "name", name);
  request_text(&extension, "value", value);
  request_text(&extension, "critical", "");
  request_group(r, "extension", &extension);
}

/* Every field that a certificate can be made of. */
static request full_request(void) {
  request r = {NULL, 0}, range = {NULL, 0}, raw = {NULL, 0};
  request_text(&r, "key", leaf_of("P-256")->key);
  request_text(&r, "issuerCert", authority()->cert);
  request_text(&r, "issuerKey", authority()->key);
  request_text(&r, "serialNumber", "0123456789");
  request_text(&r, "notBefore", "1700000000");
  request_text(&r, "notAfter", "4000000000");
  put_subject(&r, "CN", "all");
  put_subject(&r, "O", "two");
  request_text(&r, "dns", HOST);
  request_text(&r, "ip", "192.0.2.1");
  request_text(&r, "email", "a@all.test");
  request_text(&r, "uri", "urn:all");
  request_text(&r, "crlUrl", "http://c.test/1");
  request_text(&r, "crlUrl", "http://c.test/2");
  request_text(&r, "ocspUrl", "http://o.test/");
  request_text(&r, "caIssuerUrl", "http://i.test/");
  request_text(&r, "policy", "1.2.3.4");
  request_text(&r, "defaultUsage", "");
  request_text(&range, "dns", "all.test");
  request_text(&range, "ip", "10.0.0.0/255.0.0.0");
  request_group(&r, "permitted", &range);
  request_text(&range, "email", "bad.test");
  request_group(&r, "excluded", &range);
  put_extension(&r, "basicConstraints", "CA:TRUE,pathlen:1");
  put_extension(&r, "subjectKeyIdentifier", "hash");
  put_extension(&r, "authorityKeyIdentifier", "keyid,issuer");
  put_extension(&r, "tlsfeature", "status_request");
  request_text(&raw, "oid", "1.2.3.4.5");
  request_add(&raw, "der", "\5\0", 2);
  request_group(&r, "extension", &raw);
  /* Extensions that need structure of their own: an SCT list, other names, a directory name. */
  request_text(&raw, "oid", "1.3.6.1.4.1.11129.2.4.2");
  static const uint8_t sct[] = {4,  57, 0, 55, 0, 53, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                1,  1,  1, 1,  1, 1,  1, 1, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 4, 3, 0, 4, 1, 2, 3, 4, 0, 0};
  request_add(&raw, "der", sct, sizeof sct);
  request_group(&r, "extension", &raw);
  return r;
}

static request csr_request(void) {
  request r = {NULL, 0};
  request_text(&r, "key", leaf_of("P-256")->key);
  put_subject(&r, "CN", "request");
  put_extension(&r, "subjectAltName", "DNS:" HOST ",otherName:1.2.3.4;UTF8:x,RID:1.2.3,email:a@b,IP:::1");
  return r;
}

static request crl_request(void) {
  request r = {NULL, 0}, revoked = {NULL, 0};
  request_text(&r, "issuerCert", authority()->cert);
  request_text(&r, "issuerKey", authority()->key);
  request_text(&r, "thisUpdate", "1700000000");
  request_text(&r, "nextUpdate", "4000000000");
  request_text(&r, "number", "0A");
  put_extension(&r, "authorityKeyIdentifier", "keyid,issuer");
  request_text(&revoked, "serialNumber", "0B");
  request_text(&revoked, "date", "1700000000");
  request_text(&revoked, "reason", "1");
  request_group(&r, "revoked", &revoked);
  return r;
}

static request pkcs12_request(void) {
  request r = {NULL, 0};
  request_text(&r, "key", leaf_of("P-256")->key);
  request_text(&r, "cert", leaf_of("P-256")->cert);
  request_text(&r, "passphrase", "secret");
  request_text(&r, "name", "name");
  request_text(&r, "iterations", "1000");
  return r;
}

static request key_request(void) {
  request r = {NULL, 0};
  request_text(&r, "key", leaf_of("P-256")->key);
  request_text(&r, "form", "encrypted");
  request_text(&r, "encryptPassphrase", "secret");
  request_text(&r, "iterations", "1000");
  return r;
}

/* A response about leaf_of("P-256"), signed by the authority. */
static thing ocsp_response(int status) {
  X509 *issuer = x509_of(authority()), *subject = x509_of(leaf_of("P-256"));
  EVP_PKEY *key = key_parse((const uint8_t *)authority()->key, strlen(authority()->key), NULL);
  OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
  OCSP_CERTID *id = OCSP_cert_to_id(NULL, subject, issuer);
  ASN1_TIME *now = X509_gmtime_adj(NULL, 0), *later = X509_gmtime_adj(NULL, 86400);
  OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, now, now, later);
  OCSP_basic_sign(basic, issuer, key, EVP_sha256(), NULL, 0);
  OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char *der = NULL;
  thing one = {"OCSP response", NULL, (size_t)i2d_OCSP_RESPONSE(response, &der)};
  one.bytes = malloc(one.length);
  memcpy(one.bytes, der, one.length);
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(now);
  ASN1_TIME_free(later);
  EVP_PKEY_free(key);
  X509_free(subject);
  X509_free(issuer);
  return one;
}

/* A degenerate signed message: only certificates and a CRL. */
static thing pkcs7_bundle(const thing *crl) {
  PKCS7 *bundle = PKCS7_new();
  const uint8_t *at = crl->bytes;
  X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)crl->length);
  X509 *certificate = x509_of(authority());
  PKCS7_set_type(bundle, NID_pkcs7_signed);
  PKCS7_content_new(bundle, NID_pkcs7_data);
  PKCS7_add_certificate(bundle, certificate);
  PKCS7_add_crl(bundle, list);
  unsigned char *der = NULL;
  thing one = {"PKCS #7 bundle", NULL, (size_t)i2d_PKCS7(bundle, &der)};
  one.bytes = malloc(one.length);
  memcpy(one.bytes, der, one.length);
  OPENSSL_free(der);
  X509_CRL_free(list);
  X509_free(certificate);
  PKCS7_free(bundle);
  return one;
}

typedef tls_bytes *(*maker)(const uint8_t *request, size_t length);

static tls_bytes *call(maker make, request r) {
  tls_bytes *made = make(r.bytes, r.length);
  request_free(&r);
  return made;
}

static thing things[6];

static void things_make(void) {
  things[0] = take("certificate", call(tls_certificate_create, full_request()));
  things[1] = take("request", call(tls_request_create, csr_request()));
  things[2] = take("CRL", call(tls_crl_create, crl_request()));
  things[3] = ocsp_response(V_OCSP_CERTSTATUS_REVOKED);
  things[4] = pkcs7_bundle(&things[2]);
  things[5] = take("PKCS #12 file", call(tls_pkcs12_create, pkcs12_request()));
}

static void things_free(void) {
  for (int i = 0; i < 6; i++) free(things[i].bytes);
}

/* ---- Reading ---- */

/* Kinds are numbered as things are. */
static int read_thing(int i, const uint8_t *bytes, size_t length) {
  tls_bytes *fields = i < 4 ? tls_x509_describe((uint32_t)i + 1, bytes, length) :
                      i < 5 ? tls_pkcs7_parse(bytes, length) :
                              tls_pkcs12_parse(bytes, length, "secret");
  tls_bytes *text = i < 3 ? tls_x509_print((uint32_t)i + 1, bytes, length) : NULL;
  int ok = fields != NULL && (i >= 3 || text != NULL);
  tls_bytes_free(fields);
  tls_bytes_free(text);
  return ok;
}

static request verify_request(const uint8_t *leaf, size_t leaf_length, const uint8_t *crl, size_t crl_length, const uint8_t *ocsp,
                              size_t ocsp_length) {
  request r = {NULL, 0};
  request_add(&r, "leaf", leaf, leaf_length);
  request_text(&r, "intermediates", authority()->cert);
  request_text(&r, "roots", authority()->cert);
  request_add(&r, "crls", crl, crl_length);
  request_text(&r, "crlCheckAll", "");
  request_add(&r, "ocsp", ocsp, ocsp_length);
  request_text(&r, "hostname", HOST);
  request_text(&r, "ip", "127.0.0.1");
  request_text(&r, "email", "a@b.test");
  request_text(&r, "purpose", "sslserver");
  request_text(&r, "policy", "1.2.3.4");
  request_text(&r, "depth", "3");
  return r;
}

static const char *reads(const void *argument) {
  const thing *one = argument;
  CHECK(one->bytes != NULL && read_thing((int)(one - things), one->bytes, one->length));
  return NULL;
}

/* Damaged: read or refused, never more. Verified too, in the place where it would stand. */
static const char *damaged(const void *argument) {
  const thing *one = argument;
  int i = (int)(one - things), rounds = i == 5 ? 150 : i == 3 ? 400 : 1000;
  uint8_t *bad = malloc(one->length + 64);
  for (int seed = 1; seed <= rounds; seed++) {
    noise n = {(uint32_t)seed};
    memcpy(bad, one->bytes, one->length);
    size_t now = noise_mutate(&n, bad, one->length, one->length + 64);
    if (seed % 3 == 0) now = noise_mutate(&n, bad, now, one->length + 64);
    uint8_t *exact = malloc(now); /* so that the sanitizer sees a step beyond */
    memcpy(exact, bad, now);
    read_thing(i, exact, now);
    if (i != 1 && i < 4) {
      const char *leaf = leaf_of("P-256")->cert;
      request r = verify_request(i == 0 ? exact : (const uint8_t *)leaf, i == 0 ? now : strlen(leaf), i == 2 ? exact : things[2].bytes,
                                 i == 2 ? now : things[2].length, i == 3 ? exact : things[3].bytes, i == 3 ? now : things[3].length);
      tls_bytes_free(call(tls_certificate_verify, r));
    }
    free(exact);
  }
  free(bad);
  return NULL;
}

/* ---- Making ---- */

typedef struct making {
  const char *name;
  maker make;
  request (*asked)(void);
} making;

static request verify_all(void) {
  const char *leaf = leaf_of("P-256")->cert;
  return verify_request((const uint8_t *)leaf, strlen(leaf), things[2].bytes, things[2].length, things[3].bytes, things[3].length);
}

/* A certificate that is good, but for another host, with no such mail and no policy. Whatever fails: it is never found good. */
static int try_wrong_host(void) {
  static const char *const names[] = {"hostname", "ip", "email", "policy"}, *const values[] = {"other.test", "192.0.2.9", "a@b.test", "1.2.3"};
  static const uint8_t error[] = {5, 0, 0, 0, 'e', 'r', 'r', 'o', 'r'};
  int good = 1;
  for (int i = 0; i < 4; i++) {
    request r = {NULL, 0};
    request_text(&r, "leaf", leaf_of("P-256")->cert);
    request_text(&r, "roots", authority()->cert);
    request_text(&r, names[i], values[i]);
    tls_bytes *made = tls_certificate_verify(r.bytes, r.length);
    request_free(&r);
    if (made != NULL && (made->length < sizeof error || memcmp(made + 1, error, sizeof error) != 0)) abort();
    good &= made != NULL;
    tls_bytes_free(made);
  }
  return good;
}

static request from_csr(void) {
  request r = {NULL, 0};
  request_add(&r, "request", things[1].bytes, things[1].length);
  request_text(&r, "acceptSubject", "");
  request_text(&r, "acceptNames", "");
  request_text(&r, "issuerCert", authority()->cert);
  request_text(&r, "issuerKey", authority()->key);
  request_text(&r, "notBefore", "1700000000");
  request_text(&r, "notAfter", "4000000000");
  return r;
}

static const making makings[] = {{"a certificate", tls_certificate_create, full_request},
                                 {"a certificate for a request", tls_certificate_create, from_csr},
                                 {"a request", tls_request_create, csr_request},
                                 {"a CRL", tls_crl_create, crl_request},
                                 {"a PKCS #12 file", tls_pkcs12_create, pkcs12_request},
                                 {"an encrypted key", tls_key_convert, key_request},
                                 {"a verification", tls_certificate_verify, verify_all}};
#define MAKINGS ((int)(sizeof makings / sizeof *makings))

static const making *current;

static int try_current(void) {
  tls_bytes *made = call(current->make, current->asked());
  tls_bytes_free(made);
  return made != NULL;
}

static const thing *current_thing;
static int try_thing(void) { return read_thing((int)(current_thing - things), current_thing->bytes, current_thing->length); }

/* Requests come from our own TypeScript, but lengths are believed by nobody. */
static const char *damaged_request(const void *argument) {
  const making *m = argument;
  request good = m->asked();
  int rounds = m->make == tls_pkcs12_create || m->make == tls_key_convert ? 150 : 500;
  for (int seed = 1; seed <= rounds; seed++) {
    noise n = {(uint32_t)seed};
    uint8_t *bad = malloc(good.length + 64);
    memcpy(bad, good.bytes, good.length);
    size_t now = noise_mutate(&n, bad, good.length, good.length + 64);
    uint8_t *exact = malloc(now);
    memcpy(exact, bad, now);
    tls_bytes_free(m->make(exact, now));
    free(exact);
    free(bad);
  }
  request_free(&good);
  return NULL;
}

/* ---- OCSP: the function that connections use ---- */

static const char *staples(const void *unused) {
  (void)unused;
  X509 *leaf = x509_of(leaf_of("P-256")), *other = x509_of(self_signed()), *issuer = x509_of(authority());
  STACK_OF(X509) *chain = sk_X509_new_null(), *strange = sk_X509_new_null();
  X509_STORE *store = X509_STORE_new();
  X509_STORE_add_cert(store, issuer);
  sk_X509_push(chain, leaf);
  sk_X509_push(chain, issuer);
  sk_X509_push(strange, other);
  thing good = ocsp_response(V_OCSP_CERTSTATUS_GOOD), revoked = ocsp_response(V_OCSP_CERTSTATUS_REVOKED);
  double now = (double)time(NULL);
  ERR_raise(ERR_LIB_USER, 1); /* must stay where it is */
  CHECK(ocsp_check(good.bytes, good.length, chain, store, -1) == X509_V_OK);
  CHECK(ocsp_check(good.bytes, good.length, chain, store, now + 60) == X509_V_OK);
  CHECK((X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store)) & X509_V_FLAG_USE_CHECK_TIME) == 0);
  CHECK(ocsp_check(good.bytes, good.length, chain, store, now - 600) == X509_V_ERR_OCSP_SIGNATURE_FAILURE); /* of an issuer to come */
  CHECK(ocsp_check(revoked.bytes, revoked.length, chain, store, -1) == X509_V_ERR_CERT_REVOKED);
  CHECK(ocsp_check(good.bytes, good.length, strange, store, -1) != X509_V_OK);
  CHECK(ocsp_check(good.bytes, good.length - 1, chain, store, -1) == X509_V_ERR_OCSP_RESP_INVALID);
  CHECK(ocsp_check((const uint8_t *)"", 0, chain, store, -1) == X509_V_ERR_OCSP_RESP_INVALID);
  CHECK(ERR_GET_LIB(ERR_get_error()) == ERR_LIB_USER && ERR_get_error() == 0);
  CHECK(strcmp(verify_name(X509_V_ERR_OCSP_RESP_INVALID), "OCSP_RESP_INVALID") == 0);
  free(good.bytes);
  free(revoked.bytes);
  sk_X509_free(chain);
  sk_X509_free(strange);
  X509_STORE_free(store);
  X509_free(leaf);
  X509_free(other);
  X509_free(issuer);
  return NULL;
}

void x509_cases(void) {
  char name[128];
  things_make();
  for (int i = 0; i < 6; i++) {
    snprintf(name, sizeof name, "x509: a %s is read", things[i].name);
    run_case(name, reads, &things[i]);
    snprintf(name, sizeof name, "x509: a damaged %s", things[i].name);
    run_case(name, damaged, &things[i]);
    current_thing = &things[i];
    snprintf(name, sizeof name, "x509: a %s is read, while one allocation after the other fails", things[i].name);
    memory_case(name, try_thing, i == 5 ? 29 : 7);
  }
  for (int i = 0; i < MAKINGS; i++) {
    snprintf(name, sizeof name, "x509: damaged instructions for %s", makings[i].name);
    run_case(name, damaged_request, &makings[i]);
    current = &makings[i];
    snprintf(name, sizeof name, "x509: %s, while one allocation after the other fails", makings[i].name);
    memory_case(name, try_current, 11);
  }
  memory_case("x509: a wrong host stays wrong, while one allocation after the other fails", try_wrong_host, 13);
  run_case("x509: staples", staples, NULL);
  things_free();
}
