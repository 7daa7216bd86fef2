/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L3: who gives back when memory is short, by itself and without a network. Claims live in memory of their own, so that
 * what is used after its owner has gone is seen by AddressSanitizer; and somebody on whose behalf memory is taken back
 * must never be the one it is taken from. Beside the ledger a model keeps plain sums and looks through everything.
 */
#include "net/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define KIB        ((size_t)1024)
#define HOLDERS    48
#define PEERS      7
#define ROUNDS     24
#define STEPS      4000
#define FIXED      512
#define FAULT      300 /* what a 503 takes until it is taken */
#define NO_HOLDERS ((unsigned)-1)

/* A connection as the ledger sees it. */
struct holder {
    struct claim claim;
    struct world *world;
    unsigned at; /* in world->holders */
    unsigned peer;
    uint64_t listed;      /* when it came into the list it is in */
    unsigned class, kind; /* of that list; kind 1: an answer, no unfinished request */
    bool is_growing;      /* somebody further up has it in hand */
};

struct world {
    struct ledger *ledger;
    size_t max;
    struct holder *holders[HOLDERS];
    uint64_t now, seed;
    uint64_t ranked[PEERS]; /* when each peer came into its rank */
    unsigned rank[PEERS];   /* NO_HOLDERS: in none */
    uint64_t taken_back;
    size_t orphans;
};

static unsigned pick(struct world *w, unsigned n)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return (unsigned)(w->seed % n);
}

/* ---- the model ---- */

static size_t takeable(const struct holder *h)
{
    return h->claim.bytes[LEDGER_READING] + h->claim.bytes[LEDGER_WRITING];
}

static size_t takeable_of_peer(const struct world *w, unsigned peer)
{
    size_t sum = 0;
    for (unsigned i = 0; i < HOLDERS; i++)
        if (w->holders[i] != NULL && w->holders[i]->peer == peer)
            sum += takeable(w->holders[i]);
    return sum;
}

static size_t held(const struct world *w)
{
    size_t sum = w->orphans;
    for (unsigned i = 0; i < HOLDERS; i++)
        for (unsigned k = 0; w->holders[i] != NULL && k < LEDGER_KINDS; k++)
            sum += w->holders[i]->claim.bytes[k];
    return sum;
}

static unsigned class_of(size_t n)
{
    return n < 16 * KIB ? 0 : n < 64 * KIB ? 1 : n < 256 * KIB ? 2 : 3;
}

static unsigned rank_of(size_t n)
{
    unsigned rank = 0;
    for (; n > 1; n /= 2)
        rank++;
    return rank;
}

/* After every change: who changes list or rank is the last one there. */
static void model_follow(struct world *w, struct holder *h)
{
    unsigned class = takeable(h) == 0 ? NO_HOLDERS : class_of(takeable(h));
    unsigned kind = h->claim.bytes[LEDGER_READING] == 0;
    size_t sum = takeable_of_peer(w, h->peer);
    unsigned rank = sum == 0 ? NO_HOLDERS : rank_of(sum);
    w->now++;
    if (class != h->class || (class != NO_HOLDERS && kind != h->kind))
        h->listed = w->now;
    h->class = class;
    h->kind = kind;
    if (rank != w->rank[h->peer])
        w->ranked[h->peer] = w->now;
    w->rank[h->peer] = rank;
}

/* The peer with most (by powers of two), its largest piece (by class), a request before an answer, the oldest. */
static struct holder *model_victim(const struct world *w)
{
    unsigned most = NO_HOLDERS;
    for (unsigned p = 0; p < PEERS; p++)
        if (w->rank[p] != NO_HOLDERS && (most == NO_HOLDERS || w->rank[p] > w->rank[most] ||
                                         (w->rank[p] == w->rank[most] && w->ranked[p] < w->ranked[most])))
            most = p;
    struct holder *victim = NULL;
    for (unsigned i = 0; i < HOLDERS; i++) {
        struct holder *h = w->holders[i];
        if (h == NULL || h->peer != most || h->class == NO_HOLDERS)
            continue;
        if (victim == NULL || h->class > victim->class ||
            (h->class == victim->class &&
             (h->kind < victim->kind || (h->kind == victim->kind && h->listed < victim->listed))))
            victim = h;
    }
    return victim;
}

