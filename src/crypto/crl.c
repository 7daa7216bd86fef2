/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Revocation lists (RFC 5280 sections 5 and 6.3). OpenSSL takes a delta list for a whole one and passes over what it
 * was not told to look at; so lists are judged here: once when they are loaded (extensions, entries, signature), and
 * then by one binary search a certificate.
 *
 * A list that cannot be judged is no list. Where it is the only one of an issuer, nothing of that issuer is believed.
 */
#include "trust_private.h"

#include <openssl/bn.h>
#include <openssl/err.h>

#include <string.h>

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
        return NULL;
    case NID_crl_number:
        l->number = number_of(a, l->crl, NID_crl_number);
        return l->number != NULL ? NULL : "cRLNumber cannot be read";
    case NID_delta_crl:
        l->base = number_of(a, l->crl, NID_delta_crl);
        return l->base != NULL ? NULL : "deltaCRLIndicator cannot be read";
    case NID_issuing_distribution_point: {
        const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(ext);
        l->scope = (struct span){(const char *)ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets)};
        return scope_read(a, l);
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

static int entry_reason(const X509_REVOKED *r)
{
    int i = X509_REVOKED_get_ext_by_NID(r, NID_crl_reason, -1);
    return i < 0 ? CRL_REASON_UNSPECIFIED : reason_of(X509_REVOKED_get_ext(r, i));
}

static const char *entry_refused(struct arena *a, const struct crl_list *l, const X509_REVOKED *r)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(r); i++) {
        const X509_EXTENSION *ext = X509_REVOKED_get_ext(r, i);
        const ASN1_OBJECT *o = X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext);
        switch (OBJ_obj2nid(o)) {
        case NID_crl_reason:
            if (reason_of(ext) < 0)
                return entry_text(a, r, "has a reason that cannot be read", "");
            if (reason_of(ext) == CRL_REASON_REMOVE_FROM_CRL && l->base == NULL)
                return entry_text(a, r, "is one of a delta list (removeFromCRL)", "");
            break;
        case NID_invalidity_date: /* revoked is revoked: of before and after nothing depends here */
        case NID_hold_instruction_code:
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

void crl_list_read(struct arena *a, struct crl_list *l)
{
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
}

/* ---- whose it is, and which is the newest ---- */

static void find_signer(struct crl_list *l, STACK_OF(X509) * certs)
{
    for (int i = 0; i < sk_X509_num(certs) && l->key == NULL; i++) {
        X509 *x = sk_X509_value(certs, i);
        EVP_PKEY *key = X509_get0_pubkey(x);
        if (key == NULL || X509_NAME_cmp(X509_get_subject_name(x), X509_CRL_get_issuer(l->crl)) != 0 ||
            (X509_get_key_usage(x) & KU_CRL_SIGN) == 0) /* all bits without the extension */
            continue;
        if (X509_CRL_verify(l->crl, key) == 1)
            l->key = key;
    }
}

/* Of one issuer, and about the same certificates. */
static bool is_same_issuer(const struct crl_list *x, const struct crl_list *y)
{
    return x->refused == NULL && y->refused == NULL && x->key != NULL && y->key != NULL &&
           span_equals(x->scope, y->scope) &&
           X509_NAME_cmp(X509_CRL_get_issuer(x->crl), X509_CRL_get_issuer(y->crl)) == 0 &&
           EVP_PKEY_eq(x->key, y->key) == 1;
}

/* Delta lists are never outdone by delta lists: a later one need not repeat what its base took over. */
static bool is_same_series(const struct crl_list *x, const struct crl_list *y)
{
    return x->base == NULL && y->base == NULL && is_same_issuer(x, y);
}

/* By number; where one of the series has none, all of them by date: two orders at once may go in a ring. */
static bool is_newer(const struct crl_list *x, const struct crl_list *y)
{
    int cmp = x->is_dated || y->is_dated ? 0 : BN_cmp(x->number, y->number);
    return cmp != 0 ? cmp > 0 : x->this_update > y->this_update;
}

static bool is_in_dated_series(const struct trust *t, const struct crl_list *l)
{
    bool is_dated = l->number == NULL;
    for (unsigned i = 0; i < t->nlists && !is_dated; i++)
        is_dated = t->lists[i]->number == NULL && is_same_series(t->lists[i], l);
    return is_dated;
}

static const struct crl_list *next_newer(const struct trust *t, const struct crl_list *l)
{
    const struct crl_list *next = NULL;
    for (unsigned i = 0; i < t->nlists; i++) {
        const struct crl_list *o = t->lists[i];
        if (o != l && is_same_series(o, l) && is_newer(o, l) && (next == NULL || is_newer(next, o)))
            next = o;
    }
    return next;
}

void crl_lists_bind(struct trust *t)
{
    for (unsigned i = 0; i < t->nlists; i++) {
        struct crl_list *l = t->lists[i];
        find_signer(l, t->anchors);
        find_signer(l, t->chain);
        ERR_clear_error();
        struct trust_item *item = &t->items[l->item];
        item->refused = l->refused;
        if (l->refused == NULL && l->key == NULL)
            item->refused = "no certificate of its issuer that signed it, and may, is in anchors or chain";
    }
    for (unsigned i = 0; i < t->nlists; i++)
        t->lists[i]->is_dated = is_in_dated_series(t, t->lists[i]);
    for (unsigned i = 0; i < t->nlists; i++) {
        struct crl_list *l = t->lists[i];
        l->newer = next_newer(t, l);
        t->items[l->item].is_superseded = l->newer != NULL;
    }
}

/* ---- one certificate ---- */

static bool has_point(const GENERAL_NAMES *names, const GENERAL_NAMES *points)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        for (int j = 0; j < sk_GENERAL_NAME_num(points); j++) {
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), sk_GENERAL_NAME_value(points, j)) == 0)
                return true;
        }
    }
    return false;
}

