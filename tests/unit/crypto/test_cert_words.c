/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * J3, L4: a certificate in words for the log. Which certificate it is must always be there, first; no person ever is;
 * and whatever a stranger writes into a name stays inside its bracket and does nothing to the screen. The certificates
 * are made at random, wrong ones more often than right ones. Attributes: FSB order 795, RFC 4519, RFC 3039, RFC 5280.
 */
#include "odd_cert.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define ROUNDS     6000
#define HOLDER_CN  "2.5.4.3"
#define HOLDER_O   "2.5.4.10"
#define SNILS      "1.2.643.100.3"
#define OGRN       "1.2.643.100.1"
#define OGRNIP     "1.2.643.100.5"
#define INN        "1.2.643.3.131.1.1"
#define INNLE      "1.2.643.100.4"
#define SURNAME    "2.5.4.4"
#define GIVEN_NAME "2.5.4.42"
#define MAIL       "1.2.840.113549.1.9.1"

static struct span authority(void)
{
    static const struct part parts[] = {UTF8(HOLDER_O, "Forge"), UTF8(HOLDER_CN, "Authority 7")};
    return odd_name(parts, COUNT(parts));
}

static struct span make_of(const struct part *parts, size_t n, bool is_own, struct span extensions)
{
    struct span name = odd_name(parts, n);
    return odd_cert(name, is_own ? name : authority(), (struct span){"\x7A\x01", 2}, extensions);
}

/* ---- who is told, and how ---- */

