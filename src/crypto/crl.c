/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Revocation by lists (RFC 5280 section 6.3). OpenSSL takes a delta list for a whole one and passes over what it was
 * not told to look at; so lists are judged here. What one says of itself is read when it is loaded (crl_read.c), and so
 * is who signed it; after that a certificate costs one binary search a list.
 *
 * A list that cannot be judged is no list. Where it is the only one of an issuer, nothing of that issuer is believed.
 */
#include "trust_private.h"

#include <openssl/bn.h>
#include <openssl/err.h>

/* ---- whose it is, and which is the newest ---- */

static bool has_signed(const struct crl_list *l, X509 *x)
{
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (key == NULL || X509_NAME_cmp(X509_get_subject_name(x), X509_CRL_get_issuer(l->crl)) != 0 ||
        (X509_get_key_usage(x) & KU_CRL_SIGN) == 0) /* all bits without the extension */
        return false;
    return l->key != NULL ? EVP_PKEY_eq(l->key, key) == 1 : X509_CRL_verify(l->crl, key) == 1;
}

/* An authority may have several certificates of one key. Which of them is good is asked when a verdict is wanted. */
static void find_signers(struct crl_list *l, STACK_OF(X509) * certs)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *x = sk_X509_value(certs, i);
        if (!has_signed(l, x))
            continue;
        l->key = X509_get0_pubkey(x);
        l->signers[l->nsigners++] = x;
    }
}

/* Some anchor is above the signer, or right below. Dates may yet decide otherwise. */
static bool is_of_some_anchor(const struct trust *t, const struct crl_list *l)
{
    bool is = false;
    for (unsigned i = 0; i < l->nsigners && !is; i++)
        is = trust_path_may_lead(t, l->signers[i]);
    for (int i = 0; i < sk_X509_num(t->anchors) && !is; i++)
        is = X509_verify(sk_X509_value(t->anchors, i), l->key) == 1;
    return is;
}

