/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Work that is done on somebody's behalf, on the workers all share: requests, and TLS in bulk. The pool's own queue is
 * one for all, in the order of their coming: a peer that has a thousand jobs in it would be waited for by everybody. So
 * no more go into it than keep the workers busy, and those that wait have their turn by peer.
 */
#include "conn.h"

#include <stdlib.h>
#include <string.h>

#define NAMED_FAMILY 255 /* of no address */
#define ROUNDS       2 /* for each worker what it does, and what it does next: the loop is not waited for in between */

static void errands_serve(struct loop *l);

static void errand_work(void *arg)
{
    const struct errand *e = arg;
    e->work(e->arg);
}

static void errand_done(void *arg)
{
    struct errand *e = arg;
    struct loop *l = e->loop;
    l->errands.working--;
    e->done(e->arg); /* which may ask for the next one */
    errands_serve(l);
}

static void errands_serve(struct loop *l)
{
    struct errands *all = &l->errands;
    struct errand *e;
    while (all->working < ROUNDS * worker_count() && (e = turns_take(&all->turns)) != NULL) {
        all->working++;
        worker_run(l, errand_work, errand_done, e);
    }
}

void errand_run(struct loop *l, struct errand *e, const struct peer_key *key, bool is_begun)
{
    e->loop = l;
    turns_join(&l->errands.turns, &e->turn, key, e, is_begun);
    errands_serve(l);
}

bool errand_drop(struct loop *l, struct errand *e)
{
    bool waits = e->turn.peer != NULL;
    turns_leave(&l->errands.turns, &e->turn);
    return waits;
}

/* ---- of a request ---- */

struct owned_errand {
    struct errand errand;
    loop_fn work, done;
    void *arg;
};

static void owned_work(void *arg)
{
    const struct owned_errand *o = arg;
    o->work(o->arg);
}

static void owned_done(void *arg)
{
    struct owned_errand o = *(struct owned_errand *)arg;
    free(arg);
    o.done(o.arg);
}

static void owned_run(struct loop *l, const struct peer_key *key, loop_fn work, loop_fn done, void *arg)
{
    struct owned_errand *o = net_alloc(sizeof(*o));
    *o = (struct owned_errand){.work = work, .done = done, .arg = arg};
    o->errand = (struct errand){.work = owned_work, .done = owned_done, .arg = o};
    errand_run(l, &o->errand, key, false);
}

void http_worker_run(struct loop *l, const struct exchange *x, loop_fn work, loop_fn done, void *arg)
{
    owned_run(l, &x->key, work, done, arg);
}

/* Two names that are one to this have their turn together: nobody is the worse for it. */
void worker_run_in_turn(struct loop *l, const char *whose, loop_fn work, loop_fn done, void *arg)
{
    struct peer_key key = {.family = NAMED_FAMILY};
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *whose != '\0'; whose++)
        hash = (hash ^ (unsigned char)*whose) * 1099511628211u;
    memcpy(key.address, &hash, sizeof(key.address));
    owned_run(l, &key, work, done, arg);
}
