/*
 * Verifying a certificate on its own, without a connection: OpenSSL's X509_verify_cert(3), told to go on after each error, so that
 * every reason is found and not only the first.
 */
#include <string.h>

#include "x509.h"

#define MAX_ERRORS 64

typedef struct reasons {
  int codes[MAX_ERRORS], depths[MAX_ERRORS];
  int count;
} reasons;

static void reason_add(reasons *all, int code, int depth) {
  for (int i = 0; i < all->count; i++)
    if (all->codes[i] == code && all->depths[i] == depth) return;
  if (all->count == MAX_ERRORS) return;
  all->codes[all->count] = code;
  all->depths[all->count++] = depth;
}

/* Called by OpenSSL for each certificate of the chain, and for each error found. */
static int verify_step(int ok, X509_STORE_CTX *ctx) {
  if (!ok) reason_add(X509_STORE_CTX_get_app_data(ctx), X509_STORE_CTX_get_error(ctx), X509_STORE_CTX_get_error_depth(ctx));
  return 1;
}

/* What is verified, and against what. */
typedef struct inputs {
  fields request;
  STACK_OF(X509) *leaf, *intermediates;
  STACK_OF(X509_CRL) *crls;
  X509_STORE *store;
  double time; /* negative: now */
} inputs;

static int add_certificates(STACK_OF(X509) *to, const field *f) {
  STACK_OF(X509) *some = certificates_parse(f->value, f->length);
  int ok = some != NULL && X509_add_certs(to, some, X509_ADD_FLAG_UP_REF);
  sk_X509_pop_free(some, X509_free);
  return ok;
}

static int add_roots(X509_STORE *store, const field *f) {
  STACK_OF(X509) *some = certificates_parse(f->value, f->length);
  int ok = some != NULL;
  for (int i = 0; ok && i < sk_X509_num(some); i++) ok = X509_STORE_add_cert(store, sk_X509_value(some, i));
  sk_X509_pop_free(some, X509_free);
  return ok;
}

static int add_crls(STACK_OF(X509_CRL) *to, const field *f) {
  STACK_OF(X509_CRL) *some = crls_parse(f->value, f->length);
  X509_CRL *one;
  int ok = some != NULL;
  while (ok && (one = sk_X509_CRL_shift(some)) != NULL) {
    ok = sk_X509_CRL_push(to, one);
    if (!ok) X509_CRL_free(one);
  }
  sk_X509_CRL_pop_free(some, X509_CRL_free);
  return ok;
}

static int read_inputs(inputs *in) {
  field f;
  for (fields rest = in->request; fields_next(&rest, &f);) {
    int ok = 1;
    if (field_is(&f, "leaf")) {
      library_option("leaf");
      ok = add_certificates(in->leaf, &f);
    } else if (field_is(&f, "intermediates")) {
      library_option("intermediates");
      ok = add_certificates(in->intermediates, &f);
    } else if (field_is(&f, "roots")) {
      library_option("roots");
      ok = add_roots(in->store, &f);
    } else if (field_is(&f, "crls")) {
      library_option("crls");
      ok = add_crls(in->crls, &f);
    }
    if (!ok) return 0;
  }
  library_option(NULL);
  /* What came with the leaf leads to the root as any other intermediate does. */
  for (int i = 1; i < sk_X509_num(in->leaf); i++)
    if (!X509_add_cert(in->intermediates, sk_X509_value(in->leaf, i), X509_ADD_FLAG_UP_REF)) return 0;
  return sk_X509_num(in->leaf) > 0;
}

static int has(fields request, const char *name) {
  field f;
  return fields_find(request, name, &f);
}

/* Whether a text was read, or is not there to read: where memory is out, what was asked for must not go unasked. */
static int was_read(fields request, const char *name, const char *text) { return text != NULL || !has(request, name); }

/* What holds for every certificate that is verified here, an OCSP responder's too: the store's. */
static void set_common(inputs *in) {
  X509_VERIFY_PARAM *param = X509_STORE_get0_param(in->store);
  if (in->time >= 0) X509_VERIFY_PARAM_set_time(param, (time_t)in->time);
  if (has(in->request, "partialChain")) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  if (has(in->request, "strict")) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_auth_level(param, (int)fields_number(in->request, "securityLevel", 2));
}

static int set_policies(X509_VERIFY_PARAM *param, fields request) {
  field f;
  while (fields_next(&request, &f)) {
    if (!field_is(&f, "policy")) continue;
    char *text = field_text(&f);
    ASN1_OBJECT *policy = text == NULL ? NULL : OBJ_txt2obj(text, 1);
    OPENSSL_free(text);
    library_option("policies");
    if (policy == NULL) return 0;
    if (!X509_VERIFY_PARAM_add0_policy(param, policy)) {
      ASN1_OBJECT_free(policy);
      return 0;
    }
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
  }
  library_option(NULL);
  return 1;
}

