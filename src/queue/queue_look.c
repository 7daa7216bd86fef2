/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is due in the inbox: messages to be worked on, answers to be sent, Acks that SMEV has not heard. One look is one
 * round trip; there is one at a time for each queue, and the next is at once while there is more.
 */
#include "queue_private.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define LOOK_PATIENCE_US 8000000u
#define LOOK_VALUES      6

enum look_part { LOOK_WORK, LOOK_SEND, LOOK_ACK, LOOK_PARTS };

struct look {
    struct arena *arena;
    struct queue_source *source;
    struct db_session *session;
    unsigned wanted[LOOK_PARTS], n;
    enum look_part parts[LOOK_PARTS]; /* those that are asked about, in order */
};

/* ---- rows ---- */

static const char *text_of(struct arena *a, const struct db_result *r, unsigned row, const char *name)
{
    return arena_strdup(a, db_text(r, row, db_column(r, name)));
}

static enum err row_numbers(struct queue_job *j, const struct db_result *r, unsigned row)
{
    enum err err = db_int(r, row, db_column(r, "inbox_id"), &j->inbox_id, &j->error);
    return err == ERR_OK ? db_int(r, row, db_column(r, "attempt"), &j->attempt, &j->error) : err;
}

/* Rows are ours by their types: what cannot be read is our mistake, and told; its lease ends. */
static bool row_is_bad(struct queue_job *j, enum err err)
{
    if (err == ERR_OK)
        return false;
    log_event(LOG_LEVEL_ERROR, "queue-row", "source", j->source->conf.name, "detail", j->error.detail, NULL);
    queue_job_free(j);
    return true;
}

static void take_work(struct queue_source *s, const struct db_result *r, unsigned row)
{
    struct queue_job *j = queue_job_new(s);
    enum err err = row_numbers(j, r, row);
    if (err == ERR_OK)
        err = db_bytes(j->arena, r, row, db_column(r, "octets"), &j->octets, &j->error);
    if (row_is_bad(j, err))
        return;
    j->reply_to = text_of(j->arena, r, row, "reply_to");
    j->refusal = text_of(j->arena, r, row, "refusal");
    queue_work_begin(j);
}

static void take_send(struct queue_source *s, const struct db_result *r, unsigned row)
{
    struct queue_job *j = queue_job_new(s);
    enum err err = row_numbers(j, r, row);
    if (err == ERR_OK)
        err = db_bytes(j->arena, r, row, db_column(r, "answer"), &j->answer, &j->error);
    if (err == ERR_OK)
        err = db_int(r, row, db_column(r, "sending"), &j->sending, &j->error);
    if (row_is_bad(j, err))
        return;
    j->answer_id = text_of(j->arena, r, row, "answer_id");
    j->is_afresh = *db_text(r, row, db_column(r, "afresh")) == 't';
    j->is_spent = *db_text(r, row, db_column(r, "is_spent")) == 't';
    queue_send_begin(j);
}

static void take_ack(struct queue_source *s, const struct db_result *r, unsigned row)
{
    int64_t id = 0;
    struct error e = {0};
    if (db_int(r, row, db_column(r, "inbox_id"), &id, &e) != ERR_OK)
        log_event(LOG_LEVEL_ERROR, "queue-row", "source", s->conf.name, "detail", e.detail, NULL);
    else
        queue_ack_begin(s, id, db_text(r, row, db_column(r, "ack_id")), true);
}

static void take_rows(struct look *k, enum look_part part, const struct db_result *r)
{
    static void (*const takes[LOOK_PARTS])(struct queue_source *, const struct db_result *, unsigned) = {
        [LOOK_WORK] = take_work, [LOOK_SEND] = take_send, [LOOK_ACK] = take_ack};
    unsigned n = db_rows(r);
    if (n > 0 && n == k->wanted[part])
        queue_look_left(k->source, 0); /* there may be more */
    if (n > 0 && n == k->wanted[part] && part == LOOK_ACK)
        k->source->unacked_due_us = 0;
    for (unsigned i = 0; i < n; i++)
        takes[part](k->source, r, i);
}

/* ---- the look ---- */

static void look_end(struct look *k)
{
    struct queue_source *s = k->source;
    if (k->session != NULL)
        db_release(k->session);
    s->is_looking = false;
    s->look = NULL;
    s->queues->looks--;
    arena_free(k->arena);
}

