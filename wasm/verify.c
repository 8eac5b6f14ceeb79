/*
 * Whether the peer is who it should be: chain verification is OpenSSL's (X509_verify_cert(3)); here the name check is set up
 * and the first verdict against the peer is kept, with its depth, for the error message.
 */
#include <string.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "internal.h"

static int is_ip_address(const char *text) {
  ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error(); /* "not an address" is an answer */
  return address != NULL;
}

/* A server asks the host when its first handshake is complete; what comes later, OpenSSL's verdict decides alone. */
static int can_ask(const tls_connection *c) { return c->role == TLS_ROLE_CLIENT || !c->established; }

/* Called by OpenSSL for each certificate of the chain, and for each error found. */
static int verify_step(int ok, X509_STORE_CTX *store) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  tls_connection *c = connection_of(ssl);
  if (ok) return 1;
  if (c->verify_result == X509_V_OK) { /* the first reason is the one to tell */
    c->verify_result = X509_STORE_CTX_get_error(store);
    /* Expected keys are kept as DANE records (trust.c); nobody asked for DANE. */
    if (c->verify_result == X509_V_ERR_DANE_NO_MATCH) c->verify_result = X509_V_ERR_RPK_UNTRUSTED;
    c->verify_depth = X509_STORE_CTX_get_error_depth(store);
  }
  return c->verify_mode == TLS_VERIFY_NONE || c->verify_mode == TLS_VERIFY_RECORD || (c->flags & TLS_FLAG_PARK_VERIFY && can_ask(c));
}

static int identity_set(tls_connection *c, const char *identity) {
  X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);
  OPENSSL_free(c->identity);
  c->identity = NULL;
  X509_VERIFY_PARAM_set1_host(param, NULL, 0);
  X509_VERIFY_PARAM_set1_ip(param, NULL, 0);
  if (identity == NULL) return 1;
  if ((c->identity = OPENSSL_strdup(identity)) == NULL) return 0;
  X509_VERIFY_PARAM_set_hostflags(param, VERIFY_HOST_FLAGS);
  if (is_ip_address(identity)) return X509_VERIFY_PARAM_set1_ip_asc(param, identity);
  return X509_VERIFY_PARAM_set1_host(param, identity, 0);
}

int32_t tls_connection_set_verify(tls_connection *c, uint32_t mode, const char *identity) {
  int flags = SSL_VERIFY_PEER;
  ERR_clear_error();
  if (mode == TLS_VERIFY_NONE && c->role == TLS_ROLE_SERVER) flags = SSL_VERIFY_NONE;
  if (mode == TLS_VERIFY_REQUIRE) flags |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  c->verify_mode = (int)mode;
  SSL_set_verify(c->ssl, flags, verify_step);
  return verify_bind_sessions(c) && identity_set(c, identity) ? TLS_DONE : library_failed();
}

int verify_identity_matches(X509 *certificate, const char *identity) {
  if (is_ip_address(identity)) return X509_check_ip_asc(certificate, identity, 0) == 1;
  return X509_check_host(certificate, identity, 0, VERIFY_HOST_FLAGS, NULL) == 1;
}

/*
 * A server resumes a session only in the session id context that it was made in (SSL_set_session_id_context(3)), wherever it was kept. Here
 * that says also how the client is verified: a client that showed no certificate where none was asked for must not come in where one is
 * required; nor one that the host is asked about where nobody asks the host.
 */
int verify_bind_sessions(tls_connection *c) {
  const tls_context *context = context_of(SSL_get_SSL_CTX(c->ssl));
  uint8_t how[2 + sizeof context->session_id_context] = {(uint8_t)c->verify_mode, (c->flags & TLS_FLAG_PARK_VERIFY) != 0};
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned int length;
  if (c->role == TLS_ROLE_CLIENT) return SSL_set_session_id_context(c->ssl, (const uint8_t *)"", 0); /* PSKs have none */
  memcpy(how + 2, context->session_id_context, context->session_id_context_length);
  return EVP_Digest(how, 2 + context->session_id_context_length, digest, &length, EVP_sha256(), NULL) &&
         SSL_set_session_id_context(c->ssl, digest, length);
}

