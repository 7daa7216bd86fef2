/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q1, Q3: when a queue is asked next. Of an empty one the interval at the least, and at the most half as much again: by
 * chance, so that not all of its keepers ask together. After a fault by its row of the table.
 */
#include "adapter.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define INTERVAL_US UINT64_C(8000000)
#define DRAWS       200 /* of even chances: all of them in one half come once in 10^60 times */

static const struct config_smev3 conf = {.poll_interval_ms = INTERVAL_US / 1000, .in_flight = 4};

static void Q1_an_empty_queue_is_asked_by_chance(void **state)
{
    (void)state;
    for (unsigned names = 1; names <= 4; names *= 4) {
        uint64_t part_us = INTERVAL_US / names;
        unsigned n_late = 0;
        for (unsigned i = 0; i < DRAWS; i++) {
            struct adapter_pace p = {0};
            uint64_t before_us = clock_mono_us();
            adapter_pace_rest(&p, &conf, names);
            uint64_t after_us = clock_mono_us();
            assert_true(p.due_us >= before_us + part_us);
            assert_true(p.due_us <= after_us + part_us + part_us / 2);
            n_late += p.due_us > after_us + part_us + part_us / 4;
        }
        assert_in_range(n_late, 1, DRAWS - 1);
    }
}

static void Q3_each_reaction_has_its_pause(void **state)
{
    (void)state;
    static const struct {
        enum smev3_reaction reaction;
        bool is_rare;
    } rows[] = {
        {SMEV3_AGAIN, false}, {SMEV3_PARK, false},     {SMEV3_NEW_ID, false},
        {SMEV3_STOP, true},   {SMEV3_CONFIGURE, true}, /* somebody has to look: once in about five minutes */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct adapter_pace p = {0};
        struct adapter_call c = {.conf = &conf,
                                 .begun_us = clock_mono_us(),
                                 .status = 500,
                                 .is_read = true,
                                 .reply = {.kind = SMEV3_FAULT, .fault = {.reaction = rows[i].reaction}}};
        adapter_pace_failed(&p, &c);
        uint64_t us = p.due_us - c.begun_us;
        if (rows[i].is_rare)
            assert_in_range(us, ADAPTER_PAUSE_MAX_US / 4 * 3, UINT64_MAX);
        else
            assert_in_range(p.due_us, c.begun_us + INTERVAL_US, clock_mono_us() + INTERVAL_US + INTERVAL_US / 2);
        assert_true(p.due_us <= clock_mono_us() + ADAPTER_PAUSE_MAX_US);
        assert_false(adapter_pace_allows(&p, &conf, 0, 0));
    }
}

/* Whose word an answer is: of whoever stands in front of SMEV the other endpoint is asked. */
static void Q1_whose_word_it_is(void **state)
{
    (void)state;
    static const struct span octets = {"<", 1};
    const struct {
        struct adapter_call c;
        bool is_smevs, is_refusal;
    } rows[] = {
        {{.is_read = false, .err = ERR_ENVELOPE}, false, false}, /* a page */
        {{.is_read = true, .reply = {.kind = SMEV3_EMPTY}}, true, false},
        {{.is_read = true, .reply = {.kind = SMEV3_ACKED}}, true, false},
        {{.is_read = true, .reply = {.kind = SMEV3_REQUEST}, .signature = {.octets = octets}}, true, false},
        /* SMEV's, though nobody can do anything with it */
        {{.is_read = true, .err = ERR_ENVELOPE, .reply = {.kind = SMEV3_REQUEST}, .signature = {.octets = octets}},
         true,
         false},
        {{.is_read = true, .err = ERR_CHECK, .reply = {.kind = SMEV3_REQUEST}, .is_claimed = true}, false, false},
        {{.is_read = true, .err = ERR_SENDER, .reply = {.kind = SMEV3_RESPONSE}}, false, false},
        {{.is_read = true, .reply = {.kind = SMEV3_SENT}, .signature = {.octets = octets}}, true, false},
        /* of another message: somebody repeats what SMEV said before */
        {{.is_read = true, .err = ERR_ENVELOPE, .reply = {.kind = SMEV3_SENT}, .signature = {.octets = octets}},
         false,
         false},
        {{.is_read = true, .reply = {.kind = SMEV3_FAULT, .fault = {.reaction = SMEV3_AGAIN}}}, false, false},
        /* SMEV's own, and in no table */
        {{.is_read = true, .reply = {.kind = SMEV3_FAULT, .fault = {.is_smevs = true}}}, false, true},
        {{.is_read = true,
          .reply = {.kind = SMEV3_FAULT, .fault = {.is_smevs = true, .is_foreseen = true, .name = "SMEVFailure"}}},
         true,
         false},
        {{.is_read = true,
          .reply = {.kind = SMEV3_FAULT, .fault = {.is_smevs = true, .name = "AccessDenied"}}}, /* of another call */
         true,
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(adapter_call_is_smevs(&rows[i].c), rows[i].is_smevs);
        assert_int_equal(adapter_is_refusal(&rows[i].c), rows[i].is_refusal);
    }
}

/* J1: what may have been heard is for the journal, whether it was answered or not. */
static void J1_what_has_left(void **state)
{
    (void)state;
    assert_false(adapter_call_has_left(&(struct adapter_call){.fate = CLIENT_UNSENT}));
    assert_false(adapter_call_has_left(&(struct adapter_call){.endpoint = "http://s/", .fate = CLIENT_UNSENT}));
    assert_true(adapter_call_has_left(&(struct adapter_call){.endpoint = "http://s/", .fate = CLIENT_UNCERTAIN}));
    assert_true(adapter_call_has_left(&(struct adapter_call){.endpoint = "http://s/", .fate = CLIENT_ANSWERED}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Q1_an_empty_queue_is_asked_by_chance),
        cmocka_unit_test(Q3_each_reaction_has_its_pause),
        cmocka_unit_test(Q1_whose_word_it_is),
        cmocka_unit_test(J1_what_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
