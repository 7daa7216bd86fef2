/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The keys of the slow lane. A key is what a request wants and somebody else has locked: a slot, a booking, of reads
 * the method. It is here as long as somebody waits for it or tries it. Nothing is known of who holds which lock: a lock
 * on a whole table looks like a lock on every slot that is asked for, and is dealt with in the same way.
 */
#include "request_private.h"

#include <string.h>
#include <strings.h>

/* ---- names ---- */

/* The name of what a write wants: "slot 6f1c...", "booking 6f1c...", "any slot of R7700018": never what a person is
 * called. */
static const char *key_name_of_write(const struct request *r, struct arena *a)
{
    const struct booking_request *b = &r->request;
    const char *slot = b->slot_ids.n > 0 ? b->slot_ids.items[0] : b->timeslot != NULL ? b->timeslot->slot_id : NULL;
    if (slot != NULL && strcmp(slot, "blind_request") == 0)
        return arena_printf(a, "any slot of %s", b->organization_ids.n > 0 ? b->organization_ids.items[0] : "");
    return slot != NULL ? arena_printf(a, "slot %s", slot)
                        : arena_printf(a, "booking %s", b->book_id != NULL ? b->book_id : "");
}

/* A read wants "read getSlots"; a request that is_odd waits for nobody else's key: "slot 6f1c... of booking 6f1c...".
 */
const char *lane_key_name(const struct request *r, struct arena *a)
{
    if (!request_writes(r))
        return arena_printf(a, "%s %s", r->is_recall ? "recall" : "read", r->op->name);
    const char *name = key_name_of_write(r, a);
    const char *book_id = r->request.book_id;
    return r->is_odd ? arena_printf(a, "%s of booking %s", name, book_id != NULL ? book_id : "") : name;
}

/* ---- the table, and the order of turns ---- */

static unsigned bucket_of(const char *name)
{
    unsigned hash = 2166136261u; /* FNV-1a, of the name in lower case: UUIDs are compared case-blind */
    for (; *name != '\0'; name++)
        hash = (hash ^ ((unsigned char)*name | 0x20u)) * 16777619u;
    return hash % LANE_BUCKETS;
}

struct lane_key *lane_key_find(const struct slow_lane *l, const char *name)
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

void lane_key_last(struct slow_lane *l, struct lane_key *k)
{
    key_unlink(l, k);
    key_link(l, k);
}

struct lane_key *lane_key_new(struct slow_lane *l, const char *name)
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

void lane_key_free(struct slow_lane *l, struct lane_key *k)
{
    struct lane_key **at = &l->buckets[bucket_of(k->name)];
    while (*at != k)
        at = &(*at)->chain;
    *at = k->chain;
    key_unlink(l, k);
    l->nkeys--;
    arena_free(k->arena);
}

void lane_key_free_if_idle(struct slow_lane *l, struct lane_key *k)
{
    if (k->kept.head == NULL && k->tried == NULL)
        lane_key_free(l, k);
}

/* ---- who waits for it ---- */

/* When all who wait have had a try, a new round begins. */
void lane_key_refresh(struct lane_key *k)
{
    if (k->kept.head != NULL)
        return;
    for (struct request *r; (r = queue_pop(&k->tired)) != NULL;)
        queue_push(&k->kept, r);
}

/*
 * What r met may be a lock on something else that it wants beside the key: another slot, the place it moves from. Those
 * who want only the key must not wait for that. So whoever has tried (has_tried) lets all the others try before it
 * tries again; and once one of them has got through, the lock was not on the key: r is_odd from then on, and waits by
 * itself.
 */
void lane_key_keep(struct slow_lane *l, struct lane_key *k, struct request *r, bool has_tried)
{
    if (r->kept_since_us == 0)
        r->kept_since_us = clock_mono_us();
    queue_push(has_tried ? &k->tired : &k->kept, r);
    lane_key_refresh(k);
    l->waiting++;
}

struct request *lane_key_take(struct slow_lane *l, struct lane_key *k)
{
    struct request *r = queue_pop(&k->kept);
    lane_key_refresh(k);
    l->waiting -= r != NULL;
    return r;
}

/* Of those who have tried and those who have not, the eldest. */
struct request *lane_key_take_eldest(struct slow_lane *l, struct lane_key *k)
{
    const struct request *tired = k->tired.head;
    if (tired == NULL || k->kept.head->started_us <= tired->started_us)
        return lane_key_take(l, k);
    l->waiting--;
    return queue_pop(&k->tired);
}
