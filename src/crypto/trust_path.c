/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Paths. OpenSSL follows the first issuer of the right name and does not come back; and it takes an authority key
 * identifier with issuer and serial number for a command, so a certificate is lost when its authority's own was
 * reissued or cross-certified. RFC 5280 wants some path that is good: so every certificate of the operator's files that
 * really signed is tried, and OpenSSL then judges the one path it is shown, step by step.
 */
#include "trust_private.h"

#include <openssl/err.h>

#include <string.h>

#define DEPTH_MAX      8   /* authorities above the signer */
#define STEPS_MAX      200 /* signatures looked at for one certificate */
#define SENT_MAX       10  /* certificates of a peer that are tried, and */
#define SENT_STEPS_MAX 40  /* signatures looked at on their account: who sends them need not be known to anybody */

enum proof_state { PROOF_UNASKED, PROOF_BEGUN, PROOF_GOOD, PROOF_BAD };

struct proof {
    enum proof_state state;
    int64_t end_s;
};

/* Who signed the lists, one a list: asked when a list is not of the very issuer on the path. */
struct proofs {
    const struct trust *t;
    struct arena *scratch;
    int64_t now_s;
    X509 *anchor; /* to which they have to lead */
    struct proof *of;
    unsigned depth;
    int steps;
};

struct walk {
    const struct trust *t;
    struct arena *scratch;
    struct proofs *proofs;
    X509 *target;   /* the one anchor that will do; NULL: any */
    bool is_sketch; /* signatures only */
    int64_t now_s;
    X509 *path[DEPTH_MAX + 1];
    STACK_OF(X509) * sent; /* by a peer; NULL: none */
    int auth_level;
    int n, steps, sent_steps;
    bool is_wrong_name; /* an issuer of the right name was there that did not sign */
    struct trust_verdict verdict;
    int rank; /* of the objection in e: the further a path came, the more it says */
    struct error *e;
};

/* ---- one path ---- */

/* The path is given: OpenSSL has nothing to choose. */
bool trust_path_step(X509_STORE_CTX *ctx, X509 *x, X509 *issuer)
{
    const struct walk *w = X509_STORE_CTX_get_app_data(ctx);
    if (w == NULL)
        return false;
    for (int i = 0; i < w->n; i++) {
        if (X509_cmp(w->path[i], x) == 0)
            return X509_cmp(w->path[i + 1 < w->n ? i + 1 : i], issuer) == 0;
    }
    return false;
}

/* Whether a critical extension is one that is judged was asked before, by extensions_refused(). */
static int on_objection(int ok, X509_STORE_CTX *ctx)
{
    if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION)
        return ok;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

static enum trust_reason reason_of(int why)
{
    switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TRUST_DATES;
    case X509_V_ERR_INVALID_PURPOSE:
        return TRUST_USAGE;
    default:
        return TRUST_BROKEN;
    }
}

static enum err ask_openssl(struct walk *w, X509_STORE_CTX *ctx, STACK_OF(X509) * anchor, STACK_OF(X509) * between,
                            struct trust_verdict *v, struct error *e)
{
    for (int i = 1; i < w->n; i++) {
        if (sk_X509_push(i == w->n - 1 ? anchor : between, w->path[i]) <= 0)
            return crypto_error(e, ERR_CRYPTO, "no memory for the check of a certificate");
    }
    if (w->n == 1 && sk_X509_push(anchor, w->path[0]) <= 0)
        return crypto_error(e, ERR_CRYPTO, "no memory for the check of a certificate");
    if (X509_STORE_CTX_init(ctx, w->t->store, w->path[0], between) != 1 || X509_STORE_CTX_set_app_data(ctx, w) != 1)
        return crypto_error(e, ERR_CRYPTO, "the check of a certificate cannot begin");
    X509_STORE_CTX_set0_trusted_stack(ctx, anchor);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)w->now_s);
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
    X509_VERIFY_PARAM_set_auth_level(param, w->auth_level);
    if (w->t->use == TRUST_OF_CLIENTS && w->target == NULL)
        (void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
    X509_STORE_CTX_set_verify_cb(ctx, on_objection);
    int rc = X509_verify_cert(ctx);
    int why = X509_STORE_CTX_get_error(ctx);
    if (rc == 1 && why == X509_V_OK)
        return ERR_OK;
    v->reason = reason_of(why);
    return crypto_error(e, ERR_TOKEN, "%s at depth %d", X509_verify_cert_error_string(why),
                        X509_STORE_CTX_get_error_depth(ctx));
}

