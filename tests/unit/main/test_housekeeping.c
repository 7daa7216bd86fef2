/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* L1, L4: housekeeping's tasks against a database played by the test, in virtual time: each has its turn whatever
 * becomes of the others, a deadline goes with each call, failures are told and pause only the task that failed. */
#include "housekeeping.c"

#include "fake_db_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- time ---- */

static uint64_t now_us;
static loop_fn tick;
static void *tick_arg;
static uint64_t tick_ms;

static uint64_t fake_mono_us(void)
{
    return now_us;
}

static int64_t fake_wall_us(void)
{
    return (int64_t)now_us + 1795333500000000;
}

struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg)
{
    (void)l;
    (void)delay_ms;
    tick = fn;
    tick_arg = arg;
    tick_ms = repeat_ms;
    return (struct timer *)&tick_ms;
}

void timer_stop(struct timer *t)
{
    (void)t;
    tick = NULL;
}

/* ---- the database ---- */

enum answer { NOTHING_DUE, MORE, FAILED_ROW, CANCELED, LOST, SILENT };

#define CALLS_MAX 4096
static struct {
    char task[16];
    uint64_t at_us;
} calls_seen[CALLS_MAX];
static unsigned ncalls, ntold, nopen;
static char told[2][32];
static enum answer answer_of[TASKS];
static unsigned more_left[TASKS];
static bool is_away, has_deadline, is_telling_refused;
static uint64_t paused_until_us; /* every task, by the database, since it was told of a failure */
static const char *state_reason;

static db_session_fn wanting;
static void *wanting_arg;
static db_done_fn sent;
static void *sent_arg;
static int sent_task;
static bool is_sent_told;

void db_acquire(struct db_pool *p, db_session_fn fn, void *arg)
{
    (void)p;
    assert_null(wanting); /* one call at a time */
    assert_int_equal(nopen, 0);
    wanting = fn;
    wanting_arg = arg;
}

void db_release(struct db_session *s)
{
    assert_non_null(s);
    assert_int_equal(nopen, 1);
    nopen--;
}

static int task_by_name(const char *name)
{
    int i = 0;
    while (i < TASKS - 1 && strcmp(tasks[i].name, name) != 0)
        i++;
    assert_string_equal(tasks[i].name, name);
    return i;
}

void db_send(struct db_session *s, const struct db_call *calls, unsigned n, db_done_fn fn, void *arg)
{
    (void)s;
    sent = fn;
    sent_arg = arg;
    is_sent_told = n == 1;
    if (is_sent_told) {
        assert_non_null(strstr(calls[0].sql, "api.housekeeping_failed("));
        (void)snprintf(told[0], sizeof told[0], "%s", calls[0].values[0]);
        (void)snprintf(told[1], sizeof told[1], "%s", calls[0].values[1]);
        ntold++;
        return;
    }
    assert_int_equal(n, 4);
    assert_string_equal(calls[0].sql, "begin");
    has_deadline = strstr(calls[1].sql, "set local statement_timeout") != NULL;
    assert_string_equal(calls[3].sql, "commit");
    sent_task = calls[2].nparams == 1 ? task_by_name(calls[2].values[0]) : TASK_STATE;
    assert_true(ncalls < CALLS_MAX);
    (void)snprintf(calls_seen[ncalls].task, sizeof calls_seen[0].task, "%s", tasks[sent_task].name);
    calls_seen[ncalls++].at_us = now_us;
}

static const char *const row_names[] = {"did", "failed", NULL};
static const char *const state_names[] = {"task", "behind", "reason", "last_success", NULL};

static void answer_task(void)
{
    struct db_result none = {.names = row_names, .cells = NULL, .rows = 0};
    struct db_result good = FAKE_RESULT(row_names, "3 bookings", "f");
    struct db_result bad = FAKE_RESULT(row_names, "took longer than it may (57014)", "t");
    struct db_result state =
        FAKE_RESULT(state_names, "journal", state_reason != NULL ? "1" : "0", state_reason, "1795333500");
    struct db_result *which = &none;
    struct error e = {.code = ERR_OK};
    db_done_fn fn = sent;

    sent = NULL;
    if (sent_task == TASK_STATE) {
        which = &state;
    } else {
        switch (answer_of[sent_task]) {
        case NOTHING_DUE:
            break;
        case MORE:
            if (more_left[sent_task] > 0 && now_us >= paused_until_us) {
                more_left[sent_task]--;
                which = &good;
            }
            break;
        case FAILED_ROW:
            which = &bad;
            answer_of[sent_task] = NOTHING_DUE; /* the database pauses */
            break;
        case CANCELED:
            error_set(&e, ERR_DATABASE, "57014: canceling statement due to statement timeout");
            break;
        case LOST:
            error_set(&e, ERR_TIMEOUT, "no answer from the database in time");
            break;
        case SILENT:
            fail();
        }
    }
    struct db_result *results[4] = {&none, &none, which, &none};
    fn(sent_arg, results, e.code == ERR_OK ? 4 : 2, e.code, &e);
}

