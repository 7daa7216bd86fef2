/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * O2, L4, M8: who is to be looked at when the portal is told nothing, by cause and road, in each place that says it:
 * the row, /readyz, the metric, the line of the log.
 */
#include "push_kit.h"

#include "push/push_private.h"

#include "clock.h"
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct told {
    enum push_cause cause;
    enum push_road road;
    const char *who, *row, *ready;
} table[] = {
    {PUSH_CAUSE_UNREACHED, PUSH_ROAD_SMEV2, "portal", "связи с порталом нет, не отправлено",
     "the portal has not answered"},
    {PUSH_CAUSE_SILENT, PUSH_ROAD_SMEV2, "portal", "портал не ответил вовремя, повторим то же сообщение",
     "the portal has not answered"},
    {PUSH_CAUSE_CUT, PUSH_ROAD_SMEV2, "portal", "связь оборвалась до ответа портала, повторим то же сообщение",
     "the portal has not answered"},
    {PUSH_CAUSE_NO_WORD, PUSH_ROAD_SMEV2, "portal", NULL, "the portal has not answered"},
    {PUSH_CAUSE_AGENCY_KEY, PUSH_ROAD_SMEV2, "agency-key", "AGENCY: подписать нечем: ключ ведомства, см. zapisd check",
     "our agency's key signs nothing, the portal is told nothing"},
    {PUSH_CAUSE_SETTINGS, PUSH_ROAD_SMEV2, "own", "порталу не отправлено: см. zapisd check",
     "nothing leaves us for the portal"},
    {PUSH_CAUSE_UNMADE, PUSH_ROAD_SMEV2, "own", "сообщение не составлено: см. журнал программы",
     "nothing leaves us for the portal"},
    {PUSH_CAUSE_UNREACHED, PUSH_ROAD_SMEV3, "smev", "связи со СМЭВ нет, не отправлено",
     "SMEV has taken nothing that the portal is to be told"},
    {PUSH_CAUSE_SILENT, PUSH_ROAD_SMEV3, "smev", "СМЭВ не ответила вовремя, повторим то же сообщение",
     "SMEV has taken nothing that the portal is to be told"},
    {PUSH_CAUSE_CUT, PUSH_ROAD_SMEV3, "smev", "связь оборвалась до ответа СМЭВ, повторим то же сообщение",
     "SMEV has taken nothing that the portal is to be told"},
    {PUSH_CAUSE_NO_WORD, PUSH_ROAD_SMEV3, "smev", NULL, "SMEV has taken nothing that the portal is to be told"},
    {PUSH_CAUSE_AGENCY_KEY, PUSH_ROAD_SMEV3, "agency-key", "AGENCY: подписать нечем: ключ ведомства, см. zapisd check",
     "our agency's key signs nothing, the portal is told nothing"},
    {PUSH_CAUSE_OFFICIAL_KEY, PUSH_ROAD_SMEV3, "official-key",
     "AGENCY: подписать нечем: ключ должностного лица, official of smev3 main, см. zapisd check",
     "our official's key signs nothing, the portal is told nothing"},
    {PUSH_CAUSE_SETTINGS, PUSH_ROAD_SMEV3, "own", "в СМЭВ не отправлено: см. zapisd check",
     "nothing leaves us for the portal"},
    {PUSH_CAUSE_UNMADE, PUSH_ROAD_SMEV3, "own", "сообщение не составлено: см. журнал программы",
     "nothing leaves us for the portal"},
};
#define ROWS (sizeof table / sizeof table[0])

static uint64_t now_us;

static uint64_t mono(void)
{
    return now_us;
}

static int64_t wall(void)
{
    return 1700000000000000;
}

static void test_each_row_names_who_it_is(void **state)
{
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const char *words = push_words_of(a, table[i].cause, table[i].road, "main");
        assert_string_equal(push_who_names[push_who_of(table[i].cause, table[i].road)], table[i].who);
        if (table[i].row == NULL)
            assert_null(words);
        else
            assert_string_equal(words, table[i].row);
    }
    arena_free(a);
}