static void on_rows(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct look *k = arg;
    struct queue_source *s = k->source;
    queue_database_said(s->queues, err, e);
    if (err == ERR_OK && k->wanted[LOOK_WORK] > 0 && k->wanted[LOOK_SEND] > 0)
        s->is_behind = false; /* unless a row says otherwise */
    for (unsigned i = 0; err == ERR_OK && i < n; i++)
        take_rows(k, k->parts[i], results[i]);
    look_end(k);
    queue_source_go(s);
}

/* What has this section's agency, and, where an answer is made or sent, its version: a row of before a change of the
 * section is another's, or nobody's. */
static void look_call(struct look *k, enum look_part part, struct db_call *call, const char *values[LOOK_VALUES])
{
    static const enum inbox_door doors[LOOK_PARTS] = {
        [LOOK_WORK] = INBOX_TAKE, [LOOK_SEND] = INBOX_UNSENT_TAKE, [LOOK_ACK] = INBOX_UNACKED};
    const struct queue_source *s = k->source;
    const struct inbox_text *door = &inbox_texts[doors[part]];
    unsigned n = 0;
    values[n++] = s->conf.name;
    values[n++] = s->conf.agency;
    if (part != LOOK_ACK)
        values[n++] = smev3_namespaces(s->version)->version;
    values[n++] = arena_printf(k->arena, "%u", k->wanted[part]);
    if (part != LOOK_ACK)
        values[n++] = s->queues->owner;
    values[n++] = part == LOOK_ACK    ? "60 s"
                  : part == LOOK_WORK ? queue_work_lease(s, k->arena)
                                      : queue_send_lease(s, k->arena);
    *call = (struct db_call){.sql = door->sql, .nparams = door->nparams, .values = values};
    k->parts[k->n++] = part;
}

static void on_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct look *k = arg;
    struct db_call calls[LOOK_PARTS];
    const char *values[LOOK_PARTS][LOOK_VALUES];
    const struct db_patience patience = {.lock_ms = DB_LOCK_MS, .until_us = clock_mono_us() + LOOK_PATIENCE_US};
    (void)e;
    k->session = session;
    if (err != ERR_OK) {
        look_end(k);
        return;
    }
    for (enum look_part part = 0; part < LOOK_PARTS; part++)
        if (k->wanted[part] > 0)
            look_call(k, part, &calls[k->n], values[part]);
    db_send_within(session, patience, calls, k->n, on_rows, k);
}

static unsigned left(unsigned most, unsigned used)
{
    return used < most ? most - used : 0;
}

/* Who cannot reach SMEV takes an answer at a time, to see, and no Acks: another daemon may reach it. */
static void look_wants(struct queue_source *s, unsigned wanted[LOOK_PARTS])
{
    unsigned most = s->conf.in_flight, room = request_queue_room(s->queues->service);
    bool is_cut_off = queue_source_is_cut_off(s);
    wanted[LOOK_WORK] = left(most, s->working + s->taking);
    if (wanted[LOOK_WORK] > room)
        wanted[LOOK_WORK] = room;
    wanted[LOOK_SEND] = left(is_cut_off ? 1 : most, s->sending + s->to_send);
    if (!is_cut_off && s->acking < most && clock_mono_us() >= s->unacked_due_us) {
        wanted[LOOK_ACK] = left(most, s->acking);
        s->unacked_due_us = clock_mono_us() + QUEUE_UNACKED_US;
    }
}

void queue_look_soon(struct queue_source *s)
{
    if (s->is_behind)
        s->look_due_us = 0;
}

void queue_look_left(struct queue_source *s, uint64_t in_us)
{
    uint64_t due_us = clock_mono_us() + in_us;
    s->is_behind = true;
    if (due_us < s->look_due_us)
        s->look_due_us = due_us;
}

void queue_look_begin(struct queue_source *s)
{
    unsigned wanted[LOOK_PARTS] = {0};
    struct queues *q = s->queues;
    if (q->looks >= QUEUE_LOOKS_MAX)
        return;
    look_wants(s, wanted);
    if (wanted[LOOK_WORK] + wanted[LOOK_SEND] + wanted[LOOK_ACK] == 0)
        return; /* whoever ends something comes here again */
    struct arena *a = arena_new_small();
    struct look *k = arena_alloc(a, sizeof *k);
    k->arena = a;
    k->source = s;
    memcpy(k->wanted, wanted, sizeof wanted);
    s->is_looking = true;
    s->look = a;
    s->look_due_us = clock_mono_us() + QUEUE_LOOK_US;
    q->looks++;
    db_acquire(q->db, on_session, k);
}
