/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Reading certificates, as they come with messages (DER) and from the operator (PEM). C2 begins here. */
#include "pki.h"

#include <string.h>

static void a_certificate_is_read(void **state)
{
    (void)state;
    struct cert *pem = pki_cert("g256a"), *der = NULL;
    struct span raw = pki_read("g256a", ".der");
    struct error e = {0};
    unsigned char fingerprint[DIGEST_MAX];
    assert_int_equal(cert_from_der(pki_arena, raw, &der, &e), ERR_OK);
    assert_true(span_equals(cert_der(der), raw));
    assert_true(span_equals(cert_der(pem), raw));
    assert_int_equal(digest_once(DIGEST_SHA256, raw.p, raw.n, fingerprint, &e), ERR_OK);
    assert_memory_equal(cert_fingerprint(der), fingerprint, 32);
    assert_memory_equal(cert_fingerprint(pem), fingerprint, 32);
    assert_string_equal(cert_subject(der), "O=Demo\\, Ltd,CN=Тестов Тест Тестович"); /* last first, comma escaped */
    assert_int_equal(cert_not_after(der) - cert_signs_from(der), 365 * 86400);
}

static void C1_kinds_of_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sign_alg alg;
    } kinds[] = {{"g256a", SIGN_GOST2012_256}, {"g256tca", SIGN_GOST2012_256}, {"g256xa", SIGN_GOST2012_256},
                 {"g512a", SIGN_GOST2012_512}, {"g512c", SIGN_GOST2012_512},   {"g2001a", SIGN_GOST2001}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum sign_alg alg = SIGN_COUNT;
        struct error e = {0};
        assert_int_equal(cert_sign_alg(pki_cert(kinds[i].name), &alg, &e), ERR_OK);
        assert_int_equal(alg, kinds[i].alg);
    }
    static const char *const others[] = {"rsaleaf", "tlsec"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        enum sign_alg alg;
        struct error e = {0};
        assert_int_equal(cert_sign_alg(pki_cert(others[i]), &alg, &e), ERR_ALGORITHM);
    }
}

static enum err read_der(const void *p, size_t n)
{
    struct arena *a = arena_new();
    struct cert *c = NULL;
    struct error e = {0};
    enum err rc = cert_from_der(a, (struct span){p, n}, &c, &e);
    assert_int_equal(e.code, rc);
    arena_free(a);
    return rc;
}

static void what_is_not_one_whole_certificate_is_refused(void **state)
{
    (void)state;
    struct span raw = pki_read("g256tca", ".der");
    char *m = arena_alloc(pki_arena, raw.n * 2 + 2);
    assert_int_equal(read_der(raw.p, raw.n), ERR_OK);
    for (size_t n = 0; n < raw.n; n++)
        assert_int_equal(read_der(raw.p, n), ERR_TOKEN); /* cut at every byte */
    memcpy(m, raw.p, raw.n);
    m[raw.n] = 0;
    assert_int_equal(read_der(m, raw.n + 1), ERR_TOKEN); /* one byte more */
    memcpy(m + raw.n, raw.p, raw.n);
    assert_int_equal(read_der(m, raw.n * 2), ERR_TOKEN); /* two of them */
    struct span pem = pki_read("g256tca", ".pem");
    assert_int_equal(read_der(pem.p, pem.n), ERR_TOKEN);
    assert_int_equal(read_der("", 0), ERR_TOKEN);
    assert_int_equal(read_der(NULL, 0), ERR_TOKEN);
    /* The same in BER with an indefinite length: another spelling would have another fingerprint. */
    m[0] = 0x30, m[1] = (char)0x80;
    memcpy(m + 2, raw.p + 4, raw.n - 4);
    m[raw.n - 2] = m[raw.n - 1] = 0;
    assert_int_equal((unsigned char)raw.p[1], 0x82);
    assert_int_equal(read_der(m, raw.n), ERR_TOKEN);
}

/* Whatever a single changed byte makes of it: no crash, and the fingerprint is that of the bytes given. */
static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    struct span raw = pki_read("g512c", ".der");
    char *m = arena_alloc(pki_arena, raw.n);
    for (size_t i = 0; i < raw.n; i++) {
        memcpy(m, raw.p, raw.n);
        m[i] ^= (char)(1 << i % 8);
        struct arena *a = arena_new();
        struct cert *c = NULL;
        struct error e = {0};
        unsigned char digest[DIGEST_MAX];
        if (cert_from_der(a, (struct span){m, raw.n}, &c, &e) == ERR_OK) {
            assert_int_equal(digest_once(DIGEST_SHA256, m, raw.n, digest, &e), ERR_OK);
            assert_memory_equal(cert_fingerprint(c), digest, 32);
            assert_non_null(cert_subject(c));
        } else {
            assert_int_equal(e.code, ERR_TOKEN);
        }
        arena_free(a);
    }
}

