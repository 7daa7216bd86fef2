/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Fault points of a test build. Nothing of this file is in a build for use.
 *
 * The board is one entry a point, in the order of the list. With ZAPIS_FAULT_BOARD it lies in a file that a test has
 * mapped as well: it arms points while the daemon runs, and what was passed outlives a SIGKILL.
 *
 * What is to be cut in half leaves by send() (libpq) or write() and writev() (libuv): this program brings its own, and
 * a point of that kind leaves word for the next call of its thread.
 */
#include "fault.h"

#ifdef ZAPISD_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SPECS_MAX 1024

enum kind { STEP, FAILS, CALLS, AWAITS, ANSWERS };
enum action { KILL, DELAY, FAIL, HALF, HALF_KILL, ACTIONS };

static const char *const action_names[ACTIONS] = {"kill", "delay", "fail", "half", "half-kill"};
static const struct {
    const char *name;
    enum kind kind;
} points[] = {
#define X(name, kind) {#name, kind},
    FAULT_POINTS(X)
#undef X
};

/* Six numbers of four bytes; tests/e2e/faults.py knows them. */
struct entry {
    atomic_uint passes;
    atomic_int left; /* the action is taken when this falls from 1 to 0; not armed below that */
    unsigned is_for_ever, action, ms;
    atomic_uint taken;
};

static struct entry own[FAULT_POINT_COUNT], *board = own;

static bool knows(enum kind kind, enum action action)
{
    switch (action) {
    case KILL:
    case DELAY:
        return true;
    case FAIL:
        return kind != STEP;
    default:
        return kind == CALLS || kind == ANSWERS;
    }
}

/* ---- setting ---- */

static void refuse(const char *what, const char *why)
{
    (void)fprintf(stderr, "ZAPIS_FAULT: %s: %s (point:nth:action, see zapisd --fault-points)\n", what, why);
    exit(2);
}

static enum action action_of(const char *spec, const char *word, struct entry *e)
{
    if (strncmp(word, "delay-", 6) == 0) {
        e->ms = (unsigned)strtoul(word + 6, NULL, 10);
        return DELAY;
    }
    for (enum action a = KILL; a < ACTIONS; a++)
        if (a != DELAY && strcmp(action_names[a], word) == 0)
            return a;
    refuse(spec, "there is no such action");
    return KILL;
}

static void arm(const char *spec)
{
    char name[64], nth[16], word[32];
    if (sscanf(spec, "%63[^:]:%15[^:]:%31s", name, nth, word) != 3)
        refuse(spec, "three words are expected");
    unsigned i = 0;
    while (i < FAULT_POINT_COUNT && strcmp(points[i].name, name) != 0)
        i++;
    if (i == FAULT_POINT_COUNT)
        refuse(spec, "there is no such point");
    char *end = NULL;
    long n = strtol(nth, &end, 10);
    if (n < 1 || (*end != '\0' && strcmp(end, "+") != 0))
        refuse(spec, "the pass is a number from 1, or 1+");
    struct entry *e = &board[i];
    e->action = action_of(spec, word, e);
    if (!knows(points[i].kind, e->action))
        refuse(spec, "that action has no meaning at this point");
    e->is_for_ever = *end == '+';
    atomic_store(&e->left, (int)n);
}

static void board_map(const char *file)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    void *p = fd < 0 || lseek(fd, 0, SEEK_END) != (off_t)sizeof own
                  ? MAP_FAILED
                  : mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        refuse(file, "is no board for this program");
    (void)close(fd);
    board = p;
}

void fault_init(void)
{
    const char *file = getenv("ZAPIS_FAULT_BOARD"), *specs = getenv("ZAPIS_FAULT");
    char copy[SPECS_MAX], *rest = NULL;
    if (file != NULL)
        board_map(file);
    (void)snprintf(copy, sizeof copy, "%s", specs != NULL ? specs : "");
    for (char *spec = strtok_r(copy, ",", &rest); spec != NULL; spec = strtok_r(NULL, ",", &rest))
        arm(spec);
}

void fault_list(void)
{
    for (unsigned i = 0; i < FAULT_POINT_COUNT; i++) {
        (void)fputs(points[i].name, stdout);
        for (enum action a = KILL; a < ACTIONS; a++)
            if (knows(points[i].kind, a))
                (void)printf(" %s", action_names[a]);
        (void)puts("");
    }
}

/* ---- what leaves next ---- */

static _Thread_local enum { WHOLE, BROKEN, CUT, CUT_AND_DIE } next_call, next_answer;
static _Thread_local int last_called = -1;

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

static ssize_t leave(int *word, int fd, const void *p, size_t n)
{
    int what = *word;
    *word = WHOLE;
    ssize_t sent = what == BROKEN ? -1 : sendto(fd, p, n / 2, MSG_NOSIGNAL, NULL, 0);
    if (what == CUT_AND_DIE)
        die();
    (void)shutdown(fd, SHUT_RDWR);
    if (sent < 0)
        errno = ECONNRESET;
    return sent;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc names its own with underscores */
ssize_t send(int fd, const void *p, size_t n, int flags)
{
    last_called = fd;
    if (next_call != WHOLE)
        return leave((int *)&next_call, fd, p, n);
    return sendto(fd, p, n, flags, NULL, 0);
}

ssize_t write(int fd, const void *p, size_t n)
{
    if (next_answer != WHOLE && fd > STDERR_FILENO)
        return leave((int *)&next_answer, fd, p, n);
    return syscall(SYS_write, fd, p, n);
}

/* Of several pieces, half of them. */
ssize_t writev(int fd, const struct iovec *v, int n)
{
    if (next_answer == WHOLE || n < 1)
        return syscall(SYS_writev, fd, v, n);
    if (next_answer == BROKEN || n == 1)
        return leave((int *)&next_answer, fd, v[0].iov_base, v[0].iov_len);
    ssize_t whole = syscall(SYS_writev, fd, v, n / 2);
    ssize_t half = leave((int *)&next_answer, fd, v[n / 2].iov_base, v[n / 2].iov_len);
    return whole < 0 ? whole : whole + (half < 0 ? 0 : half);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- passing ---- */

static void sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    (void)nanosleep(&t, NULL);
}

static bool take(enum kind kind, const struct entry *e)
{
    int word = e->action == FAIL ? BROKEN : e->action == HALF ? CUT : CUT_AND_DIE;
    if (e->action == KILL)
        die();
    if (e->action == DELAY)
        sleep_ms(e->ms);
    if (e->action == KILL || e->action == DELAY)
        return false;
    if (kind == CALLS)
        next_call = word;
    else if (kind == ANSWERS)
        next_answer = word;
    else if (kind == AWAITS)
        (void)shutdown(last_called, SHUT_RDWR);
    return kind == FAILS;
}

bool fault_pass(enum fault_point point)
{
    struct entry *e = &board[point];
    atomic_fetch_add(&e->passes, 1);
    if (atomic_load(&e->left) <= 0 || atomic_fetch_sub(&e->left, 1) != 1)
        return false;
    if (!knows(points[point].kind, e->action))
        refuse(points[point].name, "armed with an action that has no meaning there");
    if (e->is_for_ever)
        atomic_store(&e->left, 1);
    atomic_fetch_add(&e->taken, 1);
    return take(points[point].kind, e);
}

#else
typedef int fault_points_are_compiled_out; /* a translation unit must not be empty */
#endif
