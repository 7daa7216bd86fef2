/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* One event is one line, whatever the values hold. stderr is a pipe here, read back after each call. */
#include "clock.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int real_stderr, pipe_out;
static char got[1 << 16];

static int64_t fixed_wall(void)
{
    return 1795333500000000;
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
    setenv("TZ", "Europe/Moscow", 1);
    unsetenv("JOURNAL_STREAM");
    clock_replace(NULL, fixed_wall);
    log_init();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_out);
    clock_replace(NULL, NULL);
    return 0;
}

static const char *read_back(void)
{
    size_t n = 0;
    for (ssize_t k; n < sizeof got - 1 && (k = read(pipe_out, got + n, sizeof got - 1 - n)) > 0;)
        n += (size_t)k;
    got[n] = '\0';
    return got;
}

#define FRONT "2026-11-22T10:45:00.000+03:00 "

static void a_line_has_time_level_event_pairs(void **state)
{
    (void)state;
    log_event(LOG_LEVEL_INFO, "request", "req", "17", "gone", NULL, "method", "book", NULL);
    assert_string_equal(read_back(), FRONT "info request req=17 method=book\n");
    log_event(LOG_LEVEL_WARNING, "alone", NULL);
    assert_string_equal(read_back(), FRONT "warning alone\n");
}

static void levels_are_obeyed(void **state)
{
    (void)state;
    log_event(LOG_LEVEL_DEBUG, "quiet", NULL);
    assert_string_equal(read_back(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    log_event(LOG_LEVEL_DEBUG, "loud", NULL);
    assert_string_equal(read_back(), FRONT "debug loud\n");
    log_set_level(LOG_LEVEL_ERROR);
    log_event(LOG_LEVEL_WARNING, "quiet", NULL);
    log_event(LOG_LEVEL_ERROR, "always", NULL);
    assert_string_equal(read_back(), FRONT "error always\n");

    enum log_level level;
    assert_true(log_level_parse("notice", &level));
    assert_int_equal(level, LOG_LEVEL_NOTICE);
    static const char *const bad[] = {"", "Info", "info ", "trace", "6", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(log_level_parse(bad[i], &level));
}

static const struct {
    const char *value, *shown;
} values[] = {
    {"plain-1/2:3", "plain-1/2:3"},
    {"two words", "\"two words\""},
    {"a=b", "\"a=b\""},
    {"say \"x\"", "\"say \\\"x\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"a\nb", "\"a\\nb\""},
    {"a\r\n2026 error forged", "\"a\\r\\n2026 error forged\""},
    {"\x1b[31mred", "\"\\u001b[31mred\""},
    {"tab\there", "\"tab\\there\""},
    {"слово", "\"слово\""},
    {"bad\xff\xc3", "\"bad\\xff\\xc3\""},
    {"\xc2\x85next", "\"\\u0085next\""},       /* NEL: a line break to some */
    {"\xe2\x80\xa8sep", "\"\\u2028sep\""},     /* LINE SEPARATOR */
    {"\xe2\x80\xaelagel", "\"\\u202elagel\""}, /* turns the text round */
    {"\xe2\x81\xa6x", "\"\\u2066x\""},         /* isolate */
    {"%s%n%x", "%s%n%x"},
    {"\x7f", "\"\\u007f\""},
};

static void values_cannot_forge_a_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char want[256];
        snprintf(want, sizeof want, FRONT "info e k=%s last=1\n", values[i].shown);
        log_event(LOG_LEVEL_INFO, "e", "k", values[i].value, "last", "1", NULL);
        assert_string_equal(read_back(), want);
    }
}

static void every_byte_stays_in_one_printable_line(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char value[4] = {'a', (char)c, 'b', 0};
        log_event(LOG_LEVEL_INFO, "e", "k", value, NULL);
        const char *line = read_back();
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        for (const char *p = line; *p != '\n'; p++)
            assert_in_range((unsigned char)*p, 0x20, 0x7E);
    }
}

static void long_values_are_cut_and_say_so(void **state)
{
    (void)state;
    static char big[100000];
    memset(big, '\n', sizeof big - 1); /* each becomes two characters */
    log_event(LOG_LEVEL_INFO, "e", "k", big, "after", "1", NULL);
    const char *line = read_back();
    assert_in_range(strlen(line), 2048, 4096);
    assert_non_null(strstr(line, "...\" after=1\n"));
    for (int i = 0; i < 8; i++)
        big[i * 10] = 'x';
    log_event(LOG_LEVEL_INFO, "e", "a", big, "b", big, "c", big, "d", big, "e", big, NULL);
    line = read_back();
    assert_true(strlen(line) <= 4096);
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_int_equal(line[strlen(line) - 2], '"');
}

static void the_journal_gets_a_level_in_front(void **state)
{
    (void)state;
    struct stat st;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init();
    log_event(LOG_LEVEL_NOTICE, "up", "k", "v", NULL);
    assert_string_equal(read_back(), "<5>up k=v\n");
    setenv("JOURNAL_STREAM", "1:2", 1); /* somebody else's stream */
    log_init();
    log_event(LOG_LEVEL_NOTICE, "up", NULL);
    assert_string_equal(read_back(), FRONT "notice up\n");
}

static void errno_is_left_alone(void **state)
{
    (void)state;
    errno = EAGAIN;
    log_event(LOG_LEVEL_INFO, "e", "k", "v", NULL);
    assert_int_equal(errno, EAGAIN);
}

static void *chatter(void *p)
{
    for (int i = 0; i < 50; i++)
        log_event(LOG_LEVEL_INFO, "e", "who", p, "text", "a b c d e f g h", NULL);
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t one, two;
    pthread_create(&one, NULL, chatter, (void *)(uintptr_t) "1");
    pthread_create(&two, NULL, chatter, (void *)(uintptr_t) "2");
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    const char *text = read_back();
    int lines = 0;
    for (const char *p = text; *p != '\0'; lines++) {
        assert_true(strncmp(p, FRONT "info e who=", strlen(FRONT "info e who=")) == 0);
        const char *end = strchr(p, '\n');
        assert_int_equal(end - p, strlen(FRONT "info e who=1 text=\"a b c d e f g h\""));
        p = end + 1;
    }
    assert_int_equal(lines, 100);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_line_has_time_level_event_pairs),
        T(levels_are_obeyed),
        T(values_cannot_forge_a_line),
        T(every_byte_stays_in_one_printable_line),
        T(long_values_are_cut_and_say_so),
        T(the_journal_gets_a_level_in_front),
        T(errno_is_left_alone),
        T(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
