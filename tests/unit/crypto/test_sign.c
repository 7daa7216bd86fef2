/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * C1: signatures by GOST R 34.10-2012 are made and verified, those of 2001 are verified, and nothing near them is. The
 * certificates and the foreign signatures come from the openssl program.
 */
#include "pki.h"

#include <pthread.h>
#include <string.h>

static const struct {
    const char *name;
    enum sign_alg alg;
    size_t size;
} kinds[] = {
    {"g256a", SIGN_GOST2012_256, 64},  {"g256tca", SIGN_GOST2012_256, 64}, {"g256xa", SIGN_GOST2012_256, 64},
    {"g512a", SIGN_GOST2012_512, 128}, {"g512c", SIGN_GOST2012_512, 128},  {"g2001a", SIGN_GOST2001, 64},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static enum err verify(const struct cert *c, enum sign_alg alg, struct span m, const unsigned char *sig, size_t n)
{
    struct error e = {0};
    enum err rc = cert_verify(c, alg, m.p, m.n, sig, n, &e);
    assert_int_equal(e.code, rc); /* words are set when, and only when, there is something to say */
    return rc;
}

static void C1_foreign_signatures_are_verified(void **state)
{
    (void)state;
    struct span message = pki_read("message", "");
    for (size_t i = 0; i < KINDS; i++) {
        struct cert *c = pki_cert(kinds[i].name);
        struct span sig = pki_read(kinds[i].name, ".sig");
        assert_int_equal(sig.n, kinds[i].size);
        assert_int_equal(verify(c, kinds[i].alg, message, (const unsigned char *)sig.p, sig.n), ERR_OK);
        struct span longer = {message.p, message.n - 1};
        assert_int_equal(verify(c, kinds[i].alg, longer, (const unsigned char *)sig.p, sig.n), ERR_CHECK);
        assert_int_equal(verify(c, kinds[i].alg, (struct span){0}, (const unsigned char *)sig.p, sig.n), ERR_CHECK);
    }
}

static void C1_own_signatures_are_verified_and_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS - 1; i++) {
        struct key *k = pki_key(kinds[i].name);
        unsigned char one[SIGNATURE_MAX], two[SIGNATURE_MAX];
        size_t n1 = 0, n2 = 0;
        struct error e = {0};
        assert_int_equal(key_alg(k), kinds[i].alg);
        assert_int_equal(key_sign(k, "text", 4, one, &n1, &e), ERR_OK);
        assert_int_equal(key_sign(k, "text", 4, two, &n2, &e), ERR_OK);
        assert_int_equal(n1, kinds[i].size);
        assert_int_equal(n2, kinds[i].size);
        assert_memory_not_equal(one, two, n1); /* a fresh random number each time */
        assert_int_equal(verify(key_cert(k), kinds[i].alg, SPAN_LIT("text"), one, n1), ERR_OK);
        assert_int_equal(verify(key_cert(k), kinds[i].alg, SPAN_LIT("text"), two, n2), ERR_OK);
        assert_int_equal(verify(key_cert(k), kinds[i].alg, SPAN_LIT("Text"), one, n1), ERR_CHECK);
        assert_int_equal(key_sign(k, NULL, 0, one, &n1, &e), ERR_OK);
        assert_int_equal(verify(key_cert(k), kinds[i].alg, (struct span){0}, one, n1), ERR_OK);
    }
}

static void reverse(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        unsigned char c = p[i];
        p[i] = p[n - 1 - i];
        p[n - 1 - i] = c;
    }
}

/* There is one order of bytes; the others in use elsewhere are not accepted beside it. */
static void C1_mutated_signatures_are_refused(void **state)
{
    (void)state;
    struct span message = pki_read("message", "");
    for (size_t i = 0; i < KINDS; i++) {
        struct cert *c = pki_cert(kinds[i].name);
        struct span good = pki_read(kinds[i].name, ".sig");
        size_t n = good.n, half = n / 2;
        unsigned char m[SIGNATURE_MAX + 1];
#define REFUSED(size) assert_int_equal(verify(c, kinds[i].alg, message, m, (size)), ERR_CHECK)
#define FRESH()       memcpy(m, good.p, n)
        FRESH();
        memcpy(m, good.p + half, half), memcpy(m + half, good.p, half);
        REFUSED(n); /* halves swapped */
        FRESH(), reverse(m, n);
        REFUSED(n); /* the buffer of CryptSignHash */
        FRESH(), reverse(m, half), reverse(m + half, half);
        REFUSED(n); /* little-endian numbers */
        FRESH(), memset(m, 0, half);
        REFUSED(n); /* s = 0 */
        FRESH(), memset(m + half, 0, half);
        REFUSED(n); /* r = 0 */
        memset(m, 0, n);
        REFUSED(n);
        memset(m, 0xFF, n);
        REFUSED(n); /* both above the order */
        FRESH(), memset(m, 0xFF, half);
        REFUSED(n);
        FRESH(), memset(m + half, 0xFF, half);
        REFUSED(n);
        FRESH();
        m[n] = 0;
        REFUSED(n + 1); /* extended */
        REFUSED(n - 1); /* truncated */
        REFUSED(half);
        REFUSED(0);
        FRESH(), memmove(m + 1, m, n), m[0] = 0;
        REFUSED(n + 1); /* a leading zero */
        for (size_t byte = 0; byte < n; byte++) {
            FRESH();
            m[byte] ^= (unsigned char)(1U << byte % 8);
            REFUSED(n);
        }
        FRESH();
        assert_int_equal(verify(c, kinds[i].alg, message, m, n), ERR_OK); /* the unharmed one, for comparison */
    }
}

