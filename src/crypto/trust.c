/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Whether a certificate is to be believed (RFC 5280 section 6): chain to an anchor, dates, revocation, key usage; GOST
 * all the way up. Certificates that came with a message are never used to build the chain. What is not understood
 * refuses.
 */
#include "crypto_private.h"
#include "trust_cache.h"

#include <openssl/x509v3.h>

#include <string.h>

#define DEPTH_MAX     8
#define VERDICT_MAX_S 600

struct trust {
    X509_STORE *store;
    STACK_OF(X509) * chain; /* intermediates: not trusted by themselves */
    bool crl_required;
    int64_t anchor_not_after, crl_next_update; /* earliest */
    struct trust_cache *cache;
};

static void store_free(void *p)
{
    X509_STORE_free(p);
}

static void chain_free(void *p)
{
    sk_X509_pop_free(p, X509_free);
}

static void info_free(STACK_OF(X509_INFO) * infos)
{
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
}

/* ---- loading ---- */

enum content { CONTENT_ANCHORS, CONTENT_CHAIN, CONTENT_CRLS };

static enum err add_anchor(struct trust *t, X509 *x, const char *file, struct error *e)
{
    int64_t end;
    if (!time_of_asn1(X509_get0_notAfter(x), &end) || X509_STORE_add_cert(t->store, x) != 1)
        return crypto_error(e, ERR_CONFIG, "%s: a certificate cannot be used", file);
    if (t->anchor_not_after == 0 || end < t->anchor_not_after)
        t->anchor_not_after = end;
    return ERR_OK;
}

static enum err add_chain(struct trust *t, X509 *x, const char *file, struct error *e)
{
    if (X509_up_ref(x) != 1 || sk_X509_push(t->chain, x) <= 0)
        return crypto_error(e, ERR_CONFIG, "%s: a certificate cannot be used", file);
    return ERR_OK;
}

static enum err add_crl(struct trust *t, X509_CRL *crl, const char *file, struct error *e)
{
    int64_t next;
    /* RFC 5280 section 5.1.2.5: conforming lists say when the next one comes; without it "stale" would mean nothing. */
    if (!time_of_asn1(X509_CRL_get0_nextUpdate(crl), &next) || X509_STORE_add_crl(t->store, crl) != 1)
        return crypto_error(e, ERR_CONFIG, "%s: a revocation list cannot be used", file);
    if (t->crl_next_update == 0 || next < t->crl_next_update)
        t->crl_next_update = next;
    return ERR_OK;
}

static enum err add_info(struct trust *t, const X509_INFO *info, enum content what, const char *file, struct error *e)
{
    if (info->x_pkey != NULL)
        return error_set(e, ERR_CONFIG, "%s: holds a private key", file);
    if ((what == CONTENT_CRLS) != (info->crl != NULL) || (what == CONTENT_CRLS) == (info->x509 != NULL))
        return error_set(e, ERR_CONFIG, "%s: expected %s only", file,
                         what == CONTENT_CRLS ? "revocation lists" : "certificates");
    switch (what) {
    case CONTENT_ANCHORS:
        return add_anchor(t, info->x509, file, e);
    case CONTENT_CHAIN:
        return add_chain(t, info->x509, file, e);
    default:
        return add_crl(t, info->crl, file, e);
    }
}

static enum err load_file(struct trust *t, const char *file, enum content what, struct error *e)
{
    BIO *bio = BIO_new_file(file, "re");
    if (bio == NULL)
        return crypto_error(e, ERR_CONFIG, "%s: cannot be read", file);
    STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read_bio(bio, NULL, crypto_no_password, NULL);
    BIO_free(bio);
    enum err rc = ERR_OK;
    if (infos == NULL)
        return crypto_error(e, ERR_CONFIG, "%s: is not PEM", file);
    if (sk_X509_INFO_num(infos) == 0)
        rc = error_set(e, ERR_CONFIG, "%s: is empty", file);
    for (int i = 0; rc == ERR_OK && i < sk_X509_INFO_num(infos); i++)
        rc = add_info(t, sk_X509_INFO_value(infos, i), what, file, e);
    info_free(infos);
    return rc;
}

enum err trust_load(struct arena *a, const struct trust_conf *conf, struct trust **out, struct error *e)
{
    struct trust *t = arena_alloc(a, sizeof *t);
    t->crl_required = conf->crl_required;
    t->cache = trust_cache_new(a);
    t->store = X509_STORE_new();
    if (t->store == NULL)
        return crypto_error(e, ERR_CRYPTO, "no memory for certificates");
    arena_defer(a, store_free, t->store);
    t->chain = sk_X509_new_null();
    if (t->chain == NULL)
        return crypto_error(e, ERR_CRYPTO, "no memory for certificates");
    arena_defer(a, chain_free, t->chain);

