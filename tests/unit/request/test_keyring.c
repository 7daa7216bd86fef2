/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L4, C2: when an agency signs. RFC 5280 section 4.2.1.4 of old (privateKeyUsagePeriod): a key has a time of its own
 * within its certificate's, with a beginning, an end, or both. What is signed outside of it nobody believes, so nothing
 * may be booked in the agency's name; the one who judges says so too, and both must say the same. C4: so does an
 * official, whose key a queue of SMEV 3 has.
 */
#include "../crypto/forge.h"

#include "request/request_private.h"

#define Y2024 "32303234"
#define Y2030 "32303330"
#define AT(y) "0F" y "303130313030303030305A"

/* 1 January, midnight */
#define S2024 ((int64_t)1704067200)
#define S2030 ((int64_t)1893456000)

static void C2_an_agency_signs_within_the_time_of_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *name, *period;
        int64_t from_s, to_s; /* of the certificate */
        int64_t signs_from_s, signs_to_s;
    } rows[] = {
        {"no period", NULL, S2024, S2030, S2024, S2030},
        {"a period within", "DER:302280" AT(Y2024) "81" AT(Y2030), S2024 - 9 * DAY, S2030 + 9 * DAY, S2024, S2030},
        {"a period around", "DER:302280" AT(Y2024) "81" AT(Y2030), S2024 + 9 * DAY, S2030 - 9 * DAY, S2024 + 9 * DAY,
         S2030 - 9 * DAY},
        {"a beginning", "DER:301180" AT(Y2024), S2024 - 9 * DAY, S2030, S2024, S2030},
        {"an end", "DER:301181" AT(Y2030), S2024, S2030 + 9 * DAY, S2024, S2030},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct forge_ext exts[EXTS_MAX] = {{"keyUsage", "critical,digitalSignature"},
                                                 {rows[i].period != NULL ? "2.5.29.16" : NULL, rows[i].period}};
        X509 *x = forge_cert("agency", "g256a", 1, NULL, "g256a", exts, rows[i].from_s, rows[i].to_s);
        struct config_agency agency = {
            .code = "A", .name = "A", .key = pki_path("g256a", ".key"), .cert = forge_write_certs("anchors", &x, 1)};
        struct config_smev3 queues[] = {
            {.name = "with", .agency = "A", .official_key = agency.key, .official_cert = agency.cert},
            {.name = "without", .agency = "A"}};
        const struct config conf = {.agencies = &agency, .nagencies = 1},
                            with_queues = {.smev3s = queues, .nsmev3s = 2};
        struct keyring *k = NULL;
        struct error e = {0};
        assert_int_equal(keyring_load(&conf, NULL, &k, &e), ERR_OK);
        keyring_take_officials(k, &with_queues, NULL); /* by itself: a queue needs anchors, which these have none of */
        assert_null(keyring_agency_find(k, "A")->trouble);
        assert_null(keyring_official_find(k, "with")->trouble);
        const int64_t asked_s[] = {rows[i].from_s - 1,   rows[i].from_s,   rows[i].signs_from_s - 1,
                                   rows[i].signs_from_s, S2024 + 30 * DAY, rows[i].signs_to_s - 1,
                                   rows[i].signs_to_s,   rows[i].to_s - 1, rows[i].to_s};
        for (size_t j = 0; j < sizeof asked_s / sizeof asked_s[0]; j++) {
            bool signs = asked_s[j] >= rows[i].signs_from_s && asked_s[j] < rows[i].signs_to_s;
            struct findings found = {0};
            keyring_judge(k, asked_s[j], pki_arena, &found);
            if (keyring_agency_signs(keyring_agency_find(k, "A"), asked_s[j]) != signs)
                fail_msg("%s, question %zu: it %s", rows[i].name, j, signs ? "does not sign" : "signs");
            assert_int_equal(found.n, 2);
            for (unsigned f = 0; f < 2; f++)
                if (found.items[f].is_stopped == signs || (found.items[f].level == FINDING_BAD) == signs)
                    fail_msg("%s, question %zu: '%s'", rows[i].name, j, found.items[f].text);
            assert_int_equal(found.items[1].about, ABOUT_OFFICIAL);
            assert_string_equal(found.items[1].code, "with");
            const struct key *official = NULL;
            assert_int_equal(keyring_official_key(k, "with", asked_s[j], &official, &e), signs ? ERR_OK : ERR_AGENCY);
            assert_int_equal(official != NULL, signs);
            assert_int_equal(keyring_official_key(k, "without", asked_s[j], &official, &e), ERR_OK);
            assert_null(official);
        }
        keyring_unref(k);
        X509_free(x);
    }
}

static void write_text(const char *file, const char *text)
{
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void copy_file(const char *from, const char *to)
{
    char text[4096];
    FILE *f = fopen(from, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    assert_int_equal(fclose(f), 0);
    write_text(to, text);
}

/* Key and certificate whose names begin alike: the line told is that of the one there is something wrong with. */
static void L4_O2_the_line_is_that_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *key, *cert;
        unsigned line;
    } rows[] = {
        {"agency", "agency.pem", 2}, /* the key is good, the certificate not there */
        {"agency", "agency2", 2},
        {"agency.pem", "agency", 1},
        {"agency.key", "agency.pem", 1},
    };
    const char *config = forge_path("z.conf"), *good = forge_path("agency");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config conf;
        const char *mistakes = NULL;
        struct error e = {0};
        struct keyring *k = NULL;
        write_text(config, arena_printf(pki_arena,
                                        "[agency AAAA00001]\nkey = %s\ncert = %s\nname = A\n[database]\nconninfo = "
                                        "dbname=x\n[listener p]\nkind = plain\naddress = 127.0.0.1:2\n",
                                        forge_path(rows[i].key), forge_path(rows[i].cert)));
        copy_file(pki_path("g256a", ".key"), good);
        if (config_load(pki_arena, config, &conf, &mistakes, &e) != ERR_OK)
            fail_msg("%s", mistakes);
        assert_int_equal(keyring_load(&conf, NULL, &k, &e), ERR_OK);
        const struct keyring_agency *agency = keyring_agency_find(k, "AAAA00001");
        assert_non_null(agency->trouble);
        assert_string_equal(agency->at, arena_printf(pki_arena, "%s:%u", config, 1 + rows[i].line));
        keyring_unref(k);
        unlink(good);
    }
    unlink(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C2_an_agency_signs_within_the_time_of_its_key),
        cmocka_unit_test(L4_O2_the_line_is_that_of_the_file),
    };
    return cmocka_run_group_tests(tests, forge_setup, forge_teardown);
}
