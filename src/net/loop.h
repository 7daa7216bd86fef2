/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The inside of the loop, for this folder only: libuv's loop, the buffers every connection reads through, and the
 * chores: what a callback wants done later in the same turn, when nobody's call is on the stack.
 */
#pragma once

#include "http.h"
#include "ledger.h"
#include "net.h"
#include "places.h"
#include "turns.h"

#include <uv.h>

/* A timer, a watched descriptor or a signal; known to the loop so that loop_free() can end it. */
struct owned {
    union {
        uv_handle_t any;
        uv_timer_t timer;
        uv_poll_t poll;
        uv_signal_t signal;
    } uv;
    struct owned *next;
    struct owned **link;
    struct loop *loop;
    void *arg;
};

struct chore {
    struct chore *next;
    struct chore **link; /* NULL: not waiting */
    loop_fn fn;
    void *arg;
};

#define LOOP_READ_BYTES   (64 * 1024)
#define LOOP_REFUSALS_MAX 64
/* Handshakes that wait for a worker, by peer; see handshake.c. */
struct handshakes {
    struct turns turns;
    unsigned working;
    uint64_t rest_until_us;
    uv_timer_t rest;
    struct tls_stats stats;
};

/* Work of the workers that is somebody's, by peer; see errand.c. */
struct errands {
    struct turns turns;
    unsigned working; /* in the pool's hands */
};
struct errand {
    struct turn turn;
    struct loop *loop;
    loop_fn work, done;
    void *arg;
};
/* Like worker_run(), but peers have their turns; e must live until done(). is_begun: it goes before whatever else of
 * this peer waits. */
void errand_run(struct loop *l, struct errand *e, const struct peer_key *key, bool is_begun);
bool errand_drop(struct loop *l, struct errand *e); /* done() will not be called; false: a worker has it, or nobody */

/* Connections that have more to send than one reading takes, by peer; see conn_pace.c. */
struct pace {
    uv_timer_t timer;
    struct turns turns;
    uint64_t crowd_until_ms;
};
void pace_init(struct loop *l);

struct loop {
    uv_loop_t uv;
    uv_async_t
        anchor; /* keeps uv_run() from returning while there is nothing to wait for; wakes the loop when a chore asks */
    uv_prepare_t housekeeping;
    struct owned *owned;
    struct chore *chores;
    struct chore **chores_end;
    struct listener *listeners;
    unsigned queued, alone; /* jobs of the pool, and on threads of their own */
    struct net_refusal refusals[LOOP_REFUSALS_MAX];
    unsigned nrefusals;
    struct handshakes handshakes;
    struct errands errands;
    unsigned connections; /* of all listeners */
    struct places places; /* of all listeners that are not for administrators */
    unsigned connections_max;
    int spare_fd; /* a descriptor kept free for refusing somebody when there is no other left */
    struct ledger *ledger;
    struct pace pace;
    int64_t date_s;
    char date[HTTP_DATE_SIZE];

    uv_timer_t lag_timer;
    bool lag_on;
    uint64_t lag_due_ns;
    uint64_t turn_began_ns;
    uint64_t turn_idle_ns;
    uint64_t turn_longest_ns;
    struct loop_lag lag;

    /* Used within one callback and never across two: this is what keeps an idle connection small. */
    char wire[LOOP_READ_BYTES];
    char plain[LOOP_READ_BYTES / 4];
};

void *net_alloc(size_t size); /* zeroed; never NULL */

/* Runs fn(arg) after the callbacks of this turn. Waiting already: nothing happens. */
void loop_chore(struct loop *l, struct chore *c);
void loop_chore_drop(struct loop *l, struct chore *c);
const char *loop_http_date(struct loop *l);
unsigned worker_count(void);   /* threads of the pool */
void lag_turn(struct loop *l); /* loop_lag.c: called once a turn */
