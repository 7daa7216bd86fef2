/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Where those wait who met a lock that somebody holds (slow_lane.c). Private to request/.
 *
 * Everybody begins in the fast lane, where a wait for a lock is broken off after a moment. Whoever met one there is
 * kept here, in memory and without a session, and with him all who want the same thing: the same slot, the same
 * booking, of reads the same method. Of each such thing one at a time, in turn, tries again, and all who try have a
 * small share of the sessions between them. When one gets through, those who waited for the same thing go back to the
 * fast lane.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

struct request;
struct service;
struct lane_key;

#define LANE_BUCKETS 256
#define LANE_HOLDERS 8

struct slow_lane {
    struct lane_key *first, **last; /* whose turn is next comes first */
    struct lane_key *buckets[LANE_BUCKETS];
    unsigned nkeys;
    unsigned waiting;   /* requests kept here */
    unsigned sessions;  /* had, or asked for, by those who try */
    uint64_t budget_us; /* time the fast lane may still spend waiting for locks */
    uint64_t budget_at_us;
    uint64_t hits; /* waits for a lock that were broken off */
    struct lane_watch {
        uint64_t told_us;  /* when the log was last told */
        uint64_t asked_us; /* when the database was last asked who holds the lock */
        bool is_told;      /* of the present trouble */
        bool is_asking;
        struct db_session *session;
        /* Transactions that hold what was waited for, and went on when last asked; whether or not anybody still waits.
         */
        struct lane_holder {
            char transaction[40], what[80], pid[16], role[64], program[64], state[40];
            uint64_t since_us;
        } holders[LANE_HOLDERS];
        unsigned nholders;
        struct arena *asking_in; /* parameters of the question */
    } watch;
};

void slow_lane_init(struct service *s);
void slow_lane_fini(struct service *s);
/* Of one wait in the fast lane: together they cost at most a quarter of the sessions' time. */
uint64_t slow_lane_fast_patience_ms(struct service *s);
/* Keeps r when what it wants is known to be locked; it must be in no queue. */
bool slow_lane_keeps(struct request *r);
/* The verdict on a request that had a session: it met a lock and is kept; it got through; or neither is known. */
void slow_lane_locked(struct request *r, uint64_t waited_ms);
void slow_lane_passed(struct request *r);
void slow_lane_failed(struct request *r);
void slow_lane_tick(struct service *s); /* ends those whose time is over or whose client has gone */

unsigned slow_lane_share(const struct service *s); /* of the sessions, for those who try */

/* slow_lane_keys.c: what is wanted, and who waits for it */
const char *lane_key_name(const struct request *r, struct arena *a); /* of what r wants */
struct lane_key *lane_key_find(const struct slow_lane *l, const char *name);
struct lane_key *lane_key_new(struct slow_lane *l, const char *name);
void lane_key_free(struct slow_lane *l, struct lane_key *k);
void lane_key_free_if_idle(struct slow_lane *l, struct lane_key *k); /* nobody waits for it, nobody tries it */
void lane_key_last(struct slow_lane *l, struct lane_key *k);         /* its next turn is after all the others' */
void lane_key_refresh(struct lane_key *k);
void lane_key_keep(struct slow_lane *l, struct lane_key *k, struct request *r, bool has_tried);
struct request *lane_key_take(struct slow_lane *l, struct lane_key *k);        /* whose turn it is; NULL: none */
struct request *lane_key_take_eldest(struct slow_lane *l, struct lane_key *k); /* NULL: none */

/* slow_lane_watch.c: what is told of it */
void slow_lane_watch_tick(struct service *s);
void slow_lane_notes_write(const struct service *s, struct buf *notes_json);
void slow_lane_metrics_write(const struct service *s, struct buf *out);
