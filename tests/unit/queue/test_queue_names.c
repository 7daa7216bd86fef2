/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q1, L1: several names of requests are asked for in turn. An empty queue sees no more of it than of one name asked so
 * much oftener (facts: SMEV counts questions, and knows who asks in bursts); who gives is followed at once, and keeps
 * none of the others waiting. By a clock of this test's own.
 */
#include "queue/queue_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS       UINT64_C(1000)
#define S        (1000 * MS)
#define INTERVAL (12 * S)
#define WAY      (10 * MS) /* of a question and its answer */
#define NAMES    4

uint64_t __wrap_clock_mono_us(void);
static uint64_t now_us;
uint64_t __wrap_clock_mono_us(void)
{
    return now_us;
}

struct world {
    struct queue_source source;
    unsigned stock[NAMES]; /* messages that are there by each name */
    bool is_unknown[NAMES];
    unsigned asked, asked_for[NAMES];
    uint64_t last_us[NAMES], gap_least_us, gap_most_us, gap_of_name_us; /* between two questions; of one name at most */
    uint64_t answered_us;
};

static void begin(struct world *w, struct arena *a)
{
    now_us = 1000 * S;
    *w = (struct world){.gap_least_us = UINT64_MAX, .answered_us = now_us};
    w->source.arena = a;
    w->source.conf = (struct config_smev3){
        .ns = "urn:x", .roots = "a, b,c d", .poll_interval_ms = INTERVAL / MS, .in_flight = 1, .timeout_ms = 1000};
    queue_names_read(&w->source);
    assert_int_equal(w->source.nnames, NAMES);
    for (unsigned i = 0; i < NAMES; i++)
        w->last_us[i] = now_us;
}

static unsigned ask(struct world *w, struct adapter_call *c)
{
    queue_name_ask(&w->source, &c->selector);
    assert_string_equal(c->selector.ns, "urn:x");
    assert_int_equal(strlen(c->selector.local), 1);
    unsigned i = (unsigned)(c->selector.local[0] - 'a');
    assert_in_range(i, 0, NAMES - 1);
    uint64_t gap_us = now_us - w->answered_us, own_us = now_us - w->last_us[i];
    if (w->asked > 0) {
        w->gap_least_us = gap_us < w->gap_least_us ? gap_us : w->gap_least_us;
        w->gap_most_us = gap_us > w->gap_most_us ? gap_us : w->gap_most_us;
    }
    w->gap_of_name_us = own_us > w->gap_of_name_us ? own_us : w->gap_of_name_us;
    w->last_us[i] = now_us;
    w->asked++;
    w->asked_for[i]++;
    return i;
}

/* As the queue does with what it is answered (queue_poll.c). */
static void answer(struct world *w, struct adapter_call *c, unsigned i)
{
    struct queue_source *s = &w->source;
    if (w->is_unknown[i]) {
        c->reply.kind = SMEV3_FAULT;
        c->reply.fault.reaction = SMEV3_CONFIGURE;
        if (!queue_name_is_unknown(s, c))
            adapter_pace_failed(&s->pace, c);
    } else if (w->stock[i] > 0) {
        w->stock[i]--;
        queue_name_answered(s, c, true);
        adapter_pace_gave(&s->pace, c);
    } else {
        queue_name_answered(s, c, false);
        adapter_pace_empty(&s->pace, &s->conf);
        queue_names_rest(s);
    }
    w->answered_us = now_us;
}

static void go(struct world *w, uint64_t for_us)
{
    for (uint64_t end_us = now_us + for_us; now_us < end_us; now_us += MS) {
        if (!adapter_pace_allows(&w->source.pace, &w->source.conf, 0, 0))
            continue;
        struct adapter_call c = {.conf = &w->source.conf, .is_read = true, .begun_us = now_us};
        unsigned i = ask(w, &c);
        now_us += WAY;
        answer(w, &c, i);
    }
}