static int set_identity(X509_VERIFY_PARAM *param, fields request) {
  char *host = fields_text(request, "hostname"), *address = fields_text(request, "ip"), *email = fields_text(request, "email");
  X509_VERIFY_PARAM_set_hostflags(param, VERIFY_HOST_FLAGS);
  library_option(host != NULL ? "hostname" : address != NULL ? "ip" : "email");
  int ok = was_read(request, "hostname", host) && was_read(request, "ip", address) && was_read(request, "email", email) &&
           (host == NULL || X509_VERIFY_PARAM_set1_host(param, host, 0)) &&
           (email == NULL || X509_VERIFY_PARAM_set1_email(param, email, 0));
  if (ok && address != NULL && !X509_VERIFY_PARAM_set1_ip_asc(param, address)) ok = library_refuse("no IP address");
  OPENSSL_free(host);
  OPENSSL_free(address);
  OPENSSL_free(email);
  if (ok) library_option(NULL);
  return ok;
}

/* What holds for this certificate only. */
static int set_own(X509_STORE_CTX *ctx, inputs *in) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  char *purpose = fields_text(in->request, "purpose");
  int index = purpose == NULL ? -1 : X509_PURPOSE_get_by_sname(purpose);
  int ok = was_read(in->request, "purpose", purpose) &&
           (purpose == NULL || (index >= 0 && X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_get_id(X509_PURPOSE_get0(index)))));
  int depth = (int)fields_number(in->request, "depth", -1);
  OPENSSL_free(purpose);
  if (depth >= 0) X509_VERIFY_PARAM_set_depth(param, depth);
  if (has(in->request, "crlCheck")) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK);
  if (has(in->request, "crlCheckAll")) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  X509_STORE_CTX_set0_crls(ctx, in->crls);
  return ok && set_policies(param, in->request) && set_identity(param, in->request);
}

/* The dates of all of the chain: OpenSSL passes over those of a last certificate whose issuer is unknown. */
static void check_dates(const X509_VERIFY_PARAM *param, STACK_OF(X509) *chain, reasons *found) {
  for (int i = 0; i < sk_X509_num(chain); i++) {
    const X509 *one = sk_X509_value(chain, i);
    int outside = X509_cmp_timeframe(param, X509_get0_notBefore(one), X509_get0_notAfter(one));
    if (outside != 0) reason_add(found, outside < 0 ? X509_V_ERR_CERT_NOT_YET_VALID : X509_V_ERR_CERT_HAS_EXPIRED, i);
  }
}

static void check_ocsp(inputs *in, STACK_OF(X509) *chain, reasons *found) {
  field f;
  if (fields_find(in->request, "ocsp", &f)) {
    int result = ocsp_check(f.value, f.length, chain, in->store, in->time);
    if (result != X509_V_OK) reason_add(found, result, 0);
  } else if (has(in->request, "ocspAlways") || (has(in->request, "ocspMustStaple") && certificate_must_staple(sk_X509_value(chain, 0)))) {
    reason_add(found, X509_V_ERR_OCSP_VERIFY_NEEDED, 0);
  }
}

static int put_outcome(BIO *out, const reasons *found, STACK_OF(X509) *chain) {
  int ok = 1;
  for (int i = 0; ok && i < found->count; i++) {
    BIO *group = BIO_new(BIO_s_mem());
    X509 *about = sk_X509_value(chain, found->depths[i]);
    ok = group != NULL && put_number(group, "depth", found->depths[i]) && put_text(group, "code", verify_name(found->codes[i])) &&
         put_text(group, "text", verify_text(found->codes[i])) &&
         (about == NULL || put_name(group, "subject", X509_get_subject_name(about)));
    ok = put_group(out, "error", group, ok);
  }
  for (int i = 0; ok && i < sk_X509_num(chain); i++) ok = put_certificate(out, "certificate", sk_X509_value(chain, i));
  return ok;
}

static int verify(inputs *in, BIO *out) {
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  reasons found = {.count = 0};
  set_common(in);
  int ok = ctx != NULL && X509_STORE_CTX_init(ctx, in->store, sk_X509_value(in->leaf, 0), in->intermediates) && set_own(ctx, in) &&
           X509_STORE_CTX_set_app_data(ctx, &found);
  if (ok) {
    X509_STORE_CTX_set_verify_cb(ctx, verify_step);
    if (X509_verify_cert(ctx) <= 0) reason_add(&found, X509_STORE_CTX_get_error(ctx), X509_STORE_CTX_get_error_depth(ctx));
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    check_dates(X509_STORE_CTX_get0_param(ctx), chain, &found);
    if (sk_X509_num(chain) > 0) check_ocsp(in, chain, &found);
    ok = put_outcome(out, &found, chain);
  }
  X509_STORE_CTX_free(ctx);
  return ok;
}

tls_bytes *tls_certificate_verify(const uint8_t *request, size_t length) {
  library_clear();
  inputs in = {.request = fields_over(request, length),
               .leaf = sk_X509_new_null(),
               .intermediates = sk_X509_new_null(),
               .crls = sk_X509_CRL_new_null(),
               .store = X509_STORE_new()};
  in.time = (double)fields_number(in.request, "time", -1);
  BIO *out = BIO_new(BIO_s_mem());
  int ok = in.leaf != NULL && in.intermediates != NULL && in.crls != NULL && in.store != NULL && out != NULL && read_inputs(&in) &&
           verify(&in, out);
  sk_X509_pop_free(in.leaf, X509_free);
  sk_X509_pop_free(in.intermediates, X509_free);
  sk_X509_CRL_pop_free(in.crls, X509_CRL_free);
  X509_STORE_free(in.store);
  return bytes_from_bio(out, ok);
}