static enum err walk_openssl(struct walk *w, struct trust_verdict *v, struct error *e)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *anchor = sk_X509_new_null(), *between = sk_X509_new_null();
    enum err rc = ctx != NULL && anchor != NULL && between != NULL
                      ? ask_openssl(w, ctx, anchor, between, v, e)
                      : crypto_error(e, ERR_CRYPTO, "no memory for the check of a certificate");
    X509_STORE_CTX_free(ctx);
    sk_X509_free(anchor);
    sk_X509_free(between);
    return rc;
}

/* The keys are enough: whoever has a GOST key signs with it. The anchor's own signature proves nothing. */
static bool is_gost(X509 *x)
{
    enum sign_alg alg;
    const EVP_PKEY *key = X509_get0_pubkey(x);
    return key != NULL && sign_alg_of_key(key, &alg);
}

static enum err judge_one(struct walk *w, int i, struct trust_verdict *v, struct error *e)
{
    X509 *x = w->path[i];
    bool is_anchor = i == w->n - 1;
    enum path_role first = w->target != NULL ? ROLE_LIST_SIGNER : ROLE_SIGNER;
    enum path_role role = is_anchor ? ROLE_ANCHOR : i == 0 ? first : ROLE_AUTHORITY;
    const char *refused = extensions_refused(w->scratch, x, i == 0 ? first : role, &v->reason);
    if (refused != NULL)
        return error_set(e, ERR_TOKEN, "%s at depth %d", refused, i);
    v->reason = TRUST_BROKEN;
    if (w->t->use == TRUST_OF_MESSAGES && !is_gost(x))
        return error_set(e, ERR_TOKEN, "the chain of the certificate is not GOST");
    if (role == ROLE_AUTHORITY && X509_check_ca(x) != 1)
        return error_set(e, ERR_TOKEN, "invalid CA certificate at depth %d", i);
    int64_t end;
    if (!time_of_asn1(X509_get0_notAfter(x), &end))
        return error_set(e, ERR_TOKEN, "unreadable date at depth %d", i);
    if (end < v->end_s)
        v->end_s = end;
    v->reason = TRUST_GOOD;
    return ERR_OK;
}

static enum err judge_path(struct walk *w, struct trust_verdict *v, struct error *e)
{
    enum err rc = ERR_OK;
    for (int i = 0; i < w->n && rc == ERR_OK; i++)
        rc = judge_one(w, i, v, e);
    if (rc == ERR_OK)
        rc = walk_openssl(w, v, e);
    for (int i = 0; i < w->n && rc == ERR_OK; i++) {
        struct error why = {0};
        X509 *issuer = i == w->n - 1 ? NULL : w->path[i + 1];
        rc = crl_check(w->t, w->proofs, w->path[i], issuer, w->now_s, v, &why);
        if (rc != ERR_OK)
            (void)error_set(e, rc, "%s at depth %d", why.detail, i);
    }
    return rc;
}

/* ---- all of them ---- */

static void proofs_begin(struct proofs *p, X509 *anchor)
{
    p->anchor = anchor;
    if (p->of == NULL)
        p->of = arena_array(p->scratch, p->t->nlists + 1, sizeof *p->of);
    memset(p->of, 0, (p->t->nlists + 1) * sizeof *p->of);
}

