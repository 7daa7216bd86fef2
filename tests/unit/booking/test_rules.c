/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M9: numbers with check digits, phone, e-mail, dates, bookId (A1). Right values were computed by the published
 * algorithms outside of this program; each wrong one differs from a right one in a named way.
 */
#include "booking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_all(bool (*rule)(const char *), const char *const *values, bool expected)
{
    for (; *values != NULL; values++) {
        if (rule(*values) != expected)
            fail_msg("\"%s\" should be %s", *values, expected ? "accepted" : "refused");
    }
}

static void m9_snils(void **state)
{
    (void)state;
    static const char *const good[] = {"11223344595",
                                       "112-233-445 95",
                                       "112 233 445 95",
                                       "087-654-321 02",
                                       "20000000018",
                                       "99999999901",
                                       "001-001-999 65", /* the first number that has a check number */
                                       "001-001-998 00", /* the last that has none: anything goes */
                                       "00100199864",
                                       "000-000-001 99",
                                       "200-007-999 00", /* sum 100 counts as 00 */
                                       "200-008-899 00", /* sum 101 */
                                       "900-087-997 00", /* sum 201: remainder 100 counts as 00 */
                                       NULL};
    static const char *const bad[] = {"112-233-445 96",
                                      "112-233-446 95",
                                      "00100199900",
                                      "200-007-999 01",
                                      "200-008-899 01",
                                      "000-000-000 00",
                                      "1122334459",
                                      "112233445950",
                                      "11223344595a",
                                      "112_233_445 95",
                                      "112.233.445.95",
                                      "",
                                      "-",
                                      "           ",
                                      "112-233-445 95 1",
                                      NULL};
    expect_all(rule_snils, good, true);
    expect_all(rule_snils, bad, false);
    assert_false(rule_snils(NULL));
}

static bool inn_company(const char *s)
{
    return rule_inn_business(s, false);
}

static bool inn_entrepreneur(const char *s)
{
    return rule_inn_business(s, true);
}

static void m9_inn(void **state)
{
    (void)state;
    static const char *const person[] = {"770000000082", "411111111121", "500000001223", NULL};
    static const char *const not_person[] = {"770000000083",
                                             "770000000092",
                                             "770000000182",
                                             "77000000008",
                                             "7700000000821",
                                             "000000000000",
                                             "7700000009",
                                             "77000000008x",
                                             " 770000000082",
                                             "",
                                             NULL};
    static const char *const company[] = {"7700000009", "4111111112", "7707083893", "7700000070" /* remainder 10 */,
                                          NULL};
    static const char *const not_company[] = {"7700000008",   "7700000090",  "0000000000", "770000000", "77000000091",
                                              "770000000082", "77-00000009", "",           NULL};
    expect_all(rule_inn_person, person, true);
    expect_all(rule_inn_person, not_person, false);
    expect_all(inn_company, company, true);
    expect_all(inn_company, not_company, false);
    expect_all(inn_entrepreneur, person, true);
    expect_all(inn_entrepreneur, not_person, false);
    assert_false(rule_inn_person(NULL));
    assert_false(rule_inn_business(NULL, true));
    assert_false(rule_inn_business(NULL, false));
}

static void m9_ogrn(void **state)
{
    (void)state;
    static const char *const ogrn[] = {"1027700000008", "5111100000006", "1027700132195",
                                       "1027700000020" /* remainder 10 */, NULL};
    static const char *const not_ogrn[] = {"1027700000009",
                                           "1027700000080",
                                           "102770000000",
                                           "10277000000080",
                                           "2027700000007" /* not a main record */,
                                           "0000000000000",
                                           "304770000000008",
                                           "10277000a0008",
                                           "",
                                           NULL};
    static const char *const ogrnip[] = {"304770000000008", "315410000000129", "304770000000020" /* remainder 10 */,
                                         NULL};
    static const char *const not_ogrnip[] = {"304770000000009",
                                             "315410000000192",
                                             "30477000000008",
                                             "3047700000000080",
                                             "104770000000001" /* right digits, wrong kind */,
                                             "000000000000000",
                                             "1027700000008",
                                             "",
                                             NULL};
    expect_all(rule_ogrn, ogrn, true);
    expect_all(rule_ogrn, not_ogrn, false);
    expect_all(rule_ogrnip, ogrnip, true);
    expect_all(rule_ogrnip, not_ogrnip, false);
    assert_false(rule_ogrn(NULL));
    assert_false(rule_ogrnip(NULL));
}