static const char *signers_refused(const struct trust *t, const struct crl_list *l)
{
    if (l->key == NULL)
        return "no certificate of its issuer that signed it, and may, is in anchors or chain";
    return is_of_some_anchor(t, l) ? NULL : "the certificate of who signed it leads to no anchor";
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

static unsigned group_of(const struct trust *t, unsigned at)
{
    const struct crl_list *l = t->lists[at];
    for (unsigned i = 0; i < at && l->key != NULL; i++) {
        const struct crl_list *o = t->lists[i];
        if (o->key != NULL && X509_NAME_cmp(X509_CRL_get_issuer(o->crl), X509_CRL_get_issuer(l->crl)) == 0 &&
            EVP_PKEY_eq(o->key, l->key) == 1)
            return i;
    }
    return at;
}

void crl_lists_bind(struct arena *a, struct trust *t)
{
    size_t room = (size_t)sk_X509_num(t->anchors) + (size_t)sk_X509_num(t->chain);
    for (unsigned i = 0; i < t->nlists; i++) {
        struct crl_list *l = t->lists[i];
        l->signers = arena_array(a, room + 1, sizeof(X509 *));
        find_signers(l, t->anchors);
        find_signers(l, t->chain);
        t->items[l->item].refused = l->refused != NULL ? l->refused : signers_refused(t, l);
        ERR_clear_error();
    }
    for (unsigned i = 0; i < t->nlists; i++)
        t->lists[i]->group = group_of(t, i);
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
    struct proofs *proofs;
    X509 *x, *issuer; /* NULL: x is the anchor */
    int64_t now_s;
};

/*
 * Section 6.3.3 (f). Whoever bears the issuer's name and leads to the same anchor speaks for the issuer, with whatever
 * key. The path's issuer itself is proven by the path. An anchor's issuer may be unknown: then its signature tells.
 */
static bool is_of_issuer(const struct question *q, const struct crl_list *l, int64_t *end_s)
{
    for (unsigned i = 0; i < l->nsigners && q->issuer != NULL; i++) {
        if (X509_cmp(l->signers[i], q->issuer) == 0)
            return true;
    }
    return (q->issuer == NULL && X509_verify(q->x, l->key) == 1) || trust_path_is_signer_good(q->proofs, l, end_s);
}

static const X509_REVOKED *entry_of(const struct crl_list *l, X509 *x)
{
    X509_REVOKED *r = NULL;
    return X509_CRL_get0_by_serial(l->crl, &r, X509_get0_serialNumber(x)) != 0 ? r : NULL;
}

/* Section 5.2.4: the newest delta list behind l that names x at all has the word. It ends a hold and nothing else, only
 * while it is fresh, and only of a list that is no older than the delta's base. */
static bool is_hold_ended(const struct question *q, const struct crl_list *l, const X509_REVOKED *held)
{
    const struct crl_list *newest = NULL;
    for (unsigned i = 0; i < q->t->nlists; i++) {
        const struct crl_list *d = q->t->lists[i];
        if (d->base != NULL && d->this_update <= q->now_s && entry_of(d, q->x) != NULL && is_same_issuer(d, l) &&
            (newest == NULL || is_newer(d, newest)))
            newest = d;
    }
    return newest != NULL && crl_entry_reason(held) == CRL_REASON_CERTIFICATE_HOLD && l->number != NULL &&
           !l->has_twins && BN_cmp(l->number, newest->base) >= 0 && BN_cmp(newest->number, l->number) > 0 &&
           newest->next_update > q->now_s && crl_entry_reason(entry_of(newest, q->x)) == CRL_REASON_REMOVE_FROM_CRL;
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
    if (r == NULL || crl_entry_reason(r) == CRL_REASON_REMOVE_FROM_CRL)
        return false;
    return !is_hold_ended(q, l, r) && (l->base == NULL || !is_outdone(q, l));
}

static void lower(int64_t *end, int64_t limit)
{
    if (limit < *end)
        *end = limit;
}

struct crl_found {
    bool has_list, has_fresh;
    const struct crl_list *strange; /* bears the issuer's name and cannot be used */
};

static enum err look_at(const struct question *q, const struct crl_list *l, struct crl_found *f,
                        struct trust_verdict *v, struct error *e)
{
    if (X509_NAME_cmp(X509_CRL_get_issuer(l->crl), X509_get_issuer_name(q->x)) != 0)
        return ERR_OK;
    if (l->refused != NULL || l->key == NULL) {
        f->strange = l;
        return ERR_OK;
    }
    if (!covers(l, q->x) || is_superseded(l, q->now_s))
        return ERR_OK;
    if (l->this_update > q->now_s) {
        lower(&v->end_s, l->this_update);
        return ERR_OK;
    }
    if (!is_of_issuer(q, l, &v->end_s)) {
        f->strange = l;
        return ERR_OK;
    }
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

enum err crl_check(const struct trust *t, struct proofs *proofs, X509 *x, X509 *issuer, int64_t now_s,
                   struct trust_verdict *v, struct error *e)
{
    struct question q = {t, proofs, x, issuer, now_s};
    struct crl_found f = {0};
    for (unsigned i = 0; i < t->nlists; i++) {
        enum err rc = look_at(&q, t->lists[i], &f, v, e);
        if (rc != ERR_OK)
            return rc;
    }
    /* An anchor is believed because it was put there, not because of a list. */
    if (issuer == NULL)
        return ERR_OK;
    v->reason = TRUST_NO_LIST;
    if (f.strange != NULL && trust_path_is_worn_out(proofs))
        return error_set(e, ERR_TOKEN, "too many certificates of one name: who signed a CRL was not found out");
    v->reason = TRUST_GOOD;
    if (f.has_fresh)
        return ERR_OK;
    v->reason = TRUST_NO_LIST;
    if (!f.has_list && f.strange != NULL)
        return error_set(e, ERR_TOKEN, "the CRL of the issuer cannot be used: %s",
                         f.strange->refused != NULL ? f.strange->refused
                                                    : "who signed it is not proven to be the issuer");
    if (t->crl_required)
        return error_set(e, ERR_TOKEN, "%s", f.has_list ? "CRL has expired" : "unable to get certificate CRL");
    v->reason = TRUST_GOOD;
    return ERR_OK;
}
