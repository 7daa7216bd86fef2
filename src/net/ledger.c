/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Sums and lists; every step takes the same time however many connections there are. Allocates peers only. */
#include "ledger.h"

#include "loop.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS    4096
#define EBB_BYTES ((size_t)16 << 20)

struct ledger {
    unsigned owners;
    bool was_full;
    bool is_taking_back; /* somebody is: what he has is weighed anew meanwhile, and that must not make others give back
                          */
    size_t max_bytes;
    size_t held_bytes;
    size_t highest_bytes;
    size_t tide_bytes; /* the most that was held since ledger_has_ebbed() last said yes */
    size_t kinds[LEDGER_KINDS];
    uint64_t taken_back;
    unsigned peers;
    struct ledger_peer *ranks[LEDGER_RANKS];
    struct ledger_peer **ranks_end[LEDGER_RANKS];
    struct ledger_peer *chains[CHAINS];
};

struct ledger *ledger_new(size_t max_bytes)
{
    struct ledger *g = net_alloc(sizeof(*g));
    g->owners = 1;
    g->max_bytes = max_bytes;
    for (unsigned i = 0; i < LEDGER_RANKS; i++)
        g->ranks_end[i] = &g->ranks[i];
    return g;
}

void ledger_set_max(struct ledger *g, size_t max_bytes)
{
    g->max_bytes = max_bytes;
}

void ledger_hold(struct ledger *g)
{
    g->owners++;
}

void ledger_release(struct ledger *g)
{
    if (--g->owners == 0)
        free(g);
}

/* ---- peers ---- */

static struct ledger_peer **chain_of(struct ledger *g, const struct peer_key *key)
{
    uint64_t h = 0;
    memcpy(&h, key->address, sizeof(key->address));
    h = (h + key->family) * 0x9e3779b97f4a7c15ULL;
    return &g->chains[h >> 52];
}

static struct ledger_peer *peer_of(struct ledger *g, const struct peer_key *key)
{
    struct ledger_peer **chain = chain_of(g, key);
    for (struct ledger_peer *p = *chain; p != NULL; p = p->next)
        if (memcmp(&p->key, key, sizeof(*key)) == 0)
            return p;
    struct ledger_peer *p = net_alloc(sizeof(*p));
    p->key = *key;
    for (unsigned i = 0; i < LEDGER_CLASSES; i++)
        for (unsigned k = 0; k < 2; k++)
            p->lists[i][k].last = &p->lists[i][k].first;
    p->next = *chain;
    *chain = p;
    g->peers++;
    return p;
}

static void rank_leave(struct ledger *g, struct ledger_peer *p)
{
    if (p->rank_link == NULL)
        return;
    *p->rank_link = p->rank_next;
    if (p->rank_next != NULL)
        p->rank_next->rank_link = p->rank_link;
    else
        g->ranks_end[p->rank] = p->rank_link;
    p->rank_link = NULL;
}

static unsigned rank_for(size_t bytes)
{
    unsigned rank = 0;
    while (bytes > 1 && rank + 1 < LEDGER_RANKS) {
        bytes >>= 1;
        rank++;
    }
    return rank;
}

static void rank_set(struct ledger *g, struct ledger_peer *p)
{
    unsigned rank = rank_for(p->taken_back_max);
    if (p->taken_back_max > 0 && p->rank_link != NULL && p->rank == rank)
        return;
    rank_leave(g, p);
    if (p->taken_back_max == 0)
        return;
    p->rank = rank;
    p->rank_next = NULL;
    p->rank_link = g->ranks_end[rank];
    *g->ranks_end[rank] = p;
    g->ranks_end[rank] = &p->rank_next;
}

static void peer_drop(struct ledger *g, struct ledger_peer *p)
{
    if (--p->claims > 0)
        return;
    rank_leave(g, p);
    struct ledger_peer **at = chain_of(g, &p->key);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    g->peers--;
    free(p);
}

/* ---- claims ---- */

static size_t takeable(const struct claim *c)
{
    return c->bytes[LEDGER_READING] + c->bytes[LEDGER_WRITING];
}