static void expect_sums(const struct world *w)
{
    struct ledger_sum sum;
    size_t kinds[LEDGER_KINDS] = {[LEDGER_WORKING] = w->orphans};
    bool is_there[PEERS] = {false};
    unsigned peers = 0;
    for (unsigned i = 0; i < HOLDERS; i++) {
        const struct holder *h = w->holders[i];
        for (unsigned k = 0; h != NULL && k < LEDGER_KINDS; k++)
            kinds[k] += h->claim.bytes[k];
        if (h != NULL)
            is_there[h->peer] = true;
    }
    for (unsigned p = 0; p < PEERS; p++)
        peers += is_there[p];
    ledger_read(w->ledger, &sum);
    assert_int_equal(sum.held_bytes, held(w));
    assert_true(sum.highest_bytes >= sum.held_bytes);
    assert_int_equal(sum.peers, peers);
    assert_int_equal(sum.taken_back, w->taken_back);
    for (unsigned k = 0; k < LEDGER_KINDS; k++)
        assert_int_equal(sum.kinds[k], kinds[k]);
}

/* ---- what connections do ---- */

static void set(struct holder *h, enum ledger_kind kind, size_t bytes)
{
    ledger_set(&h->claim, kind, bytes);
    model_follow(h->world, h);
}

static void end(struct holder *h)
{
    struct world *w = h->world;
    assert_false(h->is_growing);
    for (unsigned k = 0; k < LEDGER_KINDS; k++)
        set(h, (enum ledger_kind)k, 0);
    w->holders[h->at] = NULL;
    ledger_leave(&h->claim);
    memset(h, 0x5a, sizeof *h);
    free(h);
}

/* As conn_memory.c: an unfinished request is answered with 503 and weighed anew, or it is the end of the connection. */
static void give_back(void *arg)
{
    struct holder *h = arg;
    struct world *w = h->world;
    assert_false(h->is_growing); /* it is in somebody's hands, further up */
    assert_ptr_equal(h, model_victim(w));
    w->taken_back++;
    if (h->claim.bytes[LEDGER_READING] == 0 || pick(w, 4) == 0) {
        end(h);
        return;
    }
    h->is_growing = true; /* until we are through with it */
    set(h, LEDGER_READING, 0);
    set(h, LEDGER_WRITING, h->claim.bytes[LEDGER_WRITING] + FAULT);
    ledger_settle(&h->claim);
    h->is_growing = false;
}

static struct holder *begin(struct world *w, unsigned at, unsigned peer)
{
    struct peer_key key = {.family = 4, .address = {127, 0, 0, (unsigned char)peer}};
    struct holder *h = calloc(1, sizeof *h);
    assert_non_null(h);
    *h = (struct holder){.world = w, .at = at, .peer = peer, .class = NO_HOLDERS};
    h->claim.give_back = give_back;
    h->claim.arg = h;
    w->holders[at] = h;
    ledger_join(w->ledger, &h->claim, &key);
    set(h, LEDGER_FIXED, FIXED);
    return h;
}

static bool grow(struct holder *h, size_t more)
{
    h->is_growing = true;
    bool may = ledger_make_room(&h->claim, more);
    if (may) {
        assert_true(held(h->world) + more <= h->world->max);
        set(h, LEDGER_READING, h->claim.bytes[LEDGER_READING] + more);
    } else {
        const struct holder *next = model_victim(h->world);
        assert_true(next == NULL || next == h); /* its own turn, or there is nothing */
    }
    h->is_growing = false;
    return may;
}

/* Bytes that are there already: an answer, a request in work. */
static void put(struct holder *h, enum ledger_kind kind, size_t bytes)
{
    h->is_growing = true;
    set(h, kind, bytes);
    ledger_settle(&h->claim);
    const struct holder *next = model_victim(h->world);
    assert_true(held(h->world) <= h->world->max || next == NULL || next == h);
    h->is_growing = false;
}

static void world_begin(struct world *w, size_t max, uint64_t seed)
{
    *w = (struct world){.ledger = ledger_new(max), .max = max, .seed = seed};
    for (unsigned p = 0; p < PEERS; p++)
        w->rank[p] = NO_HOLDERS;
}

static void world_end(struct world *w)
{
    for (unsigned i = 0; i < HOLDERS; i++)
        if (w->holders[i] != NULL)
            end(w->holders[i]);
    ledger_orphan(w->ledger, 0, w->orphans);
    w->orphans = 0;
    expect_sums(w);
    ledger_release(w->ledger);
}

/* ---- tests ---- */

