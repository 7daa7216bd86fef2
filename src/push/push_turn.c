/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Turns with a portal. Rows are taken and made ahead of theirs, and kept when it has come: what is kept leaves at once,
 * so that there is no waiting in which somebody else could have sent it, and the next of its booking.
 */
#include "push_private.h"

#include "clock.h"

#define LOCKED_FIRST_US 100000u  /* a taker of ours may have it for a moment; */
#define LOCKED_NEXT_US  2000000u /* who sits at a console has it for long */

void push_row_leave_turn(struct push_row *r)
{
    r->lane->nturns -= r->has_turn;
    r->has_turn = false;
}

static void row_keep(struct push_row *r)
{
    r->step = PUSH_KEEP;
    r->has_turn = true;
    r->lane->nturns++;
    push_line_add(&r->push->for_database, r);
}

bool push_row_fits_lease(const struct push_row *r)
{
    return clock_mono_us() + r->way.conf->timeout_ms * 1000 < r->lease_us;
}

/* Of a lane that is closed one asks whether the portal is there, and nobody else waits for it here. */
static bool row_is_out(const struct push_row *r)
{
    const struct push_lane *l = r->lane;
    bool is_closed = l->closed_us != 0 && (l->nrows - l->nlocked > 1 || clock_mono_us() < l->closed_us);
    return r->push->is_draining || is_closed || !push_row_fits_lease(r);
}

static void lane_go(struct push_lane *l)
{
    struct push_row *r;
    while ((r = l->for_turn.first) != NULL) {
        bool is_out = row_is_out(r);
        if (!is_out && !push_lane_has_turn(l, r->way.conf))
            return;
        (void)push_line_take(&l->for_turn);
        if (is_out)
            push_row_give_back(r);
        else
            row_keep(r);
    }
}

void push_lanes_go(struct push *p)
{
    for (struct push_lane *l = p->lanes; l != NULL; l = l->next)
        lane_go(l);
}

/* ---- somebody holds it ---- */

void push_row_locked(struct push_row *r)
{
    struct push *p = r->push;
    uint64_t now_us = clock_mono_us();
    if (r->was_locked)
        db_locked_seen(&p->locked);
    if (p->is_draining || now_us >= r->lease_us) {
        push_row_end(r); /* its lease ends, and the same octets are sent again */
        return;
    }
    push_row_leave_turn(r);
    r->due_us = now_us + (r->was_locked ? LOCKED_NEXT_US : LOCKED_FIRST_US);
    r->was_locked = true;
    r->lane->nlocked++;
    push_line_add(&p->for_holder, r);
}

void push_rows_locked_go(struct push *p)
{
    for (unsigned i = 0, n = p->for_holder.n; i < n; i++) {
        struct push_row *r = push_line_take(&p->for_holder);
        if (clock_mono_us() < r->due_us && !p->is_draining) {
            push_line_add(&p->for_holder, r);
            continue;
        }
        r->lane->nlocked--;
        if (r->step == PUSH_KEEP) {
            r->step = PUSH_WAIT;
            push_line_add(&r->lane->for_turn, r);
        } else {
            push_line_add(&p->for_database, r);
        }
    }
}

void push_row_wait(struct push_row *r)
{
    r->step = PUSH_WAIT;
    push_line_add(&r->lane->for_turn, r);
    push_go(r->push);
}
