/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C2, C8: small worlds from a seed: an authority with several certificates (two keys, two roots, itself; for
 * certificates, for lists, for both; run out, revoked) and lists of all kinds. Judged by us, and by a model written
 * from RFC 5280 sections 5.2.4 and 6.3.3 over what the world was made of, not over certificates: we are never laxer
 * than the model.
 */
#include "forge.h"

#define FROM   (FORGE_NOW - 100 * DAY)
#define TO     (FORGE_NOW + 300 * DAY)
#define SUBS   4
#define LISTS  5
#define WORLDS 400

enum { NOT_NAMED = -2 }; /* a reason; -1 is an entry without one */

struct sub {
    int key, by; /* of keys[]; of the roots, or 2: itself */
    bool signs_certs, signs_lists, is_over, is_revoked;
};

struct list {
    int key, number, base, reason; /* base 0: a whole list */
    bool is_over, is_to_come;
};

struct world {
    struct sub subs[SUBS];
    struct list lists[LISTS];
    int nsubs, nlists;
    bool is_required;
};

static const char *const keys[] = {"inter", "other"}, *const root_keys[] = {"root", "imposter"};
static X509 *roots[2];
static uint64_t seed;

static int upto(int n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((seed >> 33) % (uint64_t)n);
}

static void world_draw(struct world *w)
{
    static const int reasons[] = {NOT_NAMED,
                                  NOT_NAMED,
                                  -1,
                                  CRL_REASON_KEY_COMPROMISE,
                                  CRL_REASON_CERTIFICATE_HOLD,
                                  CRL_REASON_CERTIFICATE_HOLD,
                                  CRL_REASON_REMOVE_FROM_CRL};
    *w = (struct world){.nsubs = 1 + upto(SUBS), .nlists = upto(LISTS + 1), .is_required = upto(2) == 0};
    for (int i = 0; i < w->nsubs; i++) {
        int uses = upto(4);
        w->subs[i] =
            (struct sub){upto(2), upto(8) == 0 ? 2 : upto(4) == 0, uses != 1, uses != 2, upto(6) == 0, upto(6) == 0};
    }
    w->subs[0] = (struct sub){0, 0, true, upto(2) == 0, false, false};
    for (int i = 0; i < w->nlists; i++) {
        int number = 2 + upto(8), base = upto(2) == 0 ? 0 : 1 + upto(number), reason;
        do
            reason = reasons[upto(7)];
        while (reason == CRL_REASON_REMOVE_FROM_CRL && base == 0);
        w->lists[i] = (struct list){upto(2), number, base, reason, upto(6) == 0, upto(8) == 0};
    }
}

/* ---- the model ---- */

static bool sub_is_good(const struct sub *s, int root)
{
    return s->by == root && !s->is_over && !s->is_revoked;
}

static bool list_counts(const struct world *w, const struct list *l, int root)
{
    for (int i = 0; i < w->nsubs; i++) {
        if (w->subs[i].key == l->key && w->subs[i].signs_lists && sub_is_good(&w->subs[i], root))
            return !l->is_to_come;
    }
    return false;
}

/* Of a whole list and the delta lists that fit it. */
static bool hold_is_ended(const struct world *w, const struct list *whole)
{
    for (int i = 0; i < w->nlists; i++) {
        const struct list *d = &w->lists[i];
        if (d->base != 0 && d->key == whole->key && !d->is_to_come && !d->is_over &&
            d->reason == CRL_REASON_REMOVE_FROM_CRL && whole->number >= d->base && whole->number < d->number)
            return true;
    }
    return false;
}

static bool is_newest(const struct world *w, const struct list *l)
{
    for (int i = 0; i < w->nlists; i++) {
        const struct list *o = &w->lists[i];
        if (o->base == 0 && o->key == l->key && !o->is_to_come && o->number > l->number)
            return false;
    }
    return true;
}

static bool model_believes_under(const struct world *w, int root)
{
    bool has_issuer = false, has_fresh = false, has_whole = false, has_unproven = false;
    for (int i = 0; i < w->nsubs; i++)
        has_issuer |= w->subs[i].key == 0 && w->subs[i].signs_certs && sub_is_good(&w->subs[i], root);
    for (int i = 0; i < w->nlists; i++) {
        const struct list *l = &w->lists[i];
        if (l->is_to_come)
            continue;
        if (!list_counts(w, l, root)) {
            has_unproven = true;
            continue;
        }
        if (l->base != 0 || !is_newest(w, l))
            continue;
        has_whole = true;
        has_fresh |= !l->is_over;
        bool is_hold = l->reason == CRL_REASON_CERTIFICATE_HOLD;
        if (l->reason != NOT_NAMED && !(is_hold && hold_is_ended(w, l)))
            return false;
    }
    return has_issuer && (has_fresh || !w->is_required) && (has_whole || !has_unproven);
}