/* Of each cause a lane is closed: what /readyz and the metric say of it, and of nobody else. */
static void test_a_closed_lane_names_who_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct arena *a = arena_new();
        struct push_lane l = {.agency = AGENCY};
        struct push p = {.lanes = &l};
        struct buf out;
        for (int n = 0; n < 3; n++)
            push_lane_failed(&l, push_who_of(table[i].cause, table[i].road), "no connection");
        buf_init(&out, a, 0);
        push_notes_write(&p, &out);
        assert_string_equal(arena_strndup(a, out.p, out.n),
                            arena_printf(a, "\"agency " AGENCY ": %s for 0 s: %s\"", table[i].ready, "no connection"));
        buf_init(&out, a, 0);
        push_metrics_write(&p, &out);
        const char *text = arena_strndup(a, out.p, out.n);
        for (unsigned who = 0; who < PUSH_WHO_COUNT; who++)
            assert_non_null(
                strstr(text, arena_printf(a, "zapisd_push_is_closed{agency=\"%s\",by=\"%s\"} %d\n", AGENCY,
                                          push_who_names[who], strcmp(push_who_names[who], table[i].who) == 0)));
        arena_free(a);
    }
}

/* The lane that SMEV 3 has closed is opened by SMEV's word, and that is no word of the portal's. */
static void test_the_log_says_who_is_back(void **state)
{
    static const struct {
        enum push_who who;
        unsigned failed, ill;
        void (*back)(struct push_lane *l);
        const char *line;
    } rows[] = {{PUSH_BY_SMEV, 3, 0, push_lane_queued, "outcome=recovered agency=" AGENCY " by=smev\n"},
                {PUSH_BY_SMEV, 3, 0, push_lane_heard, "outcome=recovered agency=" AGENCY " by=smev\n"},
                {PUSH_BY_OFFICIAL_KEY, 3, 0, push_lane_queued, "outcome=recovered agency=" AGENCY " by=official-key\n"},
                {PUSH_BY_PORTAL, 3, 0, push_lane_heard, "outcome=recovered agency=" AGENCY " by=portal\n"},
                {PUSH_BY_SMEV, 1, 3, push_lane_heard, "outcome=recovered agency=" AGENCY " by=portal\n"},
                {PUSH_BY_SMEV, 1, 3, push_lane_well, "outcome=recovered agency=" AGENCY " by=portal\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct push_lane l = {.agency = AGENCY, .who = rows[i].who, .closed_us = 1};
        char got[4096];
        int ends[2], was = dup(STDERR_FILENO);
        l.failed = rows[i].failed;
        l.ill = rows[i].ill;
        assert_int_equal(pipe(ends), 0);
        (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
        now_us += 3600 * UINT64_C(1000000); /* lines at a bounded rate are not held back */
        dup2(ends[1], STDERR_FILENO);
        rows[i].back(&l);
        log_flush();
        dup2(was, STDERR_FILENO);
        close(was);
        close(ends[1]);
        ssize_t n = read(ends[0], got, sizeof got - 1);
        close(ends[0]);
        got[n > 0 ? n : 0] = '\0';
        assert_non_null(strstr(got, rows[i].line));
        assert_int_equal(l.closed_us, 0);
    }
}

/* Whose key it is that signs nothing: the agency's by either road, the official's when that is good. */
static void test_whose_key_it_is(void **state)
{
    (void)state;
    const struct push_way smev2 = push_way_of(AGENCY);
    struct push_way smev3 = smev2;
    struct config_smev3 queue = {.name = "main", .agency = AGENCY};
    smev3.queue = &queue;
    assert_int_equal(push_cause_of_unmade(&smev2, ERR_AGENCY), PUSH_CAUSE_AGENCY_KEY);
    assert_int_equal(push_cause_of_unmade(&smev3, ERR_AGENCY), PUSH_CAUSE_OFFICIAL_KEY);
    assert_int_equal(push_cause_of_unmade(&smev3, ERR_CRYPTO), PUSH_CAUSE_UNMADE);
}

static int begin(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    log_init();
    now_us = 1000000000;
    clock_replace(mono, wall);
    return 0;
}

static int end(void **state)
{
    (void)state;
    log_bounded_end();
    clock_replace(NULL, NULL);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_each_row_names_who_it_is),
        TEST(test_a_closed_lane_names_who_it_is),
        TEST(test_the_log_says_who_is_back),
        cmocka_unit_test(test_whose_key_it_is),
    };
    return cmocka_run_group_tests(tests, push_setup, push_teardown);
}