static void J3_who_is_told(void **state)
{
    (void)state;
    static const struct {
        struct part parts[6];
        const char *told;
    } rows[] = {
        {{UTF8(HOLDER_O, "Испытательный центр"), UTF8(HOLDER_CN, "stand-7.example")},
         "O=Испытательный центр, CN=stand-7.example"},
        {{UTF8(HOLDER_CN, "Портал услуг"), UTF8(HOLDER_O, "Центр"), UTF8(OGRN, "1027700132195")},
         "O=Центр, CN=Портал услуг"},
        {{UTF8(HOLDER_CN, "Ведомство Пробное"), UTF8(HOLDER_O, "Центр"), UTF8(INNLE, "7700000000")},
         "O=Центр, CN=Ведомство Пробное"},
        {{UTF8(HOLDER_CN, "Ведомство Пробное"), UTF8(HOLDER_O, "Центр"), UTF8(INN, "007700000000")},
         "O=Центр, CN=Ведомство Пробное"},
        {{UTF8(HOLDER_O, "Больница им. С.П. Пробного"), UTF8(OGRN, "1027700132195")}, "O=Больница им. С.П. Пробного"},
        /* an official: organization and no more */
        {{UTF8(HOLDER_CN, "Канарейкин Проба Пробович"), UTF8(HOLDER_O, "Центр"), UTF8(SNILS, "00000000000")},
         "O=Центр, a person"},
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8(SURNAME, "Канарейкин")}, "O=Центр, a person"},
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8(GIVEN_NAME, "Канарейка")}, "O=Центр, a person"},
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8(INN, "770000000082")}, "O=Центр, a person"},
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8("2.5.4.65", "kanareika")},
         "O=Центр, a person"}, /* pseudonym */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8("2.5.4.43", "К.")},
         "O=Центр, a person"}, /* initials */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8("2.5.4.12", "канарейка")},
         "O=Центр, a person"}, /* title */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8("2.5.4.5", "PNORU-1")}, "O=Центр, a person"},
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8("1.3.6.1.5.5.7.9.1", "x")},
         "O=Центр, a person"}, /* birth */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8("1.2.3.4.5.6", "x")},
         "O=Центр, a person"}, /* nobody's */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "Центр"), UTF8(MAIL, "kanareika@example.org")},
         "O=Центр, CN not told"},
        /* in one RDN, and before it */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8_TOO(SNILS, "00000000000"), UTF8(HOLDER_O, "Центр")}, "O=Центр, a person"},
        {{UTF8(SNILS, "00000000000"), UTF8_TOO(HOLDER_CN, "Канарейкин"), UTF8_TOO(HOLDER_O, "Центр")},
         "O=Центр, a person"},
        /* whose organization is himself */
        {{UTF8(HOLDER_CN, "Канарейкин"), UTF8(HOLDER_O, "ИП Канарейкин"), UTF8(OGRNIP, "300000000000000")}, "a person"},
        {{UTF8(HOLDER_CN, "x"), UTF8(HOLDER_O, "Канарейка"), UTF8(OGRNIP, "300000000000000")}, "a person"},
        {{UTF8(HOLDER_CN, "x"), UTF8(HOLDER_O, "Мастерская КАНАРЕЙКИН и дети"), UTF8(SURNAME, "Канарейкин")},
         "a person"},
        {{UTF8(HOLDER_CN, "x"), UTF8(HOLDER_O, "Нотариус Канарейкин")}, "CN not told"},
        {{UTF8(HOLDER_O, "Канарейкин Проба Пробович"), UTF8(HOLDER_CN, "Канарейкин Проба Пробович")}, "CN not told"},
        {{UTF8(HOLDER_O, "Kanareikin Proba"), UTF8(HOLDER_CN, "Kanareikin Proba")}, "CN not told"},
        /* nothing says that it is an organization's */
        {{UTF8(HOLDER_CN, "Канарейкин Проба Пробович")}, "CN not told"},
        {{UTF8(HOLDER_CN, "kanareika")}, "CN not told"},
        {{UTF8(HOLDER_CN, "Канарейкин Проба Пробович"), UTF8(HOLDER_O, "Центр")}, "O=Центр, CN not told"},
        {{UTF8(HOLDER_CN, "КАНАРЕЙКИН ПРОБА"), UTF8(HOLDER_O, "Центр")}, "O=Центр, CN not told"},
        {{UTF8(HOLDER_CN, "Test SMEV"), UTF8(HOLDER_O, "Центр")}, "O=Центр, CN=Test SMEV"},
        {{UTF8(HOLDER_CN, "Канарейкин П.П."), UTF8(HOLDER_O, "Центр")}, "O=Центр, CN not told"},
        {{UTF8(HOLDER_CN, "Kanareikin, Proba"), UTF8(HOLDER_O, "Центр")}, "O=Центр, CN not told"},
        {{UTF8("2.5.4.6", "RU")}, "CN not told"},
        {{{NULL, 0, NULL, 0, false}}, "empty"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int is_own = 0; is_own < 2; is_own++) {
            const char *words = words_of(make_of(rows[i].parts, COUNT(rows[i].parts), is_own != 0, (struct span){0}));
            const char *wanted =
                is_own != 0
                    ? arena_printf(pki_arena, ", subject [%s], issuer [%s], serial 7A01", rows[i].told, rows[i].told)
                    : arena_printf(pki_arena, ", subject [%s], issuer [O=Forge, CN=Authority 7], serial 7A01",
                                   rows[i].told);
            if (strstr(words, wanted) == NULL)
                fail_msg("row %zu: '%s' is not in '%s'", i, wanted, words);
        }
}

static struct span extension(const char *oid, struct span value)
{
    return der_wrap(0x30, der_wrap(0x30, der_join(der_oid(oid), der_wrap(0x04, value))));
}

/* What else in a certificate says that it is a person's. */
static void J3_signs_elsewhere(void **state)
{
    (void)state;
    static const struct part parts[] = {UTF8(HOLDER_CN, "kanareika"), UTF8(HOLDER_O, "Центр")};
    struct span mail = der_wrap(0x30, der_wrap(0x81, (struct span){"kanareika@example.org", 21}));
    struct span host = der_wrap(0x30, der_wrap(0x82, (struct span){"stand.example", 13}));
    static const struct part official[] = {UTF8(SNILS, "00000000000"), UTF8(HOLDER_CN, "kanareika")};
    struct span other = der_wrap(0x30, der_wrap(0xA4, odd_name(official, COUNT(official))));
    const struct span exts[] = {extension("2.5.29.17", mail), extension("2.5.29.17", other),
                                extension("2.5.29.9", der_wrap(0x30, (struct span){0}))};
    for (size_t i = 0; i < COUNT(exts); i++) {
        const char *words = words_of(make_of(parts, COUNT(parts), true, exts[i]));
        assert_null(strstr(words, "kanareika"));
        assert_non_null(strstr(words, "subject [O=Центр, a person], issuer [O=Центр, a person]"));
    }
    const char *words = words_of(make_of(parts, COUNT(parts), false, extension("2.5.29.17", host)));
    assert_non_null(strstr(words, "subject [O=Центр, CN=kanareika]"));
}

