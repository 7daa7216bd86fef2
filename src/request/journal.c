/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The journal of what needed no transaction of its own: reads, faults, replays. They are answered at once and written
 * in batches, a few times a second or every JOURNAL_BATCH entries; a kill loses at most that much of the *reads'*
 * record, never a booking's. When the batches cannot keep up, new reads wait (journal_is_behind), so that nothing is
 * lost to load. While the database is away faults still come: they wait up to JOURNAL_WAITING_MAX_BYTES; beyond that
 * the oldest is dropped, counted and logged. An entry the database refuses for itself is found by batches of one, and
 * dropped likewise.
 */
#include "request_priv.h"

#include "fault.h"
#include "log.h"

#include <string.h>

#define JOURNAL_BATCH             64
#define JOURNAL_BEHIND_BYTES      (4u << 20)
#define JOURNAL_WAITING_MAX_BYTES (16u << 20)

/* A copy of what the journal needs, so that the request itself can go. */
struct journal_entry {
    struct arena *arena;
    struct journal_entry *next;
    struct booking_message message;
    struct span answer;
    const char *status;
    const char *request_id;
};

struct journal_batch {
    struct live live;
    struct service *service;
    struct db_session *session;
    struct journal_entry *entries[JOURNAL_BATCH];
    unsigned n;
};

/* ---- entries ---- */

static struct span span_copy(struct arena *a, struct span s)
{
    return (struct span){arena_copy(a, s.p, s.n), s.n};
}

static const char *text_or_empty(struct arena *a, const char *s)
{
    return s != NULL ? arena_strdup(a, s) : "";
}

static const char *entry_status(struct arena *a, const struct request *r)
{
    if (r->failed != ERR_OK)
        return error_name(r->failed);
    if (r->outcome.kind == OUTCOME_REPLAY)
        return "replay";
    return arena_printf(a, "error %d", r->reply.error_code);
}

/* A message that failed before it was understood has no method, no sender and no id of its own. */
static void entry_copy_message(struct journal_entry *je, const struct request *r)
{
    struct arena *a = je->arena;
    struct booking_message *to = &je->message;
    const struct booking_message *from = &r->message;
    bool is_fault = r->failed != ERR_OK && error_faultcode(r->failed) != NULL;
    *to = *from;
    to->listener = r->endpoint->conf->name;
    to->channel = from->channel != NULL ? from->channel : "";
    to->peer = text_or_empty(a, r->peer);
    to->sender_code = text_or_empty(a, from->sender_code);
    to->recipient_code = text_or_empty(a, from->recipient_code);
    to->message_id = from->message_id != NULL ? arena_strdup(a, from->message_id) : arena_printf(a, "req:%s", r->id);
    to->method = from->method != NULL ? from->method : "";
    to->verdict = is_fault ? error_name(r->failed) : from->verdict;
    to->portal_time = arena_strdup(a, from->portal_time);
    to->case_number = arena_strdup(a, from->case_number);
    to->body = span_copy(a, r->body);
}

static struct journal_entry *entry_new(const struct request *r)
{
    struct arena *a = arena_new();
    struct journal_entry *je = arena_alloc(a, sizeof *je);
    je->arena = a;
    entry_copy_message(je, r);
    je->answer = span_copy(a, r->answer_octets);
    je->status = entry_status(a, r);
    je->request_id = arena_strdup(a, r->id);
    return je;
}

static void entry_push(struct journal *j, struct journal_entry *je)
{
    je->next = NULL;
    *j->tail = je;
    j->tail = &je->next;
    j->n++;
    j->bytes += arena_size(je->arena);
}

static void entry_push_front(struct journal *j, struct journal_entry *je)
{
    je->next = j->head;
    j->head = je;
    if (je->next == NULL)
        j->tail = &je->next;
    j->n++;
    j->bytes += arena_size(je->arena);
}

static struct journal_entry *entry_pop(struct journal *j)
{
    struct journal_entry *je = j->head;
    if (je == NULL)
        return NULL;
    j->head = je->next;
    if (j->head == NULL)
        j->tail = &j->head;
    j->n--;
    j->bytes -= arena_size(je->arena);
    return je;
}

