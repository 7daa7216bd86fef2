/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What is asked of the database, by one session at a time: what was heard is written down and what is about to be sent
 * is kept, many rows in one pipeline, which is one transaction; then more is taken; now and then all is counted. A
 * pipeline that fails is written again row by row, so that one row's trouble is its own. Between two pipelines requests
 * have their turn.
 */
#include "push_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 10000
#define LOCK_MS     250 /* of a row nobody waits for: for a table */

static void store_next(struct push *p);

/* ---- the end of a pipeline ---- */

static void store_release(struct push *p)
{
    if (p->session != NULL)
        db_release(p->session);
    p->session = NULL;
    p->is_asking = false;
}

static void on_rested(void *arg)
{
    struct push *p = arg;
    p->rest = NULL;
    push_go(p);
}

/* Requests are few at a time and wait for an answer, rows are many and do not: where both want the processor and the
 * disk, requests have most of the time. */
static void store_rest(struct push *p)
{
    struct db_pool_stats now;
    uint64_t now_us = clock_mono_us(), most_us = (uint64_t)PUSH_REST_MS * 1000;
    uint64_t rest_us = (now_us - p->begun_us) * PUSH_RESTS;
    db_pool_read_stats(p->db, &now);
    bool is_alone = now.given == p->given && now.busy <= 1 && now.waiting == 0;
    if (is_alone || p->is_draining || p->is_stopped)
        return;
    p->rest_us = now_us + (rest_us < most_us ? rest_us : most_us);
    timer_stop(p->rest);
    p->rest = timer_start(p->loop, (p->rest_us - now_us) / 1000 + 1, 0, on_rested, p);
}

void push_store_good(struct push *p)
{
    p->failed = 0;
    store_rest(p);
    store_release(p);
}

/* Who waited for a lock has waited already. */
void push_store_failed(struct push *p, const char *what, enum err err, const struct error *e)
{
    p->failed++;
    p->retry_us = clock_mono_us() + push_pause_ms(err == ERR_LOCKED ? 1 : p->failed < 4 ? p->failed : 4) * 1000;
    push_locked_tell(p, what, err, e);
    store_release(p);
}

static bool is_true(const struct db_result *res)
{
    const char *text = db_rows(res) == 1 ? db_text(res, 0, 0) : NULL;
    return text != NULL && *text == 't';
}

/* ---- keep and tell ---- */

#define KEEP_SQL "select api.outbox_keep($1::bigint, $2::integer, $3::text, $4::bytea, $5::text, $6::text)"
#define TELL_SQL                                                                                                       \
    "select api.outbox_result($1::bigint, $2::integer, $3::text, $4::text, $5::bytea, $6::interval, $7::text, "        \
    "$8::text, $9::text)"

/* Still of use: it may be that nobody has taken the row again. */
#define TELL_FOR_US ((uint64_t)600 * 1000000)

static void keep_write(struct arena *a, const struct push_row *r, struct push_statement *s, struct db_call *out)
{
    s->values[0] = arena_printf(a, "%" PRId64, r->update.outbox_id);
    s->values[1] = arena_printf(a, "%" PRId64, r->update.attempt);
    s->values[2] = r->message.message_id;
    push_statement_set_octets(s, 3, r->message.octets);
    s->values[4] = r->message.case_number;
    s->values[5] = r->way.queue != NULL ? r->way.queue->node_id : NULL;
    *out = push_statement_call(s, KEEP_SQL, 6);
}

static void tell_write(struct arena *a, const struct push_row *r, struct push_statement *s, struct db_call *out)
{
    s->values[0] = arena_printf(a, "%" PRId64, r->update.outbox_id);
    s->values[1] = arena_printf(a, "%" PRId64, r->update.attempt);
    s->values[2] = r->outcome;
    s->values[3] = r->reason;
    if (r->body.n > 0)
        push_statement_set_octets(s, 4, r->body);
    s->values[5] = r->has_again ? arena_printf(a, "%" PRIu64 " milliseconds", r->again_ms) : NULL;
    s->values[6] = r->body.n > 0 ? r->answer.signed_as : NULL;
    s->values[7] = r->peer;
    s->values[8] = r->way.queue != NULL ? r->way.queue->name : NULL;
    *out = push_statement_call(s, TELL_SQL, 9);
}

