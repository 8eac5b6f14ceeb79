/*
 * Extensions made from what a request asks for. Names and addresses reach OpenSSL as values of their own; the configuration syntax of
 * x509v3_config(5), in which a comma starts something new, is left to fields called "extension", each of which makes one extension and
 * has no configuration file to refer to.
 */
#include <string.h>

#include "x509.h"

typedef struct making {
  GENERAL_NAMES *alternatives;
  CRL_DIST_POINTS *points;
  AUTHORITY_INFO_ACCESS *access;
  CERTIFICATEPOLICIES *policies;
  NAME_CONSTRAINTS *constraints;
  STACK_OF(X509_EXTENSION) **made;
  X509V3_CTX *context;
} making;

static void making_release(making *m) {
  GENERAL_NAMES_free(m->alternatives);
  CRL_DIST_POINTS_free(m->points);
  AUTHORITY_INFO_ACCESS_free(m->access);
  CERTIFICATEPOLICIES_free(m->policies);
  NAME_CONSTRAINTS_free(m->constraints);
}

/* ---- Names ---- */

static const struct {
  const char *name;
  int type;
} name_types[] = {{"dns", GEN_DNS}, {"email", GEN_EMAIL}, {"uri", GEN_URI}, {"ip", GEN_IPADD}};

static int name_type(const field *f) {
  for (size_t i = 0; i < sizeof name_types / sizeof name_types[0]; i++)
    if (field_is(f, name_types[i].name)) return name_types[i].type;
  return -1;
}

/* The value is taken as it is. range: an address with its mask, for name constraints. */
static GENERAL_NAME *general_name(int type, const field *value, int range) {
  GENERAL_NAME *name = GENERAL_NAME_new();
  ASN1_STRING *string = NULL;
  if (type == GEN_IPADD) {
    char *text = field_text(value);
    if (text != NULL) string = range ? a2i_IPADDRESS_NC(text) : a2i_IPADDRESS(text);
    OPENSSL_free(text);
    if (string == NULL) library_refuse(range ? "no range of IP addresses" : "no IP address");
  } else {
    string = ASN1_IA5STRING_new();
    if (string != NULL && !ASN1_STRING_set(string, value->value, (int)value->length)) {
      ASN1_STRING_free(string);
      string = NULL;
    }
  }
  if (name != NULL && string != NULL) {
    GENERAL_NAME_set0_value(name, type, string);
    return name;
  }
  ASN1_STRING_free(string);
  GENERAL_NAME_free(name);
  return NULL;
}

static int push_name(GENERAL_NAMES **names, int type, const field *value) {
  GENERAL_NAME *name = general_name(type, value, 0);
  if (*names == NULL) *names = GENERAL_NAMES_new();
  if (name != NULL && *names != NULL && sk_GENERAL_NAME_push(*names, name)) return 1;
  GENERAL_NAME_free(name);
  return 0;
}

/* ---- Constraints, policies, addresses ---- */

static int push_subtrees(STACK_OF(GENERAL_SUBTREE) **trees, fields names) {
  field f;
  if (*trees == NULL && (*trees = sk_GENERAL_SUBTREE_new_null()) == NULL) return 0;
  while (fields_next(&names, &f)) {
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    GENERAL_NAME *base = name_type(&f) < 0 ? NULL : general_name(name_type(&f), &f, 1);
    if (tree != NULL && base != NULL) {
      GENERAL_NAME_free(tree->base);
      tree->base = base;
      if (sk_GENERAL_SUBTREE_push(*trees, tree)) continue;
    } else {
      GENERAL_NAME_free(base);
    }
    GENERAL_SUBTREE_free(tree);
    return 0;
  }
  return 1;
}

static int add_constraints(making *m, const field *f) {
  if (m->constraints == NULL && (m->constraints = NAME_CONSTRAINTS_new()) == NULL) return 0;
  return push_subtrees(field_is(f, "permitted") ? &m->constraints->permittedSubtrees : &m->constraints->excludedSubtrees, fields_in(f));
}

static int add_policy(making *m, const field *f) {
  POLICYINFO *policy = POLICYINFO_new();
  char *text = field_text(f);
  ASN1_OBJECT *id = text == NULL ? NULL : OBJ_txt2obj(text, 1);
  OPENSSL_free(text);
  if (m->policies == NULL) m->policies = CERTIFICATEPOLICIES_new();
  if (policy != NULL && id != NULL && m->policies != NULL) {
    policy->policyid = id;
    if (sk_POLICYINFO_push(m->policies, policy)) return 1;
  } else {
    ASN1_OBJECT_free(id);
  }
  POLICYINFO_free(policy);
  return 0;
}

/* A distribution point for each address: several in one would be different ways to the same CRL. */
static int add_distribution_point(making *m, const field *f) {
  DIST_POINT *point = DIST_POINT_new();
  if (m->points == NULL) m->points = CRL_DIST_POINTS_new();
  GENERAL_NAMES *where = NULL;
  if (point != NULL && m->points != NULL && push_name(&where, GEN_URI, f) && (point->distpoint = DIST_POINT_NAME_new()) != NULL) {
    point->distpoint->type = 0; /* fullName */
    point->distpoint->name.fullname = where;
    if (sk_DIST_POINT_push(m->points, point)) return 1;
  } else {
    GENERAL_NAMES_free(where);
  }
  DIST_POINT_free(point);
  return 0;
}

