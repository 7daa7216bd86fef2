/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The slow lane; see slow_lane.h. A key is what a request wants. It is here as long as somebody waits for it or tries
 * it; keys take turns. Nothing is known of who holds which lock: a lock on a table looks like one on every slot, and is
 * dealt with in the same way. When one gets through, two more keys have a try in the fast lane, and so on: after a lock
 * on much has gone, those who waited are through in a moment, and a false hope costs no more than any first try.
 */
#include "slow_lane.h"

#include "fault.h"
#include "request_private.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define FAST_PATIENCE_MAX_MS 100
#define FAST_PATIENCE_MIN_MS 5
#define SLOW_PATIENCE_MS     1000
#define SLOW_PATIENCE_MIN_MS 200                               /* when there are more keys than sessions for them */
#define REST_US              (3 * FAST_PATIENCE_MAX_MS * 1000) /* between tries, where a session is more than a quarter */
#define LEFT_MIN_US          20000
#define CASCADE              2

/* ---- keys ---- */

/* "slot 6f1c...", "booking 6f1c...", "any slot of R7700018": never what a person is called. */
static const char *key_name_of_write(const struct request *r, struct arena *a)
{
    const struct booking_request *b = &r->request;
    const char *slot = b->slot_ids.n > 0 ? b->slot_ids.items[0] : b->timeslot != NULL ? b->timeslot->slot_id : NULL;
    if (slot != NULL && strcmp(slot, "blind_request") == 0)
        return arena_printf(a, "any slot of %s", b->organization_ids.n > 0 ? b->organization_ids.items[0] : "");
    return slot != NULL ? arena_printf(a, "slot %s", slot)
                        : arena_printf(a, "booking %s", b->book_id != NULL ? b->book_id : "");
}

/* And "read getSlots", and of one who waits by himself "slot 6f1c... of booking 6f1c...". */
static const char *key_name(const struct request *r, struct arena *a)
{
    if (!request_writes(r))
        return arena_printf(a, "%s %s", r->is_recall ? "recall" : "read", r->op->name);
    const char *name = key_name_of_write(r, a);
    const char *book_id = r->request.book_id;
    return r->is_odd ? arena_printf(a, "%s of booking %s", name, book_id != NULL ? book_id : "") : name;
}

static unsigned bucket_of(const char *name)
{
    unsigned hash = 2166136261u; /* FNV-1a, of the name in lower case: UUIDs are compared case-blind */
    for (; *name != '\0'; name++)
        hash = (hash ^ ((unsigned char)*name | 0x20u)) * 16777619u;
    return hash % LANE_BUCKETS;
}

static struct lane_key *key_find(const struct slow_lane *l, const char *name)
{
    struct lane_key *k = l->buckets[bucket_of(name)];
    while (k != NULL && strcasecmp(k->name, name) != 0)
        k = k->chain;
    return k;
}

static void key_link(struct slow_lane *l, struct lane_key *k)
{
    k->next = NULL;
    k->link = l->last;
    *l->last = k;
    l->last = &k->next;
}

static void key_unlink(struct slow_lane *l, struct lane_key *k)
{
    *k->link = k->next;
    *(k->next != NULL ? &k->next->link : &l->last) = k->link;
}

static struct lane_key *key_new(struct slow_lane *l, const char *name)
{
    struct arena *a = arena_new();
    struct lane_key *k = arena_alloc(a, sizeof *k);
    struct lane_key **bucket = &l->buckets[bucket_of(name)];
    k->arena = a;
    k->name = arena_strdup(a, name);
    k->since_us = clock_mono_us();
    queue_init(&k->kept);
    queue_init(&k->tired);
    k->chain = *bucket;
    *bucket = k;
    key_link(l, k);
    l->nkeys++;
    return k;
}

static void key_free(struct slow_lane *l, struct lane_key *k)
{
    struct lane_key **at = &l->buckets[bucket_of(k->name)];
    while (*at != k)
        at = &(*at)->chain;
    *at = k->chain;
    key_unlink(l, k);
    l->nkeys--;
    arena_free(k->arena);
}

static void key_free_if_idle(struct slow_lane *l, struct lane_key *k)
{
    if (k->kept.head == NULL && k->tried == NULL)
        key_free(l, k);
}

