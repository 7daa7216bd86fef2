/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Reads: one statement each, in no transaction. In the order of time:
 *
 *   wait     reads_enqueue(): until there is memory for the answer, and a session to be asked for
 *   handle   read_try(): the session is here, the statement is sent
 *   rows     read_done(): the rows have come and are kept, the session is given back; when there is memory for
 *            what they become, a worker makes the answer of them
 *
 * An answer may be large and stays in memory until the journal has it. So a read takes a ticket: as many bytes as the
 * answers of its method had of late, put right as soon as the size is known and given back when the answer has left.
 * All tickets together are bounded (limits.answers_max); who finds no room waits in the order of coming, at most until
 * its time is over. Short answers do not wait behind long ones: an eighth of the room is left to them, and they and the
 * others are let in by turns. An estimate may be too small: no more than twice as many as there are sessions are let in
 * at once, and whose rows turn out to become more than there is room for is held, with its rows, before anybody else is
 * let in.
 */
#include "request_private.h"

#include "fault.h"

#define READ_LEAST_BYTES (64u << 10)
/* An answer takes at most so many times the bytes of its rows; that of getSlots repeats what its rows tell in lists,
 * and then what these lists share (booking_shared_bytes()). */
#define ROWS_TIMES       3
#define LISTS_TIMES      24

static void read_begin(void *arg, struct db_session *session, enum err err, const struct error *e);
static void read_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e);

/* ---- wait: at the gate ---- */

void reads_init(struct reads *q)
{
    *q = (struct reads){0};
    queue_init(&q->small);
    queue_init(&q->waiting);
    queue_init(&q->held);
}

static size_t read_estimate(const struct request *r)
{
    size_t estimate = r->service->reads.estimate_bytes[r->op - booking_ops];
    return estimate > READ_LEAST_BYTES ? estimate : READ_LEAST_BYTES;
}

/* As its method's answers were of late. */
static bool read_is_small(const struct request *r)
{
    return read_estimate(r) == READ_LEAST_BYTES;
}

/* There is memory for an answer of so many bytes. One that needs more than all the room is made when there are only
 * short ones beside it. */
static bool reads_have_room(const struct service *s, size_t bytes)
{
    size_t taken = s->reads.taken_bytes, most = s->conf->answers_max_bytes, kept = most / 8;
    if (bytes <= READ_LEAST_BYTES)
        return taken == 0 || taken + bytes <= most;
    return taken <= kept || taken + bytes <= most - kept;
}

static void read_take_ticket(struct request *r)
{
    if (r->ticket_bytes > 0)
        return;
    r->ticket_bytes = read_estimate(r);
    r->service->reads.taken_bytes += r->ticket_bytes;
}

static void read_let_in(struct request *r)
{
    struct service *s = r->service;
    read_take_ticket(r);
    s->reads.begun++;
    r->is_let_in = true;
    db_acquire_until(s->db, request_until_us(r), read_begin, r);
}

static void reads_start_held(struct service *s)
{
    struct reads *q = &s->reads;
    while (q->held.head != NULL && reads_have_room(s, q->held.head->held_bytes)) {
        struct request *r = queue_pop(&q->held);
        r->ticket_bytes = r->held_bytes;
        q->taken_bytes += r->ticket_bytes;
        request_resume(r, STEP_NEXT);
    }
}

/* Who is let in next, taken out of its queue: short and long answers by turns, long ones behind those that are held.
 * NULL: nobody. */
static struct request *reads_next(struct service *s)
{
    struct reads *q = &s->reads;
    if (q->begun >= 2 * s->conf->db_connections)
        return NULL;
    /* What their methods' answers are taken for may have changed since they came. */
    while (q->small.head != NULL && !read_is_small(q->small.head))
        queue_push(&q->waiting, queue_pop(&q->small));
    while (q->waiting.head != NULL && read_is_small(q->waiting.head))
        queue_push(&q->small, queue_pop(&q->waiting));
    for (unsigned tries = 0; tries < 2; tries++) {
        struct request_queue *at = q->is_small_next ? &q->small : &q->waiting;
        bool may_go = at == &q->small || q->held.head == NULL;
        q->is_small_next = !q->is_small_next;
        if (may_go && at->head != NULL && reads_have_room(s, read_estimate(at->head)))
            return queue_pop(at);
    }
    return NULL;
}

