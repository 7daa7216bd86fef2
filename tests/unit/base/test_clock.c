/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* T1: an instant always carries a numeric offset, never Z. Identifiers by RFC 4122. */
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct {
    int64_t wall_us;
    int offset_min;
    const char *text;
} instants[] = {
    {0, 0, "1970-01-01T00:00:00.000+00:00"},
    {0, 180, "1970-01-01T03:00:00.000+03:00"},
    {0, -180, "1969-12-31T21:00:00.000-03:00"},
    {1795333500000000, 180, "2026-11-22T10:45:00.000+03:00"},
    {1795333500000000, 720, "2026-11-22T19:45:00.000+12:00"},
    {1795333500123999, 0, "2026-11-22T07:45:00.123+00:00"},
    {1709164800000000, 0, "2024-02-29T00:00:00.000+00:00"},
    {-1, 0, "1969-12-31T23:59:59.999+00:00"},
    {-1000, 60, "1970-01-01T00:59:59.999+01:00"},
    {-1001, 0, "1969-12-31T23:59:59.998+00:00"},
    {1795333500000000, -210, "2026-11-22T04:15:00.000-03:30"},
    {1795333500000000, 345, "2026-11-22T13:30:00.000+05:45"},
};

/* XML Schema 3.2.7: what was written is read again, whatever the zone; the digits behind the second do not count. */
static void C7_instants_are_read(void **state)
{
    (void)state;
    int64_t us;
    bool has_zone;
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
        assert_true(clock_parse(instants[i].text, &us, &has_zone) && has_zone);
        assert_true(us <= instants[i].wall_us && us > instants[i].wall_us - 1000000);
    }
    assert_true(clock_parse("2026-11-22T24:00:00Z", &us, &has_zone) && us == 1795392000000000);
    assert_true(clock_parse("2026-11-22T10:45:00", &us, &has_zone) && !has_zone && us == 1795344300000000);
    assert_true(clock_parse("0001-01-01T00:00:00Z", &us, &has_zone) && us == -62135596800000000);
    assert_true(clock_parse("9999-12-31T23:59:59-14:00", &us, &has_zone) && us == 253402351199000000);
    static const char *const bad[] = {"2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "0000-01-01T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "-026-01-01T00:00:00Z",
                                      "2026-01-01T24:00:01Z",
                                      "2026-01-01T00:00:00+14:30",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00Z ",
                                      "",
                                      NULL};
    for (size_t i = 0; bad[i] != NULL; i++)
        assert_false(clock_parse(bad[i], &us, &has_zone) || us != 0 || has_zone);
    assert_false(clock_parse(NULL, &us, &has_zone));
}

static void item_25_instants_and_their_zones(void **state)
{
    (void)state;
    static const char *const zoned[] = {"2026-11-22T10:45:00+03:00",           "2026-11-22T10:45:00.123Z",
                                        "2026-02-28T23:59:59.123456789-11:00", "2026-11-22T24:00:00+14:00",
                                        "2024-02-29T00:00:00-00:00",           NULL};
    static const char *const bare[] = {"2026-11-22T10:45:00", "2026-11-22T10:45:00.1", NULL};
    static const char *const bad[] = {"",
                                      "2026-11-22",
                                      "2026-11-22Z",
                                      "2026-11-22T10:45+03:00",
                                      "2026-11-22 10:45:00+03:00",
                                      "2026-02-29T10:45:00+03:00",
                                      "2026-11-22T24:00:01Z",
                                      "2026-11-22T10:60:00Z",
                                      "2026-11-22T10:45:60Z",
                                      "2026-11-22T10:45:00.Z",
                                      "2026-11-22T10:45:00+3",
                                      "2026-11-22T10:45:00+0300",
                                      "2026-11-22T10:45:00+14:01",
                                      "2026-11-22T10:45:00+15:00",
                                      "2026-11-22T10:45:00 Europe/Moscow",
                                      "2026-11-22T10:45:00z",
                                      "T10:45:00+03:00-2026-11-22",
                                      "2026-11-22T10:45:00+03:000",
                                      NULL};
    bool has_zone;
    int64_t us;
    for (size_t i = 0; zoned[i] != NULL; i++)
        assert_true(clock_parse(zoned[i], &us, &has_zone) && has_zone);
    for (size_t i = 0; bare[i] != NULL; i++)
        assert_true(clock_parse(bare[i], &us, &has_zone) && !has_zone);
    for (size_t i = 0; bad[i] != NULL; i++)
        assert_false(clock_parse(bad[i], &us, &has_zone) || has_zone);
    assert_false(clock_parse(NULL, &us, &has_zone));
}

