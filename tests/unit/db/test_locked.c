/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* O3: how long somebody has held what is asked for again and again; two who held it, one after the other, are two. */
#include "clock.h"
#include "db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t now_us;

static uint64_t fake_us(void)
{
    return now_us;
}

static void O3_a_lock_that_lasts(void **state)
{
    (void)state;
    struct db_locked l = {0};
    now_us = 5000000000u;
    assert_int_equal(db_locked_s(&l), 0);
    db_locked_seen(&l);
    assert_int_equal(db_locked_s(&l), 1);
    for (unsigned i = 0; i < 100; i++) {
        now_us += DB_LOCKED_OVER_US; /* asked as rarely as may be */
        db_locked_seen(&l);
    }
    assert_int_equal(db_locked_s(&l), 100 * (DB_LOCKED_OVER_US / 1000000) + 1);
}

static void O3_a_lock_that_is_over(void **state)
{
    (void)state;
    struct db_locked l = {0};
    now_us = 5000000000u;
    db_locked_seen(&l);
    now_us += DB_LOCKED_OVER_US + 1;
    assert_int_equal(db_locked_s(&l), 0);
    db_locked_seen(&l); /* another */
    assert_int_equal(db_locked_s(&l), 1);
}

int main(void)
{
    clock_replace(fake_us, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(O3_a_lock_that_lasts),
        cmocka_unit_test(O3_a_lock_that_is_over),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    clock_replace(NULL, NULL);
    return rc;
}