static bool model_believes(const struct world *w)
{
    return model_believes_under(w, 0) || model_believes_under(w, 1);
}

/* ---- the same in earnest ---- */

#define EXT_CA                                                                                                         \
    {                                                                                                                  \
        "basicConstraints", "critical,CA:TRUE"                                                                         \
    }
static const struct forge_ext uses[3][EXTS_MAX] = {
    {EXT_CA, {"keyUsage", "critical,keyCertSign,cRLSign"}, {"subjectKeyIdentifier", "hash"}},
    {{"keyUsage", "critical,cRLSign"}, {"subjectKeyIdentifier", "hash"}},
    {EXT_CA, {"keyUsage", "critical,keyCertSign"}, {"subjectKeyIdentifier", "hash"}},
};

static X509 *sub_make(const struct sub *s, int i)
{
    const struct forge_ext *exts = uses[!s->signs_certs ? 1 : s->signs_lists ? 0 : 2];
    X509 *by = s->by == 2 ? NULL : roots[s->by];
    return forge_cert("Sub", keys[s->key], 10 + i, by, s->by == 2 ? keys[s->key] : root_keys[s->by], exts, FROM,
                      s->is_over ? FORGE_NOW - DAY : TO);
}

static X509_CRL *list_make(const struct list *l, X509 *sub)
{
    char number[32], base[32];
    snprintf(number, sizeof number, "DER:0201%02X", (unsigned)l->number);
    snprintf(base, sizeof base, "critical,DER:0201%02X", (unsigned)l->base);
    struct forge_ext exts[EXTS_MAX] = {{"2.5.29.20", number}};
    if (l->base != 0)
        exts[1] = (struct forge_ext){"2.5.29.27", base};
    struct forge_entry entry = {3, l->reason, {0}};
    return forge_crl(sub, keys[l->key], exts, &entry, l->reason != NOT_NAMED, l->is_to_come ? FORGE_NOW + DAY : FROM,
                     l->is_over ? FORGE_NOW - DAY : TO);
}

static bool we_believe(const struct world *w)
{
    static const struct forge_ext messages[EXTS_MAX] = {{"keyUsage", "critical,digitalSignature"}};
    X509 *subs[SUBS];
    X509_CRL *lists[LISTS + 2];
    for (int i = 0; i < w->nsubs; i++)
        subs[i] = sub_make(&w->subs[i], i);
    for (int r = 0; r < 2; r++) {
        struct forge_entry gone[SUBS];
        unsigned n = 0;
        for (int i = 0; i < w->nsubs; i++) {
            if (w->subs[i].is_revoked && w->subs[i].by == r)
                gone[n++] = (struct forge_entry){10 + i, -1, {0}};
        }
        lists[w->nlists + r] = forge_crl(roots[r], root_keys[r], NULL, gone, n, FROM, TO);
    }
    for (int i = 0; i < w->nlists; i++)
        lists[i] = list_make(&w->lists[i], subs[0]);
    X509 *leaf = forge_cert("Signer", "g256a", 3, subs[0], "inter", messages, FROM, TO);
    struct error e = {0};
    struct trust *t = forge_trust(roots, 2, subs, (unsigned)w->nsubs, lists, (unsigned)w->nlists + 2, w->is_required);
    bool is_believed = trust_check(t, forge_read(leaf), FORGE_NOW, NULL, &e) == ERR_OK;
    for (int i = 0; i < w->nsubs; i++)
        X509_free(subs[i]);
    for (int i = 0; i < w->nlists + 2; i++)
        X509_CRL_free(lists[i]);
    X509_free(leaf);
    return is_believed;
}

static void C8_never_laxer_than_the_model(void **state)
{
    (void)state;
    unsigned both = 0, model_only = 0;
    for (int i = 0; i < WORLDS; i++) {
        struct world w;
        seed = 0x5280 + (uint64_t)i * 7919;
        world_draw(&w);
        bool is_good = model_believes(&w), is_believed = we_believe(&w);
        if (is_believed && !is_good)
            fail_msg("world %d: believed, and the model does not", i);
        both += is_believed && is_good;
        model_only += is_good && !is_believed;
    }
    /* A judge who refuses everybody is not laxer, either. */
    print_message("%d worlds: %u believed, %u by the model alone\n", WORLDS, both, model_only);
    assert_true(both > WORLDS / 10);
    assert_true(model_only < both / 2);
}

static int setup(void **state)
{
    if (forge_setup(state) != 0)
        return -1;
    for (int r = 0; r < 2; r++)
        roots[r] = forge_cert(r == 0 ? "Root" : "Root 2", root_keys[r], 1, NULL, root_keys[r], uses[0], FROM, TO);
    return 0;
}

static int teardown(void **state)
{
    X509_free(roots[0]);
    X509_free(roots[1]);
    return forge_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(C8_never_laxer_than_the_model)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
