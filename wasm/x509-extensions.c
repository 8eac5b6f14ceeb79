/* Extensions (RFC 5280, 4.2) as fields: what programs ask for in a form of its own, and each as OpenSSL prints it. */
#include <stdio.h>
#include <string.h>

#include <openssl/ct.h>

#include "x509.h"

/* ---- General names ---- */

static int put_address(BIO *out, const ASN1_OCTET_STRING *address) {
  const unsigned char *b = ASN1_STRING_get0_data(address);
  char text[64];
  int used = 0, length = ASN1_STRING_length(address);
  if (length == 4) {
    snprintf(text, sizeof text, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
  } else if (length == 16) {
    for (int i = 0; i < 16; i += 2) used += snprintf(text + used, sizeof text - (size_t)used, "%s%x", i ? ":" : "", b[i] << 8 | b[i + 1]);
  } else {
    return put_bytes(out, "bytes", b, (size_t)length); /* no address: not ours to guess */
  }
  return put_text(out, "value", text);
}

static int put_other_name(BIO *out, const OTHERNAME *name) {
  const ASN1_TYPE *value = name->value;
  unsigned char *der = NULL;
  int type = value->type;
  if (!put_object(out, "oid", name->type_id)) return 0;
  if (type == V_ASN1_UTF8STRING || type == V_ASN1_IA5STRING || type == V_ASN1_PRINTABLESTRING)
    return put_bytes(out, "value", ASN1_STRING_get0_data(value->value.asn1_string), (size_t)ASN1_STRING_length(value->value.asn1_string));
  int length = i2d_ASN1_TYPE(value, &der);
  return put_asn1(out, "bytes", length, der);
}

static int put_general_name(BIO *out, const char *field, const GENERAL_NAME *name) {
  static const char *const types[] = {"otherName",    "email", "dns", "x400Address", "directoryName",
                                      "ediPartyName", "uri",   "ip",  "registeredId"};
  BIO *group = BIO_new(BIO_s_mem());
  unsigned char *der = NULL;
  int ok = group != NULL && name->type >= 0 && name->type <= GEN_RID && put_text(group, "type", types[name->type]);
  if (ok) switch (name->type) {
      case GEN_OTHERNAME:
        ok = put_other_name(group, name->d.otherName);
        break;
      case GEN_EMAIL:
      case GEN_DNS:
      case GEN_URI:
        ok = put_bytes(group, "value", ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5));
        break;
      case GEN_DIRNAME:
        ok = put_name(group, "name", name->d.directoryName);
        break;
      case GEN_IPADD:
        ok = put_address(group, name->d.iPAddress);
        break;
      case GEN_RID:
        ok = put_object(group, "value", name->d.registeredID);
        break;
      default: {
        int length = i2d_GENERAL_NAME(name, &der);
        ok = put_asn1(group, "bytes", length, der);
      }
    }
  return put_group(out, field, group, ok);
}

static int put_alternative_names(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++) ok = put_general_name(out, "alternativeName", sk_GENERAL_NAME_value(names, i));
  GENERAL_NAMES_free(names);
  return ok;
}

static int put_uri(BIO *out, const char *field, const GENERAL_NAME *name) {
  if (name->type != GEN_URI) return 1;
  return put_bytes(out, field, ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5));
}

/* ---- Usages and constraints ---- */

static int put_key_usage(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  static const char *const names[] = {"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
                                      "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly"};
  ASN1_BIT_STRING *bits = X509V3_get_d2i(extensions, NID_key_usage, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && bits != NULL && i < 9; i++)
    if (ASN1_BIT_STRING_get_bit(bits, i)) ok = put_text(out, "keyUsage", names[i]);
  ASN1_BIT_STRING_free(bits);
  return ok;
}

static int put_extended_key_usage(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  EXTENDED_KEY_USAGE *usages = X509V3_get_d2i(extensions, NID_ext_key_usage, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_ASN1_OBJECT_num(usages); i++) {
    const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
    ok = put_object(out, "extendedKeyUsage", usage) && put_oid(out, "extendedKeyUsageOid", usage);
  }
  EXTENDED_KEY_USAGE_free(usages);
  return ok;
}

static int put_basic_constraints(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  BASIC_CONSTRAINTS *constraints = X509V3_get_d2i(extensions, NID_basic_constraints, NULL, NULL);
  int ok = 1;
  if (constraints != NULL && constraints->ca) {
    ok = put_text(out, "asksForCa", "1");
    if (ok && constraints->pathlen != NULL) ok = put_number(out, "pathLength", ASN1_INTEGER_get(constraints->pathlen));
  }
  BASIC_CONSTRAINTS_free(constraints);
  return ok;
}

static int put_policies(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  CERTIFICATEPOLICIES *policies = X509V3_get_d2i(extensions, NID_certificate_policies, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_POLICYINFO_num(policies); i++) ok = put_oid(out, "policy", sk_POLICYINFO_value(policies, i)->policyid);
  CERTIFICATEPOLICIES_free(policies);
  return ok;
}

#define TLS_FEATURE_STATUS_REQUEST 5 /* RFC 6066, 8 */

