/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whether a certificate is to be believed (RFC 5280 section 6). This file judges the signer himself and keeps the
 * verdicts; what they rest on is loaded in trust_load.c, paths are walked in trust_path.c, extensions judged in
 * extensions.c, lists in crl.c. Certificates that came with a message are never used to build a path. What is not
 * understood refuses.
 */
#include "trust_private.h"

#include <openssl/err.h>

#define VERDICT_MAX_S 600

/* ---- telling ---- */

const struct trust_item *trust_items(const struct trust *t, unsigned *n)
{
    *n = t->nitems;
    return t->items;
}

static int64_t earliest(const struct trust *t, enum trust_kind kind)
{
    int64_t end = 0;
    for (unsigned i = 0; i < t->nitems; i++) {
        const struct trust_item *item = &t->items[i];
        if (item->kind == kind && item->refused == NULL && !item->is_superseded && (end == 0 || item->not_after < end))
            end = item->not_after;
    }
    return end;
}

bool trust_is_over(const struct trust *t, int64_t now_s)
{
    bool is_over = true;
    for (unsigned i = 0; i < t->nitems; i++) {
        const struct trust_item *item = &t->items[i];
        if (item->kind == TRUST_ANCHOR && item->refused == NULL)
            is_over &= now_s < item->not_before || now_s > item->not_after;
    }
    return is_over;
}

bool trust_lists_are_over(const struct trust *t, int64_t now_s)
{
    bool has_lists = false, is_over = true;
    for (unsigned i = 0; i < t->nitems; i++) {
        const struct trust_item *item = &t->items[i];
        if (item->kind != TRUST_CRL)
            continue;
        has_lists = true;
        is_over &= item->refused != NULL || now_s < item->not_before || now_s >= item->not_after;
    }
    return has_lists && is_over;
}

static bool names_push(STACK_OF(X509_NAME) * names, STACK_OF(X509) * certs)
{
    bool is_good = true;
    for (int i = 0; i < sk_X509_num(certs) && is_good; i++) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(certs, i)));
        bool is_new = name != NULL && sk_X509_NAME_find(names, name) < 0;
        is_good = name != NULL && (!is_new || sk_X509_NAME_push(names, name) > 0);
        if (!is_new || !is_good)
            X509_NAME_free(name);
    }
    return is_good;
}

static int name_order(const X509_NAME *const *a, const X509_NAME *const *b)
{
    return X509_NAME_cmp(*a, *b);
}

STACK_OF(X509_NAME) * trust_names(const struct trust *t)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new(name_order);
    if (names != NULL && names_push(names, t->anchors) && names_push(names, t->chain))
        return names;
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return NULL;
}

int64_t trust_anchor_not_after(const struct trust *t)
{
    return earliest(t, TRUST_ANCHOR);
}

int64_t trust_crl_next_update(const struct trust *t)
{
    return earliest(t, TRUST_CRL);
}

/* ---- checking ---- */

/* Of the signer itself; what its issuers may is the path's matter. */
static enum err check_signer(const struct cert *c, int64_t now_s, struct trust_verdict *v, struct error *e)
{
    uint32_t usage = X509_get_key_usage(c->x); /* all bits without the extension */
    v->reason = TRUST_BROKEN;
    if ((X509_get_extension_flags(c->x) & EXFLAG_INVALID) != 0)
        return crypto_error(e, ERR_TOKEN, "the certificate has a broken extension");
    v->reason = TRUST_USAGE;
    if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
        return error_set(e, ERR_TOKEN, "the certificate is not for signatures");
    v->reason = TRUST_DATES;
    if (now_s < c->signs_from || now_s >= c->signs_until)
        return error_set(e, ERR_TOKEN, "the private key's period of use (privateKeyUsagePeriod) is %s",
                         now_s < c->signs_from ? "still to come" : "over");
    if (c->signs_until < v->end_s)
        v->end_s = c->signs_until;
    v->reason = TRUST_GOOD;
    return ERR_OK;
}

enum err trust_judge(const struct trust *t, const struct cert *c, int64_t now_s, struct trust_verdict *v,
                     struct error *e)
{
    *v = (struct trust_verdict){.end_s = now_s + VERDICT_MAX_S};
    enum err rc = check_signer(c, now_s, v, e);
    return rc == ERR_OK ? trust_path_find(t, &(struct path_start){.c = c}, now_s, v, e) : rc;
}

enum err trust_judge_client(const struct trust *t, X509 *x, STACK_OF(X509) * sent, int auth_level, int64_t now_s,
                            struct trust_verdict *v, struct error *e)
{
    struct arena *scratch = arena_new_small();
    struct cert *c = NULL;
    *v = (struct trust_verdict){.reason = TRUST_BROKEN, .end_s = now_s + VERDICT_MAX_S};
    enum err rc = X509_up_ref(x) == 1 ? cert_wrap(scratch, x, ERR_TOKEN, &c, e) : ERR_CRYPTO;
    if (rc == ERR_OK && c != NULL)
        rc = check_signer(c, now_s, v, e);
    if (rc == ERR_OK)
        rc = trust_path_find(t, &(struct path_start){c, sent, auth_level}, now_s, v, e);
    arena_free(scratch);
    ERR_clear_error();
    return rc;
}

enum err trust_check(struct trust *t, const struct cert *c, int64_t now_s, enum trust_reason *reason, struct error *e)
{
    if (reason != NULL)
        *reason = TRUST_GOOD;
    if (trust_cache_has(t->cache, c->fingerprint, now_s))
        return ERR_OK;
    struct trust_verdict v;
    enum err rc = trust_judge(t, c, now_s, &v, e);
    if (reason != NULL)
        *reason = v.reason;
    if (rc == ERR_OK)
        trust_cache_put(t->cache, c->fingerprint, now_s, v.end_s);
    return rc;
}
