/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Extensions of certificates (RFC 5280 section 4.2) that OpenSSL lets pass unjudged. What is critical is either judged
 * by somebody, or named and refused: here stands the list of who judges what.
 */
#include "trust_private.h"

#include <openssl/objects.h>

#include <string.h>

/* Russian purposes (1.2.643) are by the hundred, and all say that a person or a system acts with this key. */
#define OID_RUSSIA "1.2.643."

const char *object_text(struct arena *a, const ASN1_OBJECT *o)
{
    char text[128] = "";
    const char *name = OBJ_nid2sn(OBJ_obj2nid(o));
    if (OBJ_obj2nid(o) != NID_undef && name != NULL)
        return name;
    OBJ_obj2txt(text, sizeof text, o, 1);
    return arena_strdup(a, text);
}

bool extension_is_readable(X509_EXTENSION *ext)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(ext);
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(ext);
    const unsigned char *p = ASN1_STRING_get0_data(octets), *end = p + ASN1_STRING_length(octets);
    if (method == NULL || method->it == NULL)
        return false;
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &p, end - p, ASN1_ITEM_ptr(method->it));
    ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
    return value != NULL && p == end;
}

static bool is_judged(int nid)
{
    switch (nid) {
    case NID_basic_constraints: /* trust_rules.c */
    case NID_key_usage:
    case NID_subject_alt_name: /* names nothing we go by */
    case NID_name_constraints: /* trust_rules.c, and so are policies */
    case NID_certificate_policies:
    case NID_policy_constraints:
    case NID_policy_mappings:
    case NID_inhibit_any_policy:
    case NID_ext_key_usage: /* below */
    case NID_crl_distribution_points:
    case NID_private_key_usage_period: /* cert_signs_at() */
        return true;
    default:
        return false;
    }
}

static bool is_purpose_of_messages(const ASN1_OBJECT *o)
{
    char oid[128] = "";
    switch (OBJ_obj2nid(o)) {
    case NID_anyExtendedKeyUsage:
    case NID_client_auth:
    case NID_email_protect:
        return true;
    default:
        OBJ_obj2txt(oid, sizeof oid, o, 1);
        return strncmp(oid, OID_RUSSIA, strlen(OID_RUSSIA)) == 0 ||
               strcmp(oid, "1.3.6.1.5.5.7.3.36") == 0 ||    /* signing of documents, RFC 9336 */
               strcmp(oid, "1.3.6.1.4.1.311.10.3.12") == 0; /* the same, as Microsoft has it */
    }
}

/* Section 4.2.1.12: a key with purposes is for these only, critical or not. */
static const char *purpose_refused(struct arena *a, const X509 *x)
{
    int where = X509_get_ext_by_NID(x, NID_ext_key_usage, -1);
    if (where < 0)
        return NULL;
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    if (purposes == NULL)
        return "extendedKeyUsage cannot be read";
    bool is_good = false;
    const char *first = "nothing";
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes) && !is_good; i++) {
        is_good = is_purpose_of_messages(sk_ASN1_OBJECT_value(purposes, i));
        if (i == 0)
            first = object_text(a, sk_ASN1_OBJECT_value(purposes, i));
    }
    const char *refused = is_good ? NULL : arena_printf(a, "extendedKeyUsage allows other purposes only (%s)", first);
    EXTENDED_KEY_USAGE_free(purposes);
    return refused;
}

/* Lists by reasons or by another issuer are not read here: a certificate that insists on them cannot be judged. */
static const char *points_refused(const X509 *x)
{
    int critical = 0;
    CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, &critical, NULL);
    const char *refused = NULL;
    if (points == NULL)
        return critical == -1 ? NULL : "cRLDistributionPoints cannot be read";
    for (int i = 0; i < sk_DIST_POINT_num(points) && critical > 0; i++) {
        const DIST_POINT *p = sk_DIST_POINT_value(points, i);
        if (p->reasons != NULL || p->CRLissuer != NULL)
            refused = "critical cRLDistributionPoints want lists by reasons or by another issuer";
    }
    CRL_DIST_POINTS_free(points);
    return refused;
}

static const char *one_refused(struct arena *a, const X509 *x, int i)
{
    X509_EXTENSION *ext = X509_get_ext(x, i);
    const ASN1_OBJECT *o = X509_EXTENSION_get_object(ext);
    for (int j = 0; j < i; j++) {
        if (OBJ_cmp(o, X509_EXTENSION_get_object(X509_get_ext(x, j))) == 0)
            return arena_printf(a, "the extension %s is there twice", object_text(a, o));
    }
    if (!is_judged(OBJ_obj2nid(o)))
        return X509_EXTENSION_get_critical(ext) ? arena_printf(a, "unhandled critical extension %s", object_text(a, o))
                                                : NULL;
    /* OpenSSL does not look at some of them where others are missing: all are read here, critical or not. */
    return extension_is_readable(ext) ? NULL
                                      : arena_printf(a, "broken extension: %s cannot be read", object_text(a, o));
}

/* Sections 4.1.2.1, 4.1.2.8 and 4.1.2.9: who has what his version does not know of is not judged by half. */
static const char *version_refused(const X509 *x)
{
    const ASN1_BIT_STRING *issuer_uid = NULL, *subject_uid = NULL;
    long version = X509_get_version(x);
    X509_get0_uids(x, &issuer_uid, &subject_uid);
    if (version < X509_VERSION_1 || version > X509_VERSION_3)
        return "the certificate is of an unknown version";
    if (version != X509_VERSION_3 && X509_get_ext_count(x) > 0)
        return "the certificate has extensions and is not of version 3";
    if (version == X509_VERSION_1 && (issuer_uid != NULL || subject_uid != NULL))
        return "the certificate has unique identifiers and is of version 1";
    return NULL;
}

const char *extensions_refused(struct arena *a, X509 *x, enum path_role role, enum trust_reason *reason)
{
    const char *refused = version_refused(x);
    *reason = TRUST_BROKEN;
    for (int i = 0; i < X509_get_ext_count(x) && refused == NULL; i++)
        refused = one_refused(a, x, i);
    if (refused != NULL)
        return refused;
    if ((X509_get_extension_flags(x) & (EXFLAG_INVALID | EXFLAG_INVALID_POLICY)) != 0)
        return "the certificate has a broken extension";
    if (role == ROLE_ANCHOR)
        return NULL; /* believed for what it is, section 6.1.1 */
    refused = points_refused(x);
    if (refused != NULL)
        return refused;
    *reason = TRUST_USAGE;
    return purpose_refused(a, x);
}