void reads_start(struct service *s)
{
    struct request *r;
    reads_start_held(s);
    while ((r = reads_next(s)) != NULL)
        if (!slow_lane_keeps(r))
            read_let_in(r);
}

static struct request_queue *read_gate(struct request *r)
{
    return read_is_small(r) ? &r->service->reads.small : &r->service->reads.waiting;
}

void reads_enqueue(struct request *r)
{
    queue_push(read_gate(r), r);
    reads_start(r->service);
}

void reads_enqueue_first(struct request *r)
{
    queue_push_front(read_gate(r), r);
    reads_start(r->service);
}

/* Another may be let in. One that came from the slow lane was not let in here. */
static void read_ended(struct request *r)
{
    if (!r->is_let_in)
        return;
    r->is_let_in = false;
    r->service->reads.begun--;
    reads_start(r->service);
}

/* ---- handle: one statement ---- */

/* None came. A read is never uncertain: nothing depends on whether it was done. */
static enum step_result read_without_rows(struct request *r, enum err err, const struct error *e)
{
    if (r->fields.n > 0 && !r->is_recall)
        return STEP_NEXT; /* the answer is known */
    (void)error_set(&r->error, err == ERR_UNCERTAIN ? ERR_DATABASE : err, "%s", e->detail);
    return STEP_FAIL;
}

static void read_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct request *r = arg;
    struct error over = {0};
    if (err == ERR_OK && request_is_over(r, &over) != ERR_OK) { /* the session came too late */
        db_release(session);
        err = over.code;
        e = &over;
    }
    if (err == ERR_OK) {
        read_try(r, session, slow_lane_fast_patience_ms(r->service));
        return;
    }
    slow_lane_failed(r);
    enum step_result result = read_without_rows(r, err, e);
    read_ended(r);
    request_resume(r, result);
}

/* One that comes from the slow lane has passed no gate: it takes its ticket whether there is room or not. */
void read_try(struct request *r, struct db_session *session, uint64_t patience_ms)
{
    read_take_ticket(r);
    r->session = session;
    r->patience_ms = patience_ms;
    struct db_call call = r->is_recall ? booking_recall(&r->message, r->arena)
                                       : r->op->call(&r->request, &r->message, &r->fields, r->arena);
    FAULT_POINT(read_begin);
    db_send_within(session, (struct db_patience){patience_ms, request_until_us(r)}, &call, 1, read_done, r);
    FAULT_POINT(read_sent);
}

/* ---- rows: they have come ---- */

/* What was put right is more than it was let in with, and there is no room for that or others wait for theirs: it
 * waits. */
static bool read_hold(struct request *r, size_t let_in_bytes)
{
    struct reads *q = &r->service->reads;
    size_t bytes = r->ticket_bytes;
    if (r->rows == NULL || (r->is_let_in && bytes <= let_in_bytes))
        return false;
    q->taken_bytes -= bytes;
    if (q->held.head == NULL && reads_have_room(r->service, bytes)) {
        q->taken_bytes += bytes;
        return false;
    }
    r->ticket_bytes = 0;
    r->held_bytes = bytes;
    queue_push(&q->held, r);
    return true;
}

static enum step_result read_take_rows(struct request *r, struct db_result *const *results, unsigned n, enum err err,
                                       const struct error *e)
{
    if (err != ERR_OK || n != 1)
        return read_without_rows(r, err, e);
    r->rows = db_keep(r->arena, results[0]);
    return STEP_NEXT;
}

