/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The journal of what needed no transaction of its own: reads, faults, replays. They are answered at once and written
 * in batches, a few times a second or every JOURNAL_BATCH entries; a kill loses at most that much of the *reads'*
 * record, never a booking's. While the database is away entries wait, up to JOURNAL_WAITING_MAX_BYTES; beyond that the
 * oldest is dropped, counted and logged. An entry the database refuses for itself is found by batches of one, and
 * dropped likewise.
 */
#include "request_priv.h"

#include "fault.h"
#include "log.h"

#define JOURNAL_BATCH             64
#define JOURNAL_WAITING_MAX_BYTES (32u << 20)

struct journal_batch {
    struct arena *arena;
    struct service *service;
    struct db_session *session;
    struct request *entries[JOURNAL_BATCH];
    unsigned n;
};

/* A message that failed before it was understood has no message part yet. */
static void journal_complete(struct request *r)
{
    struct booking_message *m = &r->message;
    m->body = r->body;
    if (r->failed != ERR_OK && error_faultcode(r->failed) != NULL)
        m->verdict = error_name(r->failed);
    if (m->message_id == NULL)
        m->message_id = arena_printf(r->arena, "req:%s", r->id);
    if (m->method == NULL)
        m->method = "";
    if (m->sender_code == NULL)
        m->sender_code = "";
    if (m->recipient_code == NULL)
        m->recipient_code = "";
}

static const char *journal_status(const struct request *r)
{
    if (r->failed != ERR_OK)
        return error_name(r->failed);
    if (r->outcome.kind == OUTCOME_REPLAY)
        return "replay";
    return arena_printf(r->arena, "error %d", r->reply.error_code);
}

static void entry_free(struct request *r)
{
    r->service->journal_bytes -= arena_size(r->arena);
    request_free(r);
}

static void entry_drop(struct request *r, const char *why)
{
    r->service->metrics.journal_dropped++;
    log_event(LOG_LEVEL_ERROR, "journal-dropped", "req", r->id, "method", request_method(r), "reason", why, NULL);
    entry_free(r);
}

/* Is it the database that is not there, or an entry it will never take? */
static bool is_entry_at_fault(enum err err)
{
    return err == ERR_INTERNAL;
}

static void batch_failed(struct journal_batch *b, enum err err, const struct error *e)
{
    struct service *s = b->service;
    log_event(LOG_LEVEL_WARNING, "journal", "error", error_name(err), "detail", e->detail, NULL);
    if (is_entry_at_fault(err) && b->n == 1) {
        entry_drop(b->entries[0], error_name(err));
        return;
    }
    for (unsigned i = b->n; i-- > 0;)
        queue_push_front(&s->journal, b->entries[i]);
    if (is_entry_at_fault(err))
        s->journal_alone = b->n;
}

static void batch_end(struct journal_batch *b, enum err err, const struct error *e)
{
    struct service *s = b->service;
    if (b->session != NULL)
        db_release(b->session);
    s->is_journal_busy = false;
    if (s->journal_alone > 0)
        s->journal_alone--;
    if (err != ERR_OK)
        batch_failed(b, err, e);
    else
        for (unsigned i = 0; i < b->n; i++)
            entry_free(b->entries[i]);
    arena_free(b->arena);
    if (s->journal.n >= JOURNAL_BATCH || s->journal_alone > 0 || (s->drained != NULL && err == ERR_OK))
        journal_flush(s);
}

static void batch_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    (void)results;
    (void)n;
    batch_end(arg, err, e);
}

static void batch_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct journal_batch *b = arg;
    if (err != ERR_OK) {
        batch_end(b, err, e);
        return;
    }
    b->session = session;
    if (b->service->journal.head == NULL) {
        batch_end(b, ERR_OK, e);
        return;
    }
    struct db_call calls[JOURNAL_BATCH];
    unsigned most = b->service->journal_alone > 0 ? 1 : JOURNAL_BATCH;
    while (b->n < most && b->service->journal.head != NULL) {
        struct request *r = queue_pop(&b->service->journal);
        b->entries[b->n] = r;
        calls[b->n++] = booking_journal_exchange(&r->message, r->answer_octets, journal_status(r), r->arena);
    }
    /* One pipeline with one Sync is one implicit transaction. */
    db_send(session, calls, b->n, batch_done, b);
    FAULT_POINT(read_journal_sent);
}

void journal_flush(struct service *s)
{
    if (s->is_journal_busy || s->journal.head == NULL)
        return;
    s->is_journal_busy = true;
    struct arena *a = arena_new();
    struct journal_batch *b = arena_alloc(a, sizeof *b);
    b->arena = a;
    b->service = s;
    db_acquire(s->db, batch_begin, b);
}

void journal_add(struct request *r)
{
    struct service *s = r->service;
    journal_complete(r);
    s->journal_bytes += arena_size(r->arena);
    queue_push(&s->journal, r);
    while (s->journal_bytes > JOURNAL_WAITING_MAX_BYTES && s->journal.n > 1)
        entry_drop(queue_pop(&s->journal), "the database is away and the memory for waiting entries is full");
    if (s->journal.n >= JOURNAL_BATCH)
        journal_flush(s);
}
