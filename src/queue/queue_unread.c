/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Messages that nobody can read or believe, and that somebody has given up by hand (admin.inbox_unread_give_up): SMEV
 * is told that they are not accepted, until it has heard it. Killed in between: it is due again in a minute.
 */
#include "queue_private.h"

#include "log.h"

#define SAY_MOST  8u
#define SAY_AGAIN "60 s"
#define NOT_TAKEN "Ack accepted=false"

static void say_over(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    s->rejecting--;
    adapter_call_free(c);
}

static void on_journalled(void *arg, const struct db_result *r, enum err err)
{
    (void)r;
    (void)err; /* who decided it, and that SMEV knows, stands already */
    say_over(arg);
}

static void on_noted(void *arg, const struct db_result *r, enum err err)
{
    struct adapter_call *c = arg;
    (void)r;
    (void)err; /* unsaid: it is due again */
    queue_write_refused(c, NOT_TAKEN, on_journalled, c);
}

static void said(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    bool is_known = adapter_call_is_done(c);
    log_event(is_known ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, "queue-rejected", "source", s->conf.name, "message",
              c->message_id, "smev", adapter_call_word(c), NULL);
    if (!is_known) {
        s->counts.acks_failed++;
        if (adapter_call_has_left(c)) {
            queue_write_refused(c, NOT_TAKEN, on_journalled, c);
            return;
        }
        say_over(c);
        queue_source_go(s);
        return;
    }
    s->counts.rejected++;
    struct queue_write *w = queue_write_new(s, c->arena, INBOX_UNREAD_SAID, on_noted, c);
    queue_write_text(w, s->conf.agency);
    queue_write_text(w, c->message_id);
    queue_write_begin(w);
}

static void on_due(void *arg, const struct db_result *r, enum err err)
{
    struct queue_source *s = arg;
    unsigned n = err == ERR_OK ? db_rows(r) : 0;
    arena_free(s->saying);
    s->saying = NULL;
    s->standing.to_say = 0; /* asked for again with the next state */
    for (unsigned i = 0; i < n; i++) {
        struct adapter_call *c = queue_call(s, SMEV3_ACK, said, NULL);
        c->message_id = arena_strdup(c->arena, db_text(r, i, db_column(r, "message_id")));
        c->is_rejecting = true;
        s->rejecting++;
        adapter_call_begin(c);
    }
}

void queue_unread_say(struct queue_source *s)
{
    if (s->standing.to_say == 0 || s->saying != NULL || s->rejecting > 0 || s->is_retired ||
        s->queues->drained != NULL || queue_source_is_cut_off(s))
        return;
    s->saying = arena_new_small();
    struct queue_write *w = queue_write_new(s, s->saying, INBOX_UNREAD_TAKE, on_due, s);
    queue_write_text(w, s->conf.agency);
    queue_write_int(w, SAY_MOST);
    queue_write_text(w, SAY_AGAIN);
    queue_write_begin(w);
}
