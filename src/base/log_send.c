/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Lines on their way to stderr. A daemon does not wait for whoever reads its log: what the other end has no room for is
 * kept, up to PENDING_BYTES, and what exceeds that is counted and told when it flows again. Commands wait as any
 * program does. stderr's own flags are shared with whoever started us and stay as they are: a socket is asked by
 * MSG_DONTWAIT, a pipe by poll(2), after which PIPE_BUF bytes fit.
 */
#include "log_private.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_BYTES (1u << 20)
#define END_US        500000

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static bool never_waits, is_socket;
static struct {
    char p[PENDING_BYTES]; /* a ring of whole lines, of which the first may have left in part */
    size_t first, n;
    uint64_t lost; /* lines since it was told */
} pending;
static _Atomic uint64_t lost_total;

/* 0 when there is no room; the errno of old is then nobody's reason to try again. */
static ssize_t send_some(const char *p, size_t n, int wait_ms)
{
    struct pollfd f = {.fd = STDERR_FILENO, .events = POLLOUT};
    int ready = poll(&f, 1, wait_ms);
    if (ready <= 0 || (f.revents & POLLOUT) == 0)
        return ready < 0 ? -1 : 0;
    return is_socket ? send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL)
                     : write(STDERR_FILENO, p, n < PIPE_BUF ? n : PIPE_BUF);
}

static void pending_send(uint64_t until_us)
{
    while (pending.n > 0) {
        size_t whole = sizeof pending.p - pending.first;
        uint64_t now_us = until_us > 0 ? clock_mono_us() : 0;
        int wait_ms = now_us < until_us ? (int)((until_us - now_us + 999) / 1000) : 0;
        ssize_t n = send_some(pending.p + pending.first, pending.n < whole ? pending.n : whole, wait_ms);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        pending.first = (pending.first + (size_t)n) % sizeof pending.p;
        pending.n -= (size_t)n;
    }
}

static void pending_add(const char *p, size_t n)
{
    size_t at = (pending.first + pending.n) % sizeof pending.p, whole = sizeof pending.p - at;
    memcpy(pending.p + at, p, n < whole ? n : whole);
    if (n > whole)
        memcpy(pending.p, p + whole, n - whole);
    pending.n += n;
}

/* What was lost is told where it is missing. */
static void tell_lost(void)
{
    char front[LOG_FRONT_SIZE], line[LOG_FRONT_SIZE + 96];
    if (pending.lost == 0 || pending.n > sizeof pending.p / 2)
        return;
    log_front(LOG_LEVEL_ERROR, front);
    int n =
        snprintf(line, sizeof line, "%slog lines_lost=%ju why=\"nobody read them\"\n", front, (uintmax_t)pending.lost);
    pending.lost = 0;
    pending_add(line, (size_t)n);
}

static void send_at_once(const char *p, size_t left)
{
    while (left > 0) {
        ssize_t n = write(STDERR_FILENO, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody reads: there is no other place to complain */
        p += n;
        left -= (size_t)n;
    }
}

void log_send(const char *p, size_t n)
{
    if (!never_waits) {
        send_at_once(p, n);
        return;
    }
    (void)pthread_mutex_lock(&guard);
    pending_send(0);
    tell_lost();
    if (n <= sizeof pending.p - pending.n) {
        pending_add(p, n);
    } else {
        pending.lost++;
        atomic_fetch_add(&lost_total, 1);
    }
    pending_send(0);
    (void)pthread_mutex_unlock(&guard);
}

void log_never_wait(void)
{
    struct stat st;
    is_socket = fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
    never_waits = true;
}

void log_flush(void)
{
    (void)pthread_mutex_lock(&guard);
    pending_send(0);
    tell_lost();
    pending_send(0);
    (void)pthread_mutex_unlock(&guard);
}

void log_end(void)
{
    (void)pthread_mutex_lock(&guard);
    tell_lost();
    pending_send(clock_mono_us() + END_US);
    (void)pthread_mutex_unlock(&guard);
}

uint64_t log_lines_lost(void)
{
    return atomic_load(&lost_total);
}
