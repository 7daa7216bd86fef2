/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * An agency's lane: so many rows with the portal at once, behind them as many as it answered in the last second, and
 * whether it is there. When three attempts in a row heard nothing of the portal's, the lane closes; then one row at a
 * time asks whether it is back, after pauses that grow. What the portal says no to is a word of its own: the lane stays
 * open. Over SMEV 3 it closes for failures of the portal's own (error 1), too: they come later, and SMEV's word that it
 * has a message does not say that the portal is well again; only its yes or no does.
 */
#include "push_private.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILED_CLOSES 3
#define PAUSE_MIN_MS  1000U
#define PAUSE_MAX_MS  300000U
#define SECOND_US     ((uint64_t)1000000)

/* ---- lines ---- */

void push_line_init(struct push_line *line)
{
    *line = (struct push_line){.end = &line->first};
}

void push_line_add(struct push_line *line, struct push_row *r)
{
    r->next_waiting = NULL;
    *line->end = r;
    line->end = &r->next_waiting;
    line->n++;
}

struct push_row *push_line_take(struct push_line *line)
{
    struct push_row *r = line->first;
    if (r == NULL)
        return NULL;
    line->first = r->next_waiting;
    if (line->first == NULL)
        line->end = &line->first;
    line->n--;
    return r;
}

/* ---- lanes ---- */

uint64_t push_pause_ms(unsigned nth)
{
    uint32_t ms = PAUSE_MIN_MS;
    for (unsigned i = 1; i < nth && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    if (ms > PAUSE_MAX_MS)
        ms = PAUSE_MAX_MS;
    return ms - ms / 4 + arc4random_uniform(ms / 2 + 1); /* a quarter more or less */
}

struct push_lane *push_lane(struct push *p, const char *agency)
{
    struct push_lane **link = &p->lanes;
    for (; *link != NULL; link = &(*link)->next)
        if (strcmp((*link)->agency, agency) == 0)
            return *link;
    struct push_lane *l = arena_alloc(p->arena, sizeof *l);
    l->agency = arena_strdup(p->arena, agency);
    push_line_init(&l->for_turn);
    *link = l;
    return l;
}

static void lane_count(struct push_lane *l, uint64_t now_us)
{
    if (now_us < l->second_us)
        return;
    l->pace = now_us < l->second_us + SECOND_US ? l->nheard : 0;
    l->nheard = 0;
    l->second_us = now_us + SECOND_US;
}

void push_lane_answered(struct push_lane *l)
{
    lane_count(l, clock_mono_us());
    l->nheard++;
}

bool push_lane_has_turn(const struct push_lane *l, const struct config_push *conf)
{
    return l->nturns < conf->in_flight && l->nturns < CLIENT_PEER_CALLS_MAX;
}

/*
 * With the database many at once are hardly dearer than one. Whoever is taken ahead waits for about a second, so that
 * his lease is not over when it is his turn.
 */
unsigned push_lane_wants(struct push_lane *l, const struct config_push *conf, uint64_t now_us)
{
    if (now_us < l->take_us)
        return 0;
    if (l->closed_us != 0)
        return now_us >= l->closed_us && l->nrows == l->nlocked ? 1 : 0;
    lane_count(l, now_us);
    unsigned most = conf->in_flight + (l->pace < PUSH_AHEAD ? l->pace : PUSH_AHEAD);
    unsigned nrows = l->nrows - l->nlocked;
    return nrows <= most / 2 ? most - nrows : 0; /* not for each one that ends */
}

/* A full batch: there may be more. Agencies do not ask in step. */
void push_lane_took(struct push_lane *l, unsigned wanted, unsigned got)
{
    uint64_t pause_ms = PUSH_IDLE_MS - PUSH_IDLE_MS / 8 + arc4random_uniform(PUSH_IDLE_MS / 4);
    l->take_us = got >= wanted ? 0 : clock_mono_us() + pause_ms * 1000;
}

void push_lane_afresh(struct push_lane *l)
{
    l->take_us = 0;
    if (l->closed_us != 0)
        l->closed_us = 1;
}

/* who: kept it closed. */
static void lane_open(struct push_lane *l, enum push_who who)
{
    l->failed = 0;
    if (l->closed_us == 0)
        return;
    push_tell_recovered(l, who);
    l->closed_us = 0;
    l->take_us = 0;
}

void push_lane_heard(struct push_lane *l)
{
    enum push_who who = push_lane_who(l);
    l->success_s = clock_wall_us() / 1000000;
    l->ill = 0;
    lane_open(l, who);
}

static void lane_count_failure(struct push_lane *l, unsigned *count)
{
    if (clock_mono_us() < l->closed_us)
        return; /* it was on its way when the lane closed */
    ++*count;
    if (*count < FAILED_CLOSES)
        return;
    if (l->closed_us == 0)
        l->since_s = clock_wall_us() / 1000000;
    l->closed_us = clock_mono_us() + push_pause_ms(*count - FAILED_CLOSES + 1) * 1000;
}

void push_lane_failed(struct push_lane *l, enum push_who who, const char *reason)
{
    l->who = who;
    (void)snprintf(l->reason, sizeof l->reason, "%s", reason);
    lane_count_failure(l, &l->failed);
}

void push_lane_ill(struct push_lane *l, const char *reason)
{
    (void)snprintf(l->ill_reason, sizeof l->ill_reason, "%s", reason);
    lane_count_failure(l, &l->ill);
}

bool push_lane_is_ill(const struct push_lane *l)
{
    return l->ill >= FAILED_CLOSES;
}

enum push_who push_lane_who(const struct push_lane *l)
{
    return l->failed < FAILED_CLOSES && push_lane_is_ill(l) ? PUSH_BY_PORTAL : l->who;
}

/* Who asks an ill portal waits for its word, as if it had failed. */
void push_lane_queued(struct push_lane *l)
{
    enum push_who who = push_lane_who(l);
    l->failed = 0;
    if (push_lane_is_ill(l))
        lane_count_failure(l, &l->ill);
    else
        lane_open(l, who);
}

void push_lane_well(struct push_lane *l)
{
    bool was_ill = push_lane_is_ill(l);
    l->success_s = clock_wall_us() / 1000000;
    l->ill = 0;
    if (was_ill && l->failed < FAILED_CLOSES)
        lane_open(l, PUSH_BY_PORTAL);
}
