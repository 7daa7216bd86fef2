/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The event loop: run, stop, timers, signals, descriptors, chores. Owns every timer, watch and signal until it
 * is stopped. Does no work of its own (DESIGN decision 7).
 */
#include "loop.h"

#include "clock.h"
#include "log.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void *net_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL) {
        log_event(LOG_LEVEL_ERROR, "out-of-memory", "where", "net", NULL);
        abort();
    }
    return p;
}

static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    log_event(LOG_LEVEL_ERROR, "loop-broken", "call", what, "reason", uv_strerror(rc), NULL);
    abort();
}

/* ---- chores ---- */

void loop_chore(struct loop *l, struct chore *c)
{
    if (c->link != NULL)
        return;
    c->next = NULL;
    c->link = l->chores_end;
    *l->chores_end = c;
    l->chores_end = &c->next;
}

void loop_chore_drop(struct loop *l, struct chore *c)
{
    if (c->link == NULL)
        return;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    else
        l->chores_end = c->link;
    c->link = NULL;
}

static void chores_run(struct loop *l)
{
    while (l->chores != NULL) {
        struct chore *c = l->chores;
        loop_chore_drop(l, c);
        c->fn(c->arg);
    }
}

/* ---- memory ---- */

void loop_set_memory_max(struct loop *l, size_t bytes)
{
    ledger_set_max(l->ledger, bytes);
}

void loop_memory_read(const struct loop *l, struct net_memory *out)
{
    struct ledger_sum sum;
    ledger_read(l->ledger, &sum);
    *out = (struct net_memory){.max_bytes = sum.max_bytes,
                               .held_bytes = sum.held_bytes,
                               .highest_bytes = sum.highest_bytes,
                               .connections_bytes = sum.kinds[LEDGER_FIXED],
                               .reading_bytes = sum.kinds[LEDGER_READING],
                               .working_bytes = sum.kinds[LEDGER_WORKING],
                               .writing_bytes = sum.kinds[LEDGER_WRITING],
                               .taken_back = sum.taken_back};
}

/* What was freed in small pieces stays with malloc() unless it is asked for. */
static void memory_return(void *arg)
{
    (void)arg;
    (void)malloc_trim(0);
}

/* Runs just before the loop goes to sleep, hence after every callback of the turn. */
static void on_prepare(uv_prepare_t *handle)
{
    struct loop *l = handle->data;
    chores_run(l);
    if (ledger_has_ebbed(l->ledger))
        worker_run(l, memory_return, NULL, NULL);
    if (l->lag_on)
        lag_turn(l);
}

static void on_anchor(uv_async_t *handle)
{
    (void)handle;
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct loop *l = net_alloc(sizeof(*l));
    l->chores_end = &l->chores;
    l->date_s = -1;
    turns_init(&l->handshakes.turns);
    turns_init(&l->errands.turns);
    must(uv_loop_init(&l->uv), "uv_loop_init");
    must(uv_loop_configure(&l->uv, UV_METRICS_IDLE_TIME), "uv_loop_configure");
    must(uv_async_init(&l->uv, &l->anchor, on_anchor), "uv_async_init");
    must(uv_prepare_init(&l->uv, &l->housekeeping), "uv_prepare_init");
    must(uv_timer_init(&l->uv, &l->lag_timer), "uv_timer_init");
    must(uv_timer_init(&l->uv, &l->handshakes.rest), "uv_timer_init");
    l->housekeeping.data = l;
    l->lag_timer.data = l;
    must(uv_prepare_start(&l->housekeeping, on_prepare), "uv_prepare_start");
    must(uv_timer_init(&l->uv, &l->pace.timer), "uv_timer_init");
    pace_init(l);
    l->connections_max = 1000000;
    l->spare_fd = -1;
    l->ledger = ledger_new(NET_MEMORY_MAX_BYTES);
    signal(SIGPIPE, SIG_IGN);
    return l;
}

static void owned_close(struct owned *o);

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    while (l->listeners != NULL)
        listener_free(l->listeners);
    while (l->owned != NULL)
        owned_close(l->owned);
    while (worker_queued(l) > 0)
        uv_run(
            &l->uv,
            UV_RUN_ONCE); /* ends the jobs of the workers before anything is freed: their owners must still be there */
    while (l->owned != NULL)
        owned_close(l->owned);
    l->lag_on = false;
    uv_close((uv_handle_t *)&l->anchor, NULL);
    uv_close((uv_handle_t *)&l->lag_timer, NULL);
    uv_close((uv_handle_t *)&l->handshakes.rest, NULL);
    uv_close((uv_handle_t *)&l->pace.timer, NULL);
    uv_close((uv_handle_t *)&l->housekeeping, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    places_fini(&l->places);
    must(uv_loop_close(&l->uv), "uv_loop_close");
    ledger_release(l->ledger);
    if (l->spare_fd >= 0)
        close(l->spare_fd);
    free(l);
}

