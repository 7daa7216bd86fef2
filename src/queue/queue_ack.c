/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Ack, any number of times: that SMEV does not find the message among those it waits for says that it knows already.
 * One that was lost, or for which there was no room behind those that SMEV leaves unanswered, is said again
 * (queue_look.c), or answered by another delivery.
 */
#include "queue_private.h"

#include "fault.h"

static void on_acked(void *arg, const struct db_result *r, enum err err)
{
    struct adapter_call *c = arg;
    struct queue_source *s = c->owner;
    (void)r;
    (void)err; /* it is due again */
    s->acking--;
    if (!c->is_in_hand)
        queue_look_left(s, 0); /* a look meanwhile has passed over the row, which was locked */
    adapter_call_free(c);
}

static void ack_done(struct adapter_call *c)
{
    struct queue_source *s = c->owner;
    bool is_known = adapter_call_is_done(c);
    queue_source_heard(s, c);
    queue_refusal_judge(s, c);
    if (is_known)
        s->counts.acks++;
    else
        s->counts.acks_failed++;
    if (!adapter_call_has_left(c)) {
        s->acking--;
        adapter_call_free(c);
        queue_source_go(s);
        return;
    }
    FAULT_POINT(queue_acked);
    struct queue_write *w = queue_write_new(s, c->arena, INBOX_ACKED, on_acked, c);
    queue_write_int(w, c->row_id);
    queue_write_text(w, is_known ? "t" : "f");
    queue_write_text(w, adapter_call_word(c));
    queue_write_text(w, c->endpoint);
    queue_write_octets(w, c->asked);
    queue_write_octets(w, c->answered);
    queue_write_insist(w, QUEUE_OF_USE_US, false);
    if (c->is_in_hand)
        queue_write_begin_late(w);
    else
        queue_write_begin(w);
}

void queue_ack_begin(struct queue_source *s, int64_t inbox_id, const char *ack_id, bool is_left)
{
    if (s->acking >= ADAPTER_ACKS_MAX)
        return;
    struct adapter_call *c = queue_call(s, SMEV3_ACK, ack_done, NULL);
    c->row_id = inbox_id;
    c->is_in_hand = !is_left;
    c->message_id = arena_strdup(c->arena, ack_id);
    s->acking++;
    adapter_call_begin(c);
}