static void Q1_names_share_the_interval(void **state)
{
    struct world w;
    begin(&w, *state);
    go(&w, 600 * S);
    assert_in_range(w.gap_least_us, INTERVAL / NAMES - MS, INTERVAL / NAMES * 3 / 2);
    assert_in_range(w.gap_most_us, INTERVAL / NAMES, INTERVAL / NAMES * 3 / 2 + 2 * MS);
    assert_in_range(w.gap_of_name_us, INTERVAL, INTERVAL * 3 / 2 + NAMES * (WAY + 2 * MS));
    for (unsigned i = 0; i < NAMES; i++) /* none oftener than one by itself would be */
        assert_in_range(w.asked_for[i], 600 * S / (INTERVAL * 3 / 2 + NAMES * (WAY + 2 * MS)), 600 * S / INTERVAL + 1);
}

static void Q1_who_gives_is_followed_at_once(void **state)
{
    struct world w;
    begin(&w, *state);
    w.stock[2] = 10000;
    go(&w, 120 * S);
    assert_in_range(w.asked_for[2], 9000, 10050); /* 100 a second, as fast as they come */
    for (unsigned i = 0; i < NAMES; i++)          /* and the others have their turn, each once an interval */
        if (i != 2)
            assert_in_range(w.asked_for[i], 7, 12);
    assert_in_range(w.gap_of_name_us, INTERVAL - MS, INTERVAL * 3 / 2 + NAMES * (WAY + 2 * MS));
    w.stock[0] = w.stock[1] = 1000; /* two at once share it */
    unsigned before = w.asked_for[0], other = w.asked_for[1];
    w.stock[2] = 0;
    go(&w, 40 * S);
    assert_int_equal(w.stock[0] + w.stock[1], 0);
    assert_in_range(w.asked_for[0] - before, 1000, 1010);
    assert_in_range(w.asked_for[1] - other, 1000, 1010);
}

static void Q3_a_name_that_is_unknown_waits_by_itself(void **state)
{
    struct world w;
    begin(&w, *state);
    w.is_unknown[1] = true;
    go(&w, 100 * S); /* it is asked for once in about five minutes */
    assert_int_equal(w.asked_for[1], 1);
    assert_string_equal(queue_name_unknown(&w.source), "b");
    w.gap_of_name_us = 0;
    go(&w, 40 * S);
    assert_in_range(w.gap_of_name_us, INTERVAL, INTERVAL * 3 / 2 + NAMES * (WAY + 2 * MS));
    assert_in_range(w.gap_most_us, INTERVAL / 3, INTERVAL / 3 * 3 / 2 + 2 * MS); /* the others share the whole of it */
    w.stock[3] = 5;
    go(&w, 2 * INTERVAL);
    assert_int_equal(w.stock[3], 0);
    queue_names_hope(&w.source); /* a reload */
    w.is_unknown[1] = false;
    go(&w, 2 * INTERVAL);
    assert_in_range(w.asked_for[1], 2, 4);
    assert_null(queue_name_unknown(&w.source));
}

static void Q3_all_of_them_unknown_is_the_queues_trouble(void **state)
{
    struct world w;
    begin(&w, *state);
    for (unsigned i = 0; i < NAMES; i++)
        w.is_unknown[i] = true;
    go(&w, 3600 * S);
    assert_in_range(w.asked, 10, NAMES * 16);
    memset(w.is_unknown, 0, sizeof w.is_unknown);
    go(&w, 700 * S);
    assert_null(queue_name_unknown(&w.source));
}

static void Q1_without_names_nothing_is_named(void **state)
{
    struct queue_source s = {.arena = *state, .conf = {.poll_interval_ms = INTERVAL / MS, .in_flight = 1}};
    struct smev3_selector selector = {.node_id = "n"};
    struct adapter_call c = {.conf = &s.conf, .is_read = true};
    now_us = 1000 * S;
    queue_names_read(&s);
    queue_name_ask(&s, &selector);
    assert_null(selector.ns);
    assert_null(selector.local);
    assert_string_equal(selector.node_id, "n");
    assert_false(queue_name_is_unknown(&s, &c));
    assert_null(queue_name_unknown(&s));
    queue_names_rest(&s);
    assert_in_range(s.pace.due_us, now_us + INTERVAL, now_us + INTERVAL * 3 / 2);
}

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q1_names_share_the_interval, setup, teardown),
        cmocka_unit_test_setup_teardown(Q1_who_gives_is_followed_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(Q3_a_name_that_is_unknown_waits_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(Q3_all_of_them_unknown_is_the_queues_trouble, setup, teardown),
        cmocka_unit_test_setup_teardown(Q1_without_names_nothing_is_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
