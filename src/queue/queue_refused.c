/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the queue gave and SMEV has not signed, or nobody can read (docs/decisions/0331, 0334). None of it is a request,
 * all of it is told and kept apart, and none of it is acknowledged: who signed it may be somebody that our
 * configuration has forgotten, and what is broken may have been broken on the way. By which id it goes is anybody's
 * word, so that it is not to come again is a person's decision (queue_unread.c).
 */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define UNTRUSTED_US 1200000000u /* SMEV delivers again after 15 minutes */

/* ---- what it is ---- */

bool queue_is_untrusted_over(const struct queue_source *s)
{
    return clock_mono_us() - s->untrusted_us > UNTRUSTED_US;
}

struct queue_broken *queue_broken_find(struct queue_broken rows[QUEUE_BROKEN_MAX], const char *id)
{
    struct queue_broken *oldest = rows;
    for (struct queue_broken *b = rows; b < rows + QUEUE_BROKEN_MAX; b++) {
        if (strcmp(b->id, id) == 0)
            return b;
        if (b->seen_us < oldest->seen_us)
            oldest = b;
    }
    *oldest = (struct queue_broken){0};
    (void)snprintf(oldest->id, sizeof oldest->id, "%s", id);
    return oldest;
}

/* ---- it is kept apart ---- */

/* What is held in memory for it is; there may be more of them behind. */
static void refused_over(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    s->refusing--;
    adapter_call_free(c);
    queue_source_go(s);
}

static void on_refused(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* the log has it */
    refused_over(arg);
}

/* Who may be a stranger fills no disk: what comes beyond is counted, and that it is so is said once a day. */
static bool is_kept(struct queue_source *s, const struct adapter_call *c)
{
    if (adapter_day_takes(&s->refused, c))
        return true;
    if (s->refused.beyond == 1)
        log_event(LOG_LEVEL_ERROR, "queue-refused", "source", s->conf.name, "trouble",
                  "more than is kept of a day: what comes is only counted", NULL);
    s->counts.unkept++;
    return false;
}

static void keep_apart(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    if (is_kept(s, c))
        queue_write_refused(c, adapter_call_word(c), on_refused, c);
    else
        refused_over(c);
}

static void on_unread(void *arg, const struct db_result *r, enum err err)
{
    struct adapter_call *c = arg;
    struct queue_source *s = c->owner;
    (void)r;
    if (err == ERR_OK)
        s->queues->state_due_us = 0; /* told at once */
    keep_apart(c);
}

void queue_refused_begin(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    s->counts.refused++;
    s->refusing++;
    /* what names no message is told as the queue's fault; here, that the exchange is kept */
    log_bounded(c->is_claimed ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, 5, "queue-refused", s->conf.name, "source",
                s->conf.name, "message", c->claimed_id != NULL ? c->claimed_id : "?", "error", adapter_call_word(c),
                "detail", c->error.detail, NULL);
    if (!c->is_claimed || adapter_is_by_stranger(c)) {
        keep_apart(c);
        return;
    }
    struct queue_write *w = queue_write_new(s, c->arena, INBOX_UNREAD, on_unread, c);
    queue_write_text(w, s->conf.name);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, c->claimed_id);
    queue_write_text(w, adapter_call_word(c));
    queue_write_begin(w);
}
