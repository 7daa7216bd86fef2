/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "turns.h"

#include "loop.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

void turns_init(struct turns *t)
{
    *t = (struct turns){.end = &t->peers};
}

static int by_key(const void *x, const void *y)
{
    return memcmp(x, y, sizeof(struct peer_key));
}

static void circle_append(struct turns *t, struct turns_peer *p)
{
    p->next = NULL;
    p->link = t->end;
    *t->end = p;
    t->end = &p->next;
}

static void circle_remove(struct turns *t, struct turns_peer *p)
{
    *p->link = p->next;
    if (p->next != NULL)
        p->next->link = p->link;
    else
        t->end = p->link;
}

static struct turns_peer *peer_of(struct turns *t, const struct peer_key *key)
{
    void *found = tfind(key, &t->tree, by_key);
    if (found != NULL)
        return *(struct turns_peer **)found;
    struct turns_peer *p = net_alloc(sizeof(*p));
    p->key = *key;
    p->end = &p->first;
    if (tsearch(p, &t->tree, by_key) == NULL)
        abort(); /* no memory: as net_alloc() does */
    circle_append(t, p);
    return p;
}

void turns_join(struct turns *t, struct turn *turn, const struct peer_key *key, void *owner, bool is_first)
{
    struct turns_peer *p = peer_of(t, key);
    *turn = (struct turn){
        .peer = p, .owner = owner, .link = is_first ? &p->first : p->end, .next = is_first ? p->first : NULL};
    *turn->link = turn;
    if (turn->next != NULL)
        turn->next->link = &turn->next;
    else
        p->end = &turn->next;
    p->n++;
    t->waiting++;
}

void turns_leave(struct turns *t, struct turn *turn)
{
    struct turns_peer *p = turn->peer;
    if (p == NULL)
        return;
    *turn->link = turn->next;
    if (turn->next != NULL)
        turn->next->link = turn->link;
    else
        p->end = turn->link;
    turn->peer = NULL;
    t->waiting--;
    if (--p->n > 0)
        return;
    circle_remove(t, p);
    (void)tdelete(p, &t->tree, by_key);
    free(p);
}

void *turns_take(struct turns *t)
{
    struct turns_peer *p = t->peers;
    if (p == NULL)
        return NULL;
    struct turn *turn = p->first;
    circle_remove(t, p);
    circle_append(t, p);
    turns_leave(t, turn);
    return turn->owner;
}