static void object_to(struct walk *w, int rank, enum trust_reason reason, const struct error *why)
{
    if (rank <= w->rank)
        return;
    w->rank = rank;
    w->verdict.reason = reason;
    *w->e = *why;
}

static bool try_path(struct walk *w)
{
    struct trust_verdict v = {.end_s = w->verdict.end_s};
    struct error why = {0};
    if (w->is_sketch)
        return true;
    if (w->target == NULL)
        proofs_begin(w->proofs, w->path[w->n - 1]);
    if (judge_path(w, &v, &why) == ERR_OK) {
        w->verdict = v;
        return true;
    }
    object_to(w, v.reason == TRUST_REVOKED ? DEPTH_MAX + 3 : DEPTH_MAX + 2, v.reason, &why);
    return false;
}

static bool has_signed(struct walk *w, X509 *issuer, int *steps, int steps_max)
{
    X509 *last = w->path[w->n - 1];
    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(last)) != 0 || *steps >= steps_max)
        return false;
    ++*steps;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool has = key != NULL && X509_verify(last, key) == 1;
    w->is_wrong_name |= !has;
    return has;
}

static bool is_on_path(const struct walk *w, const X509 *x)
{
    for (int i = 0; i < w->n; i++) {
        if (X509_cmp(w->path[i], x) == 0)
            return true;
    }
    return false;
}

/* An anchor is a name and a key (section 6.1.1 (d)), in whatever certificates. */
static bool will_do(const struct walk *w, X509 *anchor)
{
    return w->target == NULL || (X509_NAME_cmp(X509_get_subject_name(anchor), X509_get_subject_name(w->target)) == 0 &&
                                 EVP_PKEY_eq(X509_get0_pubkey(anchor), X509_get0_pubkey(w->target)) == 1);
}

static bool walk_on(struct walk *w);

static bool walk_over(struct walk *w, X509 *issuer, bool is_anchor)
{
    w->path[w->n++] = issuer;
    bool is_good = is_anchor ? try_path(w) : walk_on(w);
    w->n--;
    return is_good;
}

static void object_to_end(struct walk *w, bool is_self_signed)
{
    struct error why = {0};
    int depth = w->n - 1;
    if (w->steps >= STEPS_MAX || w->sent_steps >= SENT_STEPS_MAX)
        (void)error_set(&why, ERR_TOKEN, "too many certificates of one name: no path was found to the issuer");
    else if (w->is_wrong_name)
        (void)error_set(&why, ERR_TOKEN, "certificate signature failure at depth %d: no issuer of this name signed it",
                        depth);
    else if (is_self_signed)
        (void)error_set(&why, ERR_TOKEN, "self-signed certificate at depth %d is no anchor: unable to get issuer",
                        depth);
    else
        (void)error_set(&why, ERR_TOKEN, "unable to get %sissuer certificate at depth %d", depth == 0 ? "local " : "",
                        depth);
    object_to(w, w->n, TRUST_NO_ISSUER, &why);
}

/* Over those that signed the last one of the path; *has_any: there was one. */
static bool walk_among(struct walk *w, STACK_OF(X509) * certs, bool are_anchors, bool *has_any)
{
    bool is_sent = certs == w->sent;
    int *steps = is_sent ? &w->sent_steps : w->target != NULL ? &w->proofs->steps : &w->steps;
    for (int i = 0; i < sk_X509_num(certs) && (!is_sent || i < SENT_MAX); i++) {
        X509 *x = sk_X509_value(certs, i);
        if ((are_anchors && !will_do(w, x)) || is_on_path(w, x) ||
            !has_signed(w, x, steps, is_sent ? SENT_STEPS_MAX : STEPS_MAX))
            continue;
        *has_any = true;
        if (walk_over(w, x, are_anchors))
            return true;
    }
    return false;
}