static void answer_told(void)
{
    struct error e = {.code = ERR_OK};
    db_done_fn fn = sent;
    sent = NULL;
    if (is_telling_refused)
        error_set(&e, ERR_DATABASE, "57014");
    else
        paused_until_us = now_us + 5000000;
    fn(sent_arg, NULL, 0, e.code, &e);
}

/* The pool and the server, until everybody waits for the clock or the time is over; each call takes cost_us. */
static void play(uint64_t cost_us, uint64_t until_us)
{
    while ((wanting != NULL || sent != NULL) && now_us < until_us) {
        if (wanting != NULL) {
            struct error e = {.code = ERR_OK};
            db_session_fn fn = wanting;
            wanting = NULL;
            if (is_away) {
                error_set(&e, ERR_DATABASE, "there is no database");
                fn(wanting_arg, NULL, ERR_DATABASE, &e);
                continue;
            }
            nopen++;
            fn(wanting_arg, (struct db_session *)&nopen, ERR_OK, &e);
        }
        if (sent == NULL)
            continue;
        now_us += cost_us;
        if (is_sent_told)
            answer_told();
        else
            answer_task();
    }
}

static void run_seconds(unsigned seconds, uint64_t cost_us)
{
    uint64_t until = now_us + seconds * 1000000ull;
    while (now_us < until) {
        now_us += tick_ms * 1000;
        tick(tick_arg);
        play(cost_us, until);
    }
}

static unsigned count_of(const char *task)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ncalls; i++)
        n += strcmp(calls_seen[i].task, task) == 0;
    return n;
}

static int begin_one(void **state)
{
    clock_replace(fake_mono_us, fake_wall_us);
    log_set_level(LOG_LEVEL_ERROR);
    now_us = 1000000000;
    ncalls = ntold = nopen = 0;
    wanting = NULL;
    sent = NULL;
    is_away = is_telling_refused = false;
    paused_until_us = 0;
    state_reason = NULL;
    for (unsigned i = 0; i < TASKS; i++) {
        answer_of[i] = NOTHING_DUE;
        more_left[i] = 0;
    }
    *state = housekeeping_start(NULL, NULL);
    return 0;
}

static int end_one(void **state)
{
    housekeeping_free(*state);
    clock_replace(NULL, NULL);
    return 0;
}

/* ---- tests ---- */

static void L1_every_task_has_its_clock_and_a_deadline(void **state)
{
    (void)state;
    run_seconds(600, 1000);
    assert_true(has_deadline);
    for (unsigned i = 0; i < TASKS; i++) {
        unsigned times = (unsigned)(600000 / tasks[i].every_ms), n = count_of(tasks[i].name);
        if (n < times - 1 - times / 10 || n > times + 1)
            fail_msg("%s: %u calls in ten minutes, every %u s", tasks[i].name, n, (unsigned)tasks[i].every_ms / 1000);
    }
}

static void L1_a_task_without_end_starves_nobody(void **state)
{
    (void)state;
    answer_of[TASK_CLOSURE] = MORE;
    more_left[TASK_CLOSURE] = 1000;
    run_seconds(300, 200000);
    for (unsigned i = 0; i < TASKS; i++)
        assert_in_range(count_of(tasks[i].name), 4, 1100);
    /* and none of those that were due waited for more than one piece of it and of each other */
    uint64_t last_us[TASKS] = {0};
    for (unsigned i = 0; i < ncalls; i++) {
        int t = task_by_name(calls_seen[i].task);
        if (last_us[t] != 0 && t != TASK_CLOSURE)
            assert_in_range(calls_seen[i].at_us - last_us[t], 1,
                            tasks[t].every_ms * 1000 + 2 * TASKS * 200000 + 1000000);
        last_us[t] = calls_seen[i].at_us;
    }
    assert_int_equal(more_left[TASK_CLOSURE], 0);
}

static void L1_a_task_that_takes_its_whole_deadline_pauses_alone(void **state)
{
    (void)state;
    answer_of[TASK_GENERATE] = CANCELED;
    run_seconds(3600, 4000);
    assert_in_range(count_of("generate"), 5, 16); /* 5 s, 10 s ... 10 minutes */
    assert_in_range(count_of("sweep"), 55, 62);
    assert_in_range(count_of("journal"), 55, 62);
    assert_true(count_of("closure") > 600);
    assert_string_equal(told[0], "generate");
    assert_string_equal(told[1], error_name(ERR_DATABASE)); /* a kind, no message */
    assert_int_equal(ntold, count_of("generate"));
    /* when it goes well again it is a task as others */
    answer_of[TASK_GENERATE] = NOTHING_DUE;
    run_seconds(700, 4000);
    unsigned before = count_of("generate");
    run_seconds(600, 4000);
    assert_in_range(count_of("generate") - before, 9, 11);
}