/* ---- what strangers write ---- */

static void L4_names_stay_in_their_brackets(void **state)
{
    (void)state;
    static const struct {
        struct part part;
        const char *told;
    } rows[] = {
        {UTF8(HOLDER_O, "a\nb\rc\td"), "O=a?b?c?d"},
        {BYTES(HOLDER_O, V_ASN1_UTF8STRING, "a\0b"), "O=a?b"},
        {UTF8(HOLDER_O, "\x1B[2Ja"), "O=?(2Ja"},
        {UTF8(HOLDER_O, "a], issuer [O=Good"), "O=a), issuer (O=Good"},
        {UTF8(HOLDER_O, "a\xE2\x80\xAE"
                        "b\xE2\x81\xA6"
                        "c\xE2\x80\x8B\xC2\xAD"),
         "O=a?b?c??"},
        {UTF8(HOLDER_O, "a\xC2\x85\xEF\xBB\xBF\xE2\x80\xA8"), "O=a???"},
        {UTF8(HOLDER_O, "\xFF\xC0\x80z"), NULL},
        {BYTES(HOLDER_O, V_ASN1_T61STRING,
               "\xC4\x80"
               "x"),
         "O=Ä?x"},
        {BYTES(HOLDER_O, V_ASN1_BMPSTRING, "\x04\x16\x20\x2E\x00\x41"), "O=Ж?A"},
        {BYTES(HOLDER_O, V_ASN1_BMPSTRING, "\x04\x16\x20"), NULL},
        {BYTES(HOLDER_O, V_ASN1_BMPSTRING, "\xD8\x00\x00\x41"), NULL},
        {BYTES(HOLDER_O, V_ASN1_UNIVERSALSTRING, "\x00\x00\x00\x41\x00\x00\x00\x0A"), "O=A?"},
        {BYTES(HOLDER_O, V_ASN1_PRINTABLESTRING,
               "a\x07"
               "b"),
         "O=a?b"},
        {BYTES(HOLDER_O, V_ASN1_OCTET_STRING, "\x01\x02"), NULL},
        {UTF8(HOLDER_O, "ГБУ \"Проба\" \\ №1"), "O=ГБУ \"Проба\" \\ №1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *words = words_of(make_of(&rows[i].part, 1, false, (struct span){0}));
        const char *told = strstr(words, rows[i].told != NULL ? "subject [" : "which cannot be read");
        if (told == NULL || (rows[i].told != NULL && strncmp(told + 9, rows[i].told, strlen(rows[i].told)) != 0))
            fail_msg("row %zu: '%s' is not in '%s'", i, rows[i].told != NULL ? rows[i].told : "", words);
    }
}

static void L4_long_names_and_many(void **state)
{
    (void)state;
    struct part parts[200];
    char *huge = arena_alloc(pki_arena, 30001), serial[400];
    for (size_t i = 0; i < 15000; i++)
        memcpy(huge + 2 * i, "ж", 2);
    huge[30000] = '\0';
    memset(serial, 0x5C, sizeof serial);
    for (size_t i = 0; i < COUNT(parts); i++)
        parts[i] = (struct part)UTF8(i % 2 == 0 ? HOLDER_O : HOLDER_CN, i < 2 ? huge : "kiosk");
    struct span name = odd_name(parts, COUNT(parts));
    const char *words = words_of(odd_cert(name, name, (struct span){serial, sizeof serial}, (struct span){0}));
    assert_non_null(strstr(words, "... (and 99 more), CN=жжж"));
    assert_int_equal(strlen(strstr(words, "], serial ")), strlen("], serial ") + 40 + 3);
    /* Whatever the names were, why and what to do find room behind them. */
    struct error e = {0};
    assert_int_equal(cert_refused(&e, ERR_TOKEN, words, "unable to get local issuer certificate at depth 0",
                                  trust_advice(TRUST_NO_ISSUER, TRUST_OF_MESSAGES)),
                     ERR_TOKEN);
    assert_non_null(strstr(e.detail, ": unable to get local issuer certificate at depth 0; if its issuer"));
    assert_non_null(strstr(e.detail, "then reload"));
}

/* ---- at random ---- */

static unsigned upto(unsigned n)
{
    return (unsigned)(rand() % (int)n);
}

/* Bytes of any kind around a canary; what is personal has the canary of persons. */
static int noise(char *out, const char *canary, int type)
{
    static const char *const odd[] = {"\n",     "\0",           "\x1B[31m", "]",        "[", "\"",   "\\",      "=",
                                      ", CN=x", "\xE2\x80\xAE", "\xFF",     "\xC2\x9B", "ж", "%s%n", "\r\n<3>", " "};
    int n = 0;
    for (unsigned i = upto(6); i > 0; i--) {
        const char *piece = odd[upto(COUNT(odd))];
        int len = *piece == '\0' ? 1 : (int)strlen(piece);
        memcpy(out + n, piece, (size_t)len);
        n += len;
    }
    for (; *canary != '\0'; canary++) {
        int width = type == V_ASN1_BMPSTRING ? 2 : type == V_ASN1_UNIVERSALSTRING ? 4 : 1;
        for (; width > 1 && upto(40) > 0; width--)
            out[n++] = '\0';
        out[n++] = *canary;
    }
    return n;
}

static int type_at_random(void)
{
    static const int types[] = {V_ASN1_UTF8STRING,   V_ASN1_UTF8STRING,      V_ASN1_UTF8STRING, V_ASN1_T61STRING,
                                V_ASN1_IA5STRING,    V_ASN1_PRINTABLESTRING, V_ASN1_BMPSTRING,  V_ASN1_UNIVERSALSTRING,
                                V_ASN1_OCTET_STRING, V_ASN1_VISIBLESTRING};
    return types[upto(COUNT(types))];
}

static void J3_odd_certificates(void **state)
{
    (void)state;
    static const char *const of_organizations[] = {
        HOLDER_O, "2.5.4.11", "2.5.4.6", "2.5.4.7", OGRN, INNLE, "0.9.2342.19200300.100.1.25"};
    static const char *const of_persons[] = {SNILS,
                                             SURNAME,
                                             GIVEN_NAME,
                                             OGRNIP,
                                             INN,
                                             MAIL,
                                             "2.5.4.43",
                                             "2.5.4.65",
                                             "2.5.4.12",
                                             "2.5.4.41",
                                             "2.5.4.46",
                                             "2.5.4.5",
                                             "0.9.2342.19200300.100.1.1",
                                             "0.9.2342.19200300.100.1.3",
                                             "1.2.3.4",
                                             "1.3.6.1.5.5.7.9.1"};
    unsigned seed = (unsigned)time(NULL), persons = 0, told = 0, read = 0;
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        static struct part parts[201];
        static char bytes[201][200];
        bool is_person = upto(3) > 0;
        unsigned n = upto(50) == 0 ? 200 : upto(7), at = upto(n + 1);
        char serial[24];
        for (unsigned i = 0; i <= n; i++) {
            struct part p = {i == at && is_person ? of_persons[upto(COUNT(of_persons))]
                             : upto(3) == 0       ? HOLDER_CN
                                                  : of_organizations[upto(COUNT(of_organizations))],
                             type_at_random(), bytes[i], 0, upto(3) == 0};
            bool is_secret = is_person && (i == at || strcmp(p.oid, HOLDER_CN) == 0);
            p.n = noise(bytes[i], is_secret ? "KANAREIKA" : "told", p.type);
            parts[i] = p;
        }
        for (size_t i = 0; i < sizeof serial; i++)
            serial[i] = (char)upto(256);
        struct span name = odd_name(parts, n + 1);
        const char *words = words_of(odd_cert(name, upto(2) == 0 ? name : authority(),
                                              (struct span){serial, 1 + upto(sizeof serial)}, (struct span){0}));
        if (is_person && strcasestr(words, "KANAREIKA") != NULL)
            fail_msg("seed %u, round %u: %s", seed, round, words);
        read += strstr(words, "], serial ") != NULL;
        persons += is_person;
        told += !is_person && strstr(words, "told") != NULL;
    }
    print_message("%u read, %u persons, %u told\n", read, persons, told);
    assert_true(read > ROUNDS / 10 && persons > ROUNDS / 3 && told > ROUNDS / 20);
}