static int add_access(making *m, int method, const field *f) {
  ACCESS_DESCRIPTION *one = ACCESS_DESCRIPTION_new();
  GENERAL_NAME *location = general_name(GEN_URI, f, 0);
  if (m->access == NULL) m->access = AUTHORITY_INFO_ACCESS_new();
  if (one != NULL && location != NULL && m->access != NULL) {
    ASN1_OBJECT_free(one->method);
    GENERAL_NAME_free(one->location);
    one->method = OBJ_nid2obj(method);
    one->location = location;
    if (sk_ACCESS_DESCRIPTION_push(m->access, one)) return 1;
  } else {
    GENERAL_NAME_free(location);
  }
  ACCESS_DESCRIPTION_free(one);
  return 0;
}

/* ---- Any extension ---- */

static X509_EXTENSION *extension_raw(fields from, int critical) {
  field der;
  char *oid = fields_text(from, "oid");
  ASN1_OBJECT *type = oid == NULL ? NULL : OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
  X509_EXTENSION *extension = NULL;
  if (type != NULL && value != NULL && fields_find(from, "der", &der) && ASN1_OCTET_STRING_set(value, der.value, (int)der.length))
    extension = X509_EXTENSION_create_by_OBJ(NULL, type, critical, value);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(type);
  OPENSSL_free(oid);
  return extension;
}

static X509_EXTENSION *extension_from_config(fields from, X509V3_CTX *context) {
  char *name = fields_text(from, "name"), *value = fields_text(from, "value");
  X509_EXTENSION *extension = name == NULL || value == NULL ? NULL : X509V3_EXT_nconf(NULL, context, name, value);
  OPENSSL_free(name);
  OPENSSL_free(value);
  return extension;
}

static int add_extension(making *m, const field *f) {
  field found;
  int critical = fields_find(fields_in(f), "critical", &found), ok = 0;
  X509_EXTENSION *extension =
      fields_find(fields_in(f), "der", &found) ? extension_raw(fields_in(f), critical) : extension_from_config(fields_in(f), m->context);
  if (extension == NULL) return 0;
  if (critical) X509_EXTENSION_set_critical(extension, 1);
  if (X509v3_get_ext_by_OBJ(*m->made, X509_EXTENSION_get_object(extension), -1) >= 0)
    library_refuse("this extension is there already: an extension may occur once");
  else
    ok = X509v3_add_ext(m->made, extension, -1) != NULL;
  X509_EXTENSION_free(extension);
  return ok;
}

/* ---- All of them ---- */

static int add_one(making *m, const field *f) {
  int type = name_type(f);
  if (type >= 0) {
    library_option(type == GEN_EMAIL ? "emails" : type == GEN_URI ? "uris" : "hosts");
    return push_name(&m->alternatives, type, f);
  }
  if (field_is(f, "crlUrl")) return library_option("crlUrls"), add_distribution_point(m, f);
  if (field_is(f, "ocspUrl")) return library_option("ocspUrls"), add_access(m, NID_ad_OCSP, f);
  if (field_is(f, "caIssuerUrl")) return library_option("caIssuerUrls"), add_access(m, NID_ad_ca_issuers, f);
  if (field_is(f, "policy")) return library_option("policies"), add_policy(m, f);
  if (field_is(f, "permitted") || field_is(f, "excluded")) return library_option("nameConstraints"), add_constraints(m, f);
  return 1;
}

/* An empty subject makes the alternative names critical (RFC 5280, 4.2.1.6). */
static int add_collected(making *m, int name_is_empty) {
  const struct {
    int nid, critical;
    void *value;
  } all[] = {{NID_subject_alt_name, name_is_empty, m->alternatives},
             {NID_name_constraints, 1, m->constraints},
             {NID_certificate_policies, 0, m->policies},
             {NID_crl_distribution_points, 0, m->points},
             {NID_info_access, 0, m->access}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (all[i].value != NULL && X509V3_add1_i2d(m->made, all[i].nid, all[i].value, all[i].critical, X509V3_ADD_DEFAULT) != 1) return 0;
  return 1;
}

int extensions_make(fields request, X509V3_CTX *context, int name_is_empty, STACK_OF(X509_EXTENSION) **made) {
  making m = {.made = made, .context = context};
  field f;
  int ok = 1;
  for (fields rest = request; ok && fields_next(&rest, &f);) {
    if (field_is(&f, "extension")) continue;
    ok = add_one(&m, &f);
  }
  if (ok) library_option(NULL);
  ok = ok && add_collected(&m, name_is_empty);
  for (fields rest = request; ok && fields_next(&rest, &f);) {
    if (!field_is(&f, "extension")) continue;
    library_option("extensions");
    ok = add_extension(&m, &f);
  }
  if (ok) library_option(NULL);
  making_release(&m);
  return ok;
}