/* The names of openssl-verify(1), without their X509_V_ERR_ prefix: stable codes for errors. */
const char *verify_name(long result) {
#define NAMED(name) \
  case X509_V_ERR_##name: \
    return #name
  switch (result) {
    case X509_V_OK:
      return "OK";
    case VERIFY_PIN_MISMATCH:
      return "PIN_MISMATCH";
    case VERIFY_PSK_EXPECTED:
      return "PSK_EXPECTED";
    NAMED(UNSPECIFIED);
    NAMED(UNABLE_TO_GET_ISSUER_CERT);
    NAMED(UNABLE_TO_GET_CRL);
    NAMED(UNABLE_TO_DECRYPT_CERT_SIGNATURE);
    NAMED(UNABLE_TO_DECRYPT_CRL_SIGNATURE);
    NAMED(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY);
    NAMED(CERT_SIGNATURE_FAILURE);
    NAMED(CRL_SIGNATURE_FAILURE);
    NAMED(CERT_NOT_YET_VALID);
    NAMED(CERT_HAS_EXPIRED);
    NAMED(CRL_NOT_YET_VALID);
    NAMED(CRL_HAS_EXPIRED);
    NAMED(ERROR_IN_CERT_NOT_BEFORE_FIELD);
    NAMED(ERROR_IN_CERT_NOT_AFTER_FIELD);
    NAMED(ERROR_IN_CRL_LAST_UPDATE_FIELD);
    NAMED(ERROR_IN_CRL_NEXT_UPDATE_FIELD);
    NAMED(OUT_OF_MEM);
    NAMED(DEPTH_ZERO_SELF_SIGNED_CERT);
    NAMED(SELF_SIGNED_CERT_IN_CHAIN);
    NAMED(UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    NAMED(UNABLE_TO_VERIFY_LEAF_SIGNATURE);
    NAMED(CERT_CHAIN_TOO_LONG);
    NAMED(CERT_REVOKED);
    NAMED(NO_ISSUER_PUBLIC_KEY);
    NAMED(PATH_LENGTH_EXCEEDED);
    NAMED(INVALID_PURPOSE);
    NAMED(CERT_UNTRUSTED);
    NAMED(CERT_REJECTED);
    NAMED(SUBJECT_ISSUER_MISMATCH);
    NAMED(AKID_SKID_MISMATCH);
    NAMED(AKID_ISSUER_SERIAL_MISMATCH);
    NAMED(KEYUSAGE_NO_CERTSIGN);
    NAMED(UNABLE_TO_GET_CRL_ISSUER);
    NAMED(UNHANDLED_CRITICAL_EXTENSION);
    NAMED(KEYUSAGE_NO_CRL_SIGN);
    NAMED(UNHANDLED_CRITICAL_CRL_EXTENSION);
    NAMED(INVALID_NON_CA);
    NAMED(PROXY_PATH_LENGTH_EXCEEDED);
    NAMED(KEYUSAGE_NO_DIGITAL_SIGNATURE);
    NAMED(PROXY_CERTIFICATES_NOT_ALLOWED);
    NAMED(INVALID_EXTENSION);
    NAMED(INVALID_POLICY_EXTENSION);
    NAMED(NO_EXPLICIT_POLICY);
    NAMED(DIFFERENT_CRL_SCOPE);
    NAMED(UNSUPPORTED_EXTENSION_FEATURE);
    NAMED(UNNESTED_RESOURCE);
    NAMED(PERMITTED_VIOLATION);
    NAMED(EXCLUDED_VIOLATION);
    NAMED(SUBTREE_MINMAX);
    NAMED(APPLICATION_VERIFICATION);
    NAMED(UNSUPPORTED_CONSTRAINT_TYPE);
    NAMED(UNSUPPORTED_CONSTRAINT_SYNTAX);
    NAMED(UNSUPPORTED_NAME_SYNTAX);
    NAMED(CRL_PATH_VALIDATION_ERROR);
    NAMED(PATH_LOOP);
    NAMED(HOSTNAME_MISMATCH);
    NAMED(EMAIL_MISMATCH);
    NAMED(IP_ADDRESS_MISMATCH);
    NAMED(DANE_NO_MATCH);
    NAMED(EE_KEY_TOO_SMALL);
    NAMED(CA_KEY_TOO_SMALL);
    NAMED(CA_MD_TOO_WEAK);
    NAMED(INVALID_CALL);
    NAMED(STORE_LOOKUP);
    NAMED(NO_VALID_SCTS);
    NAMED(PROXY_SUBJECT_NAME_VIOLATION);
    NAMED(OCSP_VERIFY_NEEDED);
    NAMED(OCSP_VERIFY_FAILED);
    NAMED(OCSP_CERT_UNKNOWN);
    NAMED(UNSUPPORTED_SIGNATURE_ALGORITHM);
    NAMED(SIGNATURE_ALGORITHM_MISMATCH);
    NAMED(SIGNATURE_ALGORITHM_INCONSISTENCY);
    NAMED(INVALID_CA);
    NAMED(PATHLEN_INVALID_FOR_NON_CA);
    NAMED(PATHLEN_WITHOUT_KU_KEY_CERT_SIGN);
    NAMED(KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA);
    NAMED(ISSUER_NAME_EMPTY);
    NAMED(SUBJECT_NAME_EMPTY);
    NAMED(MISSING_AUTHORITY_KEY_IDENTIFIER);
    NAMED(MISSING_SUBJECT_KEY_IDENTIFIER);
    NAMED(EMPTY_SUBJECT_ALT_NAME);
    NAMED(EMPTY_SUBJECT_SAN_NOT_CRITICAL);
    NAMED(CA_BCONS_NOT_CRITICAL);
    NAMED(AUTHORITY_KEY_IDENTIFIER_CRITICAL);
    NAMED(SUBJECT_KEY_IDENTIFIER_CRITICAL);
    NAMED(CA_CERT_MISSING_KEY_USAGE);
    NAMED(EXTENSIONS_REQUIRE_VERSION_3);
    NAMED(EC_KEY_EXPLICIT_PARAMS);
    NAMED(RPK_UNTRUSTED);
    NAMED(OCSP_RESP_INVALID);
    NAMED(OCSP_SIGNATURE_FAILURE);
    NAMED(OCSP_NOT_YET_VALID);
    NAMED(OCSP_HAS_EXPIRED);
    NAMED(OCSP_NO_RESPONSE);
    default:
      return "UNKNOWN";
  }
#undef NAMED
}

const char *verify_text(long result) {
  switch (result) {
    case VERIFY_PIN_MISMATCH:
      return "the chain contains none of the pinned keys";
    case VERIFY_PSK_EXPECTED:
      return "the server shows a certificate where the pre-shared key was expected";
    case X509_V_ERR_OCSP_RESP_INVALID:
      return "the OCSP response is malformed or says that the responder failed";
    case X509_V_ERR_OCSP_SIGNATURE_FAILURE:
      return "the OCSP response is not signed by the issuer or by a responder of its choice";
    case X509_V_ERR_OCSP_NOT_YET_VALID:
      return "the OCSP response is not yet valid";
    case X509_V_ERR_OCSP_HAS_EXPIRED:
      return "the OCSP response is out of date";
    case X509_V_ERR_OCSP_NO_RESPONSE:
      return "the OCSP response is about other certificates";
    case X509_V_ERR_OCSP_CERT_UNKNOWN:
      return "the OCSP responder does not know the certificate";
    case X509_V_ERR_OCSP_VERIFY_NEEDED:
      return "an OCSP response is required and there is none";
    default:
      return X509_verify_cert_error_string(result);
  }
}