static void read_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct request *r = arg;
    struct error ignored = {0};
    FAULT_POINT(read_answered);
    if (err == ERR_CONFLICT && r->attempts++ == 0 && request_is_over(r, &ignored) == ERR_OK) {
        read_try(r, r->session, r->patience_ms); /* such as a statement that was replaced under its name */
        return;
    }
    bool is_locked = err == ERR_LOCKED && (r->fields.n == 0 || r->is_recall);
    enum step_result result = is_locked ? STEP_WAIT : read_take_rows(r, results, n, err, e);
    db_release(r->session);
    r->session = NULL;
    if (is_locked) {
        reads_give_back(r);
        read_ended(r);
        slow_lane_locked(r, r->patience_ms);
        return;
    }
    if (err == ERR_OK)
        slow_lane_passed(r);
    else
        slow_lane_failed(r);
    size_t let_in_bytes = r->ticket_bytes;
    reads_weigh(r);
    bool is_held = read_hold(r, let_in_bytes);
    read_ended(r);
    reads_start(r->service); /* one from the slow lane was not let in, and may take less than its ticket was */
    if (!is_held)
        request_resume(r, result);
}

/* The answer is which fields are bad. Rows, when they have come, only add to them what SQL knows. */
static void read_answer_bad_fields(struct request *r, const struct db_result *res)
{
    struct error ignored = {0};
    if (res != NULL)
        (void)r->op->result(&r->request, res, &r->reply, r->arena, &ignored);
    struct field_errors all = r->reply.fields.n > r->fields.n ? r->reply.fields : r->fields;
    booking_reply_error(&r->request, 2, NULL, &all, &r->reply);
}

/* Only the answer of the first time may be given; when there is none, nobody can sign one now. */
static enum err read_recalled(struct request *r, const struct db_result *res)
{
    return db_rows(res) == 0 ? request_cannot_sign(r) : booking_outcome_read(r->arena, res, &r->outcome, &r->error);
}

/* 20,000 intervals take tens of milliseconds: not on the loop (L1). */
enum step_result step_rows(struct request *r)
{
    if (request_writes(r))
        return STEP_NEXT; /* its few rows are read in its transaction */
    if (FAULT_FAILS(rows_read, ERR_DATABASE, &r->error))
        return STEP_FAIL;
    if (r->is_recall)
        (void)read_recalled(r, r->rows);
    else if (r->fields.n > 0)
        read_answer_bad_fields(r, r->rows);
    else
        (void)r->op->result(&r->request, r->rows, &r->reply, r->arena, &r->error);
    db_drop(r->rows);
    r->rows = NULL;
    r->normalized.used[LENIENCY_names] += r->reply.is_respelled;
    return r->error.code == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

/* ---- the ticket ---- */

static size_t rows_weight(const struct request *r)
{
    if (r->rows == NULL)
        return 0;
    if (r->op != &booking_ops[BOOKING_GET_SLOTS] || r->is_recall)
        return ROWS_TIMES * db_result_bytes(r->rows);
    return LISTS_TIMES * db_result_bytes(r->rows) + ROWS_TIMES * booking_shared_bytes(r->rows, r->arena);
}

/* The ticket becomes what the read takes now. The estimate of its method follows at once upwards, and slowly downwards.
 */
void reads_weigh(struct request *r)
{
    if (r->ticket_bytes == 0)
        return;
    struct reads *q = &r->service->reads;
    size_t *estimate = &q->estimate_bytes[r->op - booking_ops];
    size_t is = arena_size(r->arena) + (r->answer_arena != NULL ? arena_size(r->answer_arena) : 0) + rows_weight(r);
    q->taken_bytes = q->taken_bytes - r->ticket_bytes + is;
    r->ticket_bytes = is;
    *estimate = is > *estimate ? is : *estimate - (*estimate - is) / 16;
}

void reads_give_back(struct request *r)
{
    if (r->ticket_bytes == 0)
        return;
    r->service->reads.taken_bytes -= r->ticket_bytes;
    r->ticket_bytes = 0;
    reads_start(r->service);
}
