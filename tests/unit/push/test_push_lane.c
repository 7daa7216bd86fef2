/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M8, L1: a portal that is away is asked with one message at a time, after pauses that grow; one that answers, whatever
 * it says, is asked for all.
 */
#include "push/push_private.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define S UINT64_C(1000000)

static uint64_t now_us;

static uint64_t mono(void)
{
    return now_us;
}

static const struct config_push conf = {.agency = "AAAA00001", .in_flight = 8, .timeout_ms = 1000};

static unsigned wants(struct push_lane *l)
{
    return push_lane_wants(l, &conf, now_us);
}

static int begin(void **state)
{
    static struct push_lane lane;
    now_us = 1000 * S;
    clock_replace(mono, NULL);
    lane = (struct push_lane){.agency = "AAAA00001"};
    *state = &lane;
    return 0;
}

static int end(void **state)
{
    (void)state;
    clock_replace(NULL, NULL);
    return 0;
}

static void fail_times(struct push_lane *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        push_lane_failed(l, PUSH_BY_PORTAL, "no connection");
}

static void test_so_many_at_once(void **state)
{
    struct push_lane *l = *state;
    assert_int_equal(wants(l), 8);
    l->nrows = 8;
    assert_int_equal(wants(l), 0);
    l->nrows = 5;
    assert_int_equal(wants(l), 0); /* not for each one that ends */
    l->nrows = 4;
    assert_int_equal(wants(l), 4);
}

static void answers(struct push_lane *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        push_lane_answered(l);
}

/* The portal's pace decides how many are made before their turn: about a second's, whose leases last. */
static void test_as_many_ahead_as_it_answers(void **state)
{
    struct push_lane *l = *state;
    answers(l, 30);
    assert_int_equal(wants(l), 8); /* the second is not over */
    now_us += S;
    assert_int_equal(wants(l), 38);
    l->nrows = 20;
    assert_int_equal(wants(l), 0);
    l->nrows = 19;
    assert_int_equal(wants(l), 19);
    l->nrows = 0;
    answers(l, 500);
    now_us += S;
    assert_int_equal(wants(l), 8 + PUSH_AHEAD);
    now_us += S; /* it has fallen silent */
    assert_int_equal(wants(l), 8);
    answers(l, 500);
    now_us += 10 * S;
    assert_int_equal(wants(l), 8);
}

/* What the client would let wait, waits here, where no deadline runs. */
static void test_turns_with_the_portal(void **state)
{
    struct push_lane *l = *state;
    struct config_push many = conf;
    many.in_flight = 64;
    for (l->nturns = 0; l->nturns < 8; l->nturns++)
        assert_true(push_lane_has_turn(l, &conf));
    assert_false(push_lane_has_turn(l, &conf));
    for (; l->nturns < CLIENT_PEER_CALLS_MAX; l->nturns++)
        assert_true(push_lane_has_turn(l, &many));
    assert_false(push_lane_has_turn(l, &many));
    l->nturns--;
    assert_true(push_lane_has_turn(l, &many));
}

/* An outbox with more in it is asked again at once, an empty one after about a second. */
static void test_asked_again(void **state)
{
    struct push_lane *l = *state;
    push_lane_took(l, 8, 8);
    assert_int_equal(wants(l), 8);
    for (unsigned got = 0; got < 8; got++) {
        push_lane_took(l, 8, got);
        assert_in_range(l->take_us, now_us + S / 2, now_us + 2 * S);
        assert_int_equal(wants(l), 0);
        now_us += 2 * S;
        assert_int_equal(wants(l), 8);
    }
}

static void test_closes_and_asks_with_one(void **state)
{
    struct push_lane *l = *state;
    fail_times(l, 2);
    assert_int_equal(wants(l), 8);
    push_lane_heard(l); /* a word between them: nothing is counted */
    fail_times(l, 2);
    assert_int_equal(l->closed_us, 0);
    fail_times(l, 1);
    assert_int_equal(wants(l), 0);
    assert_in_range(l->closed_us, now_us + S / 2, now_us + 2 * S);
    uint64_t closed_us = l->closed_us;
    fail_times(l, 5); /* those that were on their way */
    assert_int_equal(l->closed_us, closed_us);
    now_us = l->closed_us;
    assert_int_equal(wants(l), 1);
    l->nrows = 1;
    assert_int_equal(wants(l), 0); /* one */
    l->nrows = 0;
    push_lane_heard(l);
    assert_int_equal(wants(l), 8);
}

