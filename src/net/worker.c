/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The worker pool: libuv's own, one job a call. The loop thread submits and hears of the end; work() is alone with arg.
 */
#include "loop.h"

#include "log.h"

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

static void pool_default(void)
{
    if (getenv("UV_THREADPOOL_SIZE") == NULL)
        worker_threads(0);
}

unsigned worker_count(void)
{
    uv_once(&once, pool_default);
    const char *text = getenv("UV_THREADPOOL_SIZE");
    return text == NULL ? 1 : (unsigned)strtoul(text, NULL, 10);
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
    done(arg);
}

void worker_run(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
    uv_once(&once, pool_default);
    struct job *j = net_alloc(sizeof(*j));
    *j = (struct job){.loop = l, .work = work, .done = done, .arg = arg};
    j->req.data = j;
    l->queued++;
    int rc = uv_queue_work(&l->uv, &j->req, on_work, on_done);
    if (rc != 0) {
        log_event(LOG_LEVEL_ERROR, "loop-broken", "call", "uv_queue_work", "reason", uv_strerror(rc), NULL);
        abort();
    }
}

unsigned worker_queued(const struct loop *l)
{
    return l->queued;
}
