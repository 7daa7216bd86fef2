/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Text arrays: the manual's rules for external forms, right and (mostly) wrong. */
#include "arena.h"
#include "db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void expect(struct arena *a, const char *text, unsigned n, const char *const *want)
{
    const char **items;
    unsigned got;
    struct error e = {.code = ERR_OK};

    assert_int_equal(db_parse_text_array(a, text, &items, &got, &e), ERR_OK);
    assert_int_equal(got, n);
    for (unsigned i = 0; i < n; i++) {
        if (want[i] == NULL)
            assert_null(items[i]);
        else
            assert_string_equal(items[i], want[i]);
    }
}

static void parses_what_postgresql_prints(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    expect(a, NULL, 0, NULL);
    expect(a, "{}", 0, NULL);
    expect(a, "{a}", 1, (const char *[]){"a"});
    expect(a, "{a,b,c}", 3, (const char *[]){"a", "b", "c"});
    expect(a, "{\"\"}", 1, (const char *[]){""});
    expect(a, "{NULL,\"NULL\",null,nullable}", 4, (const char *[]){NULL, "NULL", NULL, "nullable"});
    expect(a, "{\"a,b\",\"{x}\",\"q\\\"q\",\"b\\\\s\"}", 4, (const char *[]){"a,b", "{x}", "q\"q", "b\\s"});
    expect(a, "{Тестов,\"Тест Тестович\",😀}", 3, (const char *[]){"Тестов", "Тест Тестович", "😀"});
    expect(a, "{\" \",\"\t\",\"\n\"}", 3, (const char *[]){" ", "\t", "\n"});
    expect(a, "{a\\,b,c}", 2, (const char *[]){"a,b", "c"});
    arena_free(a);
}

static void refuses_anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "a",       "{",          "}",     "{a",       "a}",     "{a,}",      "{,a}",     "{,}",
        "{a}b",    "{a}{b}",  "{{a},{b}}",  "{\"a}", "{\"a\"b}", "{\"a\\", "{\"a\\\"}", "{a\"b\"}", "[0:1]={a,b}",
        "{a,{b}}", "{\"a\",", "{\"a\" ,b}", "{}{}",  "{} ",      " {}",    "{a\\",      "{a,b",
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char **items = (const char *[]){"x"};
        unsigned n = 7;
        struct error e = {.code = ERR_OK};
        if (db_parse_text_array(a, bad[i], &items, &n, &e) == ERR_OK)
            fail_msg("accepted: %s", bad[i]);
        assert_null(items);
        assert_int_equal(n, 0);
        /* the value may be a citizen's: it is not repeated */
        assert_true(bad[i][0] == '\0' || strlen(bad[i]) < 3 || strstr(e.detail, bad[i]) == NULL);
    }
    arena_free(a);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    static const char *const items[] = {"a",  "",   "NULL",   NULL, "a,b",      "{x}", "q\"q",   "b\\s",
                                        "\\", "\"", "Тестов", "😀",  "a b\tc\n", "'",   "$1; --", "\\\"\\"};
    const unsigned n = sizeof items / sizeof *items;
    struct arena *a = arena_new();
    expect(a, db_text_array(a, items, n), n, items);
    assert_string_equal(db_text_array(a, NULL, 0), "{}");
    assert_string_equal(db_text_array(a, (const char *[]){"a", NULL}, 2), "{\"a\",NULL}");
    for (unsigned i = 0; i < n; i++)
        expect(a, db_text_array(a, items + i, 1), 1, items + i);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_what_postgresql_prints),
        cmocka_unit_test(refuses_anything_else),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
