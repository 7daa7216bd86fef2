/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A tree of peers by key, a heap of them by number, and for each peer lists of its places. Allocates peers only. */
#include "places.h"

#include "loop.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct places_list {
    struct place *first, **last;
};

struct places_peer {
    struct peer_key key; /* first: the tree compares keys */
    unsigned n;          /* places, those in work too */
    unsigned may_give;   /* how many of them could be given up */
    unsigned at;         /* in the heap, from 1; 0: not there */
    struct places_list lists[PLACE_KINDS];
};

void places_fini(struct places *all)
{
    free(all->most);
    *all = (struct places){0};
}

/* ---- who has most ---- */

static void heap_put(struct places *all, unsigned at, struct places_peer *peer)
{
    all->most[at - 1] = peer;
    peer->at = at;
}

static void heap_rise(struct places *all, struct places_peer *peer)
{
    unsigned at = peer->at;
    for (; at > 1 && all->most[at / 2 - 1]->n < peer->n; at /= 2)
        heap_put(all, at, all->most[at / 2 - 1]);
    heap_put(all, at, peer);
}

static void heap_sink(struct places *all, struct places_peer *peer)
{
    unsigned at = peer->at;
    for (unsigned child; (child = 2 * at) <= all->n; at = child) {
        if (child < all->n && all->most[child]->n > all->most[child - 1]->n)
            child++;
        if (all->most[child - 1]->n <= peer->n)
            break;
        heap_put(all, at, all->most[child - 1]);
    }
    heap_put(all, at, peer);
}

static void heap_move(struct places *all, struct places_peer *peer)
{
    if (peer->at == 0)
        return;
    heap_rise(all, peer);
    heap_sink(all, peer);
}

static void heap_add(struct places *all, struct places_peer *peer)
{
    if (all->n == all->room) {
        unsigned room = all->room > 0 ? 2 * all->room : 64;
        struct places_peer **most = net_alloc(room * sizeof(struct places_peer *));
        if (all->n > 0)
            memcpy(most, all->most, all->n * sizeof(struct places_peer *));
        free(all->most);
        all->most = most;
        all->room = room;
    }
    heap_put(all, ++all->n, peer);
    heap_rise(all, peer);
}

static void heap_remove(struct places *all, struct places_peer *peer)
{
    struct places_peer *last = all->most[--all->n];
    if (last != peer) {
        heap_put(all, peer->at, last);
        heap_move(all, last);
    }
    peer->at = 0;
}

/* ---- peers ---- */

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct peer_key));
}

static struct places_peer *peer_find(struct places *all, const struct peer_key *key)
{
    struct places_peer **node = tfind(key, &all->peers, by_key);
    return node == NULL ? NULL : *node;
}

static struct places_peer *peer_get(struct places *all, const struct peer_key *key)
{
    struct places_peer *peer = peer_find(all, key);
    if (peer != NULL)
        return peer;
    peer = net_alloc(sizeof(*peer));
    peer->key = *key;
    for (unsigned kind = 0; kind < PLACE_KINDS; kind++)
        peer->lists[kind].last = &peer->lists[kind].first;
    if (tsearch(peer, &all->peers, by_key) == NULL)
        abort();
    return peer;
}

/* ---- places ---- */

static void list_leave(struct place *p)
{
    struct places_peer *peer = p->peer;
    if (p->kind == PLACE_IN_WORK)
        return;
    *p->link = p->next;
    if (p->next != NULL)
        p->next->link = p->link;
    else
        peer->lists[p->kind].last = p->link;
    p->kind = PLACE_IN_WORK;
    if (--peer->may_give == 0)
        heap_remove(p->all, peer);
}

static void list_join(struct place *p, enum place_kind kind)
{
    struct places_peer *peer = p->peer;
    if (kind == PLACE_IN_WORK)
        return;
    struct places_list *list = &peer->lists[kind];
    p->kind = kind;
    p->next = NULL;
    p->link = list->last;
    *list->last = p;
    list->last = &p->next;
    if (peer->may_give++ == 0)
        heap_add(p->all, peer);
}

void places_join(struct places *all, struct place *p, const struct peer_key *key, void *owner)
{
    *p = (struct place){.all = all, .peer = peer_get(all, key), .owner = owner, .kind = PLACE_IN_WORK};
    p->peer->n++;
    heap_move(all, p->peer);
}

void places_leave(struct place *p)
{
    struct places *all = p->all;
    if (all == NULL)
        return;
    list_leave(p);
    p->all = NULL;
    if (--p->peer->n > 0) {
        heap_move(all, p->peer);
        return;
    }
    (void)tdelete(&p->peer->key, &all->peers, by_key);
    free(p->peer);
}

void places_set(struct place *p, enum place_kind kind)
{
    if (p->all == NULL || p->kind == kind)
        return;
    list_leave(p);
    list_join(p, kind);
}

void places_renew(struct place *p)
{
    enum place_kind kind = p->kind;
    list_leave(p);
    list_join(p, kind);
}

static unsigned places_of(struct places *all, const struct peer_key *key)
{
    const struct places_peer *peer = peer_find(all, key);
    return peer == NULL ? 0 : peer->n;
}

struct place *places_to_give(struct places *all, const struct peer_key *newcomer)
{
    if (all->n == 0 || (newcomer != NULL && all->most[0]->n <= places_of(all, newcomer) + 1))
        return NULL;
    for (unsigned kind = 0; kind < PLACE_KINDS; kind++)
        if (all->most[0]->lists[kind].first != NULL)
            return all->most[0]->lists[kind].first;
    return NULL;
}