    enum err rc = load_file(t, conf->anchors_file, CONTENT_ANCHORS, e);
    if (rc == ERR_OK && conf->chain_file != NULL)
        rc = load_file(t, conf->chain_file, CONTENT_CHAIN, e);
    if (rc == ERR_OK && conf->crl_file != NULL)
        rc = load_file(t, conf->crl_file, CONTENT_CRLS, e);
    if (rc == ERR_OK)
        *out = t;
    return rc;
}

int64_t trust_anchor_not_after(const struct trust *t)
{
    return t->anchor_not_after;
}

int64_t trust_crl_next_update(const struct trust *t)
{
    return t->crl_next_update;
}

/* ---- checking ---- */

/* What OpenSSL objects to and we may not: a list that is missing or out of date, when none is required. */
static int on_objection(int ok, X509_STORE_CTX *ctx)
{
    if (ok)
        return 1;
    const struct trust *t = X509_STORE_CTX_get_app_data(ctx);
    int depth = X509_STORE_CTX_get_error_depth(ctx);
    bool is_anchor = depth > 0 && depth == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
    switch (X509_STORE_CTX_get_error(ctx)) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
        /* An anchor is believed because it was put there, not because of a list. */
        if (t->crl_required && !is_anchor)
            return 0;
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        /* An anchor that is not self-signed: the list about it is of an issuer we were not told to believe. */
        if (!is_anchor)
            return 0;
        break;
    default:
        return 0;
    }
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

/* The keys are enough: whoever has a GOST key signs with it. The anchor's own signature proves nothing. */
static bool is_gost_chain(STACK_OF(X509) * chain)
{
    int n = sk_X509_num(chain);
    for (int i = 0; i < n; i++) {
        enum sign_alg alg;
        const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i));
        if (key == NULL || !sign_alg_of_key(key, &alg))
            return false;
    }
    return n > 0;
}

static enum err check_usage(const struct cert *c, struct error *e)
{
    uint32_t usage = X509_get_key_usage(c->x); /* all bits without the extension */
    if ((X509_get_extension_flags(c->x) & EXFLAG_INVALID) != 0)
        return crypto_error(e, ERR_TOKEN, "the certificate has a broken extension");
    if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
        return error_set(e, ERR_TOKEN, "the certificate is not for signatures");
    return ERR_OK;
}

/* When the good verdict must be found anew. Lists that are out of date already set no term: they were let pass. */
static int64_t verdict_end(const struct trust *t, STACK_OF(X509) * chain, int64_t now_s)
{
    int64_t end = now_s + VERDICT_MAX_S, limit;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (!time_of_asn1(X509_get0_notAfter(sk_X509_value(chain, i)), &limit))
            return now_s;
        if (limit < end)
            end = limit;
    }
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(t->store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (crl != NULL && time_of_asn1(X509_CRL_get0_nextUpdate(crl), &limit) && limit >= now_s && limit < end)
            end = limit;
    }
    return end;
}

static enum err check_chain(struct trust *t, const struct cert *c, X509_STORE_CTX *ctx, int64_t now_s, int64_t *end,
                            struct error *e)
{
    if (X509_STORE_CTX_init(ctx, t->store, c->x, t->chain) != 1 || X509_STORE_CTX_set_app_data(ctx, t) != 1)
        return crypto_error(e, ERR_CRYPTO, "the check of a certificate cannot begin");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_PARTIAL_CHAIN);
    X509_STORE_CTX_set_verify_cb(ctx, on_objection);
    int rc = X509_verify_cert(ctx);
    int why = X509_STORE_CTX_get_error(ctx);
    if (rc != 1 || why != X509_V_OK)
        return crypto_error(e, ERR_TOKEN, "%s at depth %d", X509_verify_cert_error_string(why),
                            X509_STORE_CTX_get_error_depth(ctx));
    if (!is_gost_chain(X509_STORE_CTX_get0_chain(ctx)))
        return error_set(e, ERR_TOKEN, "the chain of the certificate is not GOST");
    *end = verdict_end(t, X509_STORE_CTX_get0_chain(ctx), now_s);
    return ERR_OK;
}

enum err trust_check(struct trust *t, const struct cert *c, int64_t now_s, struct error *e)
{
    if (trust_cache_has(t->cache, c->fingerprint, now_s))
        return ERR_OK;
    enum err rc = check_usage(c, e);
    if (rc != ERR_OK)
        return rc;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx == NULL)
        return crypto_error(e, ERR_CRYPTO, "no memory for the check of a certificate");
    int64_t end = 0;
    rc = check_chain(t, c, ctx, now_s, &end, e);
    X509_STORE_CTX_free(ctx);
    if (rc == ERR_OK)
        trust_cache_put(t->cache, c->fingerprint, now_s, end);
    return rc;
}