static void T1_instants_have_a_numeric_offset(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format(instants[i].wall_us, instants[i].offset_min, text);
        assert_string_equal(text, instants[i].text);
    }
    char text[CLOCK_TEXT_SIZE];
    clock_format(INT64_MAX, 1439, text); /* no crash, no overrun */
    clock_format(INT64_MIN, -1439, text);
}

static void T1_instants_of_answers_have_no_fraction(void **state)
{
    static const struct {
        int64_t wall_s;
        int offset_min;
        const char *text;
    } cases[] = {
        {1796193900, 180, "2026-12-02T09:45:00+03:00"},  {1796193900, 0, "2026-12-02T06:45:00+00:00"},
        {1796193900, -570, "2026-12-01T21:15:00-09:30"}, {-1, 720, "1970-01-01T11:59:59+12:00"},
        {951782400, 840, "2000-02-29T14:00:00+14:00"},   {-30610224000, 0, "1000-01-01T00:00:00+00:00"},
        {253402300799, 0, "9999-12-31T23:59:59+00:00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format_seconds(cases[i].wall_s, cases[i].offset_min, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void the_machine_zone_is_followed(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Moscow", 1);
    tzset();
    assert_int_equal(clock_local_offset_min(1795333500000000), 180);
    assert_int_equal(clock_local_offset_min(1340000000000000), 240); /* Moscow kept summer time in 2012 */
    setenv("TZ", "Asia/Kamchatka", 1);
    tzset();
    assert_int_equal(clock_local_offset_min(1795333500000000), 720);
    setenv("TZ", "UTC", 1);
    tzset();
    assert_int_equal(clock_local_offset_min(1795333500000000), 0);
}

static uint64_t fake_mono(void)
{
    return 42;
}
static int64_t fake_wall(void)
{
    return -7;
}

static void clocks_can_be_replaced(void **state)
{
    (void)state;
    clock_replace(fake_mono, fake_wall);
    assert_int_equal(clock_mono_us(), 42);
    assert_int_equal(clock_wall_us(), -7);
    clock_replace(NULL, NULL);
    uint64_t t1 = clock_mono_us();
    struct timespec pause = {0, 2000000};
    nanosleep(&pause, NULL);
    uint64_t t2 = clock_mono_us();
    assert_true(t2 >= t1 + 2000);
    int64_t seconds = (int64_t)time(NULL);
    assert_in_range(clock_wall_us() / 1000000, seconds - 1, seconds + 2);
}

static void uuids_are_version_4_and_differ(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    static char ids[COUNT][UUID_TEXT_SIZE];
    for (int i = 0; i < COUNT; i++) {
        uuid_v4(ids[i]);
        assert_true(uuid_is_valid(ids[i]));
        assert_int_equal(ids[i][14], '4');
        assert_non_null(strchr("89ab", ids[i][19]));
        for (const char *p = ids[i]; *p != '\0'; p++)
            assert_non_null(strchr("0123456789abcdef-", *p));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

static void uuid_layout_is_checked(void **state)
{
    (void)state;
    assert_true(uuid_is_valid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
    assert_true(uuid_is_valid("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"));
    static const char *const bad[] = {
        "",
        "6ba7b810",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8a",
        "6ba7b8109dad11d180b400c04fd430c8",
        "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
        "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
        "6ba7b810-9dad-11d1-80b400-c04fd430c8",
        " 6ba7b810-9dad-11d1-80b4-00c04fd430c",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c\n",
        "6ba7b810+9dad-11d1-80b4-00c04fd430c8",
        "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(uuid_is_valid(bad[i]));
    assert_false(uuid_is_valid(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T1_instants_have_a_numeric_offset),
        cmocka_unit_test(T1_instants_of_answers_have_no_fraction),
        cmocka_unit_test(C7_instants_are_read),
        cmocka_unit_test(item_25_instants_and_their_zones),
        cmocka_unit_test(the_machine_zone_is_followed),
        cmocka_unit_test(clocks_can_be_replaced),
        cmocka_unit_test(uuids_are_version_4_and_differ),
        cmocka_unit_test(uuid_layout_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
