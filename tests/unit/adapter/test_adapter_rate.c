/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q1, L1: SMEV says AccessDenied to who asks an empty queue too often (facts: ten questions in a row at less than 30 s
 * on the average). It means slower, and must not be said again each time the question has once been answered.
 */
#include "adapter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S   UINT64_C(1000000)
#define DAY (86400 * S)

/* A day of an empty queue whose keeper refuses who has asked ten times at less than that. Returns how often he did. */
static unsigned refusals_a_day(uint64_t wanted_us, uint64_t least_us, unsigned *asked)
{
    struct adapter_rate p = {0};
    uint64_t at_us = 0, first_us = 0;
    unsigned refusals = 0, row = 0;
    for (*asked = 0; at_us < DAY; ++*asked) {
        if (row++ == 0)
            first_us = at_us;
        if (row > 10 && (at_us - first_us) / (row - 1) < least_us) {
            adapter_rate_refused(&p, wanted_us);
            refusals++;
            row = 0;
        } else {
            adapter_rate_empty(&p, wanted_us);
            if (row > 10)
                row = 0;
        }
        uint64_t us = adapter_rate_us(&p, wanted_us);
        assert_in_range(us, wanted_us, ADAPTER_PAUSE_MAX_US);
        at_us += us;
    }
    return refusals;
}

static void Q1_what_was_refused_is_remembered(void **state)
{
    (void)state;
    unsigned asked = 0;
    assert_int_equal(refusals_a_day(5 * S, 0, &asked), 0);
    assert_int_equal(asked, 17280); /* nobody has said anything: as it is configured */
    static const uint64_t leasts_s[] = {8, 30, 60, 120};
    for (size_t i = 0; i < sizeof leasts_s / sizeof leasts_s[0]; i++) {
        unsigned refusals = refusals_a_day(5 * S, leasts_s[i] * S, &asked);
        assert_in_range(refusals, 1, asked / 50); /* without a memory: each eleventh */
        assert_true(asked > DAY / S / (2 * leasts_s[i] < 60 ? 60 : 2 * leasts_s[i])); /* no more than twice as slow */
    }
}

static void Q1_it_comes_back_slowly(void **state)
{
    (void)state;
    struct adapter_rate p = {0};
    adapter_rate_refused(&p, 5 * S);
    assert_int_equal(adapter_rate_us(&p, 5 * S), 10 * S); /* and no citizen waits for longer because of one word */
    adapter_rate_refused(&p, 5 * S);
    assert_int_equal(adapter_rate_us(&p, 5 * S), 20 * S);
    for (unsigned i = 0; i < 10; i++)
        adapter_rate_refused(&p, 5 * S);
    assert_int_equal(adapter_rate_us(&p, 5 * S), ADAPTER_PAUSE_MAX_US);
    uint64_t before_us = ADAPTER_PAUSE_MAX_US;
    unsigned n = 0;
    for (; adapter_rate_us(&p, 5 * S) > 5 * S; n++) {
        adapter_rate_empty(&p, 5 * S);
        assert_true(adapter_rate_us(&p, 5 * S) >= before_us - before_us / 16 || adapter_rate_us(&p, 5 * S) == 5 * S);
        before_us = adapter_rate_us(&p, 5 * S);
    }
    assert_in_range(n, 1000, 2000);
    assert_int_equal(adapter_rate_us(&p, 600 * S), 600 * S); /* whoever wants it slower has it slower */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Q1_what_was_refused_is_remembered),
        cmocka_unit_test(Q1_it_comes_back_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
