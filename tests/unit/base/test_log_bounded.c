/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L4: what a stranger can bring about as often as he likes is told at once, then at a bounded rate, and every line that
 * was held back is counted in one that was not. Time is ours; a seeded stream of events is the judge.
 */
#include "clock.h"
#include "error.h"
#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int real_stderr, pipe_out;
static char got[1 << 20];
static uint64_t now_us;

static uint64_t fake_mono(void)
{
    return now_us;
}

static int setup(void **state)
{
    (void)state;
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pipe_out = ends[0];
    fcntl(pipe_out, F_SETFL, O_NONBLOCK);
    unsetenv("JOURNAL_STREAM");
    now_us = 1000000000;
    clock_replace(fake_mono, NULL);
    log_init();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_bounded_end();
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_out);
    clock_replace(NULL, NULL);
    return 0;
}

/* Lines that hold the text, of all that was written since the last call; *suppressed: the sum of what they tell of. */
static unsigned lines_with(const char *text, uint64_t *suppressed)
{
    size_t n = 0;
    for (ssize_t k; n < sizeof got - 1 && (k = read(pipe_out, got + n, sizeof got - 1 - n)) > 0;)
        n += (size_t)k;
    got[n] = '\0';
    unsigned lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(got, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        const char *held = strstr(line, " suppressed=");
        if (strstr(line, text) == NULL)
            continue;
        if (held != NULL)
            *suppressed += strtoull(held + 12, NULL, 10);
        else
            lines++;
    }
    return lines;
}

static void first_ones_go_out_and_the_rest_is_counted_L4(void **state)
{
    (void)state;
    uint64_t suppressed = 0;
    for (int i = 0; i < 1000; i++)
        log_bounded(LOG_LEVEL_INFO, 3, "refused", "404", "path", "/x", NULL);
    assert_int_equal(lines_with(" refused", &suppressed), 3);
    assert_int_equal(suppressed, 0);
    log_bounded_tick();
    assert_int_equal(lines_with(" refused", &suppressed), 0);
    now_us += (uint64_t)LOG_BOUNDED_EVERY_S * 1000000;
    log_bounded_tick();
    assert_int_equal(lines_with("kind=404", &suppressed), 0);
    assert_int_equal(suppressed, 997);
    log_bounded(LOG_LEVEL_INFO, 3, "refused", "404", "path", "/x", NULL);
    log_bounded(LOG_LEVEL_INFO, 3, "refused", "404", "path", "/x", NULL);
    assert_int_equal(lines_with(" refused", &suppressed), 1);
}

static void one_kind_does_not_silence_another_L4(void **state)
{
    (void)state;
    uint64_t suppressed = 0;
    for (int i = 0; i < 100; i++)
        log_bounded(LOG_LEVEL_INFO, 5, "refused", "404", "path", "/x", NULL);
    log_bounded(LOG_LEVEL_INFO, 5, "refused", "415", "path", "/y", NULL);
    log_bounded(LOG_LEVEL_INFO, 5, "other", "404", "path", "/z", NULL);
    log_bounded(LOG_LEVEL_INFO, 0, "refused", "404", "path", "/all", NULL);
    assert_int_equal(lines_with("=/", &suppressed), 8);
    log_bounded(LOG_LEVEL_DEBUG, 5, "refused", "quiet", "path", "/d", NULL);
    assert_int_equal(lines_with("=/", &suppressed), 0);
}

/* Any stream of events: at most burst + one a period of each kind, and not one event is neither shown nor counted. */
static void nothing_is_lost_and_nothing_floods_L4(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        unsigned dice = seed;
        uint64_t began_us = now_us, suppressed = 0, events = 0, shown = 0;
        unsigned kinds = 1 + seed % 7, burst = 1 + seed % 5;
        for (int i = 0; i < 3000; i++) {
            char kind[16];
            snprintf(kind, sizeof kind, "k%u", (unsigned)rand_r(&dice) % kinds);
            now_us += (unsigned)rand_r(&dice) % 100 == 0 ? (unsigned)rand_r(&dice) % 30000000 : 1000;
            log_bounded(LOG_LEVEL_INFO, burst, "event", kind, "x", "y", NULL);
            events++;
            if (rand_r(&dice) % 50 == 0)
                log_bounded_tick();
            if (i % 200 == 0)
                shown += lines_with(" event", &suppressed);
        }
        log_bounded_end();
        shown += lines_with(" event", &suppressed);
        assert_int_equal(shown + suppressed, events);
        uint64_t periods = (now_us - began_us) / 1000000 / LOG_BOUNDED_EVERY_S + 1;
        assert_in_range(shown, 1, kinds * (burst + periods));
    }
}

static void more_kinds_than_room_share_one(void **state)
{
    (void)state;
    uint64_t suppressed = 0, shown = 0;
    for (int i = 0; i < 4 * LOG_BOUNDED_KINDS; i++) {
        char kind[16];
        snprintf(kind, sizeof kind, "k%d", i);
        log_bounded(LOG_LEVEL_INFO, 1, "event", kind, "x", "y", NULL);
    }
    shown = lines_with(" ", &suppressed);
    log_bounded_end();
    shown += lines_with(" ", &suppressed);
    assert_int_equal(shown + suppressed, 4 * LOG_BOUNDED_KINDS);
    assert_in_range(shown, LOG_BOUNDED_KINDS - 1, LOG_BOUNDED_KINDS + 1);
}

/* detail="" tells nobody anything: neither the error table nor the writer lets it through. */
static void no_value_is_empty_L4(void **state)
{
    (void)state;
    uint64_t suppressed = 0;
    const char *const nothing = "";
    for (int code = ERR_OK + 1; code <= (int)ERR_SYSTEM; code++) {
        struct error e = {0};
        assert_int_equal(error_set(&e, (enum err)code, "%s", nothing), code);
        assert_non_null(strstr(e.detail, error_name((enum err)code)));
        log_event(LOG_LEVEL_INFO, "request", "detail", e.detail, "path", nothing, "end", "1", NULL);
    }
    log_bounded(LOG_LEVEL_INFO, 5, "refused", "404", "path", nothing, "end", "1", NULL);
    assert_int_equal(lines_with("end=1", &suppressed), ERR_SYSTEM + 1);
    log_event(LOG_LEVEL_INFO, "request", "detail", nothing, NULL);
    assert_int_equal(lines_with("=\"\"", &suppressed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_ones_go_out_and_the_rest_is_counted_L4, setup, teardown),
        cmocka_unit_test_setup_teardown(one_kind_does_not_silence_another_L4, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_and_nothing_floods_L4, setup, teardown),
        cmocka_unit_test_setup_teardown(more_kinds_than_room_share_one, setup, teardown),
        cmocka_unit_test_setup_teardown(no_value_is_empty_L4, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
