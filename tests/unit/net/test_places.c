/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, L3: whose place is given up, by itself and without a network. Beside the heap and the lists a model keeps plain
 * arrays and looks through everything; then a door is simulated at which peers of any greed come and go.
 */
#include "net/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define HOLDERS 96
#define PEERS   9
#define ROUNDS  40
#define STEPS   3000

struct holder {
    struct place place;
    bool is_in;
    unsigned peer;
    enum place_kind kind;
    uint64_t since; /* it came into its list */
};

struct world {
    struct places places;
    struct holder holders[HOLDERS];
    uint64_t now, seed;
};

static unsigned pick(struct world *w, unsigned n)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return (unsigned)(w->seed % n);
}

static struct peer_key key_of(unsigned peer)
{
    return (struct peer_key){.family = 2, .address = {127, 0, 0, (unsigned char)peer}};
}

/* ---- the model ---- */

static unsigned model_has(const struct world *w, unsigned peer)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HOLDERS; i++)
        n += w->holders[i].is_in && w->holders[i].peer == peer;
    return n;
}

static const struct holder *model_oldest(const struct world *w, unsigned peer)
{
    const struct holder *found = NULL;
    for (unsigned i = 0; i < HOLDERS; i++) {
        const struct holder *h = &w->holders[i];
        if (h->is_in && h->peer == peer && h->kind != PLACE_IN_WORK &&
            (found == NULL || h->kind < found->kind || (h->kind == found->kind && h->since < found->since)))
            found = h;
    }
    return found;
}

/* What the peers have that could give one up, at most. */
static unsigned model_most(const struct world *w)
{
    unsigned most = 0;
    for (unsigned p = 0; p < PEERS; p++)
        if (model_oldest(w, p) != NULL && model_has(w, p) > most)
            most = model_has(w, p);
    return most;
}

static struct holder *expect_to_give(struct world *w, unsigned newcomer)
{
    struct peer_key key = key_of(newcomer);
    struct place *p = places_to_give(&w->places, &key);
    if (model_most(w) <= model_has(w, newcomer) + 1) {
        assert_null(p);
        return NULL;
    }
    assert_non_null(p);
    struct holder *h = p->owner;
    assert_int_equal(model_has(w, h->peer), model_most(w));
    assert_ptr_equal(h, model_oldest(w, h->peer));
    return h;
}

/* Of a newcomer who is nobody: whoever has most gives. */
static void expect_somebody_to_give(struct world *w)
{
    struct place *p = places_to_give(&w->places, NULL);
    assert_true((p != NULL) == (model_most(w) > 0));
    if (p == NULL)
        return;
    const struct holder *h = p->owner;
    assert_int_equal(model_has(w, h->peer), model_most(w));
    assert_ptr_equal(h, model_oldest(w, h->peer));
}

/* ---- what connections do ---- */

static void begin(struct world *w, struct holder *h, unsigned peer)
{
    struct peer_key key = key_of(peer);
    places_join(&w->places, &h->place, &key, h);
    *h = (struct holder){.place = h->place, .is_in = true, .peer = peer, .kind = PLACE_IN_WORK};
}

static void turn(struct world *w, struct holder *h, enum place_kind kind)
{
    places_set(&h->place, kind);
    if (h->kind != kind)
        h->since = ++w->now;
    h->kind = kind;
}

static void end(struct holder *h)
{
    places_leave(&h->place);
    places_leave(&h->place);
    h->is_in = false;
    memset(&h->place, 0, sizeof h->place);
}

static void world_begin(struct world *w, uint64_t seed)
{
    *w = (struct world){.seed = seed};
}

static void world_end(struct world *w)
{
    for (unsigned i = 0; i < HOLDERS; i++)
        if (w->holders[i].is_in)
            end(&w->holders[i]);
    assert_null(w->places.peers);
    assert_int_equal(w->places.n, 0);
    places_fini(&w->places);
}

static void random_step(struct world *w)
{
    struct holder *h = &w->holders[pick(w, HOLDERS)];
    if (!h->is_in) {
        begin(w, h, pick(w, 3) == 0 ? 0 : pick(w, PEERS));
        return;
    }
    unsigned what = pick(w, 8);
    if (what == 0) {
        end(h);
    } else if (what == 1 && h->kind != PLACE_IN_WORK) {
        places_renew(&h->place);
        h->since = ++w->now;
    } else {
        turn(w, h, (enum place_kind)pick(w, PLACE_KINDS + 1));
    }
}

