/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * RequestStatus: whoever has asked is told that the answer takes longer, once, when status_after is over. It is noted
 * before it is sent: lost, refused or killed in between it does no harm, the answer itself is what is owed. When it is
 * signed the row is looked at again: behind the answer nobody is told that there is none. Of this process the answer
 * waits up to five seconds for a RequestStatus that has left; what another one sends meanwhile may overtake it
 * (docs/limits.md).
 */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define SLOW_MOST 8u       /* under way */
#define BEHIND_US 5000000u /* an answer waits for it no longer: what is optional may be overtaken */
#define SLOW_DB   5000000u /* at most so long between two looks, at the least a tenth of status_after */

struct queue_status {
    struct queue_status *next, **link; /* of the source */
    struct adapter_call *call;
    bool is_posted, is_late;  /* late: the answer has left before it */
    uint64_t behind_us;       /* since when that waits */
    struct queue_job *behind; /* its answer, which waits for this; NULL: there is none yet */
};

/* What waited had no place among those that are sent. */
static void go_on(struct queue_job *behind)
{
    behind->source->nbehind--;
    behind->source->sending++;
    queue_send_go_on(behind);
}

static void status_over(struct queue_status *t)
{
    struct queue_source *s = t->call->owner;
    struct queue_job *behind = t->behind;
    *t->link = t->next;
    if (t->next != NULL)
        t->next->link = t->link;
    s->nstatuses--;
    adapter_call_free(t->call);
    if (behind != NULL)
        go_on(behind);
}

static void on_said(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* the log has it */
    status_over(arg);
}

/* SMEV has heard it, or never will: the answer waits for it no more. */
static void let_behind_go(struct queue_status *t)
{
    struct queue_job *behind = t->behind;
    t->behind = NULL;
    t->is_posted = false;
    if (behind != NULL)
        go_on(behind);
}

static void status_done(struct adapter_call *c)
{
    struct queue_status *t = c->arg;
    struct queue_source *s = c->owner;
    bool is_taken = adapter_call_is_good(c);
    if (is_taken)
        s->counts.statuses++;
    else
        log_bounded(LOG_LEVEL_WARNING, 5, "queue-status", s->conf.name, "source", s->conf.name, "error",
                    adapter_call_word(c), "detail", c->error.detail, NULL);
    let_behind_go(t);
    if (!adapter_call_has_left(c)) {
        status_over(t);
        queue_source_go(s);
        return;
    }
    queue_write_exchange(c, is_taken ? "status" : adapter_call_word(c), on_said, t);
}

/* ---- the last look ---- */

static void on_looked(void *arg, const struct db_result *r, enum err err)
{
    struct queue_status *t = arg;
    bool is_still = err == ERR_OK && strcmp(db_text(r, 0, db_column(r, "is_still")), "t") == 0;
    if (!is_still || t->is_late) {
        status_over(t);
        return;
    }
    t->is_posted = true;
    adapter_call_post(t->call);
}

static void status_ready(struct adapter_call *c)
{
    struct queue_write *w = queue_write_new(c->owner, c->arena, INBOX_SLOW_STILL, on_looked, c->arg);
    queue_write_int(w, c->row_id);
    queue_write_begin(w);
}

bool queue_status_is_before(struct queue_source *s, struct queue_job *j)
{
    for (struct queue_status *t = s->statuses; t != NULL; t = t->next) {
        if (t->call->row_id != j->inbox_id)
            continue;
        t->is_late = true;
        if (!t->is_posted)
            return false;
        t->behind = j;
        t->behind_us = clock_mono_us();
        s->sending--;
        s->nbehind++;
        return true;
    }
    return false;
}

static void behind_long(struct queue_source *s)
{
    uint64_t now_us = clock_mono_us();
    for (struct queue_status *t = s->statuses, *next; t != NULL; t = next) {
        next = t->next;
        if (t->behind != NULL && now_us - t->behind_us > BEHIND_US)
            let_behind_go(t);
    }
}

/* ---- who is told ---- */

static void status_begin(struct queue_source *s, const struct db_result *r, unsigned row)
{
    struct adapter_call *c = queue_call(s, SMEV3_SEND_RESPONSE, status_done, NULL);
    struct queue_status *t = arena_alloc(c->arena, sizeof *t);
    char id[UUID_TEXT_SIZE];
    *t = (struct queue_status){.next = s->statuses, .link = &s->statuses, .call = c};
    if (t->next != NULL)
        t->next->link = &t->next;
    s->statuses = t;
    s->nstatuses++;
    c->arg = t;
    c->ready = status_ready;
    if (db_int(r, row, db_column(r, "inbox_id"), &c->row_id, &c->error) != ERR_OK) {
        status_over(t);
        return;
    }
    uuid_v1(id);
    c->message_id = arena_strdup(c->arena, id);
    c->status_to = arena_strdup(c->arena, db_text(r, row, db_column(r, "reply_to")));
    adapter_call_begin(c);
}

static void on_slow(void *arg, const struct db_result *r, enum err err)
{
    struct queue_source *s = arg;
    unsigned n = err == ERR_OK ? db_rows(r) : 0;
    arena_free(s->slow);
    s->slow = NULL;
    if (n > 0 && s->nstatuses + n >= SLOW_MOST)
        s->slow_due_us = 0; /* there may be more */
    for (unsigned i = 0; i < n; i++)
        status_begin(s, r, i);
}

void queue_status_go(struct queue_source *s)
{
    uint64_t now_us = clock_mono_us(), pause_us = s->conf.status_after_ms * 100;
    behind_long(s);
    if (s->conf.status_after_ms == 0 || s->slow != NULL || now_us < s->slow_due_us || s->queues->drained != NULL ||
        s->nstatuses >= SLOW_MOST || queue_source_is_cut_off(s))
        return;
    s->slow_due_us = now_us + (pause_us < SLOW_DB ? pause_us : SLOW_DB);
    s->slow = arena_new_small();
    struct queue_write *w = queue_write_new(s, s->slow, INBOX_SLOW_TAKE, on_slow, s);
    queue_write_text(w, s->conf.name);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, smev3_namespaces(s->version)->version);
    queue_write_int(w, SLOW_MOST - s->nstatuses);
    queue_write_text(w, arena_printf(s->slow, "%" PRIu64 " ms", s->conf.status_after_ms));
    queue_write_begin(w);
}
