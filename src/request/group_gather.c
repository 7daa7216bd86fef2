/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Who shares a transaction, how many do, and in which order; see group.c. */
#include "group.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of two slots; NULL: none yet. */
static const char *lesser(const char *a, const char *b)
{
    return a == NULL || (b != NULL && strcasecmp(b, a) < 0) ? b : a;
}

/* The first one it takes: the least. Who wants any slot comes last, who wants none first. */
static const char *first_slot(const struct request *r)
{
    const struct booking_request *b = &r->request;
    const char *least = b->timeslot != NULL ? b->timeslot->slot_id : NULL;
    for (unsigned i = 0; i < b->slot_ids.n; i++)
        least = lesser(least, b->slot_ids.items[i]);
    if (least == NULL)
        return "";
    return strcmp(least, "blind_request") == 0 ? "~" : least;
}

static int by_slot(const void *a, const void *b)
{
    const struct request *const *x = a;
    const struct request *const *y = b;
    int order = strcasecmp(first_slot(*x), first_slot(*y));
    return order != 0 ? order : strcmp((*x)->message.message_id, (*y)->message.message_id);
}

static bool is_same_booking(const struct request *a, const struct request *b)
{
    if (strcmp(a->message.message_id, b->message.message_id) == 0)
        return true;
    const char *x = a->request.book_id;
    const char *y = b->request.book_id;
    return x != NULL && y != NULL && strcasecmp(x, y) == 0;
}

static bool group_takes(const struct group *g, const struct request *r)
{
    if (r->is_alone && g->n > 0)
        return false;
    for (unsigned i = 0; i < g->n; i++)
        if (g->members[i]->is_alone || is_same_booking(g->members[i], r))
            return false;
    return true;
}

void group_gather(struct group *g, unsigned wanted)
{
    while (g->n < wanted && g->service->writes.head != NULL && group_takes(g, g->service->writes.head)) {
        struct request *r = queue_pop(&g->service->writes);
        struct error e = {0};
        if (request_is_over(r, &e) != ERR_OK) {
            request_give_up(r, e.code, &e);
            continue;
        }
        if (slow_lane_keeps(r))
            continue;
        r->group = g;
        g->members[g->n++] = r;
    }
    qsort(g->members, g->n, sizeof g->members[0], by_slot);
}

unsigned group_most(const struct service *s)
{
    unsigned n = s->conf->db_connections;
    return n > 2 ? n - 1 : n; /* one is left for reads */
}

/* An even share of those who wait, so that free sessions are used before anybody has to share. */
unsigned group_size(const struct service *s)
{
    unsigned most_groups = group_most(s); /* with this one; those who try in the slow lane may have passed it */
    unsigned sessions = most_groups >= s->groups_in_flight ? most_groups - s->groups_in_flight + 1 : 1;
    unsigned share = (s->writes.n + sessions - 1) / sessions;
    unsigned most = s->conf->db_batch_max < GROUP_MAX ? s->conf->db_batch_max : GROUP_MAX;
    return share < 1 ? 1 : share > most ? most : share;
}
