/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whether a certificate is to be believed (RFC 5280 section 6). This file loads what the verdict rests on and keeps the
 * verdicts; paths are walked in trust_path.c, extensions judged in extensions.c, lists in crl.c. Certificates that came
 * with a message are never used to build a path. What is not understood refuses.
 */
#include "trust_private.h"

#include <string.h>

#define VERDICT_MAX_S 600

static void store_free(void *p)
{
    X509_STORE_free(p);
}

static void certs_free(void *p)
{
    sk_X509_pop_free(p, X509_free);
}

static void crl_free(void *p)
{
    X509_CRL_free(p);
}

static void info_free(STACK_OF(X509_INFO) * infos)
{
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
}

/* ---- loading ---- */

static struct trust_item *item_add(struct arena *a, struct trust *t, enum trust_kind kind)
{
    if (t->nitems == t->items_room) {
        unsigned room = t->items_room * 2 + 8;
        struct trust_item *more = arena_array(a, room, sizeof *more);
        if (t->nitems > 0)
            memcpy(more, t->items, t->nitems * sizeof *more);
        t->items = more;
        t->items_room = room;
    }
    struct trust_item *item = &t->items[t->nitems++];
    *item = (struct trust_item){.kind = kind, .serial = "-"};
    return item;
}

static enum err add_cert(struct arena *a, struct trust *t, X509 *x, enum trust_kind kind, const char *file,
                         struct error *e)
{
    struct trust_item *item = item_add(a, t, kind);
    item->label = name_label(a, X509_get_subject_name(x));
    item->serial = integer_text(a, X509_get0_serialNumber(x));
    if (!time_of_asn1(X509_get0_notBefore(x), &item->not_before) ||
        !time_of_asn1(X509_get0_notAfter(x), &item->not_after))
        item->refused = "it has an unreadable date";
    else
        item->refused = extensions_refused(a, x, kind == TRUST_ANCHOR ? ROLE_ANCHOR : ROLE_AUTHORITY);
    if (item->refused != NULL)
        return ERR_OK;
    STACK_OF(X509) *to = kind == TRUST_ANCHOR ? t->anchors : t->chain;
    if (X509_up_ref(x) != 1 || sk_X509_push(to, x) <= 0)
        return crypto_error(e, ERR_CONFIG, "%s: a certificate cannot be used", file);
    return ERR_OK;
}

static enum err add_crl(struct arena *a, struct trust *t, X509_CRL *crl, const char *file, struct error *e)
{
    if (X509_CRL_up_ref(crl) != 1)
        return crypto_error(e, ERR_CONFIG, "%s: a revocation list cannot be used", file);
    arena_defer(a, crl_free, crl);
    if (t->nlists == t->lists_room) {
        unsigned room = t->lists_room * 2 + 8;
        struct crl_list **more = arena_array(a, room, sizeof *more);
        if (t->nlists > 0)
            memcpy(more, t->lists, t->nlists * sizeof *more);
        t->lists = more;
        t->lists_room = room;
    }
    struct crl_list *l = arena_alloc(a, sizeof *l);
    *l = (struct crl_list){.crl = crl, .item = t->nitems};
    t->lists[t->nlists++] = l;
    crl_list_read(a, l);
    struct trust_item *item = item_add(a, t, TRUST_CRL);
    item->label = name_label(a, X509_CRL_get_issuer(crl));
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    item->serial = integer_text(a, number);
    ASN1_INTEGER_free(number);
    (void)time_of_asn1(X509_CRL_get0_lastUpdate(crl), &item->not_before);
    (void)time_of_asn1(X509_CRL_get0_nextUpdate(crl), &item->not_after);
    return ERR_OK;
}

static enum err add_info(struct arena *a, struct trust *t, const X509_INFO *info, enum trust_kind kind,
                         const char *file, struct error *e)
{
    if (info->x_pkey != NULL)
        return error_set(e, ERR_CONFIG, "%s: holds a private key", file);
    if ((kind == TRUST_CRL) != (info->crl != NULL) || (kind == TRUST_CRL) == (info->x509 != NULL))
        return error_set(e, ERR_CONFIG, "%s: expected %s only", file,
                         kind == TRUST_CRL ? "revocation lists" : "certificates");
    return kind == TRUST_CRL ? add_crl(a, t, info->crl, file, e) : add_cert(a, t, info->x509, kind, file, e);
}

static enum err load_file(struct arena *a, struct trust *t, const char *file, enum trust_kind kind, struct error *e)
{
    BIO *bio = NULL;
    enum err rc = pem_open(file, kind == TRUST_CRL ? "revocation list" : "certificate", &bio, e);
    if (rc != ERR_OK)
        return rc;
    STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read_bio(bio, NULL, crypto_no_password, NULL);
    BIO_free(bio);
    if (infos == NULL)
        return crypto_error(e, ERR_CONFIG, "%s: is not PEM", file);
    if (sk_X509_INFO_num(infos) == 0)
        rc = error_set(e, ERR_CONFIG, "%s: holds nothing in PEM form", file);
    for (int i = 0; rc == ERR_OK && i < sk_X509_INFO_num(infos); i++)
        rc = add_info(a, t, sk_X509_INFO_value(infos, i), kind, file, e);
    info_free(infos);
    return rc;
}

static int on_check_issued(X509_STORE_CTX *ctx, X509 *x, X509 *issuer)
{
    return trust_path_step(ctx, x, issuer) ? 1 : 0;
}

static enum err trust_new(struct arena *a, struct trust *t, struct error *e)
{
    t->cache = trust_cache_new(a);
    t->store = X509_STORE_new();
    if (t->store != NULL)
        arena_defer(a, store_free, t->store);
    t->anchors = sk_X509_new_null();
    if (t->anchors != NULL)
        arena_defer(a, certs_free, t->anchors);
    t->chain = sk_X509_new_null();
    if (t->chain != NULL)
        arena_defer(a, certs_free, t->chain);
    if (t->store == NULL || t->anchors == NULL || t->chain == NULL)
        return crypto_error(e, ERR_CRYPTO, "no memory for certificates");
    X509_STORE_set_check_issued(t->store, on_check_issued);
    return ERR_OK;
}

enum err trust_load(struct arena *a, const struct trust_conf *conf, struct trust **out, struct error *e)
{
    struct trust *t = arena_alloc(a, sizeof *t);
    *t = (struct trust){.crl_required = conf->crl_required};
    enum err rc = trust_new(a, t, e);
    if (rc == ERR_OK)
        rc = load_file(a, t, conf->anchors_file, TRUST_ANCHOR, e);
    if (rc == ERR_OK && conf->chain_file != NULL)
        rc = load_file(a, t, conf->chain_file, TRUST_CHAIN, e);
    if (rc == ERR_OK && conf->crl_file != NULL)
        rc = load_file(a, t, conf->crl_file, TRUST_CRL, e);
    if (rc != ERR_OK)
        return rc;
    crl_lists_bind(a, t);
    *out = t;
    return ERR_OK;
}

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
    return rc == ERR_OK ? trust_path_find(t, c, now_s, v, e) : rc;
}

enum err trust_check(struct trust *t, const struct cert *c, int64_t now_s, struct error *e)
{
    if (trust_cache_has(t->cache, c->fingerprint, now_s))
        return ERR_OK;
    struct trust_verdict v;
    enum err rc = trust_judge(t, c, now_s, &v, e);
    if (rc == ERR_OK)
        trust_cache_put(t->cache, c->fingerprint, now_s, v.end_s);
    return rc;
}