/* A point that is not on its curve leaks what it is multiplied with. */
static void a_point_off_its_curve_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"g256a", "g256tca", "g512a"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span raw = pki_read(names[i], ".der");
        size_t size = i == 2 ? 128 : 64;
        /* BIT STRING { OCTET STRING { X || Y } } */
        const unsigned char small[] = {0x03, 0x43, 0x00, 0x04, 0x40},
                            large[] = {0x03, 0x81, 0x84, 0x00, 0x04, 0x81, 0x80};
        const unsigned char *mark = i == 2 ? large : small;
        size_t mark_n = i == 2 ? sizeof large : sizeof small;
        char *at = memmem(raw.p, raw.n, mark, mark_n), *m = arena_copy(pki_arena, raw.p, raw.n);
        assert_non_null(at);
        size_t x = (size_t)(at - raw.p) + mark_n;
        m[x + 3] ^= 1;
        assert_int_equal(read_der(m, raw.n), ERR_TOKEN);
        memset(m + x, 0, size);
        assert_int_equal(read_der(m, raw.n), ERR_TOKEN);
        memset(m + x, 0xFF, size);
        assert_int_equal(read_der(m, raw.n), ERR_TOKEN);
    }
}

/* One bit of the serial number changed: another certificate, with the same end. */
static struct cert *twin_of(const struct cert *c, unsigned bit)
{
    char *m = arena_copy(pki_arena, cert_der(c).p, cert_der(c).n);
    struct cert *twin = NULL;
    struct error e = {0};
    m[14 + m[14]] ^= (char)(1u << bit); /* the last byte of the number: its length is at 14 */
    assert_int_equal(cert_from_der(pki_arena, (struct span){m, cert_der(c).n}, &twin, &e), ERR_OK);
    assert_string_not_equal(cert_describe(pki_arena, twin), cert_describe(pki_arena, c));
    return twin;
}

static void certificates_are_found_by_their_octets(void **state)
{
    (void)state;
    static const char *const names[] = {"g256a", "g256tca", "g256xa", "g512a", "g512c", "g2001a", "rsaleaf"};
    enum { NAMED = sizeof names / sizeof names[0], TWINS = 4 };
    struct cert *all[NAMED + TWINS];
    struct cert_set *set = cert_set_new(pki_arena, NAMED + TWINS), *empty = cert_set_new(pki_arena, 0);
    for (size_t i = 0; i < NAMED + TWINS; i++) {
        all[i] = i < NAMED ? pki_cert(names[i]) : twin_of(all[0], (unsigned)(i - NAMED));
        assert_null(cert_set_find(set, cert_der(all[i])));
        cert_set_add(set, all[i]);
    }
    for (size_t i = 0; i < NAMED + TWINS; i++) {
        struct span der = cert_der(all[i]);
        char *copy = arena_copy(pki_arena, der.p, der.n);
        assert_ptr_equal(cert_set_find(set, (struct span){copy, der.n}), all[i]);
        assert_null(cert_set_find(set, (struct span){copy, der.n - 1}));
        assert_null(cert_set_find(set, (struct span){copy, der.n + 1}));
        assert_null(cert_set_find(set, (struct span){copy + 1, der.n - 1}));
        assert_null(cert_set_find(empty, der));
        assert_null(cert_set_find(NULL, der));
        for (size_t at = 20; at < der.n; at++) {
            copy[at] ^= 1;
            assert_null(cert_set_find(set, (struct span){copy, der.n}));
            copy[at] ^= 1;
        }
    }
    for (size_t n = 0; n < 20; n++)
        assert_null(cert_set_find(set, (struct span){cert_der(all[0]).p, n}));
}

static void files_that_hold_no_certificate(void **state)
{
    (void)state;
    static const char *const bad[] = {"garbage.pem", "empty.pem", "broken.pem", "g256a.key",
                                      "g256a.der",   "root.crl",  "nothing",    "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cert *c = NULL;
        struct error e = {0};
        assert_int_equal(cert_load(pki_arena, pki_path(bad[i], ""), &c, &e), ERR_CONFIG);
        assert_non_null(strstr(e.detail, bad[i]));
        assert_null(c);
    }
    struct cert *first = NULL;
    struct error e = {0};
    assert_int_equal(cert_load(pki_arena, PKI("roots.pem"), &first, &e), ERR_OK);
    assert_string_equal(cert_subject(first), "CN=Test root");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_read),
        cmocka_unit_test(C1_kinds_of_keys),
        cmocka_unit_test(what_is_not_one_whole_certificate_is_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(a_point_off_its_curve_is_refused),
        cmocka_unit_test(certificates_are_found_by_their_octets),
        cmocka_unit_test(files_that_hold_no_certificate),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
