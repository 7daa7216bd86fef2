/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The worker pool: libuv's own, one job a call. The loop thread submits and hears of the end; work() is alone with arg.
 * What takes seconds, or waits for a disk or a name server and may never end, has a thread of its own, so that it does
 * not take a worker's place.
 */
#include "loop.h"

#include "log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    uv_work_t req;
    struct loop *loop;
    loop_fn work;
    loop_fn done;
    void *arg;
};

void worker_threads(unsigned n)
{
    char text[16];
    unsigned wanted = n == 0 ? uv_available_parallelism() : n;
    snprintf(text, sizeof(text), "%u", wanted > 1024 ? 1024 : wanted);
    setenv("UV_THREADPOOL_SIZE", text, 1);
}

static uv_once_t once = UV_ONCE_INIT;

/* Signals are the main thread's: whether one is held back must not depend on who happens to be there for it. */
static void signals_off(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, before);
}

static void signals_restore(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

static unsigned count; /* as it is when first asked for: the threads are made then */

static void pool_default(void)
{
    if (getenv("UV_THREADPOOL_SIZE") == NULL)
        worker_threads(0);
    const char *text = getenv("UV_THREADPOOL_SIZE");
    count = text == NULL ? 1 : (unsigned)strtoul(text, NULL, 10);
}

unsigned worker_count(void)
{
    uv_once(&once, pool_default);
    return count;
}

static void on_work(uv_work_t *req)
{
    const struct job *j = req->data;
    j->work(j->arg);
}

static void on_done(uv_work_t *req, int status)
{
    struct job *j = req->data;
    loop_fn done = j->done;
    void *arg = j->arg;
    (void)status; /* jobs are never cancelled */
    j->loop->queued--;
    free(j);
    if (done != NULL)
        done(arg);
}

void worker_run(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    static bool has_begun;
    uv_once(&once, pool_default);
    struct job *j = net_alloc(sizeof(*j));
    *j = (struct job){.loop = l, .work = work, .done = done, .arg = arg};
    j->req.data = j;
    l->queued++;
    sigset_t before;
    if (!has_begun)
        signals_off(&before); /* the first job makes the threads */
    int rc = uv_queue_work(&l->uv, &j->req, on_work, on_done);
    if (!has_begun)
        signals_restore(&before);
    has_begun = true;
    if (rc != 0) {
        log_event(LOG_LEVEL_ERROR, "loop-broken", "call", "uv_queue_work", "reason", uv_strerror(rc), NULL);
        abort();
    }
}

/* ---- a thread of its own ---- */

#define NO_THREAD_MS 500 /* until the next try */

struct lone_job {
    uv_async_t home;
    uv_timer_t again;
    unsigned handles;
    uv_thread_t thread;
    struct job job;
};

static void on_lone_closed(uv_handle_t *handle)
{
    struct lone_job *j = handle->data;
    if (--j->handles == 0)
        free(j);
}

static void on_home(uv_async_t *handle)
{
    struct lone_job *j = handle->data;
    loop_fn done = j->job.done;
    void *arg = j->job.arg;
    (void)uv_thread_join(&j->thread);
    j->job.loop->alone--;
    uv_close((uv_handle_t *)&j->again, on_lone_closed);
    uv_close((uv_handle_t *)handle, on_lone_closed);
    if (done != NULL)
        done(arg);
}

static void lone_work(void *arg)
{
    struct lone_job *j = arg;
    j->job.work(j->job.arg);
    uv_async_send(&j->home);
}

static void lone_start(struct lone_job *j);

static void on_again(uv_timer_t *timer)
{
    lone_start(timer->data);
}

/* Without a thread it waits: in a worker's place it might hang there, and keep all others waiting. */
static void lone_start(struct lone_job *j)
{
    sigset_t before;
    signals_off(&before);
    int rc = uv_thread_create(&j->thread, lone_work, j);
    signals_restore(&before);
    if (rc == 0)
        return;
    log_bounded(LOG_LEVEL_ERROR, 1, "no-thread", "alone", "reason", uv_strerror(rc), "advice",
                "raise TasksMax, or the limit of processes (ulimit -u)", NULL);
    (void)uv_timer_start(&j->again, on_again, NO_THREAD_MS, 0);
}

void worker_run_alone(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    struct lone_job *j = net_alloc(sizeof(*j));
    j->job = (struct job){.loop = l, .work = work, .done = done, .arg = arg};
    int rc = uv_async_init(&l->uv, &j->home, on_home);
    if (rc != 0) { /* it needs no descriptor of its own */
        log_event(LOG_LEVEL_ERROR, "loop-broken", "call", "uv_async_init", "reason", uv_strerror(rc), NULL);
        abort();
    }
    (void)uv_timer_init(&l->uv, &j->again);
    j->home.data = j->again.data = j;
    j->handles = 2;
    l->alone++;
    lone_start(j);
}

/* ---- the end ---- */

static void patience_over(void *arg)
{
    struct timer **t = arg;
    *t = NULL;
}

static void settle(struct loop *l, const unsigned *left, uint64_t limit_ms)
{
    struct timer *patience = timer_start(l, limit_ms, 0, patience_over, (void *)&patience);
    while (*left > 0 && patience != NULL)
        uv_run(&l->uv, UV_RUN_ONCE);
    timer_stop(patience);
}

bool worker_settle(struct loop *l, uint64_t limit_ms, uint64_t alone_ms)
{
    settle(l, &l->queued, limit_ms);
    settle(l, &l->alone, alone_ms);
    settle(l, &l->queued, limit_ms); /* what those alone have left to do */
    return l->queued == 0 && l->alone == 0;
}

unsigned worker_queued(const struct loop *l)
{
    return l->queued + l->alone;
}