static void m9_phone(void **state)
{
    (void)state;
    static const char *const good[] = {"79000000000", "7 900 000 00 00", "+7 (900) 000-00-00", "7-900-000-00-00", NULL};
    static const char *const bad[] = {"89000000000", "9000000000", "790000000000",      "7900000000",      "",
                                      "+",           "seven",      "8 (900) 000-00-00", "7 900 000 00 0O", NULL};
    for (unsigned i = 0; good[i] != NULL; i++) {
        char out[12];
        assert_true(rule_phone(good[i], out));
        assert_string_equal(out, "79000000000");
    }
    for (unsigned i = 0; bad[i] != NULL; i++) {
        char out[12];
        if (rule_phone(bad[i], out))
            fail_msg("\"%s\" should be refused", bad[i]);
    }
    char out[12];
    assert_false(rule_phone(NULL, out));
}

static void m9_email(void **state)
{
    (void)state;
    static const char *const good[] = {"test@example.ru",
                                       "a.b+c@sub.example.org",
                                       "тест@пример.рф",
                                       "a@1.example",
                                       "o'neil@xn--e1aybc.xn--p1ai",
                                       "a@a-b.example",
                                       NULL};
    static const char *const bad[] = {"",
                                      "@",
                                      "a@",
                                      "@example.ru",
                                      "a@example",
                                      "a b@example.ru",
                                      "a@exa mple.ru",
                                      ".a@example.ru",
                                      "a.@example.ru",
                                      "a..b@example.ru",
                                      "a@@example.ru",
                                      "a@b@example.ru",
                                      "a@-example.ru",
                                      "a@example-.ru",
                                      "a@example..ru",
                                      "a@.example.ru",
                                      "a@example.ru.",
                                      "a@127.0.0.1",
                                      "<a@example.ru>",
                                      "a@example.ru\n",
                                      "\"a b\"@example.ru",
                                      NULL};
    expect_all(rule_email, good, true);
    expect_all(rule_email, bad, false);
    assert_false(rule_email(NULL));

    char address[300];
    memset(address, 'a', sizeof address);
    memcpy(address + 65, "@example.ru", sizeof "@example.ru");
    assert_false(rule_email(address)); /* local part of 65 */
    assert_true(rule_email(address + 1));
}

static void m9_date(void **state)
{
    (void)state;
    static const char *const good[] = {"2026-11-22",       "2024-02-29",  "2000-02-29",       "0001-01-01",
                                       "9999-12-31",       "2026-11-22Z", "2026-11-22+03:00", "2026-11-22-14:00",
                                       "2026-11-22+05:30", NULL};
    static const char *const bad[] = {"2026-02-29",
                                      "1900-02-29",
                                      "2026-13-01",
                                      "2026-00-10",
                                      "2026-11-31",
                                      "2026-11-00",
                                      "22.11.2026",
                                      "2026-1-1",
                                      "2026-11-22z",
                                      "2026-11-22+3:00",
                                      "2026-11-22+14:01",
                                      "2026-11-22+03:60",
                                      "2026-11-22+0300",
                                      "2026-11-22 Z",
                                      "2026-11-22+03:00Z",
                                      "2026-02-29+03:00",
                                      "2026-11-22T00:00:00+03:00",
                                      "2026/11/22",
                                      "0000-01-01",
                                      "2026-11-2x",
                                      "-026-11-22",
                                      "20261122",
                                      "",
                                      NULL};
    expect_all(rule_date, good, true);
    expect_all(rule_date, bad, false);
    assert_false(rule_date(NULL));
}

static void a1_book_id(void **state)
{
    (void)state;
    static const char *const good[] = {"52f7e417-23dd-4f3c-999a-1cf196e81220", "52F7E417-23DD-4F3C-999A-1CF196E81220",
                                       "1", "9999999999999999999", NULL};
    static const char *const bad[] = {"",
                                      "52f7e41723dd4f3c999a1cf196e81220",
                                      "{52f7e417-23dd-4f3c-999a-1cf196e81220}",
                                      "52f7e417-23dd-4f3c-999a-1cf196e8122",
                                      "52f7e417-23dd-4f3c-999a-1cf196e81220 ",
                                      "52f7e417-23dd-4f3c-999a-1cf196e8122g",
                                      "99999999999999999999",
                                      "-1",
                                      "1.5",
                                      "12a",
                                      NULL};
    expect_all(rule_book_id, good, true);
    expect_all(rule_book_id, bad, false);
    assert_false(rule_book_id(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m9_snils), cmocka_unit_test(m9_inn),  cmocka_unit_test(m9_ogrn),    cmocka_unit_test(m9_phone),
        cmocka_unit_test(m9_email), cmocka_unit_test(m9_date), cmocka_unit_test(a1_book_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
