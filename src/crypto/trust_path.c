/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Paths. OpenSSL follows the first issuer of the right name and does not come back; and it takes an authority key
 * identifier with issuer and serial number for a command, so a certificate is lost when its authority's own was
 * reissued or cross-certified. RFC 5280 wants some path that is good: so every certificate of the operator's files that
 * really signed is tried, and each path judged as a whole (trust_rules.c).
 */
#include "trust_private.h"

#include <openssl/err.h>

#include <string.h>

#define DEPTH_MAX       8     /* authorities above the signer */
#define STEPS_MAX       200   /* signatures looked at for one certificate */
#define PROOF_STEPS_MAX 10000 /* steps for all who signed its lists: each signature is looked at once */
#define SENT_MAX        10    /* certificates of a peer that are tried, and */
#define SENT_STEPS_MAX  40    /* signatures looked at on their account: who sends them need not be known to anybody */

enum proof_state { PROOF_UNASKED, PROOF_BEGUN, PROOF_GOOD, PROOF_BAD };

struct proof {
    enum proof_state state;
    int64_t end_s;
};

/* Who signed the lists, by name and key: asked when a list is not of the very issuer on the path. */
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
    int index[DEPTH_MAX + 1]; /* of each among the operator's; -1: it is none of them */
    STACK_OF(X509) * sent;    /* by a peer; NULL: none */
    int auth_level;
    int n, steps, sent_steps;
    bool is_wrong_name; /* an issuer of the right name was there that did not sign */
    struct trust_verdict verdict;
    int rank; /* of the objection in e: the further a path came, the more it says */
    struct error *e;
};

/* ---- one path ---- */

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
        rc = path_rules_check(&(struct path_rules){.path = w->path,
                                                   .n = w->n,
                                                   .is_of_client = w->t->use == TRUST_OF_CLIENTS && w->target == NULL,
                                                   .auth_level = w->auth_level,
                                                   .now_s = w->now_s},
                              &v->reason, e);
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

/* Two threads may find out the same. */
static bool is_signed_by(const struct walk *w, int index, X509 *issuer)
{
    X509 *last = w->path[w->n - 1];
    int of = w->index[w->n - 1], all = sk_X509_num(w->t->anchors) + sk_X509_num(w->t->chain);
    bool is_kept = w->t->signed_by != NULL && of >= 0 && index >= 0;
    _Atomic(unsigned char) *kept = is_kept ? &w->t->signed_by[(size_t)of * (size_t)all + (size_t)index] : NULL;
    unsigned char known = is_kept ? atomic_load_explicit(kept, memory_order_relaxed) : SIGNED_UNASKED;
    if (known != SIGNED_UNASKED)
        return known == SIGNED_BY;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool is = key != NULL && X509_verify(last, key) == 1;
    if (is_kept)
        atomic_store_explicit(kept, is ? SIGNED_BY : SIGNED_BY_NOT, memory_order_relaxed);
    return is;
}

struct among {
    STACK_OF(X509) * certs;
    int first; /* the index of the first; -1: of none */
    bool are_anchors;
    int *steps, steps_max;
};

/* It has issued itself, with its own key. */
static bool is_of_itself(const X509 *x, const X509 *issuer)
{
    return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0 &&
           EVP_PKEY_eq(X509_get0_pubkey(x), X509_get0_pubkey(issuer)) == 1;
}

/* A self-signed certificate is the end of a path, whoever else has its name and key. */
static bool has_signed(struct walk *w, X509 *issuer, int index, const struct among *a)
{
    X509 *last = w->path[w->n - 1];
    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(last)) != 0 || *a->steps >= a->steps_max ||
        is_of_itself(last, issuer))
        return false;
    ++*a->steps;
    bool has = is_signed_by(w, index, issuer);
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

static bool walk_over(struct walk *w, X509 *issuer, int index, bool is_anchor)
{
    w->index[w->n] = index;
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
static bool walk_among(struct walk *w, const struct among *a, bool *has_any)
{
    int n = sk_X509_num(a->certs);
    for (int i = 0; i < n && (a->first >= 0 || i < SENT_MAX); i++) {
        X509 *x = sk_X509_value(a->certs, i);
        int index = a->first >= 0 ? a->first + i : -1;
        if ((a->are_anchors && !will_do(w, x)) || is_on_path(w, x) || !has_signed(w, x, index, a))
            continue;
        *has_any = true;
        if (walk_over(w, x, index, a->are_anchors))
            return true;
    }
    return false;
}

/* False when no path goes on from here that is good. Recursion is bounded by DEPTH_MAX. */
static bool walk_on(struct walk *w)
{
    X509 *last = w->path[w->n - 1];
    bool has_any = false, is_proof = w->target != NULL;
    int *steps = is_proof ? &w->proofs->steps : &w->steps, most = is_proof ? PROOF_STEPS_MAX : STEPS_MAX;
    const struct among anchors = {w->t->anchors, 0, true, steps, most};
    const struct among chain = {w->t->chain, sk_X509_num(w->t->anchors), false, steps, most};
    const struct among sent = {w->sent, -1, false, &w->sent_steps, SENT_STEPS_MAX};
    if (w->n > DEPTH_MAX)
        return false;
    if (walk_among(w, &anchors, &has_any) || walk_among(w, &chain, &has_any) ||
        (w->sent != NULL && walk_among(w, &sent, &has_any)))
        return true;
    if (!has_any)
        object_to_end(w, X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) == 0);
    return false;
}

/* -1: it is none of the operator's. */
static int index_of(const struct trust *t, const X509 *x)
{
    int nanchors = sk_X509_num(t->anchors);
    for (int i = 0; i < nanchors + sk_X509_num(t->chain); i++) {
        const X509 *y = i < nanchors ? sk_X509_value(t->anchors, i) : sk_X509_value(t->chain, i - nanchors);
        if (X509_cmp(y, x) == 0)
            return i;
    }
    return -1;
}

static bool walk_from(struct walk *w)
{
    w->index[0] = index_of(w->t, w->path[0]);
    bool is_anchor = w->index[0] >= 0 && w->index[0] < sk_X509_num(w->t->anchors);
    return is_anchor && will_do(w, w->path[0]) ? try_path(w) : walk_on(w);
}

bool trust_path_may_lead(const struct trust *t, X509 *x)
{
    struct error why = {0};
    struct walk w = {.t = t, .path = {x}, .n = 1, .is_sketch = true, .e = &why};
    return walk_from(&w);
}

bool trust_path_is_worn_out(const struct proofs *p)
{
    return p->steps >= PROOF_STEPS_MAX;
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
 * Lists whose signer is being proven speak of him, too: an authority that has all its lists signed by a key of their
 * own has no others for it. What was found out on the strength of that is not kept.
 */
bool trust_path_is_signer_good(struct proofs *p, const struct crl_list *l, int64_t *end_s)
{
    struct proof *proof = &p->of[l->group];
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