/* Section 6.3.3 (b)(2): a list of one distribution point tells of certificates that name this point. */
static bool names_a_point(const X509 *x, const GENERAL_NAMES *points)
{
    CRL_DIST_POINTS *own = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
    bool has = false;
    for (int i = 0; own != NULL && i < sk_DIST_POINT_num(own) && !has; i++) {
        const DIST_POINT *p = sk_DIST_POINT_value(own, i);
        has = p->distpoint != NULL && p->distpoint->type == 0 && has_point(p->distpoint->name.fullname, points);
    }
    CRL_DIST_POINTS_free(own);
    return has;
}

static bool covers(const struct crl_list *l, X509 *x)
{
    bool is_authority = X509_check_ca(x) == 1;
    if ((l->only_users && is_authority) || (l->only_authorities && !is_authority))
        return false;
    return l->points == NULL || names_a_point(x, l->points);
}

static bool is_superseded(const struct crl_list *l, int64_t now_s)
{
    for (const struct crl_list *o = l->newer; o != NULL; o = o->newer) {
        if (o->this_update <= now_s)
            return true;
    }
    return false;
}

struct question {
    const struct trust *t;
    X509 *x;
    EVP_PKEY *key;
    int64_t now_s;
};

/* Is l a list of this certificate's issuer? An anchor's issuer may be unknown: then its signature tells. */
static bool is_of_issuer(const struct question *q, const struct crl_list *l)
{
    if (l->refused != NULL || l->key == NULL ||
        X509_NAME_cmp(X509_CRL_get_issuer(l->crl), X509_get_issuer_name(q->x)) != 0)
        return false;
    return q->key != NULL ? EVP_PKEY_eq(l->key, q->key) == 1 : X509_verify(q->x, l->key) == 1;
}

static const X509_REVOKED *entry_of(const struct crl_list *l, X509 *x)
{
    X509_REVOKED *r = NULL;
    return X509_CRL_get0_by_serial(l->crl, &r, X509_get0_serialNumber(x)) != 0 ? r : NULL;
}

/* Section 5.2.4: the newest delta list behind l that names x at all has the word. It ends a hold and nothing else, and
 * only while it is fresh. */