static void C1_signatures_of_others_are_refused(void **state)
{
    (void)state;
    struct span message = pki_read("message", "");
    for (size_t i = 0; i < KINDS; i++) {
        struct cert *c = pki_cert(kinds[i].name);
        for (size_t j = 0; j < KINDS; j++) {
            struct span sig = pki_read(kinds[j].name, ".sig");
            for (int alg = 0; alg < SIGN_COUNT; alg++) {
                enum err want = (enum sign_alg)alg != kinds[i].alg ? ERR_ALGORITHM : i == j ? ERR_OK : ERR_CHECK;
                assert_int_equal(verify(c, (enum sign_alg)alg, message, (const unsigned char *)sig.p, sig.n), want);
            }
        }
    }
    struct cert *rsa = pki_cert("rsaleaf");
    for (int alg = 0; alg < SIGN_COUNT; alg++)
        assert_int_equal(verify(rsa, (enum sign_alg)alg, message, (const unsigned char[64]){1}, 64), ERR_ALGORITHM);
}

static void C5_keys_that_must_not_be_used(void **state)
{
    (void)state;
    static const struct {
        const char *key, *cert, *why;
    } bad[] = {
        {"g256a.key", "other.pem", "does not belong"},   /* another key of the same kind */
        {"g256a.key", "g256tca.pem", "does not belong"}, /* another curve */
        {"g256a.key", "g512a.pem", "does not belong"},   /* another size */
        {"g256a.key", "rsaleaf.pem", "does not belong"}, /* another world */
        {"g2001a.key", "g2001a.pem", "not GOST R 34.10-2012"},
        {"rsaleaf.key", "rsaleaf.pem", "not GOST R 34.10-2012"},
        {"tlsec.key", "tlsec.pem", "not GOST R 34.10-2012"},
        {"encrypted.key", "g256a.pem", "no unencrypted private key"},
        {"garbage.pem", "g256a.pem", "no unencrypted private key"},
        {"empty.pem", "g256a.pem", "no unencrypted private key"},
        {"cut.key", "g256a.pem", "no unencrypted private key"},
        {"g256a.pem", "g256a.pem", "no unencrypted private key"}, /* a certificate is not a key */
        {"missing.key", "g256a.pem", "cannot be read"},
        {"g256a.key", "missing.pem", "cannot be read"},
        {"g256a.key", "garbage.pem", "no certificate"},
        {"g256a.key", "empty.pem", "no certificate"},
        {"g256a.key", "broken.pem", "no certificate"},
        {"g256a.key", "g256a.key", "no certificate"},
        {"g256a.key", "g256a.der", "no certificate"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct key *k = NULL;
        struct error e = {0};
        enum err rc = key_load(pki_arena, pki_path(bad[i].key, ""), pki_path(bad[i].cert, ""), &k, &e);
        if (rc != ERR_CONFIG || strstr(e.detail, bad[i].why) == NULL)
            fail_msg("%s with %s: %s '%s'", bad[i].key, bad[i].cert, error_name(rc), e.detail);
        assert_null(k);
    }
    /* Both in one file is a habit of many. */
    struct key *k = NULL;
    struct error e = {0};
    assert_int_equal(key_load(pki_arena, PKI("both.pem"), PKI("both.pem"), &k, &e), ERR_OK);
}

struct job {
    struct key *k;
    int bad;
};

static void *sign_and_verify(void *p)
{
    struct job *j = p;
    for (int i = 0; i < 150; i++) {
        unsigned char sig[SIGNATURE_MAX];
        size_t n = 0;
        struct error e = {0};
        char text[32];
        snprintf(text, sizeof text, "message %d", i);
        if (key_sign(j->k, text, strlen(text), sig, &n, &e) != ERR_OK ||
            cert_verify(key_cert(j->k), key_alg(j->k), text, strlen(text), sig, n, &e) != ERR_OK)
            j->bad++;
        sig[i % 64] ^= 1;
        struct error e2 = {0};
        if (cert_verify(key_cert(j->k), key_alg(j->k), text, strlen(text), sig, n, &e2) != ERR_CHECK)
            j->bad++;
    }
    return NULL;
}

static void C1_two_threads_share_one_key(void **state)
{
    (void)state;
    struct key *k = pki_key("g256tca");
    struct job one = {k, 0}, two = {k, 0};
    pthread_t t1, t2;
    pthread_create(&t1, NULL, sign_and_verify, &one);
    pthread_create(&t2, NULL, sign_and_verify, &two);
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    assert_int_equal(one.bad, 0);
    assert_int_equal(two.bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C1_foreign_signatures_are_verified),
        cmocka_unit_test(C1_own_signatures_are_verified_and_differ),
        cmocka_unit_test(C1_mutated_signatures_are_refused),
        cmocka_unit_test(C1_signatures_of_others_are_refused),
        cmocka_unit_test(C5_keys_that_must_not_be_used),
        cmocka_unit_test(C1_two_threads_share_one_key),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
