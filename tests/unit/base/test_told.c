/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* J3: what is repeated of a peer's words, and what is not: nobody's name in another writing, no number that is
 * somebody's. */
#include "told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void J3_names_of_fields_and_no_others(void **state)
{
    (void)state;
    static const char *const good[] = {"bookId", "user_type", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn", "_"};
    static const char *const bad[] = {"s4509987654", "\u0418\u0432\u0430\u043d\u043e\u0432",      "a b",   "a-b", "x\n",
                                      "a\u200db",    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno", "urn:x", "a1"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_string_equal(told_name(good[i]), good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_string_equal(told_name(bad[i]), "(no plain name)");
}

static void J3_known_uris_and_no_others(void **state)
{
    (void)state;
    static const char *const good[] = {"http://www.w3.org/2003/05/soap-envelope",
                                       "http://www.w3.org/2000/09/xmldsig#sha1",
                                       "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "no namespace"};
    static const char *const bad[] = {"",
                                      "urn:Ivanov",
                                      "http://www.w3.org/2000/09/xmldsig#79991234567",
                                      "http://www.w3.org/2003/05/soap-envelope/",
                                      "HTTP://www.w3.org/2003/05/soap-envelope",
                                      " http://www.w3.org/2003/05/soap-envelope"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_string_equal(told_uri(good[i]), good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_string_equal(told_uri(bad[i]), "(not a known one)");
}

static void J3_paths_and_types_without_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"/equeue",
                                       "/equeue/v1.02",
                                       "/",
                                       "",
                                       "none",
                                       "text/xml; charset=windows-1251",
                                       "application/soap+xml; charset=\"utf-8\"",
                                       "text/plain;charset=iso-8859-1"};
    static const char *const bad[] = {"/79991234567",
                                      "/4509_987654",
                                      "/4509/9876/54",
                                      "/1122-3344-5595",
                                      "/%D0%98",
                                      "/x?fio=x",
                                      "/a@b",
                                      "text/xml\x01",
                                      "/\u0418\u0432\u0430\u043d\u043e\u0432",
                                      "/12.03.1970"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_string_equal(told_path(good[i]), good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_string_equal(told_path(bad[i]), "(not told)");
    char path[128];
    memset(path, '/', sizeof path);
    path[101] = '\0';
    assert_string_equal(told_path(path), "(not told)");
    path[100] = '\0';
    assert_string_equal(told_path(path), path);
    assert_null(told_path(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(J3_names_of_fields_and_no_others),
        cmocka_unit_test(J3_known_uris_and_no_others),
        cmocka_unit_test(J3_paths_and_types_without_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
