/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* L4: what readiness says of a clock that is wrong, against a database played by the test that tells its own time. */
#include "readiness.c"

#include "fake_db_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND_US 1000000LL
#define DAY_US    (86400 * SECOND_US)

const char sql_digests_json[] = "{}";

static int64_t database_us, ahead_us, way_us; /* how long the answer is on its way */
static loop_fn tick;
static void *tick_arg;

static int64_t fake_wall_us(void)
{
    return database_us + ahead_us;
}

struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg)
{
    (void)l;
    (void)delay_ms;
    (void)repeat_ms;
    tick = fn;
    tick_arg = arg;
    return (struct timer *)&tick;
}

void timer_stop(struct timer *t)
{
    (void)t;
}

void db_acquire(struct db_pool *p, db_session_fn fn, void *arg)
{
    (void)p;
    fn(arg, (struct db_session *)&tick, ERR_OK, NULL);
}

void db_release(struct db_session *s)
{
    assert_non_null(s);
}

void db_send(struct db_session *s, const struct db_call *calls, unsigned n, db_done_fn fn, void *arg)
{
    static const char *const ready_names[] = {"ok", "reason", NULL};
    static const char *const clock_names[] = {"us", NULL};
    char us[32];
    (void)s;
    assert_true(n >= 3);
    assert_string_equal(calls[0].sql, "begin");
    assert_string_equal(calls[2].sql, READINESS_CLOCK_SQL);
    database_us += way_us / 2;
    (void)snprintf(us, sizeof us, "%" PRId64, database_us);
    database_us += way_us - way_us / 2;
    struct db_result none = {.rows = 0}, ready = FAKE_RESULT(ready_names, "t", ""), now = FAKE_RESULT(clock_names, us);
    struct db_result *const results[] = {&none, &ready, &now, &none};
    struct error e = {0};
    fn(arg, results, n, ERR_OK, &e);
}

static void L4_a_wrong_clock_is_told(void **state)
{
    static const uint64_t ages_ms[] = {0, 60000, 86400000, 40ULL * 86400000};
    uint64_t seed = 20261128;
    (void)state;
    clock_replace(NULL, fake_wall_us);
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        uint64_t age_max_ms = ages_ms[seed >> 33 & 3];
        /* of every order of magnitude, either way */
        int64_t off = (int64_t)((seed >> 20) % (uint64_t)(700 * DAY_US)) >> (seed >> 50 & 31);
        ahead_us = (seed >> 40 & 1) != 0 ? off : -off;
        way_us = (int64_t)((seed >> 8) % 10000) * 1000;
        database_us = 1795333500 * SECOND_US;
        struct arena *a = arena_new();
        struct readiness *r = readiness_start(NULL, NULL, age_max_ms);
        tick(tick_arg);
        struct buf reasons, notes;
        buf_init(&reasons, a, 64);
        buf_init(&notes, a, 64);
        bool is_ready = readiness_read(r, &reasons);
        readiness_notes_write(r, &notes);
        int64_t age_us = (int64_t)age_max_ms * 1000;
        assert_int_equal(is_ready, reasons.n == 0);
        if (off <= READINESS_CLOCK_ODD_US) { /* however slow the way: nothing is said of a good clock */
            assert_true(is_ready);
            assert_int_equal(notes.n, 0);
        } else if (off - way_us > READINESS_CLOCK_ODD_US) {
            assert_true(notes.n > 0 || !is_ready);
        }
        if (age_us != 0 && off - way_us >= age_us)
            assert_false(is_ready);
        if (age_us == 0 || off < age_us)
            assert_true(is_ready);
        readiness_free(r);
        arena_free(a);
    }
    clock_replace(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(L4_a_wrong_clock_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