/* ---- keeping ---- */

/* All have had their turn: a new round. */
static void key_refresh(struct lane_key *k)
{
    if (k->kept.head != NULL)
        return;
    for (struct request *r; (r = queue_pop(&k->tired)) != NULL;)
        queue_push(&k->kept, r);
}

/*
 * What r met may be a lock on something else that it wants as well: another slot, the place it moves from. Nobody may
 * wait for that who does not need it, so whoever has tried lets the others try before it tries again; and once one of
 * them got through, it waits by itself (is_odd).
 */
static void key_keep(struct slow_lane *l, struct lane_key *k, struct request *r, bool has_tried)
{
    if (r->kept_since_us == 0)
        r->kept_since_us = clock_mono_us();
    queue_push(has_tried ? &k->tired : &k->kept, r);
    key_refresh(k);
    l->waiting++;
}

static struct request *key_take(struct slow_lane *l, struct lane_key *k)
{
    struct request *r = queue_pop(&k->kept);
    key_refresh(k);
    l->waiting -= r != NULL;
    return r;
}

/* The eldest of all. */
static struct request *key_take_eldest(struct slow_lane *l, struct lane_key *k)
{
    const struct request *tired = k->tired.head;
    if (tired == NULL || k->kept.head->started_us <= tired->started_us)
        return key_take(l, k);
    l->waiting--;
    return queue_pop(&k->tired);
}

bool slow_lane_keeps(struct request *r)
{
    struct slow_lane *l = &r->service->lane;
    if (l->nkeys == 0 || r->trial != NULL)
        return false;
    struct lane_key *k = key_find(l, key_name(r, r->arena));
    if (k == NULL)
        return false;
    key_keep(l, k, r, false);
    return true;
}

/* ---- the fast lane's budget ---- */

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

/* ---- trying ---- */

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

static void slow_lane_serve(struct service *s);

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

static void trial_on_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct request *r = arg;
    if (FAULT_TAKEN(lane_try) && err == ERR_OK) {
        db_release(session);
        err = ERR_BUSY;
    }
    if (err == ERR_OK) {
        (request_writes(r) ? group_try : read_try)(r, session, slow_patience_ms(r->service));
        return;
    }
    request_give_up(r, err, e);
}

static void key_try(struct service *s, struct lane_key *k)
{
    struct request *r = key_take(&s->lane, k);
    k->tried = r;
    r->trial = k;
    r->is_slow = true;
    s->lane.sessions++;
    key_unlink(&s->lane, k); /* to the end of the turns */
    key_link(&s->lane, k);
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
            struct request *r = key_take(l, k);
            k->tried = r;
            r->trial = k;
            n++;
            request_start_again(r);
        }
        k = next;
    }
}

/* ---- verdicts ---- */

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
        const char *name = key_name(r, r->arena);
        k = key_find(l, name);
        k = k != NULL ? k : key_new(l, name);
    }
    if (s->conf->db_connections < 4)
        k->rest_until_us = clock_mono_us() + REST_US;
    key_keep(l, k, r, true);
    FAULT_POINT(lane_kept);
    slow_lane_serve(s);
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
    for (struct request *other; (other = key_take_eldest(&s->lane, k)) != NULL;) {
        other->is_odd = other->has_met_lock;
        queue_push_front(&free, other); /* the youngest first: each goes in front of those before it */
    }
    key_free(&s->lane, k);
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
    key_free_if_idle(&s->lane, trial_end(r));
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
            (void)k->tried->origin->carrier->is_gone(k->tried); /* asked now, known before COMMIT */
        queue_end_late(l, k, &k->kept, &over);
        queue_end_late(l, k, &k->tired, &over);
        key_refresh(k);
        key_free_if_idle(l, k);
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

void slow_lane_init(struct service *s)
{
    s->lane = (struct slow_lane){.budget_at_us = clock_mono_us()};
    s->lane.last = &s->lane.first;
    s->lane.budget_us = (uint64_t)s->conf->db_connections * FAST_PATIENCE_MAX_MS * 1000;
}

void slow_lane_fini(struct service *s)
{
    while (s->lane.first != NULL)
        key_free(&s->lane, s->lane.first);
    arena_free(s->lane.watch.asking_in);
}