static void entry_drop(struct service *s, struct journal_entry *je, const char *why)
{
    s->metrics.journal_dropped++;
    log_bounded(LOG_LEVEL_ERROR, LOG_BURST, "journal-dropped", why, "req", je->request_id, "method", je->message.method,
                "reason", why, NULL);
    arena_free(je->arena);
}

/* ---- batches ---- */

/* The end came while it was under way. */
static void batch_cleanup(void *arg)
{
    struct journal_batch *b = arg;
    for (unsigned i = 0; i < b->n; i++)
        entry_drop(b->service, b->entries[i], "stopped before its writing was confirmed");
}

/* Is it the database that is not there, or an entry it will never take? */
static bool is_entry_at_fault(enum err err)
{
    return err == ERR_INTERNAL;
}

static void batch_failed(struct journal_batch *b, enum err err, const struct error *e)
{
    struct service *s = b->service;
    log_bounded(LOG_LEVEL_WARNING, 1, "journal", error_name(err), "error", error_name(err), "detail", e->detail, NULL);
    if (is_entry_at_fault(err) && b->n == 1) {
        entry_drop(s, b->entries[0], error_name(err));
        return;
    }
    for (unsigned i = b->n; i-- > 0;)
        entry_push_front(&s->journal, b->entries[i]);
    if (is_entry_at_fault(err))
        s->journal.alone = b->n;
}

static void batch_end(struct journal_batch *b, enum err err, const struct error *e)
{
    struct service *s = b->service;
    if (b->session != NULL)
        db_release(b->session);
    s->journal.is_busy = false;
    if (s->journal.alone > 0)
        s->journal.alone--;
    if (err != ERR_OK)
        batch_failed(b, err, e);
    else
        for (unsigned i = 0; i < b->n; i++)
            arena_free(b->entries[i]->arena);
    b->n = 0;
    live_end(&b->live);
    reads_release(s);
    bool is_database_there = err == ERR_OK || is_entry_at_fault(err);
    if (is_database_there && (s->journal.n >= JOURNAL_BATCH || s->journal.alone > 0 || s->drained != NULL))
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
    struct journal *j = &b->service->journal;
    if (err != ERR_OK) {
        batch_end(b, err, e);
        return;
    }
    b->session = session;
    struct db_call calls[JOURNAL_BATCH];
    unsigned most = j->alone > 0 ? 1 : JOURNAL_BATCH;
    struct journal_entry *je;
    while (b->n < most && (je = entry_pop(j)) != NULL) {
        b->entries[b->n] = je;
        calls[b->n++] = booking_journal_exchange(&je->message, je->answer, je->status, je->arena);
    }
    if (b->n == 0) { /* the oldest were dropped while we waited */
        batch_end(b, ERR_OK, e);
        return;
    }
    /* One pipeline with one Sync is one implicit transaction. */
    db_send(session, calls, b->n, batch_done, b);
    FAULT_POINT(read_journal_sent);
}

void journal_flush(struct service *s)
{
    if (s->journal.is_busy || s->journal.head == NULL)
        return;
    s->journal.is_busy = true;
    struct arena *a = arena_new();
    struct journal_batch *b = arena_alloc(a, sizeof *b);
    live_begin(s, &b->live, a);
    arena_defer(a, batch_cleanup, b);
    b->service = s;
    db_acquire(s->db, batch_begin, b);
}

bool journal_is_behind(const struct service *s)
{
    return s->journal.bytes > JOURNAL_BEHIND_BYTES;
}

void journal_init(struct journal *j)
{
    *j = (struct journal){0};
    j->tail = &j->head;
}

void journal_fini(struct service *s)
{
    for (struct journal_entry *je; (je = entry_pop(&s->journal)) != NULL;)
        entry_drop(s, je, "stopped before it could be written");
}

void journal_add(const struct request *r)
{
    struct service *s = r->service;
    entry_push(&s->journal, entry_new(r));
    while (s->journal.bytes > JOURNAL_WAITING_MAX_BYTES && s->journal.n > 1) {
        struct journal_entry *oldest = entry_pop(&s->journal);
        if (oldest != NULL)
            entry_drop(s, oldest, "the database is away and the memory for waiting entries is full");
    }
    if (s->journal.n >= JOURNAL_BATCH)
        journal_flush(s);
}
