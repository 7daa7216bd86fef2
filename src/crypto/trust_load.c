/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What verdicts rest on, read once: anchors, authorities, revocation lists. What cannot be judged is left out and says
 * why. */
#include "trust_private.h"

#include "file.h"

#include <openssl/err.h>

#include <errno.h>
#include <string.h>

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
        X509 **certs = arena_array(a, room, sizeof(X509 *));
        if (t->nitems > 0) {
            memcpy(more, t->items, t->nitems * sizeof *more);
            memcpy(certs, t->item_certs, t->nitems * sizeof(X509 *));
        }
        t->items = more;
        t->item_certs = certs;
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
    enum trust_reason reason;
    item->label = name_label(a, X509_get_subject_name(x));
    item->serial = integer_text(a, X509_get0_serialNumber(x));
    item->sha256 = x509_fingerprint_text(a, x);
    if (!time_of_asn1(X509_get0_notBefore(x), &item->not_before) ||
        !time_of_asn1(X509_get0_notAfter(x), &item->not_after))
        item->refused = "it has an unreadable date";
    else
        item->refused = extensions_refused(a, x, kind == TRUST_ANCHOR ? ROLE_ANCHOR : ROLE_AUTHORITY, &reason);
    if (item->refused != NULL)
        return ERR_OK;
    STACK_OF(X509) *to = kind == TRUST_ANCHOR ? t->anchors : t->chain;
    if (X509_up_ref(x) != 1 || sk_X509_push(to, x) <= 0)
        return crypto_error(e, ERR_CONFIG, "%s: a certificate cannot be used", file);
    t->item_certs[t->nitems - 1] = x;
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

/*
 * Of a client's authorities, all in one file, those are anchors that nobody else in there has issued: what stands below
 * one of them is judged as it is in `chain`, lists of its issuer included.
 */
static bool is_issued_inside(STACK_OF(X509_INFO) * infos, X509 *x)
{
    EVP_PKEY *own = X509_get0_pubkey(x);
    if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0 && own != NULL &&
        X509_verify(x, own) == 1)
        return false;
    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509 *y = sk_X509_INFO_value(infos, i)->x509;
        EVP_PKEY *key = y == NULL || y == x ? NULL : X509_get0_pubkey(y);
        if (key != NULL && X509_NAME_cmp(X509_get_subject_name(y), X509_get_issuer_name(x)) == 0 &&
            X509_verify(x, key) == 1)
            return true;
    }
    return false;
}

/* Authorities that have issued each other, and nobody is above them, are anchors all. */
static bool has_top(STACK_OF(X509_INFO) * infos)
{
    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509 *x = sk_X509_INFO_value(infos, i)->x509;
        if (x != NULL && !is_issued_inside(infos, x))
            return true;
    }
    return false;
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

static enum err add_infos(struct arena *a, struct trust *t, STACK_OF(X509_INFO) * infos, enum trust_kind kind,
                          const char *file, struct error *e)
{
    enum err rc = ERR_OK;
    bool is_sorted = t->use == TRUST_OF_CLIENTS && kind == TRUST_ANCHOR && has_top(infos);
    for (int i = 0; rc == ERR_OK && i < sk_X509_INFO_num(infos); i++) {
        const X509_INFO *info = sk_X509_INFO_value(infos, i);
        bool is_below = is_sorted && info->x509 != NULL && is_issued_inside(infos, info->x509);
        rc = add_info(a, t, info, is_below ? TRUST_CHAIN : kind, file, e);
    }
    ERR_clear_error();
    return rc;
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
    else
        rc = add_infos(a, t, infos, kind, file, e);
    info_free(infos);
    return rc;
}

#define REMEMBERED_MAX 1024 /* certificates; a byte for each pair */

static void remember_signatures(struct arena *a, struct trust *t)
{
    size_t n = (size_t)sk_X509_num(t->anchors) + (size_t)sk_X509_num(t->chain);
    if (n <= REMEMBERED_MAX)
        t->signed_by = arena_array(a, n * n + 1, sizeof *t->signed_by);
}

/* Whoever is issued by an authority without any list is refused: that can be told before he comes. */
static void note_missing_lists(struct trust *t)
{
    for (unsigned i = 0; i < t->nitems && t->crl_required; i++) {
        const X509 *x = t->item_certs[i];
        bool has_list = x == NULL;
        for (unsigned j = 0; j < t->nlists && !has_list; j++)
            has_list = t->items[t->lists[j]->item].refused == NULL &&
                       X509_NAME_cmp(X509_CRL_get_issuer(t->lists[j]->crl), X509_get_subject_name(x)) == 0;
        t->items[i].lacks_list = !has_list;
    }
}

/* ---- a folder of lists ---- */

static enum err load_folder(struct arena *a, struct trust *t, const char *folder, struct error *e)
{
    const char **files = NULL;
    int n = file_lists_in(a, folder, &files);
    if (n <= 0)
        return error_set(e, ERR_CONFIG, "%s: %s", folder,
                         n == 0 ? "there is no file *.crl or *.pem in this folder" : strerror(errno));
    for (int i = 0; i < n; i++) {
        struct error why = {0};
        enum err rc = load_file(a, t, files[i], TRUST_CRL, &why);
        if (rc != ERR_OK)
            return error_set(e, rc, "%s: %s", folder, why.detail); /* the folder is what the configuration names */
    }
    return ERR_OK;
}

static enum err trust_new(struct arena *a, struct trust *t, struct error *e)
{
    t->cache = trust_cache_new(a);
    t->anchors = sk_X509_new_null();
    if (t->anchors != NULL)
        arena_defer(a, certs_free, t->anchors);
    t->chain = sk_X509_new_null();
    if (t->chain != NULL)
        arena_defer(a, certs_free, t->chain);
    if (t->anchors == NULL || t->chain == NULL)
        return crypto_error(e, ERR_CRYPTO, "no memory for certificates");
    return ERR_OK;
}

enum err trust_load(struct arena *a, const struct trust_conf *conf, struct trust **out, struct error *e)
{
    struct trust *t = arena_alloc(a, sizeof *t);
    *t = (struct trust){.crl_required = conf->crl_required, .use = conf->use};
    enum err rc = trust_new(a, t, e);
    if (rc == ERR_OK)
        rc = load_file(a, t, conf->anchors_file, TRUST_ANCHOR, e);
    if (rc == ERR_OK && conf->chain_file != NULL)
        rc = load_file(a, t, conf->chain_file, TRUST_CHAIN, e);
    if (rc == ERR_OK && conf->crl_file != NULL)
        rc = file_is_folder(conf->crl_file) ? load_folder(a, t, conf->crl_file, e)
                                            : load_file(a, t, conf->crl_file, TRUST_CRL, e);
    if (rc != ERR_OK)
        return rc;
    remember_signatures(a, t);
    crl_lists_bind(a, t);
    note_missing_lists(t);
    *out = t;
    return ERR_OK;
}
