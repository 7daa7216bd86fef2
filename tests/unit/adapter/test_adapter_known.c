/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q3: SMEV gives what was not acknowledged once more, after 15 minutes (facts): a thousand of these are asked for
 * without delay. The same that comes sooner is nobody's redelivery: it must not be asked for as fast as it comes.
 */
#include "adapter.h"

#include "clock.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define INTERVAL_US UINT64_C(5000000)

static const struct config_smev3 conf = {.poll_interval_ms = 5000, .in_flight = 16};

static uint64_t told_us; /* before the pace was told; what was asked for is the pause, not how long this test takes */

/* The pause that was asked for, at most and at least: between the two lies what the telling took. */
static uint64_t pause_most(const struct adapter_pace *p)
{
    return p->due_us > told_us ? p->due_us - told_us : 0;
}

static uint64_t pause_least(const struct adapter_pace *p)
{
    uint64_t now_us = clock_mono_us();
    return p->due_us > now_us ? p->due_us - now_us : 0;
}

/* A question that begins now, and gives what is known. */
static void known(struct adapter_pace *p, const char *id, const char *delivered)
{
    told_us = clock_mono_us();
    struct adapter_call c = {.conf = &conf, .begun_us = told_us + 1};
    adapter_pace_gave(p, &c);
    adapter_pace_known(p, &c, id, delivered);
}

static void test_the_same_again_and_again(void **state)
{
    (void)state;
    struct adapter_pace p = {0};
    known(&p, "a", "2026-11-30T05:00:00Z");
    assert_in_range(pause_least(&p), 0, INTERVAL_US / 8);
    assert_int_equal(adapter_pace_repeated(&p), 0);
    for (unsigned i = 0; i < 12; i++) {
        bool is_most = INTERVAL_US << i >= ADAPTER_PAUSE_MAX_US;
        known(&p, "a", "2026-11-30T05:00:00Z");
        assert_in_range(pause_most(&p), is_most ? ADAPTER_PAUSE_MAX_US / 4 * 3 : INTERVAL_US << i, UINT64_MAX);
        assert_in_range(pause_least(&p), 0, ADAPTER_PAUSE_MAX_US);
        assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    }
    assert_int_equal(adapter_pace_repeated(&p), 12);
    adapter_pace_new(&p);
    assert_int_equal(adapter_pace_repeated(&p), 0);
    assert_true(adapter_pace_allows(&p, &conf, 1, 0));
}

static void test_each_but_once(void **state)
{
    (void)state;
    struct adapter_pace p = {0};
    uint64_t whole = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%u", i);
        known(&p, id, NULL);
        whole += pause_least(&p);
    }
    assert_in_range(whole, 0, UINT64_C(450000000)); /* half of what it takes SMEV to give them again */
    assert_int_equal(adapter_pace_repeated(&p), 0);
}

/* Whenever SMEV delivers it: what it has signed then is another delivery. */
static void test_delivered_anew(void **state)
{
    (void)state;
    struct adapter_pace p = {0};
    for (unsigned i = 0; i < 20; i++) {
        char delivered[40];
        (void)snprintf(delivered, sizeof delivered, "2026-11-30T05:%02u:00Z", i);
        known(&p, "a", delivered);
        assert_in_range(pause_least(&p), 0, INTERVAL_US / 8);
    }
    assert_int_equal(adapter_pace_repeated(&p), 0);
}

/* An answer that nobody has judged yet lets nobody ask for the next, once the last was known. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    struct adapter_call c = {.conf = &conf};
    struct adapter_pace p = {0};
    adapter_pace_gave(&p, &c);
    assert_true(adapter_pace_allows(&p, &conf, 3, 1));
    known(&p, "a", "2026-11-30T05:00:00Z");
    known(&p, "a", "2026-11-30T05:00:00Z");
    adapter_pace_gave(&p, &c);
    assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    p.due_us = 0;
    assert_false(adapter_pace_allows(&p, &conf, 1, 0));
    assert_true(adapter_pace_allows(&p, &conf, 0, 0));
}

/* Sixteen questions that were under way together say one thing. */
static void test_one_round(void **state)
{
    (void)state;
    struct adapter_pace p = {0};
    struct adapter_call c = {.conf = &conf, .begun_us = clock_mono_us()};
    told_us = c.begun_us;
    for (unsigned i = 0; i < 16; i++)
        adapter_pace_known(&p, &c, "a", NULL);
    assert_in_range(pause_most(&p), INTERVAL_US, UINT64_MAX);
    assert_in_range(pause_least(&p), 0, INTERVAL_US * 3 / 2);
    assert_int_equal(adapter_pace_repeated(&p), 0);
}

