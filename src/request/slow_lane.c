/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The slow lane; what it is for is said in slow_lane.h. In the order of time:
 *
 *   slow_lane_locked()   a request met a lock: it is kept under its key (slow_lane_keys.c)
 *   slow_lane_keeps()    others who want the same are kept with it, without having a try of their own
 *   slow_lane_serve()    of each key one, the keys in turn, tries again with one of the few sessions for that
 *   slow_lane_passed()   it got through: those who waited for the same go back to the fast lane
 *   slow_lane_failed()   it did not, and not for a lock: the next one tries
 *
 * When one gets through, perhaps what was locked was much more than its key. So two more keys have a try in the fast
 * lane, each of which may free two more: after a lock on a whole table has gone, all who waited are through in a
 * moment. Where it was not so, a try costs no more than anybody's first one.
 */
#include "slow_lane.h"

#include "request_private.h"

#include "fault.h"

#include <inttypes.h>

#define FAST_PATIENCE_MAX_MS 100
#define FAST_PATIENCE_MIN_MS 5
#define SLOW_PATIENCE_MS     1000
#define SLOW_PATIENCE_MIN_MS 200                               /* when there are more keys than sessions for them */
#define REST_US              (3 * FAST_PATIENCE_MAX_MS * 1000) /* between tries, where a session is more than a quarter */
#define LEFT_MIN_US          20000
#define CASCADE              2

static void slow_lane_serve(struct service *s);

void slow_lane_init(struct service *s)
{
    s->lane = (struct slow_lane){.budget_at_us = clock_mono_us()};
    s->lane.last = &s->lane.first;
    s->lane.budget_us = (uint64_t)s->conf->db_connections * FAST_PATIENCE_MAX_MS * 1000;
}

void slow_lane_fini(struct service *s)
{
    while (s->lane.first != NULL)
        lane_key_free(&s->lane, s->lane.first);
    arena_free(s->lane.watch.asking_in);
}

/* ---- the fast lane: how long a wait for a lock may take there ---- */

uint64_t slow_lane_fast_patience_ms(struct service *s)
{
    struct slow_lane *l = &s->lane;
    uint64_t n = s->conf->db_connections;
    uint64_t most_us = n * FAST_PATIENCE_MAX_MS * 1000;
    uint64_t now_us = clock_mono_us();
    l->budget_us += (now_us - l->budget_at_us) * n / 4;
    l->budget_at_us = now_us;
    if (l->budget_us > most_us)
        l->budget_us = most_us;
    uint64_t ms = l->budget_us / n / 1000;
    return ms < FAST_PATIENCE_MIN_MS ? FAST_PATIENCE_MIN_MS : ms;
}

static void lane_charge(struct service *s, uint64_t ms)
{
    uint64_t us = ms * 1000;
    s->lane.budget_us -= us < s->lane.budget_us ? us : s->lane.budget_us;
}

/* ---- kept ---- */

/* Ends r's try; its key may be gone afterwards unless somebody is kept there. */
static struct lane_key *trial_end(struct request *r)
{
    struct lane_key *k = r->trial;
    r->service->lane.sessions -= r->is_slow;
    r->is_slow = false;
    r->trial = NULL;
    k->tried = NULL;
    return k;
}

void slow_lane_locked(struct request *r, uint64_t waited_ms)
{
    struct service *s = r->service;
    struct slow_lane *l = &s->lane;
    struct lane_key *k = r->trial;
    l->hits++;
    r->has_met_lock = true;
    if (!r->is_slow)
        lane_charge(s, waited_ms);
    if (k != NULL) {
        trial_end(r);
    } else {
        const char *name = lane_key_name(r, r->arena);
        k = lane_key_find(l, name);
        k = k != NULL ? k : lane_key_new(l, name);
    }
    if (s->conf->db_connections < 4)
        k->rest_until_us = clock_mono_us() + REST_US;
    lane_key_keep(l, k, r, true);
    FAULT_POINT(lane_kept);
    slow_lane_serve(s);
}

bool slow_lane_keeps(struct request *r)
{
    struct slow_lane *l = &r->service->lane;
    if (l->nkeys == 0 || r->trial != NULL)
        return false;
    struct lane_key *k = lane_key_find(l, lane_key_name(r, r->arena));
    if (k == NULL)
        return false;
    lane_key_keep(l, k, r, false);
    return true;
}

/* ---- tried ---- */

unsigned slow_lane_share(const struct service *s)
{
    unsigned n = s->conf->db_connections / 4;
    return n > 0 ? n : 1;
}

static uint64_t slow_patience_ms(const struct service *s)
{
    if (s->conf->db_connections < 4)
        return FAST_PATIENCE_MAX_MS;
    return s->lane.nkeys > slow_lane_share(s) ? SLOW_PATIENCE_MIN_MS : SLOW_PATIENCE_MS;
}