/* ---- tests ---- */

static void L3_any_crowd_is_as_the_model_says(void **state)
{
    (void)state;
    unsigned given = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        static struct world w;
        world_begin(&w, 0x9E3779B97F4A7C15u * (round + 1));
        for (unsigned step = 0; step < STEPS; step++) {
            random_step(&w);
            expect_somebody_to_give(&w);
            struct holder *h = expect_to_give(&w, pick(&w, PEERS));
            if (h != NULL && pick(&w, 4) == 0) {
                end(h);
                given++;
            }
        }
        world_end(&w);
    }
    assert_true(given > ROUNDS * STEPS / 20); /* or nothing was tried */
}

static struct holder *free_holder(struct world *w, unsigned max)
{
    for (unsigned i = 0; i < max; i++)
        if (!w->holders[i].is_in)
            return &w->holders[i];
    return NULL;
}

/* As accept.c: false: turned away. */
static bool come(struct world *w, unsigned max, unsigned peer)
{
    struct holder *h = free_holder(w, max);
    if (h == NULL) {
        h = expect_to_give(w, peer);
        if (h == NULL)
            return false;
        assert_int_not_equal(h->peer, peer);
        assert_int_not_equal(h->kind, PLACE_IN_WORK);
        end(h);
    }
    begin(w, h, peer);
    return true;
}

/*
 * A door of some places, one peer that takes all it can get and renews it, others that want a few: whoever wants not
 * more than his share gets and keeps it; nobody loses what is in work; alone the greedy one has everything.
 */
static void L1_L3_one_greedy_peer_keeps_nobody_out(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        static struct world w;
        world_begin(&w, 0x9E3779B97F4A7C15u * (round + 77));
        unsigned max = 20 + pick(&w, HOLDERS - 20), others = 1 + pick(&w, PEERS - 1);
        unsigned share = max / (others + 1) - 1;
        while (come(&w, max, 0))
            turn(&w, &w.holders[model_has(&w, 0) - 1], PLACE_IDLE);
        assert_int_equal(model_has(&w, 0), max);
        for (unsigned step = 0; step < 600; step++) {
            unsigned peer = 1 + pick(&w, others);
            if (pick(&w, 2) == 0 || model_has(&w, peer) >= share)
                (void)come(&w, max, 0);
            else
                assert_true(come(&w, max, peer));
            for (unsigned i = 0; i < max; i++)
                if (w.holders[i].is_in && w.holders[i].kind == PLACE_IN_WORK)
                    turn(&w, &w.holders[i], PLACE_IDLE);
        }
        for (unsigned p = 1; p <= others; p++) {
            while (model_has(&w, p) < share)
                assert_true(come(&w, max, p));
            assert_int_equal(model_has(&w, p), share); /* none was taken */
        }
        world_end(&w);
    }
}

/* What is in work stays, whoever comes; and two that are equal take nothing from each other. */
static void L3_what_is_in_work_stays(void **state)
{
    (void)state;
    static struct world w;
    world_begin(&w, 5);
    for (unsigned i = 0; i < 10; i++)
        begin(&w, &w.holders[i], 0);
    assert_null(expect_to_give(&w, 1));
    turn(&w, &w.holders[7], PLACE_UNTAKEN);
    assert_ptr_equal(expect_to_give(&w, 1), &w.holders[7]);
    turn(&w, &w.holders[8], PLACE_UNFINISHED);
    assert_ptr_equal(expect_to_give(&w, 1), &w.holders[8]);
    turn(&w, &w.holders[9], PLACE_IDLE);
    assert_ptr_equal(expect_to_give(&w, 1), &w.holders[9]);
    for (unsigned i = 10; i < 19; i++) {
        assert_non_null(expect_to_give(&w, 1));
        begin(&w, &w.holders[i], 1);
    }
    assert_null(expect_to_give(&w, 1)); /* ten and nine: to take one would turn it round */
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L3_any_crowd_is_as_the_model_says),
        cmocka_unit_test(L1_L3_one_greedy_peer_keeps_nobody_out),
        cmocka_unit_test(L3_what_is_in_work_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