static int asks_for_staple(const STACK_OF(X509_EXTENSION) *extensions) {
  TLS_FEATURE *features = X509V3_get_d2i(extensions, NID_tlsfeature, NULL, NULL);
  int found = 0;
  for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
    found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == TLS_FEATURE_STATUS_REQUEST;
  TLS_FEATURE_free(features);
  return found;
}

int certificate_must_staple(const X509 *certificate) { return asks_for_staple(X509_get0_extensions(certificate)); }

/* ---- Identifiers and addresses ---- */

static int put_key_identifiers(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  ASN1_OCTET_STRING *own = X509V3_get_d2i(extensions, NID_subject_key_identifier, NULL, NULL);
  AUTHORITY_KEYID *issuer = X509V3_get_d2i(extensions, NID_authority_key_identifier, NULL, NULL);
  const ASN1_OCTET_STRING *issuers = issuer == NULL ? NULL : issuer->keyid;
  int ok = (own == NULL || put_bytes(out, "subjectKeyId", ASN1_STRING_get0_data(own), (size_t)ASN1_STRING_length(own))) &&
           (issuers == NULL || put_bytes(out, "authorityKeyId", ASN1_STRING_get0_data(issuers), (size_t)ASN1_STRING_length(issuers)));
  ASN1_OCTET_STRING_free(own);
  AUTHORITY_KEYID_free(issuer);
  return ok;
}

static int put_distribution_points(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  CRL_DIST_POINTS *points = X509V3_get_d2i(extensions, NID_crl_distribution_points, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_DIST_POINT_num(points); i++) {
    const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
    if (name == NULL || name->type != 0) continue; /* relative to the issuer's name, not an address */
    for (int j = 0; ok && j < sk_GENERAL_NAME_num(name->name.fullname); j++)
      ok = put_uri(out, "crlUrl", sk_GENERAL_NAME_value(name->name.fullname, j));
  }
  CRL_DIST_POINTS_free(points);
  return ok;
}

static int put_authority_access(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  AUTHORITY_INFO_ACCESS *all = X509V3_get_d2i(extensions, NID_info_access, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_ACCESS_DESCRIPTION_num(all); i++) {
    const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(all, i);
    int method = OBJ_obj2nid(one->method);
    const char *field = method == NID_ad_OCSP ? "ocspUrl" : method == NID_ad_ca_issuers ? "caIssuerUrl" : NULL;
    if (field != NULL) ok = put_uri(out, field, one->location);
  }
  AUTHORITY_INFO_ACCESS_free(all);
  return ok;
}

/* ---- Certificate transparency (RFC 6962) ---- */

static int put_sct(BIO *out, const SCT *sct) {
  BIO *group = BIO_new(BIO_s_mem());
  unsigned char *id;
  size_t length = SCT_get0_log_id(sct, &id);
  int nid = SCT_get_signature_nid(sct);
  int ok = group != NULL && put_number(group, "version", (int64_t)SCT_get_version(sct) + 1) && put_bytes(group, "logId", id, length) &&
           put_number(group, "timestamp", (int64_t)SCT_get_timestamp(sct)) &&
           put_text(group, "signatureAlgorithm", nid == NID_undef ? NULL : OBJ_nid2sn(nid));
  return put_group(out, "sct", group, ok);
}

static int put_scts(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  STACK_OF(SCT) *scts = X509V3_get_d2i(extensions, NID_ct_precert_scts, NULL, NULL);
  int ok = 1;
  for (int i = 0; ok && i < sk_SCT_num(scts); i++) ok = put_sct(out, sk_SCT_value(scts, i));
  SCT_LIST_free(scts);
  return ok;
}

/* ---- Each on its own ---- */

static int put_extension(BIO *out, X509_EXTENSION *extension) {
  BIO *group = BIO_new(BIO_s_mem()), *text = BIO_new(BIO_s_mem());
  ASN1_OBJECT *type = X509_EXTENSION_get_object(extension);
  const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
  int ok = group != NULL && text != NULL && put_oid(group, "oid", type) && put_object(group, "name", type) &&
           put_text(group, "critical", X509_EXTENSION_get_critical(extension) ? "1" : NULL) &&
           put_bytes(group, "der", ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
  if (ok && X509V3_EXT_print(text, extension, X509V3_EXT_DEFAULT, 0))
    ok = put_group(group, "text", text, ok);
  else
    BIO_free(text); /* one that OpenSSL does not know */
  return put_group(out, "extension", group, ok);
}

int put_extensions(BIO *out, const STACK_OF(X509_EXTENSION) *extensions) {
  int ok = put_alternative_names(out, extensions) && put_key_usage(out, extensions) && put_extended_key_usage(out, extensions) &&
           put_basic_constraints(out, extensions) && put_policies(out, extensions) && put_key_identifiers(out, extensions) &&
           put_distribution_points(out, extensions) && put_authority_access(out, extensions) && put_scts(out, extensions) &&
           put_text(out, "mustStaple", asks_for_staple(extensions) ? "1" : NULL);
  for (int i = 0; ok && i < sk_X509_EXTENSION_num(extensions); i++) ok = put_extension(out, sk_X509_EXTENSION_value(extensions, i));
  return ok;
}