static void trial_on_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct request *r = arg;
    struct error over = {0};
    if (err == ERR_OK && (FAULT_FAILS(lane_try, ERR_BUSY, &over) || request_is_over(r, &over) != ERR_OK)) {
        db_release(session);
        err = over.code;
        e = &over;
    }
    if (err == ERR_OK) {
        if (request_writes(r))
            group_try(r, session, slow_patience_ms(r->service));
        else
            read_try(r, session, slow_patience_ms(r->service));
        return;
    }
    request_give_up(r, err, e);
}

static void key_try(struct service *s, struct lane_key *k)
{
    struct request *r = lane_key_take(&s->lane, k);
    k->tried = r;
    r->trial = k;
    r->is_slow = true;
    s->lane.sessions++;
    lane_key_last(&s->lane, k);
    db_acquire_until(s->db, request_until_us(r), trial_on_session, r);
}

static bool key_may_be_tried(const struct lane_key *k, uint64_t now_us)
{
    return k->tried == NULL && k->kept.head != NULL && k->rest_until_us <= now_us &&
           request_until_us(k->kept.head) > now_us + LEFT_MIN_US;
}

static void slow_lane_serve(struct service *s)
{
    struct slow_lane *l = &s->lane;
    uint64_t now_us = clock_mono_us();
    struct lane_key *k = l->first;
    for (unsigned todo = l->nkeys; todo > 0 && l->sessions < slow_lane_share(s); todo--) {
        struct lane_key *next = k->next;
        if (key_may_be_tried(k, now_us))
            key_try(s, k);
        k = next;
    }
}

/* ---- through, or not ---- */

/* A lock has gone: perhaps others waited for the same. They try like everybody, and nobody else of their key. */
static void lane_cascade(struct service *s)
{
    struct slow_lane *l = &s->lane;
    uint64_t now_us = clock_mono_us();
    unsigned n = 0;
    struct lane_key *k = l->first;
    for (unsigned todo = l->nkeys; todo > 0 && n < CASCADE; todo--) {
        struct lane_key *next = k->next;
        if (key_may_be_tried(k, now_us)) {
            struct request *r = lane_key_take(l, k);
            k->tried = r;
            r->trial = k;
            n++;
            request_start_again(r);
        }
        k = next;
    }
}

void slow_lane_passed(struct request *r)
{
    struct service *s = r->service;
    if (r->trial == NULL)
        return;
    FAULT_POINT(lane_passed);
    struct lane_key *k = trial_end(r);
    struct request_queue free;
    queue_init(&free);
    for (struct request *other; (other = lane_key_take_eldest(&s->lane, k)) != NULL;) {
        other->is_odd = other->has_met_lock;
        queue_push_front(&free, other); /* the youngest first: each goes in front of those before it */
    }
    lane_key_free(&s->lane, k);
    for (struct request *other; (other = queue_pop(&free)) != NULL;)
        request_start_again(other);
    lane_cascade(s);
    slow_lane_serve(s);
}

void slow_lane_failed(struct request *r)
{
    if (r->trial == NULL)
        return;
    struct service *s = r->service;
    lane_key_free_if_idle(&s->lane, trial_end(r));
    slow_lane_serve(s);
}

/* ---- time ---- */

/* Those who may wait no longer, out of a queue. */
static void queue_end_late(struct slow_lane *l, const struct lane_key *k, struct request_queue *q,
                           struct request_queue *out)
{
    for (unsigned todo = q->n; todo > 0; todo--) {
        struct request *r = queue_pop(q);
        struct error e = {0};
        enum err err = request_is_over(r, &e);
        if (err == ERR_OK) {
            queue_push(q, r);
            continue;
        }
        l->waiting--;
        if (err == ERR_TIMEOUT)
            (void)error_set(&r->error, ERR_LOCKED, "waited %" PRIu64 " ms for a lock that somebody holds: %s",
                            (clock_mono_us() - r->kept_since_us) / 1000, k->name);
        else
            (void)error_set(&r->error, err, "%s", e.detail);
        queue_push(out, r);
    }
}

void slow_lane_tick(struct service *s)
{
    struct slow_lane *l = &s->lane;
    struct request_queue over;
    queue_init(&over);
    struct lane_key *k = l->first;
    for (unsigned todo = l->nkeys; todo > 0; todo--) {
        struct lane_key *next = k->next;
        if (k->tried != NULL)
            (void)k->tried->source->origin->carrier->is_gone(k->tried); /* asked now, known before COMMIT */
        queue_end_late(l, k, &k->kept, &over);
        queue_end_late(l, k, &k->tired, &over);
        lane_key_refresh(k);
        lane_key_free_if_idle(l, k);
        k = next;
    }
    for (struct request *r; (r = queue_pop(&over)) != NULL;) {
        struct error e = r->error;
        r->error = (struct error){0};
        FAULT_POINT(lane_given_up);
        request_give_up(r, e.code, &e);
    }
    slow_lane_serve(s);
}
