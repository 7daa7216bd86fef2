/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* L1, L4: a log that nobody reads, a slow reader, one that went away; over a pipe and over a socket as systemd's
 * journal is. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char over_socket[] = "socket";
static int stderr_kept = -1, reader = -1;

static int begin(void **state)
{
    int ends[2];
    bool is_socket = *state != NULL;
    if ((is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) != 0)
        return -1;
    stderr_kept = dup(STDERR_FILENO);
    reader = ends[0];
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    (void)fcntl(reader, F_SETFL, O_NONBLOCK);
    log_init();
    log_never_wait();
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)close(reader);
    (void)dup2(stderr_kept, STDERR_FILENO);
    (void)close(stderr_kept);
    return 0;
}

/* Reads what there is: the lines are whole, their numbers rise, and those that are missing were told. Returns the next
 * one. */
static unsigned long read_lines(char *rest, size_t *n, unsigned long next, unsigned long *told_lost)
{
    for (;;) {
        ssize_t got = read(reader, rest + *n, 8192 - *n);
        if (got <= 0)
            return next;
        *n += (size_t)got;
        for (char *nl; (nl = memchr(rest, '\n', *n)) != NULL;) {
            *nl = '\0';
            const char *number = strstr(rest, "test number="), *lost = strstr(rest, "log lines_lost=");
            assert_true(number != NULL || lost != NULL);
            assert_true(strstr(rest, number != NULL ? " notice test " : " error log ") != NULL);
            if (lost != NULL) {
                unsigned long k = strtoul(lost + 15, NULL, 10);
                *told_lost += k;
                next += k;
            } else {
                assert_int_equal(strtoul(number + 12, NULL, 10), next);
                next++;
            }
            *n -= (size_t)(nl + 1 - rest);
            memmove(rest, nl + 1, *n);
        }
    }
}

static void say(unsigned long i, size_t size)
{
    char number[24], filler[1001];
    snprintf(number, sizeof number, "%lu", i);
    memset(filler, 'x', size);
    filler[size] = '\0';
    log_event(LOG_LEVEL_NOTICE, "test", "number", number, "filler", filler, NULL);
}

static void L1_nobody_reads(void **state)
{
    (void)state;
    char rest[8192];
    size_t n = 0;
    unsigned long told = 0, lost_before = (unsigned long)log_lines_lost();
    for (unsigned long i = 0; i < 5000; i++)
        say(i, 1000); /* 5 MB: the pipe takes 64 KiB and we keep 1 MiB. That we come to the end is the test. */
    unsigned long lost = (unsigned long)log_lines_lost() - lost_before;
    assert_in_range(lost, 3000, 4200);
    unsigned long next = read_lines(rest, &n, 0, &told);
    for (int i = 0; i < 100 && next < 5000; i++) {
        log_flush();
        next = read_lines(rest, &n, next, &told);
    }
    assert_int_equal(next, 5000);
    assert_int_equal(told, lost);
    say(5000, 10);
    assert_int_equal(read_lines(rest, &n, 5000, &told), 5001);
}

static void L1_a_slow_reader_loses_nothing(void **state)
{
    (void)state;
    char rest[8192];
    size_t n = 0;
    unsigned long told = 0, next = 0, seed = 7;
    for (unsigned long i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        say(i, seed >> 54 & 0x3FF ? (seed >> 33) % 1000 : 1000);
        for (int k = 0; i % 500 == 499 && k < 20; k++) { /* now and then he reads all there is */
            next = read_lines(rest, &n, next, &told);
            log_flush();
        }
    }
    for (int i = 0; i < 200 && next < 20000; i++) {
        log_flush();
        next = read_lines(rest, &n, next, &told);
    }
    assert_int_equal(next, 20000);
    assert_int_equal(told, 0);
}

/* A signal that came long before is no reason to ask a full pipe again and again. */
static void L1_the_end_comes_though_nobody_reads(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < 3000; i++)
        say(i, 1000);
    errno = EINTR;
    log_end();
    errno = EINTR;
    log_flush();
}

static void L1_the_reader_is_gone(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)close(reader);
    for (unsigned long i = 0; i < 3000; i++)
        say(i, 1000);
    log_end();
    reader = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(L1_nobody_reads, begin, end, NULL),
        cmocka_unit_test_prestate_setup_teardown(L1_nobody_reads, begin, end, over_socket),
        cmocka_unit_test_prestate_setup_teardown(L1_a_slow_reader_loses_nothing, begin, end, NULL),
        cmocka_unit_test_prestate_setup_teardown(L1_a_slow_reader_loses_nothing, begin, end, over_socket),
        cmocka_unit_test_prestate_setup_teardown(L1_the_end_comes_though_nobody_reads, begin, end, NULL),
        cmocka_unit_test_prestate_setup_teardown(L1_the_end_comes_though_nobody_reads, begin, end, over_socket),
        cmocka_unit_test_prestate_setup_teardown(L1_the_reader_is_gone, begin, end, NULL),
        cmocka_unit_test_prestate_setup_teardown(L1_the_reader_is_gone, begin, end, over_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