void loop_run(struct loop *l)
{
    l->turn_began_ns = 0;
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
    uv_async_send(&l->anchor); /* it may be asleep when a chore asks */
}

const char *loop_http_date(struct loop *l)
{
    int64_t now_s = clock_wall_us() / 1000000;
    if (now_s != l->date_s) {
        l->date_s = now_s;
        http_date_format(now_s, l->date);
    }
    return l->date;
}

/* ---- what the loop owns ---- */

static void owned_add(struct loop *l, struct owned *o, void *arg)
{
    o->loop = l;
    o->arg = arg;
    o->next = l->owned;
    o->link = &l->owned;
    if (o->next != NULL)
        o->next->link = &o->next;
    l->owned = o;
    o->uv.any.data = o;
}

static void owned_free(uv_handle_t *handle)
{
    free(handle->data);
}

static void owned_close(struct owned *o)
{
    if (uv_is_closing(&o->uv.any))
        return;
    *o->link = o->next;
    if (o->next != NULL)
        o->next->link = o->link;
    uv_close(&o->uv.any, owned_free);
}

struct timer {
    struct owned o;
    loop_fn fn;
};

static void on_timer(uv_timer_t *handle)
{
    struct timer *t = handle->data;
    loop_fn fn = t->fn;
    void *arg = t->o.arg;
    if (uv_timer_get_repeat(handle) == 0)
        owned_close(&t->o);
    fn(arg);
}

struct timer *timer_start(struct loop *l, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg)
{
    struct timer *t = net_alloc(sizeof(*t));
    must(uv_timer_init(&l->uv, &t->o.uv.timer), "uv_timer_init");
    owned_add(l, &t->o, arg);
    t->fn = fn;
    uv_update_time(
        &l->uv); /* libuv's clock stands still during a callback: after a long one the timer would come early */
    must(uv_timer_start(&t->o.uv.timer, on_timer, delay_ms, repeat_ms), "uv_timer_start");
    return t;
}

void timer_stop(struct timer *t)
{
    if (t != NULL)
        owned_close(&t->o);
}

struct sig {
    struct owned o;
    signal_fn fn;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct sig *s = handle->data;
    s->fn(s->o.arg, signum);
}

void loop_on_signal(struct loop *l, int signum, signal_fn fn, void *arg)
{
    struct sig *s = net_alloc(sizeof(*s));
    must(uv_signal_init(&l->uv, &s->o.uv.signal), "uv_signal_init");
    owned_add(l, &s->o, arg);
    s->fn = fn;
    must(uv_signal_start(&s->o.uv.signal, on_signal, signum), "uv_signal_start");
}

struct watch {
    struct owned o;
    watch_fn fn;
};

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct watch *w = handle->data;
    if (status < 0) {
        w->fn(w->o.arg, WATCH_READ | WATCH_WRITE | WATCH_BROKEN);
        return;
    }
    int out = ((events & UV_READABLE) != 0 ? WATCH_READ : 0) | ((events & UV_WRITABLE) != 0 ? WATCH_WRITE : 0);
    if (out != 0)
        w->fn(w->o.arg, out);
}

struct watch *watch_start(struct loop *l, int fd, int events, watch_fn fn, void *arg)
{
    struct watch *w = net_alloc(sizeof(*w));
    must(uv_poll_init(&l->uv, &w->o.uv.poll, fd), "uv_poll_init");
    owned_add(l, &w->o, arg);
    w->fn = fn;
    watch_update(w, events);
    return w;
}

void watch_update(struct watch *w, int events)
{
    int wanted = ((events & WATCH_READ) != 0 ? UV_READABLE : 0) | ((events & WATCH_WRITE) != 0 ? UV_WRITABLE : 0);
    if (wanted == 0)
        must(uv_poll_stop(&w->o.uv.poll), "uv_poll_stop");
    else
        must(uv_poll_start(&w->o.uv.poll, wanted, on_poll), "uv_poll_start");
}

void watch_stop(struct watch *w)
{
    if (w != NULL)
        owned_close(&w->o);
}
