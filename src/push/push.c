/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The delivery of the outbox as a whole: it begins, looks five times a second at what is due, is drained, ends. All
 * that it knows is in the database; a daemon that dies here loses nothing.
 */
#include "push_private.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

#define TICK_MS  200
#define FIRST_MS 100

static void on_tick(void *arg)
{
    push_go(arg);
}

void push_go(struct push *p)
{
    if (p->is_stopped)
        return;
    bool is_idle = p->nrows == 0 && adapter_calls(p->adapter, NULL) == 0 && !p->is_asking;
    if (p->is_draining && is_idle && p->drained != NULL) {
        loop_fn drained = p->drained;
        p->drained = NULL;
        drained(p->drained_arg);
        return;
    }
    push_rows_locked_go(p);
    push_lanes_go(p);
    push_store_ask(p);
    push_sources_go(p);
}

struct push *push_start(struct loop *l, struct db_pool *db, struct client *client, struct service *service,
                        uint64_t age_max_ms)
{
    struct arena *a = arena_new();
    struct push *p = arena_alloc(a, sizeof *p);
    char host[60] = "";
    *p = (struct push){.arena = a, .loop = l, .db = db, .client = client, .service = service};
    p->adapter = adapter_new(l, client, service);
    p->age_max_s = (int64_t)(age_max_ms / 1000);
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(p->owner, sizeof p->owner, "%s:%d", host, (int)getpid());
    push_line_init(&p->for_worker);
    push_line_init(&p->for_database);
    push_line_init(&p->for_holder);
    p->last_said = &p->saids;
    p->tick = timer_start(l, FIRST_MS, TICK_MS, on_tick, p);
    return p;
}

void push_drain(struct push *p, loop_fn drained, void *arg)
{
    p->is_draining = true;
    p->drained = drained;
    p->drained_arg = arg;
    push_rows_give_back(p);
    timer_start(p->loop, 0, 0, on_tick, p); /* there may be nothing to wait for */
}

void push_stop(struct push *p)
{
    if (p == NULL)
        return;
    p->is_stopped = true;
    timer_stop(p->tick);
    timer_stop(p->rest);
    for (struct push_row *r = p->rows; r != NULL; r = r->next)
        client_cancel(r->call);
    adapter_stop(p->adapter);
}

void push_free(struct push *p)
{
    if (p == NULL)
        return;
    while (p->rows != NULL)
        push_row_end(p->rows);
    adapter_free(p->adapter);
    if (p->taking_keys != NULL)
        keyring_unref(p->taking_keys);
    arena_free(p->arena);
}
