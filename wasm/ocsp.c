/* OCSP responses (RFC 6960): whether one vouches for a certificate, and what it says, as fields. Nothing is fetched here. */
#include <time.h>

#include "x509.h"

#define CLOCK_SKEW 300 /* seconds that a responder's clock may be ahead or behind, as `openssl ocsp` allows */
/* How long a response without nextUpdate counts, seconds. RFC 6960: newer information is always available then. Firefox takes a day. */
#define DEFAULT_LIFE (24 * 3600)

/* ---- Checking ---- */

/* The response about the certificate, under whatever digest the responder has chosen to name it. */
static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *subject, X509 *issuer) {
  for (int i = 0; i < OCSP_resp_count(basic); i++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
    const OCSP_CERTID *theirs = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *digest;
    if (!OCSP_id_get0_info(NULL, &digest, NULL, NULL, (OCSP_CERTID *)theirs)) continue;
    const EVP_MD *type = EVP_get_digestbyobj(digest);
    OCSP_CERTID *ours = type == NULL ? NULL : OCSP_cert_to_id(type, subject, issuer);
    int same = ours != NULL && OCSP_id_cmp(ours, theirs) == 0;
    OCSP_CERTID_free(ours);
    if (same) return single;
  }
  return NULL;
}

/* OCSP_check_validity(3) with a clock of the caller's. */
static int check_freshness(const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *until, time_t now) {
  time_t latest = now + CLOCK_SKEW, earliest = now - CLOCK_SKEW, oldest = earliest - DEFAULT_LIFE;
  int start = X509_cmp_time(from, &latest), end = X509_cmp_time(until == NULL ? from : until, until == NULL ? &oldest : &earliest);
  if (start == 0 || end == 0) return X509_V_ERR_OCSP_RESP_INVALID; /* unreadable; equal counts as earlier */
  if (start > 0) return X509_V_ERR_OCSP_NOT_YET_VALID;
  if (end < 0) return X509_V_ERR_OCSP_HAS_EXPIRED;
  return until != NULL && ASN1_TIME_compare(until, from) < 0 ? X509_V_ERR_OCSP_RESP_INVALID : X509_V_OK;
}

static int check_status(OCSP_BASICRESP *basic, X509 *subject, X509 *issuer, time_t now) {
  ASN1_GENERALIZEDTIME *from, *until;
  OCSP_SINGLERESP *single = find_single(basic, subject, issuer);
  if (single == NULL) return X509_V_ERR_OCSP_NO_RESPONSE;
  int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
  int fresh = check_freshness(from, until, now);
  if (status == V_OCSP_CERTSTATUS_REVOKED) return X509_V_ERR_CERT_REVOKED; /* once revoked, fresh or not */
  if (fresh != X509_V_OK) return fresh;
  return status == V_OCSP_CERTSTATUS_GOOD ? X509_V_OK : X509_V_ERR_OCSP_CERT_UNKNOWN;
}

/* The responder's own certificate is verified as of the same time; that goes by the store's parameters. */
static int check_signature(OCSP_BASICRESP *basic, STACK_OF(X509) *chain, X509_STORE *store, double time) {
  X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
  unsigned long before = X509_VERIFY_PARAM_get_flags(param);
  time_t fixed = X509_VERIFY_PARAM_get_time(param);
  if (time >= 0) X509_VERIFY_PARAM_set_time(param, (time_t)time);
  /* NOEXPLICIT: only the issuer and whom it has appointed; no root is a responder for everybody. */
  int ok = OCSP_basic_verify(basic, chain, store, OCSP_NOEXPLICIT) > 0;
  if (time >= 0) X509_VERIFY_PARAM_set_time(param, fixed);
  if ((before & X509_V_FLAG_USE_CHECK_TIME) == 0) X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME);
  return ok;
}

static OCSP_RESPONSE *response_parse(const uint8_t *der, size_t length) {
  const uint8_t *at = der;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)length);
  if (response == NULL || at == der + length) return response;
  OCSP_RESPONSE_free(response);
  return NULL;
}

int ocsp_check(const uint8_t *der, size_t length, STACK_OF(X509) *chain, X509_STORE *store, double time_or_now) {
  X509 *subject = sk_X509_value(chain, 0), *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : subject;
  int result = X509_V_ERR_OCSP_RESP_INVALID;
  ERR_set_mark();
  OCSP_RESPONSE *response = response_parse(der, length);
  OCSP_BASICRESP *basic = NULL;
  if (response != NULL && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) basic = OCSP_response_get1_basic(response);
  if (basic != NULL) {
    result = check_signature(basic, chain, store, time_or_now) ?
                 check_status(basic, subject, issuer, time_or_now < 0 ? time(NULL) : (time_t)time_or_now) :
                 X509_V_ERR_OCSP_SIGNATURE_FAILURE;
  }
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  ERR_pop_to_mark();
  return result;
}

/* ---- Telling ---- */

static int put_single(BIO *out, OCSP_SINGLERESP *single) {
  BIO *group = BIO_new(BIO_s_mem());
  ASN1_GENERALIZEDTIME *from, *until, *revoked = NULL;
  ASN1_INTEGER *serial;
  int reason = OCSP_REVOKED_STATUS_NOSTATUS;
  int status = OCSP_single_get0_status(single, &reason, &revoked, &from, &until);
  int ok = group != NULL && OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single)) &&
           put_integer(group, "serialNumber", serial) && put_text(group, "status", OCSP_cert_status_str(status)) &&
           put_time(group, "thisUpdate", from) && put_time(group, "nextUpdate", until) && put_time(group, "revokedAt", revoked) &&
           (reason == OCSP_REVOKED_STATUS_NOSTATUS || put_number(group, "reason", reason));
  return put_group(out, "response", group, ok);
}

static int put_basic(BIO *out, OCSP_BASICRESP *basic) {
  const STACK_OF(X509) *certificates = OCSP_resp_get0_certs(basic);
  const ASN1_OBJECT *algorithm;
  const ASN1_OCTET_STRING *key;
  const X509_NAME *name;
  X509_ALGOR_get0(&algorithm, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
  int ok = put_time(out, "producedAt", OCSP_resp_get0_produced_at(basic)) && put_object(out, "signatureAlgorithm", algorithm) &&
           OCSP_resp_get0_id(basic, &key, &name);
  ok = ok && (name != NULL ? put_name(out, "responder", name) :
                             put_bytes(out, "responderKey", ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key)));
  for (int i = 0; ok && i < OCSP_resp_count(basic); i++) ok = put_single(out, OCSP_resp_get0(basic, i));
  for (int i = 0; ok && i < sk_X509_num(certificates); i++) ok = put_certificate(out, "certificate", sk_X509_value(certificates, i));
  return ok;
}

int describe_ocsp(BIO *out, const uint8_t *der, size_t length) {
  OCSP_RESPONSE *response = response_parse(der, length);
  OCSP_BASICRESP *basic = NULL;
  int ok = response != NULL && put_text(out, "status", OCSP_response_status_str(OCSP_response_status(response)));
  if (ok && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    basic = OCSP_response_get1_basic(response);
    ok = basic != NULL && put_basic(out, basic);
  }
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  return ok;
}