/* A token that is no certificate, or a broken one, is told by its octets. */
static void L4_octets_that_are_no_certificate(void **state)
{
    (void)state;
    struct span whole = pki_read("g512c", ".der");
    char *m = arena_alloc(pki_arena, whole.n + 1);
    assert_string_equal(cert_describe_octets(pki_arena, (struct span){NULL, 0}), "no certificate");
    for (size_t n = 1; n < whole.n; n += 7) {
        struct span cut = {whole.p, n};
        assert_string_equal(
            cert_describe_octets(pki_arena, cut),
            arena_printf(pki_arena, "certificate sha256 %s, which cannot be read", fingerprint_of(cut)));
    }
    for (size_t i = 0; i < whole.n; i++) {
        memcpy(m, whole.p, whole.n);
        m[i] ^= (char)(1 << i % 8);
        struct span changed = {m, whole.n};
        const char *words = cert_describe_octets(pki_arena, changed);
        if (strstr(words, ", which cannot be read") == NULL)
            look_at(changed, words);
        else
            assert_non_null(strstr(words, fingerprint_of(changed)));
    }
}

/* The operator compares what the log says with what openssl says. */
static void L4_the_fingerprint_is_that_of_openssl(void **state)
{
    (void)state;
    static const char *const names[] = {"g256a", "rsaleaf", "client"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char line[200] = "";
        FILE *p = popen(
            arena_printf(pki_arena, "openssl x509 -in %s -noout -fingerprint -sha256", pki_path(names[i], ".pem")),
            "r");
        assert_non_null(p);
        assert_non_null(fgets(line, sizeof line, p));
        pclose(p);
        line[strcspn(line, "\n")] = '\0';
        const char *value = strchr(line, '=') + 1;
        assert_int_equal(strlen(value), 95);
        assert_string_equal(cert_fingerprint_text(pki_arena, pki_cert(names[i])), value);
        assert_non_null(strstr(cert_describe(pki_arena, pki_cert(names[i])), value));
    }
}