static void L1_all_of_them_lost_every_time_still_take_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TASK_STATE; i++)
        answer_of[i] = LOST;
    is_telling_refused = true;
    run_seconds(3600, 4000000);
    for (unsigned i = 0; i < TASK_STATE; i++)
        assert_in_range(count_of(tasks[i].name), 1, 70);
    assert_in_range(count_of(tasks[TASK_STATE].name), 60,
                    3600000 / tasks[TASK_STATE].every_ms + 10); /* which is well */
    assert_in_range(ntold, 1, TASK_STATE * 80); /* each once a minute and after each failure, and no more */
}

/* The database's pause begins when it is told, a little later than the failure: who asks too soon asks a minute later.
 */
static void L4_a_failure_that_was_told_is_made_good_behind_its_pause(void **state)
{
    (void)state;
    answer_of[TASK_SWEEP] = LOST;
    more_left[TASK_SWEEP] = 1;
    while (ntold == 0)
        run_seconds(1, 900000);
    answer_of[TASK_SWEEP] = MORE;
    run_seconds(8, 4000);
    assert_int_equal(more_left[TASK_SWEEP], 0);
}

static void L4_a_failure_that_the_database_wrote_down_is_not_told_twice(void **state)
{
    answer_of[TASK_SWEEP] = FAILED_ROW;
    run_seconds(60, 1000);
    assert_int_equal(ntold, 0);
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, a, 4096);
    housekeeping_metrics_write(*state, &out);
    buf_add_char(&out, '\0');
    assert_non_null(strstr(buf_span(&out).p, "zapisd_housekeeping_failures_total{task=\"sweep\"} 1\n"));
    assert_non_null(strstr(buf_span(&out).p, "zapisd_housekeeping_failures_total{task=\"journal\"} 0\n"));
    assert_non_null(
        strstr(buf_span(&out).p, "zapisd_housekeeping_last_success_timestamp_seconds{task=\"journal\"} 1795333500\n"));
    arena_free(a);
}

static void L4_what_it_is_behind_with_is_a_warning_and_a_number(void **state)
{
    struct arena *a = arena_new();
    struct buf warnings, out;
    state_reason = "journal has no partition for next month";
    run_seconds(61, 1000);
    buf_init(&warnings, a, 256);
    housekeeping_warnings_read(*state, &warnings);
    buf_add_char(&warnings, '\0');
    assert_string_equal(buf_span(&warnings).p, "\"journal has no partition for next month\"");
    buf_init(&out, a, 4096);
    housekeeping_metrics_write(*state, &out);
    buf_add_char(&out, '\0');
    assert_non_null(strstr(buf_span(&out).p, "zapisd_housekeeping_behind{task=\"journal\"} 1\n"));
    state_reason = NULL;
    run_seconds(61, 1000);
    buf_init(&warnings, a, 256);
    housekeeping_warnings_read(*state, &warnings);
    assert_int_equal(warnings.n, 0);
    arena_free(a);
}

/* Who reads twice sees what is; who reads without end has it asked no more than once a second, and for a small part of
 * the time. */
static void L4_who_reads_has_it_asked(void **state)
{
    run_seconds(15, 1000);
    unsigned n = count_of("state");
    for (unsigned i = 0; i < 10; i++)
        housekeeping_look(*state);
    run_seconds(1, 1000);
    assert_int_equal(count_of("state"), n + 1);
    for (unsigned i = 0; i < 100; i++) {
        housekeeping_look(*state);
        run_seconds(1, 1000);
    }
    assert_in_range(count_of("state"), n + 50, n + 102);
    run_seconds(60, 1000000); /* each call a second: a twentieth of the time is more than its own clock gives */
    n = count_of("state");
    for (unsigned i = 0; i < 60; i++) {
        housekeeping_look(*state);
        run_seconds(1, 1000000);
    }
    assert_in_range(count_of("state"), n + 1, n + 7);
}

static void L4_without_a_database_it_asks_less_and_less(void **state)
{
    (void)state;
    is_away = true;
    run_seconds(3600, 1000);
    assert_int_equal(ncalls, 0);
    assert_int_equal(ntold, 0);
    is_away = false;
    run_seconds(601, 1000);
    for (unsigned i = 0; i < TASKS; i++)
        assert_true(count_of(tasks[i].name) > 0);
    assert_int_equal(ntold, 0); /* no task failed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(L1_every_task_has_its_clock_and_a_deadline, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L1_a_task_without_end_starves_nobody, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L1_a_task_that_takes_its_whole_deadline_pauses_alone, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L1_all_of_them_lost_every_time_still_take_turns, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L4_a_failure_that_was_told_is_made_good_behind_its_pause, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L4_a_failure_that_the_database_wrote_down_is_not_told_twice, begin_one,
                                        end_one),
        cmocka_unit_test_setup_teardown(L4_what_it_is_behind_with_is_a_warning_and_a_number, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L4_who_reads_has_it_asked, begin_one, end_one),
        cmocka_unit_test_setup_teardown(L4_without_a_database_it_asks_less_and_less, begin_one, end_one),
    };
    return cmocka_run_group_tests_name("housekeeping", tests, NULL, NULL);
}