static bool is_hold_ended(const struct question *q, const struct crl_list *l, const X509_REVOKED *held)
{
    const struct crl_list *newest = NULL;
    for (unsigned i = 0; i < q->t->nlists; i++) {
        const struct crl_list *d = q->t->lists[i];
        if (d->base != NULL && d->this_update <= q->now_s && entry_of(d, q->x) != NULL && is_same_issuer(d, l) &&
            (newest == NULL || is_newer(d, newest)))
            newest = d;
    }
    return newest != NULL && entry_reason(held) == CRL_REASON_CERTIFICATE_HOLD && l->number != NULL &&
           BN_cmp(newest->number, l->number) > 0 && newest->next_update > q->now_s &&
           entry_reason(entry_of(newest, q->x)) == CRL_REASON_REMOVE_FROM_CRL;
}

/* A whole list that is as new says all that a delta list has to say. */
static bool is_outdone(const struct question *q, const struct crl_list *delta)
{
    for (unsigned i = 0; i < q->t->nlists; i++) {
        const struct crl_list *l = q->t->lists[i];
        if (l->base == NULL && l->number != NULL && l->this_update <= q->now_s &&
            BN_cmp(l->number, delta->number) >= 0 && is_same_issuer(l, delta))
            return true;
    }
    return false;
}

/* What a delta list revokes is revoked, whether its base is here or not. That it is silent says nothing. */
static bool is_revoked_by(const struct question *q, const struct crl_list *l)
{
    const X509_REVOKED *r = entry_of(l, q->x);
    if (r == NULL || entry_reason(r) == CRL_REASON_REMOVE_FROM_CRL)
        return false;
    return !is_hold_ended(q, l, r) && (l->base == NULL || !is_outdone(q, l));
}

static void lower(int64_t *end, int64_t limit)
{
    if (limit < *end)
        *end = limit;
}

struct found {
    bool has_list, has_fresh;
    const struct crl_list *strange; /* bears the issuer's name and cannot be used */
};

static enum err look_at(const struct question *q, const struct crl_list *l, struct found *f, struct trust_verdict *v,
                        struct error *e)
{
    if (l->refused != NULL || l->key == NULL) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(l->crl), X509_get_issuer_name(q->x)) == 0)
            f->strange = l;
        return ERR_OK;
    }
    if (!is_of_issuer(q, l) || !covers(l, q->x))
        return ERR_OK;
    if (l->this_update > q->now_s) {
        lower(&v->end_s, l->this_update);
        return ERR_OK;
    }
    if (is_superseded(l, q->now_s))
        return ERR_OK;
    if (is_revoked_by(q, l)) {
        v->reason = TRUST_REVOKED;
        return error_set(e, ERR_TOKEN, "certificate revoked");
    }
    /* A list that is out of date already sets no term: where it was let pass, nothing will change by itself. */
    if (l->next_update > q->now_s)
        lower(&v->end_s, l->next_update);
    f->has_list |= l->base == NULL;
    f->has_fresh |= l->base == NULL && l->next_update > q->now_s;
    return ERR_OK;
}

enum err crl_check(const struct trust *t, X509 *x, EVP_PKEY *key, bool is_anchor, int64_t now_s,
                   struct trust_verdict *v, struct error *e)
{
    struct question q = {t, x, key, now_s};
    struct found f = {0};
    for (unsigned i = 0; i < t->nlists; i++) {
        enum err rc = look_at(&q, t->lists[i], &f, v, e);
        if (rc != ERR_OK)
            return rc;
    }
    /* An anchor is believed because it was put there, not because of a list. */
    if (is_anchor || f.has_fresh)
        return ERR_OK;
    v->reason = TRUST_NO_LIST;
    if (!f.has_list && f.strange != NULL)
        return error_set(e, ERR_TOKEN, "the CRL of the issuer cannot be used: %s",
                         f.strange->refused != NULL ? f.strange->refused : "somebody else signed it");
    if (t->crl_required)
        return error_set(e, ERR_TOKEN, "%s", f.has_list ? "CRL has expired" : "unable to get certificate CRL");
    v->reason = TRUST_GOOD;
    return ERR_OK;
}