/* Each kind of objection says what to do, and no two of them the same. */
static void L4_each_refusal_has_advice(void **state)
{
    (void)state;
    for (int use = TRUST_OF_MESSAGES; use <= TRUST_OF_CLIENTS; use++)
        for (int i = TRUST_BROKEN; i <= TRUST_NO_ISSUER; i++)
            for (int j = TRUST_BROKEN; j < i; j++)
                assert_string_not_equal(trust_advice((enum trust_reason)i, (enum trust_use)use),
                                        trust_advice((enum trust_reason)j, (enum trust_use)use));
    assert_non_null(strstr(trust_advice(TRUST_NO_ISSUER, TRUST_OF_MESSAGES), "anchors"));
    assert_non_null(strstr(trust_advice(TRUST_NO_ISSUER, TRUST_OF_CLIENTS), "tls_client_ca"));
    assert_non_null(strstr(trust_advice(TRUST_NO_LIST, TRUST_OF_MESSAGES), "crl of [trust]"));
    assert_non_null(strstr(trust_advice(TRUST_NO_LIST, TRUST_OF_CLIENTS), "tls_client_crl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(J3_who_is_told),
        cmocka_unit_test(J3_signs_elsewhere),
        cmocka_unit_test(L4_names_stay_in_their_brackets),
        cmocka_unit_test(L4_long_names_and_many),
        cmocka_unit_test(J3_odd_certificates),
        cmocka_unit_test(L4_octets_that_are_no_certificate),
        cmocka_unit_test(L4_the_fingerprint_is_that_of_openssl),
        cmocka_unit_test(L4_each_refusal_has_advice),
    };
    return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