/* Again with all others, but by itself; what is no longer of use is left to its lease. */
static void batch_again(struct push *p, bool is_row)
{
    for (unsigned i = 0; i < p->nbatch; i++) {
        struct push_row *r = p->batch[i];
        uint64_t until_us = r->step == PUSH_KEEP ? r->lease_us : r->lease_us + TELL_FOR_US;
        bool was_alone = r->is_alone;
        r->is_alone = r->is_alone || is_row;
        if (clock_mono_us() < until_us && !(was_alone && is_row))
            push_line_add(&p->for_database, r);
        else
            push_row_end(r);
    }
    p->nbatch = 0;
}

static void on_written(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct push *p = arg;
    (void)n;
    if (err != ERR_OK) {
        /* no connection, no time, a lock: of none of the rows */
        bool is_row = err == ERR_INTERNAL || err == ERR_CONFLICT;
        batch_again(p, is_row);
        push_store_failed(p, "keep or result", err, e);
        if (is_row)
            p->retry_us = 0; /* of nobody else's rows */
        push_go(p);
        return;
    }
    bool is_ours[PUSH_BATCH], is_locked[PUSH_BATCH];
    struct push_row *rows[PUSH_BATCH];
    unsigned nrows = p->nbatch;
    for (unsigned i = 0; i < nrows; i++) {
        is_ours[i] = is_true(results[i]);
        is_locked[i] = db_rows(results[i]) == 1 && db_text(results[i], 0, 0) == NULL;
        rows[i] = p->batch[i];
    }
    p->nbatch = 0;
    push_store_good(p);
    for (unsigned i = 0; i < nrows; i++) {
        if (is_locked[i])
            push_row_locked(rows[i]);
        else if (rows[i]->step == PUSH_KEEP)
            push_row_kept(rows[i], is_ours[i]);
        else
            push_row_told(rows[i], is_ours[i]);
    }
    push_go(p);
}

/* One that failed among others goes by itself. */
static void batch_fill(struct push *p)
{
    unsigned n = p->for_database.n;
    for (unsigned i = 0; i < n && p->nbatch < PUSH_BATCH; i++) {
        struct push_row *r = push_line_take(&p->for_database);
        if (r->is_alone && p->nbatch > 0) {
            push_line_add(&p->for_database, r);
            continue;
        }
        p->batch[p->nbatch++] = r;
        if (r->is_alone)
            return;
    }
}

static void send_batch(struct push *p)
{
    struct arena *a = arena_new();
    struct push_statement *s = arena_array(a, PUSH_BATCH, sizeof *s);
    struct db_call calls[PUSH_BATCH];
    batch_fill(p);
    for (unsigned i = 0; i < p->nbatch; i++) {
        if (p->batch[i]->step == PUSH_KEEP)
            keep_write(a, p->batch[i], &s[i], &calls[i]);
        else
            tell_write(a, p->batch[i], &s[i], &calls[i]);
    }
    FAULT_POINT(push_write_begin);
    db_send_within(p->session,
                   (struct db_patience){.lock_ms = LOCK_MS, .until_us = clock_mono_us() + PATIENCE_MS * 1000}, calls,
                   p->nbatch, on_written, p);
    FAULT_POINT(push_write_sent);
    arena_free(a);
}

/* ---- take ---- */

#define TAKE_SQL                                                                                                       \
    "select outbox_id, attempt, agency_code, message_id, octets, book_id, esia_id, status_code, status_message, "      \
    "slot_id, service_id, organization_id, area_id, visit_time, queue_number, duration, attributes "                   \
    "from api.outbox_take($1::text[], $2::integer, $3::text, $4::interval, $5::text)"

static void on_taken(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct push *p = arg;
    struct keyring *keys = p->taking_keys;
    p->taking_keys = NULL;
    if (err != ERR_OK) {
        push_store_failed(p, "take", err, e);
        keyring_unref(keys);
        return;
    }
    uint64_t lease_us = p->asked_us + p->take_lease_ms * 1000;
    for (unsigned i = 0; i < n; i++) {
        push_lane_took(p->taking[i], p->wanted[i], db_rows(results[i]));
        for (unsigned k = 0; k < db_rows(results[i]); k++)
            push_row_begin(p, p->taking[i], keys, results[i], k, lease_us);
    }
    keyring_unref(keys);
    push_store_good(p);
    push_go(p);
}

