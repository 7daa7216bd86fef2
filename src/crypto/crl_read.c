/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a revocation list says of itself (RFC 5280 section 5): read once, when it is loaded. A list that cannot be
 * judged is no list and says why.
 */
#include "trust_private.h"

#include <openssl/bn.h>

static void number_free(void *p)
{
    BN_free(p);
}

static void names_free(void *p)
{
    GENERAL_NAMES_free(p);
}

/* ---- what a list says of itself ---- */

static const BIGNUM *number_of(struct arena *a, const X509_CRL *crl, int nid)
{
    ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, nid, NULL, NULL);
    BIGNUM *bn = n == NULL ? NULL : ASN1_INTEGER_to_BN(n, NULL);
    ASN1_INTEGER_free(n);
    if (bn != NULL)
        arena_defer(a, number_free, bn);
    return bn;
}

static const char *scope_read(struct arena *a, struct crl_list *l)
{
    ISSUING_DIST_POINT *p = X509_CRL_get_ext_d2i(l->crl, NID_issuing_distribution_point, NULL, NULL);
    const char *refused = NULL;
    if (p == NULL)
        return "issuingDistributionPoint cannot be read";
    l->only_users = p->onlyuser > 0;
    l->only_authorities = p->onlyCA > 0;
    if (p->onlysomereasons != NULL)
        refused = "it tells some reasons of revocation only (onlySomeReasons)";
    else if (p->indirectCRL > 0)
        refused = "it tells of other issuers too (indirectCRL)";
    else if (p->onlyattr > 0)
        refused = "it is of attribute certificates only (onlyContainsAttributeCerts)";
    else if (l->only_users && l->only_authorities)
        refused = "it contradicts itself (onlyContainsUserCerts and onlyContainsCACerts)";
    else if (p->distpoint != NULL && p->distpoint->type != 0)
        refused = "its distribution point has a relative name";
    else if (p->distpoint != NULL) {
        l->points = p->distpoint->name.fullname;
        p->distpoint->name.fullname = NULL;
        arena_defer(a, names_free, l->points);
    }
    ISSUING_DIST_POINT_free(p);
    return refused;
}

static const char *extension_read(struct arena *a, struct crl_list *l, int i)
{
    X509_EXTENSION *ext = X509_CRL_get_ext(l->crl, i);
    const ASN1_OBJECT *o = X509_EXTENSION_get_object(ext);
    for (int j = 0; j < i; j++) {
        if (OBJ_cmp(o, X509_EXTENSION_get_object(X509_CRL_get_ext(l->crl, j))) == 0)
            return arena_printf(a, "the extension %s is there twice", object_text(a, o));
    }
    switch (OBJ_obj2nid(o)) {
    case NID_authority_key_identifier: /* a hint: who signed it is found by its signature */
        return extension_is_readable(ext) ? NULL : "authorityKeyIdentifier cannot be read";
    case NID_crl_number:
        if (extension_is_readable(ext))
            l->number = number_of(a, l->crl, NID_crl_number);
        return l->number != NULL ? NULL : "cRLNumber cannot be read";
    case NID_delta_crl:
        if (extension_is_readable(ext))
            l->base = number_of(a, l->crl, NID_delta_crl);
        return l->base != NULL ? NULL : "deltaCRLIndicator cannot be read";
    case NID_issuing_distribution_point: {
        const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(ext);
        l->scope = (struct span){(const char *)ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)};
        return extension_is_readable(ext) ? scope_read(a, l) : "issuingDistributionPoint cannot be read";
    }
    default:
        return X509_EXTENSION_get_critical(ext) ? arena_printf(a, "unhandled critical extension %s", object_text(a, o))
                                                : NULL;
    }
}

/* ---- its entries: half a million of them may be there ---- */

static const char *entry_text(struct arena *a, const X509_REVOKED *r, const char *what, const char *more)
{
    BIGNUM *bn = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(r), NULL);
    char *hex = bn == NULL ? NULL : BN_bn2hex(bn);
    const char *text = arena_printf(a, "the entry of serial %s %s%s", hex != NULL ? hex : "?", what, more);
    OPENSSL_free(hex);
    BN_free(bn);
    return text;
}

/* ENUMERATED in three bytes; -1: it is not. */
static int reason_of(const X509_EXTENSION *ext)
{
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data((X509_EXTENSION *)(uintptr_t)ext);
    const unsigned char *p = ASN1_STRING_get0_data(octets);
    return ASN1_STRING_length(octets) == 3 && p[0] == V_ASN1_ENUMERATED && p[1] == 1 ? p[2] : -1;
}