static void test_a_pause_after_faults_is_kept(void **state)
{
    (void)state;
    uint64_t due_us = clock_mono_us() + ADAPTER_PAUSE_MAX_US;
    struct adapter_pace p = {.faults = 3, .fault_us = 1, .due_us = due_us};
    struct adapter_call c = {.conf = &conf, .begun_us = 1};
    adapter_pace_known(&p, &c, "a", NULL);
    assert_int_equal(p.due_us, due_us);
    adapter_pace_new(&p);
    assert_int_equal(p.due_us, due_us);
}

/* Q6: what nobody can read stands before others, which must not wait for it; a stream of it is no reason to spin. */
static struct adapter_call unread(const char *id)
{
    return (struct adapter_call){.conf = &conf,
                                 .begun_us = clock_mono_us(),
                                 .fate = CLIENT_ANSWERED,
                                 .status = 200,
                                 .answered = {"<", 1},
                                 .err = ERR_CHECK,
                                 .is_read = true,
                                 .is_claimed = true,
                                 .claimed_id = id};
}

static void test_what_is_unread_costs_no_pause(void **state)
{
    (void)state;
    struct adapter_pace p = {0};
    struct adapter_call c;
    char id[16];
    for (unsigned i = 0; i < ADAPTER_PASSED_MAX; i++) {
        (void)snprintf(id, sizeof id, "u%u", i);
        c = unread(i % 4 == 0 ? NULL : id);
        adapter_pace_failed(&p, &c);
        assert_true(adapter_pace_allows(&p, &conf, 3, 0));
    }
    c = unread("one more");
    told_us = clock_mono_us();
    adapter_pace_failed(&p, &c);
    assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    assert_in_range(pause_most(&p), INTERVAL_US, UINT64_MAX);
    adapter_pace_empty(&p, &conf);
    p.due_us = 0;
    c = unread("behind");
    adapter_pace_failed(&p, &c);
    assert_true(adapter_pace_allows(&p, &conf, 0, 0));
}

static void test_what_is_unread_and_pauses(void **state)
{
    (void)state;
    struct adapter_pace p = {0};
    struct adapter_call c = unread("same");
    adapter_pace_failed(&p, &c);
    assert_true(adapter_pace_allows(&p, &conf, 0, 0));
    adapter_pace_failed(&p, &c); /* nobody's redelivery */
    assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    p = (struct adapter_pace){0};
    c = unread("strange");
    c.err = ERR_SENDER;
    adapter_pace_failed(&p, &c);
    assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    p = (struct adapter_pace){0};
    c = unread("page");
    c.is_claimed = false;
    adapter_pace_failed(&p, &c);
    assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    /* in a pause that somebody else's answer made meanwhile */
    uint64_t due_us = clock_mono_us() + ADAPTER_PAUSE_MAX_US;
    p = (struct adapter_pace){.faults = 1, .fault_us = 1, .due_us = due_us};
    c = unread("beside");
    adapter_pace_failed(&p, &c);
    assert_int_equal(p.due_us, due_us);
    assert_false(adapter_pace_allows(&p, &conf, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_again_and_again),
        cmocka_unit_test(test_each_but_once),
        cmocka_unit_test(test_delivered_anew),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_one_round),
        cmocka_unit_test(test_a_pause_after_faults_is_kept),
        cmocka_unit_test(test_what_is_unread_costs_no_pause),
        cmocka_unit_test(test_what_is_unread_and_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