/* From a second to five minutes, and not all in step. */
static void test_pauses_grow(void **state)
{
    struct push_lane *l = *state;
    uint64_t least_s = 1;
    fail_times(l, 3);
    for (int i = 0; i < 20; i++) {
        uint64_t pause_us = l->closed_us - now_us;
        uint64_t middle_s = least_s < 300 ? least_s : 300;
        assert_in_range(pause_us, middle_s * S * 3 / 4, middle_s * S * 5 / 4 + S / 100);
        now_us = l->closed_us;
        fail_times(l, 1);
        least_s *= 2;
        if (least_s > 300)
            least_s = 300;
    }
    unsigned differ = 0;
    for (int i = 0; i < 50; i++)
        differ += push_pause_ms(9) != push_pause_ms(9);
    assert_true(differ > 40);
}

static void test_a_new_configuration_is_tried_at_once(void **state)
{
    struct push_lane *l = *state;
    fail_times(l, 3);
    assert_int_equal(wants(l), 0);
    push_lane_afresh(l);
    assert_int_equal(wants(l), 1);
}

/* ---- SMEV 3: the portal's word comes later, and SMEV's says nothing of the portal ---- */

static void ill_times(struct push_lane *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        push_lane_ill(l, "error 1");
}

static void test_failures_of_the_portals_own_close_it(void **state)
{
    struct push_lane *l = *state;
    ill_times(l, 1);
    push_lane_queued(l);
    ill_times(l, 1);
    push_lane_queued(l); /* SMEV took another: counted on */
    assert_int_equal(wants(l), 8);
    ill_times(l, 1);
    assert_int_equal(wants(l), 0);
    uint64_t closed_us = l->closed_us;
    push_lane_failed(l, PUSH_BY_PORTAL, "no connection"); /* those that were on their way */
    ill_times(l, 5);
    assert_int_equal(l->closed_us, closed_us);
    uint64_t least_s = 2;
    for (int i = 0; i < 12; i++) {
        now_us = l->closed_us;
        assert_int_equal(wants(l), 1);
        push_lane_queued(l); /* the one that asks: the next only when there was time for an answer */
        uint64_t middle_s = least_s < 300 ? least_s : 300;
        assert_in_range(l->closed_us - now_us, middle_s * S * 3 / 4, middle_s * S * 5 / 4 + S / 100);
        assert_int_equal(wants(l), 0);
        now_us += S;
        ill_times(l, 1); /* and its answer makes the pause no longer */
        least_s *= 2;
    }
    push_lane_well(l);
    assert_int_equal(wants(l), 8);
    assert_int_equal(l->closed_us, 0);
}

static void test_a_word_of_the_portals_between_failures(void **state)
{
    struct push_lane *l = *state;
    for (int i = 0; i < 10; i++) {
        ill_times(l, 2);
        push_lane_well(l);
    }
    assert_int_equal(l->closed_us, 0);
}

/* The portal's word of yesterday opens no lane to where nobody answers today. */
static void test_answers_open_nothing_that_they_did_not_close(void **state)
{
    struct push_lane *l = *state;
    fail_times(l, 3);
    push_lane_well(l);
    assert_int_equal(wants(l), 0);
    now_us = l->closed_us;
    push_lane_queued(l);
    assert_int_equal(wants(l), 8);
    ill_times(l, 3);
    now_us = l->closed_us;
    fail_times(l, 3); /* and now both */
    push_lane_well(l);
    assert_int_equal(wants(l), 0);
}

static void notes_are(const struct push *p, const char *wanted)
{
    struct arena *a = arena_new();
    struct buf notes;
    buf_init(&notes, a, 0);
    push_notes_write(p, &notes);
    assert_true(span_is(buf_span(&notes), wanted));
    arena_free(a);
}

/* O2: and somebody is told, with nothing of the portal's own words. */
static void test_it_is_named(void **state)
{
    struct push_lane *l = *state;
    struct push p = {.lanes = l};
    ill_times(l, 2);
    notes_are(&p, "");
    ill_times(l, 1);
    l->since_s -= 7; /* as soon as push_is_closed is 1 */
    notes_are(&p, "\"agency AAAA00001: the portal has answered with failures alone for 7 s: error 1\"");
    l->since_s -= 120;
    notes_are(&p, "\"agency AAAA00001: the portal has answered with failures alone for 2 min: error 1\"");
    l->ill = 0;
    (void)snprintf(l->reason, sizeof l->reason, "no connection");
    notes_are(&p, "\"agency AAAA00001: the portal has not answered for 2 min: no connection\"");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_so_many_at_once),
        TEST(test_as_many_ahead_as_it_answers),
        TEST(test_turns_with_the_portal),
        TEST(test_asked_again),
        TEST(test_closes_and_asks_with_one),
        TEST(test_pauses_grow),
        TEST(test_a_new_configuration_is_tried_at_once),
        TEST(test_failures_of_the_portals_own_close_it),
        TEST(test_a_word_of_the_portals_between_failures),
        TEST(test_answers_open_nothing_that_they_did_not_close),
        TEST(test_it_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