/* False when no path goes on from here that is good. Recursion is bounded by DEPTH_MAX. */
static bool walk_on(struct walk *w)
{
    X509 *last = w->path[w->n - 1];
    bool has_any = false;
    if (w->n > DEPTH_MAX)
        return false;
    if (walk_among(w, w->t->anchors, true, &has_any) || walk_among(w, w->t->chain, false, &has_any) ||
        (w->sent != NULL && walk_among(w, w->sent, false, &has_any)))
        return true;
    if (!has_any)
        object_to_end(w, X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) == 0);
    return false;
}

static bool is_anchor_itself(const struct trust *t, const X509 *x)
{
    for (int i = 0; i < sk_X509_num(t->anchors); i++) {
        if (X509_cmp(sk_X509_value(t->anchors, i), x) == 0)
            return true;
    }
    return false;
}

static bool walk_from(struct walk *w)
{
    X509 *x = w->path[0];
    return (is_anchor_itself(w->t, x) && will_do(w, x)) ? try_path(w) : walk_on(w);
}

bool trust_path_may_lead(const struct trust *t, X509 *x)
{
    struct error why = {0};
    struct walk w = {.t = t, .path = {x}, .n = 1, .is_sketch = true, .e = &why};
    return walk_from(&w);
}

bool trust_path_is_worn_out(const struct proofs *p)
{
    return p->steps >= STEPS_MAX;
}

static bool is_good_signer(struct proofs *p, X509 *x, int64_t *end_s)
{
    struct error why = {0};
    struct walk w = {.t = p->t,
                     .scratch = p->scratch,
                     .proofs = p,
                     .target = p->anchor,
                     .now_s = p->now_s,
                     .path = {x},
                     .n = 1,
                     .verdict = {.end_s = INT64_MAX},
                     .e = &why};
    int64_t begin;
    if (walk_from(&w)) {
        *end_s = w.verdict.end_s;
        return true;
    }
    if (time_of_asn1(X509_get0_notBefore(x), &begin) && begin > p->now_s && begin < *end_s)
        *end_s = begin;
    return false;
}

/*
 * A list that is being proven speaks of its own signer, too: an authority that has all its lists signed by a key of
 * their own has no other list for it. What was found out on the strength of that is not kept.
 */
bool trust_path_is_signer_good(struct proofs *p, const struct crl_list *l, int64_t *end_s)
{
    struct proof *proof = &p->of[l->index];
    if (proof->state == PROOF_BEGUN)
        return true;
    if (proof->state == PROOF_UNASKED) {
        int64_t end = INT64_MAX;
        bool is_good = false;
        proof->state = PROOF_BEGUN;
        p->depth++;
        for (unsigned i = 0; i < l->nsigners && !is_good; i++)
            is_good = is_good_signer(p, l->signers[i], &end);
        p->depth--;
        *proof = (struct proof){is_good ? PROOF_GOOD : PROOF_BAD, end};
    }
    bool is_good = proof->state == PROOF_GOOD;
    if (proof->end_s < *end_s)
        *end_s = proof->end_s;
    if (p->depth > 0)
        proof->state = PROOF_UNASKED;
    return is_good;
}

enum err trust_path_find(const struct trust *t, const struct path_start *from, int64_t now_s, struct trust_verdict *v,
                         struct error *e)
{
    struct error why = {0};
    struct arena *scratch = arena_new();
    struct proofs proofs = {.t = t, .scratch = scratch, .now_s = now_s};
    struct walk w = {.t = t,
                     .scratch = scratch,
                     .proofs = &proofs,
                     .now_s = now_s,
                     .path = {from->c->x},
                     .sent = from->sent,
                     .auth_level = from->auth_level,
                     .n = 1,
                     .verdict = *v,
                     .e = &why};
    bool is_good = walk_from(&w);
    arena_free(scratch);
    ERR_clear_error();
    *v = w.verdict;
    if (is_good)
        return ERR_OK;
    return error_set(e, why.code != ERR_OK ? why.code : ERR_TOKEN, "%s",
                     why.code != ERR_OK ? why.detail : "no path to an anchor: the issuer is unknown");
}