int crl_entry_reason(const X509_REVOKED *r)
{
    int i = X509_REVOKED_get_ext_by_NID(r, NID_crl_reason, -1);
    return i < 0 ? CRL_REASON_UNSPECIFIED : reason_of(X509_REVOKED_get_ext(r, i));
}

static bool is_there_before(const X509_REVOKED *r, int i, const ASN1_OBJECT *o)
{
    int first = X509_REVOKED_get_ext_by_OBJ(r, o, -1);
    return first >= 0 && first < i;
}

static const char *entry_refused(struct arena *a, const struct crl_list *l, const X509_REVOKED *r)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(r); i++) {
        X509_EXTENSION *ext = X509_REVOKED_get_ext(r, i);
        const ASN1_OBJECT *o = X509_EXTENSION_get_object(ext);
        if (is_there_before(r, i, o))
            return entry_text(a, r, "has twice the extension ", object_text(a, o));
        switch (OBJ_obj2nid(o)) {
        case NID_crl_reason:
            if (reason_of(ext) < 0)
                return entry_text(a, r, "has a reason that cannot be read", "");
            if (reason_of(ext) == CRL_REASON_REMOVE_FROM_CRL && l->base == NULL)
                return entry_text(a, r, "is one of a delta list (removeFromCRL)", "");
            break;
        case NID_invalidity_date: /* revoked is revoked: of before and after nothing depends here */
        case NID_hold_instruction_code:
            if (!extension_is_readable(ext))
                return entry_text(a, r, "has an unreadable extension ", object_text(a, o));
            break;
        case NID_certificate_issuer:
            return entry_text(a, r, "is of another issuer (certificateIssuer)", "");
        default:
            if (X509_EXTENSION_get_critical(ext))
                return entry_text(a, r, "has the unhandled critical extension ", object_text(a, o));
        }
    }
    return NULL;
}

/* Sections 5.1.2.1 and 5.1.2.6: what version 1 does not know of must not be there. */
static const char *version_refused(const struct crl_list *l)
{
    long version = X509_CRL_get_version(l->crl);
    if (version > X509_CRL_VERSION_2 || version < X509_CRL_VERSION_1)
        return "it is of an unknown version";
    if (version == X509_CRL_VERSION_2)
        return NULL;
    bool has_any = X509_CRL_get_ext_count(l->crl) > 0;
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(l->crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries) && !has_any; i++)
        has_any = X509_REVOKED_get_ext_count(sk_X509_REVOKED_value(entries, i)) > 0;
    return has_any ? "it has extensions and is of version 1" : NULL;
}

/* Of entries in order. */
static bool has_twins(STACK_OF(X509_REVOKED) * entries)
{
    for (int i = 1; i < sk_X509_REVOKED_num(entries); i++) {
        if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i - 1)),
                             X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i))) == 0)
            return true;
    }
    return false;
}

void crl_list_read(struct arena *a, struct crl_list *l)
{
    l->refused = version_refused(l);
    for (int i = 0; i < X509_CRL_get_ext_count(l->crl) && l->refused == NULL; i++)
        l->refused = extension_read(a, l, i);
    /* Section 5.1.2.5: conforming lists say when the next one comes; without it "stale" would mean nothing. */
    if (l->refused == NULL && (!time_of_asn1(X509_CRL_get0_lastUpdate(l->crl), &l->this_update) ||
                               !time_of_asn1(X509_CRL_get0_nextUpdate(l->crl), &l->next_update)))
        l->refused = "it does not say when the next one comes (nextUpdate)";
    if (l->refused == NULL && l->base != NULL && (l->number == NULL || BN_cmp(l->number, l->base) < 0))
        l->refused = "it is a delta list without a number behind that of its base";
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(l->crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries) && l->refused == NULL; i++)
        l->refused = entry_refused(a, l, sk_X509_REVOKED_value(entries, i));
    ASN1_INTEGER *any = ASN1_INTEGER_new();
    X509_REVOKED *none = NULL;
    if (any != NULL)
        (void)X509_CRL_get0_by_serial(l->crl, &none, any); /* sorts, once, before several threads ask */
    ASN1_INTEGER_free(any);
    l->has_twins = has_twins(entries);
    if (l->refused == NULL && l->has_twins && l->base != NULL)
        l->refused = "it is a delta list that names one serial twice";
}
