/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* O2: the words the service manager gets, after sd_notify(3); libsystemd itself is played by the test. */
#include "notify.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static char said[512];
static uint64_t watchdog_usec;
static int watchdog_answer;

int sd_notify(int unset_environment, const char *state)
{
    assert_int_equal(unset_environment, 0); /* the socket is needed again */
    snprintf(said, sizeof said, "%s", state);
    return 0;
}

int sd_notifyf(int unset_environment, const char *format, ...)
{
    va_list ap;
    assert_int_equal(unset_environment, 0);
    va_start(ap, format);
    vsnprintf(said, sizeof said, format, ap);
    va_end(ap);
    return 0;
}

int sd_watchdog_enabled(int unset_environment, uint64_t *usec)
{
    assert_int_equal(unset_environment, 0);
    *usec = watchdog_usec;
    return watchdog_answer;
}

static void the_words_are_those_of_the_manual(void **state)
{
    (void)state;
    notify_ready();
    assert_string_equal(said, "READY=1");
    notify_stopping();
    assert_string_equal(said, "STOPPING=1");
    notify_watchdog();
    assert_string_equal(said, "WATCHDOG=1");
}

static void reloading_carries_the_monotonic_time(void **state)
{
    (void)state;
    uint64_t usec = 0, before_us = clock_mono_us();
    notify_reloading();
    assert_int_equal(sscanf(said, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec), 1);
    assert_in_range(usec, before_us, clock_mono_us());
}

static void a_status_is_one_assignment_whatever_it_says(void **state)
{
    (void)state;
    notify_status("%u requests", 7u);
    assert_string_equal(said, "STATUS=7 requests");
    notify_status("two\nlines\nSTOPPING=1");
    assert_null(strchr(said, '\n'));
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    notify_status("%s", longer);
    assert_in_range(strlen(said), 100, 300);
}

static void the_watchdog_is_fed_twice_as_often(void **state)
{
    (void)state;
    watchdog_answer = 0;
    watchdog_usec = 10000000;
    assert_int_equal(notify_watchdog_interval_ms(), 0);
    watchdog_answer = -22;
    assert_int_equal(notify_watchdog_interval_ms(), 0);
    watchdog_answer = 1;
    assert_int_equal(notify_watchdog_interval_ms(), 5000);
    watchdog_usec = 500;
    assert_int_equal(notify_watchdog_interval_ms(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_are_those_of_the_manual),
        cmocka_unit_test(reloading_carries_the_monotonic_time),
        cmocka_unit_test(a_status_is_one_assignment_whatever_it_says),
        cmocka_unit_test(the_watchdog_is_fed_twice_as_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