/*
 * Over the maximum by more than the first victim has: when that one is weighed anew, the next in rank is the very
 * connection that wants to grow.
 */
static void L3_the_one_that_grows_is_never_taken_from(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 16; seed++) { /* the victim answers, or ends */
        struct world w;
        world_begin(&w, 512 * KIB, seed);
        struct holder *first = begin(&w, 0, 0), *grower = begin(&w, 1, 1), *small = begin(&w, 2, 2);
        assert_true(grow(first, 200 * KIB));
        assert_true(grow(grower, 100 * KIB));
        assert_true(grow(small, 8 * KIB));
        ledger_set_max(w.ledger, w.max = 64 * KIB); /* or an answer that had to be taken on, whatever there was */
        assert_ptr_equal(model_victim(&w), first);
        assert_false(grow(grower, 50 * KIB));
        assert_int_equal(w.taken_back, 1);
        assert_ptr_equal(w.holders[1], grower);
        assert_int_equal(grower->claim.bytes[LEDGER_READING], 100 * KIB);
        assert_int_equal(small->claim.bytes[LEDGER_READING], 8 * KIB);
        world_end(&w);
    }
}

/* The same by way of what is there already, which is settled and not asked for. */
static void L3_the_one_that_settles_is_never_taken_from(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 16; seed++) {
        struct world w;
        world_begin(&w, 256 * KIB, seed);
        struct holder *first = begin(&w, 0, 0), *grower = begin(&w, 1, 1);
        assert_true(grow(first, 200 * KIB));
        put(grower, LEDGER_WRITING, 40 * KIB);
        put(grower, LEDGER_WORKING, 900 * KIB); /* more than all: first gives back, the rest is let be */
        assert_ptr_equal(w.holders[1], grower);
        assert_int_equal(grower->claim.bytes[LEDGER_WRITING], 40 * KIB);
        world_end(&w);
    }
}

static void random_step(struct world *w)
{
    static const size_t sizes[] = {100, 4 * KIB, 17 * KIB, 64 * KIB, 200 * KIB, 300 * KIB, 1024 * KIB};
    unsigned at = pick(w, HOLDERS);
    struct holder *h = w->holders[at];
    size_t bytes = sizes[pick(w, sizeof sizes / sizeof *sizes)] + pick(w, 1000);
    if (h == NULL) {
        begin(w, at, pick(w, 3) == 0 ? 0 : pick(w, PEERS)); /* one of them is a gateway */
        return;
    }
    switch (pick(w, 10)) {
    case 0:
        end(h);
        break;
    case 1: /* the request is whole */
        bytes = h->claim.bytes[LEDGER_READING];
        set(h, LEDGER_READING, 0);
        put(h, LEDGER_WORKING, h->claim.bytes[LEDGER_WORKING] + bytes);
        break;
    case 2: /* answered */
        set(h, LEDGER_WORKING, 0);
        put(h, LEDGER_WRITING, h->claim.bytes[LEDGER_WRITING] + bytes);
        break;
    case 3: /* and taken */
        put(h, LEDGER_WRITING, 0);
        break;
    case 4: /* gone in the middle of its work, which goes on */
        ledger_orphan(w->ledger, h->claim.bytes[LEDGER_WORKING], 0);
        w->orphans += h->claim.bytes[LEDGER_WORKING];
        end(h);
        break;
    case 5:
        ledger_orphan(w->ledger, 0, w->orphans);
        w->orphans = 0;
        break;
    case 6: /* a reload, or a test, of the maximum */
        ledger_set_max(w->ledger, w->max = (256 + pick(w, 4096)) * KIB);
        break;
    default:
        if (!grow(h, bytes) && pick(w, 2) == 0)
            end(h); /* refused: its own turn */
    }
}

static void L3_any_crowd_is_as_the_model_says(void **state)
{
    (void)state;
    uint64_t taken_back = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct world w;
        world_begin(&w, 1024 * KIB, 0x9E3779B97F4A7C15u * (round + 1));
        for (unsigned step = 0; step < STEPS; step++) {
            random_step(&w);
            expect_sums(&w);
        }
        taken_back += w.taken_back;
        world_end(&w);
    }
    assert_true(taken_back > ROUNDS * STEPS / 100); /* or nothing was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L3_the_one_that_grows_is_never_taken_from),
        cmocka_unit_test(L3_the_one_that_settles_is_never_taken_from),
        cmocka_unit_test(L3_any_crowd_is_as_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