static void send_take(struct push *p)
{
    struct arena *a = arena_new();
    struct push_statement *s = arena_array(a, PUSH_LANES, sizeof *s);
    struct db_call calls[PUSH_LANES];
    for (unsigned i = 0; i < p->ntaking; i++) {
        const char *agency = p->taking[i]->agency;
        s[i].values[0] = db_text_array(a, &agency, 1);
        s[i].values[1] = arena_printf(a, "%u", p->wanted[i]);
        s[i].values[2] = p->owner;
        s[i].values[3] = arena_printf(a, "%" PRIu64 " milliseconds", p->take_lease_ms);
        s[i].values[4] = p->is_taking_smev3[i] ? "smev3" : "smev2";
        calls[i] = (struct db_call){.sql = TAKE_SQL, .nparams = 5, .values = s[i].values};
    }
    p->asked_us = clock_mono_us(); /* before the database's own clock: we think the lease over a little sooner */
    FAULT_POINT(push_take_begin);
    db_send_within(p->session, (struct db_patience){.until_us = p->asked_us + PATIENCE_MS * 1000}, calls, p->ntaking,
                   on_taken, p);
    FAULT_POINT(push_take_sent);
    arena_free(a);
}

static void look_at_keys(struct push *p, const struct keyring *keys)
{
    if (p->seen_keys == keys)
        return;
    p->seen_keys = keys;
    for (struct push_lane *l = p->lanes; l != NULL; l = l->next)
        push_lane_afresh(l);
    push_sources_afresh(p);
    p->state_us = 0; /* what was sent by another queue or road may still be answered by that one */
}

/* Who is due for more, and how long the calls may take. */
static bool find_takers(struct push *p)
{
    struct keyring *keys = service_keyring(p->service);
    uint64_t now_us = clock_mono_us(), timeout_ms = 0;
    unsigned n = 0;
    look_at_keys(p, keys);
    while (!p->is_draining && keyring_push(keys, n) != NULL)
        n++;
    p->ntaking = 0;
    for (unsigned i = 0; i < n && p->ntaking < PUSH_LANES; i++) {
        const struct config_push *c = keyring_push(keys, (p->first_taker + i) % n);
        struct push_lane *l = push_lane(p, c->agency);
        unsigned wanted = push_lane_wants(l, c, now_us);
        if (wanted == 0)
            continue;
        p->wanted[p->ntaking] = wanted;
        p->is_taking_smev3[p->ntaking] = c->road == PUSH_ROAD_SMEV3;
        p->taking[p->ntaking++] = l;
        timeout_ms = c->timeout_ms > timeout_ms ? c->timeout_ms : timeout_ms;
    }
    p->take_lease_ms = timeout_ms + PUSH_SLACK_MS;
    return p->ntaking > 0;
}

/* ---- the session ---- */

static void store_next(struct push *p)
{
    p->is_saids_turn = !p->is_saids_turn; /* nobody's many keep the other's few waiting */
    if (push_saids_wait(p) && (p->is_saids_turn || p->for_database.first == NULL)) {
        push_saids_send(p);
    } else if (p->for_database.first != NULL) {
        send_batch(p);
    } else if (find_takers(p)) {
        p->taking_keys = service_keyring(p->service);
        keyring_ref(p->taking_keys);
        p->first_taker++;
        send_take(p);
    } else if (push_state_is_due(p)) {
        push_state_send(p);
    } else {
        push_store_good(p);
    }
}

static void on_session(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct push *p = arg;
    p->session = session;
    if (err != ERR_OK) {
        push_store_failed(p, "session", err, e);
        return;
    }
    struct db_pool_stats now;
    db_pool_read_stats(p->db, &now);
    p->begun_us = clock_mono_us();
    p->given = now.given;
    store_next(p);
}

void push_store_ask(struct push *p)
{
    uint64_t now_us = clock_mono_us();
    if (p->is_asking || p->is_stopped || now_us < p->retry_us || (now_us < p->rest_us && !p->is_draining))
        return;
    if (p->for_database.first == NULL && !push_saids_wait(p) && !find_takers(p) && !push_state_is_due(p))
        return;
    p->is_asking = true;
    db_acquire(p->db, on_session, p);
}
