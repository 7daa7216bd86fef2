/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Virtual time; see sim.h. A heap of events by time, then by lot. */
#include "sim.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_US 1000000000u               /* the monotonic clock's start: nothing may take 0 for "long ago" */
#define WALL_US  INT64_C(1789000000000000) /* the other one's */

struct sim_event {
    uint64_t at_us, lot;
    loop_fn fn; /* NULL: cancelled */
    void *arg;
};

static uint64_t now_us, state, digest;
static struct sim_event **heap;
static size_t n, room;
static unsigned jobs;
uint64_t sim_worker_max_us = 4000;
bool sim_is_told;

/* ---- chance: splitmix64 ---- */

static uint64_t draw(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t bound)
{
    return bound == 0 ? 0 : draw() % bound;
}

uint64_t sim_between(uint64_t least, uint64_t most)
{
    return least + sim_below(most - least + 1);
}

bool sim_chance(unsigned per_mille)
{
    return sim_below(1000) < per_mille;
}

uint64_t sim_pick(const uint64_t *values, unsigned count)
{
    return values[sim_below(count)];
}

/* ---- time ---- */

static uint64_t mono_us(void)
{
    return now_us;
}

static int64_t wall_us(void)
{
    return WALL_US + (int64_t)now_us;
}

void sim_begin(uint64_t seed)
{
    state = seed;
    now_us = EPOCH_US;
    digest = 0;
    clock_replace(mono_us, wall_us);
}

void sim_end(void)
{
    for (size_t i = 0; i < n; i++)
        free(heap[i]);
    free(heap);
    heap = NULL;
    n = room = 0;
    jobs = 0;
    clock_replace(NULL, NULL);
}

uint64_t sim_now_us(void)
{
    return now_us;
}

uint64_t sim_digest(void)
{
    return digest;
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->lot < b->lot;
}

static void swap(size_t a, size_t b)
{
    struct sim_event *kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
}

struct sim_event *sim_at(uint64_t at_us, loop_fn fn, void *arg)
{
    struct sim_event *e = malloc(sizeof *e);
    if (n == room) {
        room = room == 0 ? 256 : room * 2;
        heap = realloc(heap, room * sizeof(struct sim_event *));
    }
    if (e == NULL || heap == NULL)
        abort();
    *e = (struct sim_event){at_us > now_us ? at_us : now_us, draw(), fn, arg};
    heap[n++] = e;
    for (size_t i = n - 1; i > 0 && is_before(heap[i], heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(i, (i - 1) / 2);
    return e;
}

struct sim_event *sim_after(uint64_t us, loop_fn fn, void *arg)
{
    return sim_at(now_us + us, fn, arg);
}

void sim_cancel(struct sim_event *e)
{
    if (e != NULL)
        e->fn = NULL;
}

static struct sim_event *heap_pop(void)
{
    struct sim_event *first = heap[0];
    heap[0] = heap[--n];
    for (size_t i = 0, least;; i = least) {
        least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            if (is_before(heap[child], heap[least]))
                least = child;
        if (least == i)
            return first;
        swap(i, least);
    }
}

bool sim_step(void)
{
    while (n > 0) {
        struct sim_event e = *heap[0];
        free(heap_pop());
        if (e.fn == NULL)
            continue;
        now_us = e.at_us;
        digest = (digest ^ e.at_us) * UINT64_C(0x100000001b3);
        e.fn(e.arg);
        return true;
    }
    return false;
}

/* ---- timers ---- */

struct timer {
    struct sim_event *event;
    uint64_t repeat_us;
    loop_fn fn;
    void *arg;
};

static void timer_fire(void *arg)
{
    struct timer *t = arg;
    loop_fn fn = t->fn;
    void *fn_arg = t->arg;
    if (t->repeat_us > 0)
        t->event = sim_after(t->repeat_us, timer_fire, t);
    else
        free(t);
    fn(fn_arg);
}

struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg)
{
    (void)l;
    struct timer *t = malloc(sizeof *t);
    if (t == NULL)
        abort();
    *t = (struct timer){NULL, repeat_ms * 1000, fn, arg};
    t->event = sim_after(delay_ms * 1000, timer_fire, t);
    return t;
}

void timer_stop(struct timer *t)
{
    if (t == NULL)
        return;
    sim_cancel(t->event);
    free(t);
}

/* ---- workers ---- */

struct job {
    loop_fn work, done;
    void *arg;
};

static void job_done(void *arg)
{
    struct job j = *(struct job *)arg;
    free(arg);
    jobs--;
    if (j.done != NULL)
        j.done(j.arg);
}

static void job_work(void *arg)
{
    struct job *j = arg;
    j->work(j->arg);
    (void)sim_after(sim_between(1, sim_worker_max_us / 2), job_done, j);
}

void worker_run(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    (void)l;
    struct job *j = malloc(sizeof *j);
    if (j == NULL)
        abort();
    *j = (struct job){work, done, arg};
    jobs++;
    (void)sim_after(sim_between(1, sim_worker_max_us / 2), job_work, j);
}

void http_worker_run(struct loop *l, const struct exchange *x, loop_fn work, loop_fn done, void *arg)
{
    (void)x; /* whose turn it is: tests/unit/net/test_errand.c */
    worker_run(l, work, done, arg);
}

void worker_run_in_turn(struct loop *l, const char *whose, loop_fn work, loop_fn done, void *arg)
{
    (void)whose;
    worker_run(l, work, done, arg);
}

void worker_run_alone(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    worker_run(l, work, done, arg);
}

unsigned sim_jobs(void)
{
    return jobs;
}

/* ---- the log ---- */

void sim_tell(const char *fmt, ...)
{
    va_list ap;
    if (!sim_is_told)
        return;
    va_start(ap, fmt);
    fprintf(stderr, "%10.3f ", (double)(now_us - EPOCH_US) / 1000);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void tell_line(const char *event, va_list ap)
{
    char line[1024];
    size_t used = (size_t)snprintf(line, sizeof line, "log %s", event);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL && used < sizeof line;) {
        const char *value = va_arg(ap, const char *);
        if (value != NULL && *value != '\0')
            used += (size_t)snprintf(line + used, sizeof line - used, " %s=%s", key, value);
    }
    sim_tell("%s", line);
}

void log_event(enum log_level level, const char *event, ...)
{
    va_list ap;
    (void)level;
    va_start(ap, event);
    if (sim_is_told)
        tell_line(event, ap);
    va_end(ap);
}

void log_bounded(enum log_level level, unsigned burst, const char *event, const char *kind, ...)
{
    va_list ap;
    (void)level;
    (void)burst;
    va_start(ap, kind);
    if (sim_is_told)
        tell_line(event, ap);
    va_end(ap);
}