static struct ledger_list *list_for(struct claim *c)
{
    size_t n = takeable(c);
    unsigned class = n < 16u << 10 ? 0 : n < 64u << 10 ? 1 : n < 256u << 10 ? 2 : 3;
    return n == 0 ? NULL : &c->peer->lists[class][c->bytes[LEDGER_READING] == 0];
}

static void list_leave(struct claim *c)
{
    if (c->link == NULL)
        return;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    else
        c->list->last = c->link;
    c->link = NULL;
    c->list = NULL;
}

static void list_set(struct claim *c)
{
    struct ledger_list *list = list_for(c);
    if (list == c->list)
        return;
    list_leave(c);
    if (list == NULL)
        return;
    c->list = list;
    c->next = NULL;
    c->link = list->last;
    *list->last = c;
    list->last = &c->next;
}

static void held_add(struct ledger *g, enum ledger_kind kind, size_t more, size_t less)
{
    g->kinds[kind] += more - less;
    g->held_bytes += more - less;
    if (g->held_bytes > g->highest_bytes)
        g->highest_bytes = g->held_bytes;
    if (g->held_bytes > g->tide_bytes)
        g->tide_bytes = g->held_bytes;
}

void ledger_join(struct ledger *g, struct claim *c, const struct peer_key *key)
{
    c->ledger = g;
    c->peer = peer_of(g, key);
    c->peer->claims++;
}

void ledger_set(struct claim *c, enum ledger_kind kind, size_t bytes)
{
    if (c->ledger == NULL || c->bytes[kind] == bytes)
        return;
    size_t before = takeable(c);
    held_add(c->ledger, kind, bytes, c->bytes[kind]);
    c->bytes[kind] = bytes;
    c->peer->taken_back_max += takeable(c) - before;
    list_set(c);
    rank_set(c->ledger, c->peer);
}

void ledger_leave(struct claim *c)
{
    if (c->ledger == NULL)
        return;
    for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
        ledger_set(c, (enum ledger_kind)kind, 0);
    peer_drop(c->ledger, c->peer);
    c->ledger = NULL;
}

void ledger_orphan(struct ledger *g, size_t more, size_t less)
{
    held_add(g, LEDGER_WORKING, more, less);
}

/* ---- who gives back ---- */

static struct claim *claim_of_peer(const struct ledger_peer *p)
{
    for (unsigned class = LEDGER_CLASSES; class -- > 0;)
        for (unsigned k = 0; k < 2; k++)
            if (p->lists[class][k].first != NULL)
                return p->lists[class][k].first;
    return NULL;
}

static struct claim *claim_to_take(const struct ledger *g)
{
    for (unsigned rank = LEDGER_RANKS; rank-- > 0;)
        if (g->ranks[rank] != NULL)
            return claim_of_peer(g->ranks[rank]);
    return NULL;
}

bool ledger_make_room(struct claim *c, size_t more)
{
    struct ledger *g = c->ledger;
    while (g != NULL && g->held_bytes + more > g->max_bytes) {
        struct claim *victim = g->is_taking_back ? NULL : claim_to_take(g);
        g->was_full = true;
        if (victim == NULL || victim == c)
            return false;
        g->taken_back++;
        g->is_taking_back = true;
        victim->give_back(victim->arg);
        g->is_taking_back = false;
    }
    return true;
}

void ledger_settle(struct claim *c)
{
    (void)ledger_make_room(c, 0);
}

void ledger_read(const struct ledger *g, struct ledger_sum *out)
{
    *out = (struct ledger_sum){.max_bytes = g->max_bytes,
                               .held_bytes = g->held_bytes,
                               .highest_bytes = g->highest_bytes,
                               .taken_back = g->taken_back,
                               .peers = g->peers};
    memcpy(out->kinds, g->kinds, sizeof(out->kinds));
}

bool ledger_is_full_of_connections(const struct ledger *g)
{
    return g->kinds[LEDGER_FIXED] > g->max_bytes / 2;
}

bool ledger_is_full(const struct ledger *g)
{
    return g->was_full;
}

void ledger_calm(struct ledger *g)
{
    g->was_full = false;
}

bool ledger_has_ebbed(struct ledger *g)
{
    if (g->tide_bytes < EBB_BYTES || g->held_bytes > g->tide_bytes / 4)
        return false;
    g->tide_bytes = g->held_bytes;
    return true;
}
