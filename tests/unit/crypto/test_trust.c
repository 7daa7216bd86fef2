/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* C2: chain, dates, revocation, key usage. Time is given, so nothing here waits and nothing grows old. */
#include "pki.h"

#include <pthread.h>
#include <string.h>

#define DAY ((int64_t)86400)

/* NULL for a file that is not there. */
static struct trust *trust_of(const char *anchors, const char *chain, const char *crl, bool crl_required)
{
    struct trust_conf conf = {.anchors_file = pki_path(anchors, ""),
                              .chain_file = chain != NULL ? pki_path(chain, "") : NULL,
                              .crl_file = crl != NULL ? pki_path(crl, "") : NULL,
                              .crl_required = crl_required};
    struct trust *t = NULL;
    struct error e = {0};
    enum err rc = trust_load(pki_arena, &conf, &t, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
    return t;
}

/* Some time after every certificate and list was made, and well before any ends. */
static int64_t now(void)
{
    return cert_signs_from(pki_cert("g256a")) + 3600;
}

static void accepted(struct trust *t, const char *name, int64_t at)
{
    struct error e = {0};
    enum err rc = trust_check(t, pki_cert(name), at, NULL, &e);
    assert_string_equal(e.detail, "");
    assert_int_equal(rc, ERR_OK);
}

static void refused(struct trust *t, const char *name, int64_t at, const char *why)
{
    struct error e = {0};
    enum err rc = trust_check(t, pki_cert(name), at, NULL, &e);
    if (rc != ERR_TOKEN || strstr(e.detail, why) == NULL)
        fail_msg("%s: %s '%s' instead of '%s'", name, error_name(rc), e.detail, why);
}

static void C2_good_certificates_are_believed(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", "inter.pem", "both.crl", true);
    static const char *const good[] = {"g256a", "g256tca", "g256xa", "g512a",   "g512c", "g2001a",
                                       "other", "byinter", "nonrep", "digital", "none"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        accepted(t, good[i], now());
        accepted(t, good[i], now()); /* from the cache */
    }
}

static void C2_bad_chains_are_refused(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", "inter.pem", "both.crl", true);
    refused(t, "byimposter", now(), "issuer"); /* an issuer of the very same name */
    refused(t, "stranger", now(), "self-signed");
    refused(t, "imposter", now(), "not for signatures");
    refused(t, "byrsa", now(), "unable to get local issuer");
    refused(t, "byleaf", now(), "at depth"); /* issued by somebody who may not issue */
    refused(t, "strange", now(), "unhandled critical extension");
    struct trust *alone = trust_of("root.pem", NULL, "both.crl", true);
    refused(alone, "byinter", now(), "unable to get local issuer");
    /* An intermediate helps to build a chain and is not believed by itself. */
    struct trust *elsewhere = trust_of("clientca.pem", "inter.pem", NULL, false);
    refused(elsewhere, "byinter", now(), "issuer");
    /* Chains are built from the operator's files only; a leaf among them changes nothing. */
    struct trust *leafs = trust_of("root.pem", "g256a.pem", "both.crl", false);
    refused(leafs, "byleaf", now(), "at depth");
}

static void C2_a_forged_certificate_is_refused(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", "inter.pem", "both.crl", true);
    struct span raw = pki_read("g256a", ".der");
    const char *name = memmem(raw.p, raw.n, "Demo, Ltd", 9);
    assert_non_null(name);
    size_t places[6] = {(size_t)(name - raw.p)};
    for (size_t i = 1; i < 6; i++)
        places[i] = raw.n - i * 12; /* in the signature */
    accepted(t, "g256a", now());
    for (size_t i = 0; i < 6; i++) {
        char *m = arena_copy(pki_arena, raw.p, raw.n);
        struct cert *c = NULL;
        struct error e = {0};
        m[places[i]] ^= 1;
        assert_int_equal(cert_from_der(pki_arena, (struct span){m, raw.n}, &c, &e), ERR_OK);
        assert_int_equal(trust_check(t, c, now(), NULL, &e), ERR_TOKEN);
        assert_non_null(strstr(e.detail, "signature failure"));
    }
}

static void C2_only_GOST_all_the_way_up(void **state)
{
    (void)state;
    struct trust *t = trust_of("roots.pem", NULL, NULL, false);
    accepted(t, "g256a", now());
    refused(t, "byrsa", now(), "not GOST");
    refused(t, "rsaleaf", now(), "not GOST");
}

static void C2_dates_are_obeyed(void **state)
{
    (void)state;
    const struct cert *c = pki_cert("g256a");
    int64_t from = cert_signs_from(c), to = cert_not_after(c), root_from = cert_signs_from(pki_cert("root"));
    static const struct {
        const char *crl;
    } lists[] = {{NULL}, {"both.crl"}};
    for (size_t i = 0; i < 2; i++) {
        struct trust *t = trust_of("root.pem", "inter.pem", lists[i].crl, false);
        refused(t, "g256a", (from < root_from ? from : root_from) - 1, "not yet valid");
        refused(t, "g256a", 0, "not yet valid");
        accepted(t, "g256a", from > root_from ? from : root_from);
        accepted(t, "g256a", to - 1);
        refused(t, "g256a", to + 1, "expired");
        refused(t, "g256a", to + 20 * 365 * DAY, "expired");
        accepted(t, "g256a", now()); /* and back again */
    }
    /* The intermediate lives longer than the leaf, the root longer than both. */
    struct trust *t = trust_of("root.pem", "inter.pem", NULL, false);
    refused(t, "root", cert_not_after(pki_cert("root")) + 1, "not for signatures");
}

static void C2_revoked_is_refused_whatever_is_required(void **state)
{
    (void)state;
    for (int required = 0; required < 2; required++) {
        struct trust *t = trust_of("root.pem", "inter.pem", "both.crl", required);
        refused(t, "revoked", now(), "revoked");
        refused(t, "inter-revoked", now(), "revoked");
        accepted(t, "g256a", now());
        struct trust *gone = trust_of("root.pem", "inter.pem", "inter-gone.crl", required);
        refused(gone, "byinter", now(), "revoked"); /* its issuer was */
        accepted(gone, "g256a", now());
    }
    /* A list past its time still tells the truth about whom it names. */
    struct trust *old = trust_of("root.pem", NULL, "root.crl", false);
    refused(old, "revoked", now() + 40 * DAY, "revoked");
    /* Without any list nothing is known of it. */
    accepted(trust_of("root.pem", NULL, NULL, false), "revoked", now());
    accepted(trust_of("root.pem", NULL, "root-empty.crl", true), "revoked", now());
}

static void C2_lists_that_are_missing_or_stale(void **state)
{
    (void)state;
    refused(trust_of("root.pem", "inter.pem", NULL, true), "g256a", now(), "unable to get certificate CRL");
    accepted(trust_of("root.pem", "inter.pem", NULL, false), "g256a", now());
    /* The list of the root says nothing about what the intermediate issued. */
    refused(trust_of("root.pem", "inter.pem", "root.crl", true), "byinter", now(), "unable to get certificate CRL");
    accepted(trust_of("root.pem", "inter.pem", "root.crl", false), "byinter", now());
    refused(trust_of("root.pem", "inter.pem", "inter.crl", true), "byinter", now(), "unable to get certificate CRL");

    struct trust *strict = trust_of("root.pem", "inter.pem", "both.crl", true);
    int64_t end = trust_crl_next_update(strict);
    assert_in_range(end - now(), 29 * DAY, 30 * DAY); /* the earlier of the two */
    accepted(strict, "g256a", end - 1);
    refused(strict, "g256a", end + 1, "CRL has expired");
    refused(strict, "byinter", end + 1, "CRL has expired");
    struct trust *lenient = trust_of("root.pem", "inter.pem", "both.crl", false);
    accepted(lenient, "g256a", end + 1);
    accepted(lenient, "byinter", end + 1);

    /* A list that somebody else signed under the issuer's name is no list, required or not. */
    refused(trust_of("root.pem", NULL, "imposter.crl", true), "g256a", now(), "CRL");
    refused(trust_of("root.pem", NULL, "imposter.crl", false), "g256a", now(), "CRL");
}

static void C2_an_anchor_is_an_anchor(void **state)
{
    (void)state;
    /* An intermediate as the only anchor, with its own list, with and without that of its issuer. */
    accepted(trust_of("inter.pem", NULL, "inter.crl", true), "byinter", now());
    accepted(trust_of("inter.pem", NULL, "both.crl", true), "byinter", now());
    refused(trust_of("inter.pem", NULL, "both.crl", true), "inter-revoked", now(), "revoked");
    refused(trust_of("inter.pem", NULL, "both.crl", true), "g256a", now(), "issuer");
}

static void C2_key_usage_is_obeyed(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", NULL, NULL, false);
    refused(t, "encipher", now(), "not for signatures");
    refused(t, "root", now(), "not for signatures"); /* an issuer's key signs no messages */
    accepted(t, "nonrep", now());
    accepted(t, "digital", now());
    accepted(t, "none", now());
}

/* A good verdict is kept ten minutes at most, and never past the end of what it rests on. */
static void C2_a_kept_verdict_ends_in_time(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", "inter.pem", "both.crl", true);
    int64_t crl_end = trust_crl_next_update(t), cert_end = cert_not_after(pki_cert("g256a"));
    accepted(t, "g256a", crl_end - 5);
    refused(t, "g256a", crl_end + 1, "CRL has expired");
    accepted(t, "g256a", crl_end - 300);
    refused(t, "g256a", crl_end + 200, "CRL has expired");

    struct trust *lenient = trust_of("root.pem", NULL, NULL, false);
    accepted(lenient, "g256a", cert_end - 5);
    refused(lenient, "g256a", cert_end + 1, "expired");
    accepted(lenient, "g256a", cert_end - 5);
    refused(lenient, "g256a", 0, "not yet valid"); /* a clock set back does not make it good */
    /* Each store has its own: what one believes says nothing to the other. */
    accepted(lenient, "revoked", now());
    refused(t, "revoked", now(), "revoked");
}

struct job {
    struct trust *t;
    struct cert *good, *bad;
    int64_t at;
    int wrong;
};

static void *check_often(void *p)
{
    struct job *j = p;
    for (int i = 0; i < 300; i++) {
        struct error e = {0}, e2 = {0};
        /* every other second another verdict, so that the cache is written all the time */
        j->wrong += trust_check(j->t, j->good, j->at + i % 2 * 601, NULL, &e) != ERR_OK;
        j->wrong += trust_check(j->t, j->bad, j->at, NULL, &e2) != ERR_TOKEN;
    }
    return NULL;
}

static void C2_two_threads_ask_at_once(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", "inter.pem", "both.crl", true);
    struct job one = {t, pki_cert("byinter"), pki_cert("revoked"), now(), 0}, two = one;
    pthread_t t1, t2;
    pthread_create(&t1, NULL, check_often, &one);
    pthread_create(&t2, NULL, check_often, &two);
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    assert_int_equal(one.wrong + two.wrong, 0);
}

static void O2_files_that_cannot_be_trust(void **state)
{
    (void)state;
    static const struct {
        const char *anchors, *chain, *crl, *named;
    } bad[] = {
        {"missing.pem", NULL, NULL, "missing.pem"},
        {"empty.pem", NULL, NULL, "empty.pem"},
        {"garbage.pem", NULL, NULL, "garbage.pem"},
        {"broken.pem", NULL, NULL, "broken.pem"},
        {"root.crl", NULL, NULL, "root.crl"},
        {"both.pem", NULL, NULL, "both.pem"},
        {"g256a.key", NULL, NULL, "g256a.key"},
        {"root.pem", "missing.pem", NULL, "missing.pem"},
        {"root.pem", "root.crl", NULL, "root.crl"},
        {"root.pem", "empty.pem", NULL, "empty.pem"},
        {"root.pem", NULL, "missing.crl", "missing.crl"},
        {"root.pem", NULL, "root.pem", "root.pem"},
        {"root.pem", NULL, "garbage.pem", "garbage.pem"},
        {"root.pem", NULL, "empty.pem", "empty.pem"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct trust_conf conf = {.anchors_file = pki_path(bad[i].anchors, ""),
                                  .chain_file = bad[i].chain ? pki_path(bad[i].chain, "") : NULL,
                                  .crl_file = bad[i].crl ? pki_path(bad[i].crl, "") : NULL,
                                  .crl_required = true};
        struct trust *t = NULL;
        struct error e = {0};
        enum err rc = trust_load(pki_arena, &conf, &t, &e);
        if (rc != ERR_CONFIG || strstr(e.detail, bad[i].named) == NULL)
            fail_msg("row %zu: %s '%s'", i, error_name(rc), e.detail);
        assert_null(t);
    }
}

static void O2_dates_for_the_metrics(void **state)
{
    (void)state;
    struct trust *t = trust_of("root.pem", "inter.pem", NULL, false);
    assert_int_equal(trust_anchor_not_after(t), cert_not_after(pki_cert("root")));
    assert_int_equal(trust_crl_next_update(t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C2_good_certificates_are_believed),
        cmocka_unit_test(C2_bad_chains_are_refused),
        cmocka_unit_test(C2_a_forged_certificate_is_refused),
        cmocka_unit_test(C2_only_GOST_all_the_way_up),
        cmocka_unit_test(C2_dates_are_obeyed),
        cmocka_unit_test(C2_revoked_is_refused_whatever_is_required),
        cmocka_unit_test(C2_lists_that_are_missing_or_stale),
        cmocka_unit_test(C2_an_anchor_is_an_anchor),
        cmocka_unit_test(C2_key_usage_is_obeyed),
        cmocka_unit_test(C2_a_kept_verdict_ends_in_time),
        cmocka_unit_test(C2_two_threads_ask_at_once),
        cmocka_unit_test(O2_files_that_cannot_be_trust),
        cmocka_unit_test(O2_dates_for_the_metrics),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
