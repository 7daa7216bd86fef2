/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The answer to a message of a queue is kept: api.inbox_answered puts it beside the message, in the transaction that
 * journals it, and whose the message is at that moment decides whether any of it stands. A write does so in its group
 * (group_commit.c). All else, a read or what was refused before the database was asked, has a transaction here, in the
 * order of time:
 *
 *   keep      keep_journal(): the row is described, a session is asked for
 *   kept      keep_begin(): BEGIN, api.journal_answer, api.inbox_answered are sent
 *   commit    keep_sent(): it is new, and still ours: COMMIT
 *   send      keep_committed()
 *
 * A message that was answered before gets that answer: keep_sent() goes back to `reply` with it, and it is kept alone.
 * Whoever meets a lock waits no longer than in the fast lane: a twin in flight is the only one to have one for long.
 * Whatever fails leaves the message as it was: nothing is told to whoever sent it (QUEUE_AGAIN).
 */
#include "request_private.h"

#include "fault.h"

#include <inttypes.h>
#include <string.h>

#define KEEP_LOST "the message is another taking's by now"

static void keep_begin(void *arg, struct db_session *session, enum err err, const struct error *e);
static void keep_sent(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e);
static void keep_committed(void *arg, struct db_result *const *results, unsigned n, enum err err,
                           const struct error *e);

/* ---- the call ---- */

/* What is sent: a word is RequestRejected, a number an answer of order 329, whatever it came of (INPUT is an error 2).
 */
static const char *keep_status(const struct request *r)
{
    if (request_is_fault(r))
        return error_name(r->failed);
    if (r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY)
        return "replay";
    return r->reply.status_code != NULL ? r->reply.status_code
                                        : arena_printf(r->arena, "error %d", r->reply.error_code);
}

struct db_call keep_call(const struct request *r)
{
    struct arena *a = r->arena;
    const struct queued *q = r->queued;
    const char **values = arena_array(a, 7, sizeof *values);
    int *lengths = arena_array(a, 7, sizeof *lengths);
    unsigned char *is_binary = arena_array(a, 7, 1), *is_kept = arena_array(a, 7, 1);
    values[0] = arena_printf(a, "%" PRId64, q->message.inbox_id);
    values[1] = arena_printf(a, "%u", q->message.attempt);
    values[2] = q->answer_id;
    values[3] = r->answer_octets.p;
    values[4] = keep_status(r);
    values[5] = q->message.sender;
    values[6] = q->message.send_lease;
    lengths[3] = (int)r->answer_octets.n;
    is_binary[3] = is_kept[3] = 1;
    return (struct db_call){.sql = "select api.inbox_answered($1::bigint, $2::integer, $3::text, $4::bytea, "
                                   "$5::text, $6::text, $7::interval) as is_ours",
                            .nparams = 7,
                            .values = values,
                            .lengths = lengths,
                            .is_binary = is_binary,
                            .is_kept = is_kept};
}

bool keep_is_ours(const struct db_result *res)
{
    const char *is_ours = db_rows(res) == 1 ? db_text(res, 0, db_column(res, "is_ours")) : NULL;
    return is_ours != NULL && strcmp(is_ours, "t") == 0;
}

void keep_lost(struct request *r)
{
    r->error = (struct error){0};
    r->failed = error_set(&r->error, ERR_GONE, KEEP_LOST);
}

/* ---- a transaction of its own ---- */

static void keep_failed(struct request *r, enum err err, const char *why)
{
    if (r->session != NULL)
        db_release(r->session);
    r->session = NULL;
    r->error = (struct error){0};
    (void)error_set(&r->error, err, "%s", why);
    r->answer_octets = (struct span){0};
    request_resume(r, STEP_FAIL);
}

enum step_result keep_journal(struct request *r)
{
    reads_weigh(r);
    reads_start(r->service);
    journal_describe(r);
    db_acquire_until(r->service->db, request_until_us(r), keep_begin, r);
    return STEP_WAIT;
}

static bool is_replay(const struct request *r)
{
    return r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY;
}

static void keep_begin(void *arg, struct db_session *session, enum err err, const struct error *e)
{
    struct request *r = arg;
    struct error over = {0};
    r->session = session;
    if (err == ERR_OK && request_is_over(r, &over) != ERR_OK) {
        err = over.code;
        e = &over;
    }
    if (err != ERR_OK) {
        struct error reason = *e;
        keep_failed(r, err, reason.detail);
        return;
    }
    struct db_call calls[3] = {{.sql = "begin"}};
    unsigned n = 1;
    if (!is_replay(r))
        calls[n++] = booking_journal_answer(&r->message, r->answer_octets, true, keep_status(r), r->arena);
    calls[n++] = keep_call(r);
    FAULT_POINT(queue_keep_begin);
    r->patience_ms = slow_lane_fast_patience_ms(r->service);
    db_send_within(session, (struct db_patience){r->patience_ms, request_until_us(r)}, calls, n, keep_sent, r);
    FAULT_POINT(queue_keep_sent);
}

/* It had an answer: that one is given again, whatever was made now. */
static void keep_again(struct request *r, const struct booking_outcome *outcome)
{
    db_release(r->session);
    r->session = NULL;
    r->outcome = *outcome;
    r->failed = ERR_OK;
    r->error = (struct error){0};
    request_resume(r, STEP_ANSWERED);
}

static void keep_sent(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct request *r = arg;
    struct error reason = *e;
    struct booking_outcome outcome = {.kind = OUTCOME_NEW};
    if (err == ERR_OK && !is_replay(r))
        err = booking_outcome_read(r->arena, results[1], &outcome, &reason);
    if (err != ERR_OK) {
        keep_failed(r, err == ERR_UNCERTAIN ? ERR_DATABASE : err, reason.detail);
    } else if (outcome.kind == OUTCOME_REPLAY) {
        keep_again(r, &outcome);
    } else if (outcome.kind == OUTCOME_REUSED) {
        keep_failed(r, ERR_REUSED, "message id was used before with other content");
    } else if (!keep_is_ours(results[n - 1])) {
        keep_failed(r, ERR_GONE, KEEP_LOST);
    } else if ((reason = (struct error){0}, request_is_over(r, &reason)) != ERR_OK) {
        keep_failed(r, reason.code, reason.detail);
    } else {
        FAULT_POINT(queue_kept);
        static const struct db_call commit = {.sql = "commit"};
        db_send_within(r->session, (struct db_patience){r->patience_ms, request_commit_until_us(r)}, &commit, 1,
                       keep_committed, r);
    }
}

static void keep_committed(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct request *r = arg;
    (void)results;
    (void)n;
    if (err != ERR_OK) {
        struct error reason = *e;
        keep_failed(r, err == ERR_TIMEOUT ? ERR_UNCERTAIN : err, reason.detail);
        return;
    }
    db_release(r->session);
    r->session = NULL;
    r->is_journalled = true;
    request_resume(r, STEP_NEXT);
}
