/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The statements of a session: sent as one pipeline with one Sync, and read to the Sync (collect.c) before anybody
 * hears of it.
 *
 * A call ends in one of three ways: the Sync comes back, and all is known; nothing was sent, and nothing happened; or
 * the connection is lost or given up in between, and what the server has done is not known (a COMMIT may have been
 * carried out and its answer lost).
 */
#include "db_private.h"

#include "clock.h"
#include "fault.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- results ---- */

void db_session_clear(struct db_session *s)
{
    for (unsigned i = 0; i < s->nresults; i++)
        PQclear(s->results[i].pg);
    s->nresults = s->ncalls = s->nulls = 0;
    s->is_preceded = false;
    s->error = (struct error){.code = ERR_OK};
}

static void session_reserve(struct db_session *s, unsigned n)
{
    struct arena *a = s->conn->pool->arena;

    if (n <= s->capacity)
        return;
    s->capacity = n < 8 ? 8 : n * 2; /* the old arrays stay in the pool's arena: their sum is less than the new one */
    s->results = arena_array(a, s->capacity, sizeof *s->results);
    s->result_list = arena_array(a, s->capacity, sizeof(struct db_result *));
    for (unsigned i = 0; i < s->capacity; i++)
        s->result_list[i] = &s->results[i];
}

void db_session_open(struct db_session *s)
{
    db_session_clear(s);
    s->is_stale = false;
}

void db_session_fini(struct db_session *s)
{
    db_session_clear(s);
}

/* ---- the end of a call ---- */

/* On failure n is the index of the statement that failed: those before it have results. */
void db_session_finish(struct db_session *s)
{
    db_done_fn done = s->done;

    s->in_call = false;
    done(s->arg, s->result_list, s->nresults, s->error.code, &s->error);
}

static void session_fail_later(struct db_session *s, enum err err, const char *detail)
{
    error_set(&s->error, err, "%s", detail);
    s->is_failure_due = true;
    s->conn->pool->failures_due++;
    db_pool_turn(s->conn->pool);
}

void db_session_run_due(struct db_session *s)
{
    if (!s->is_failure_due)
        return;
    s->is_failure_due = false;
    s->conn->pool->failures_due--;
    db_session_finish(s);
}

static void session_give_up(struct db_session *s, enum err err, const char *why, const char *detail)
{
    struct error e = {.code = ERR_OK};

    error_set(&e, err, "%s: %s", why, detail);
    s->error = e;
    db_session_finish(s);
}

void db_session_lost(struct db_session *s, const char *detail)
{
    if (s->in_call)
        session_give_up(s, ERR_UNCERTAIN, "connection lost before the answer", detail);
}

void db_session_broken(struct db_session *s)
{
    char detail[400];

    if (s->error.code != ERR_OK) {
        struct error said = s->error; /* such as "terminating connection due to administrator command" */
        db_conn_lost(s->conn, said.detail);
        return;
    }
    db_complaint(s->conn->pg, detail, sizeof detail);
    db_conn_lost(s->conn, detail);
}

void db_session_time_out(struct db_session *s)
{
    struct db_conn *c = s->conn;

    /* the backend may go on with it, so the connection cannot be used again; PQcancel would block */
    c->pool->lost++;
    db_conn_close(c);
    db_pool_note_silent(c);
    if (s->is_rolling_back) {
        s->is_rolling_back = s->in_call = false;
        db_pool_break(c);
        return;
    }
    session_give_up(s, ERR_TIMEOUT, "no answer from the database in time", "connection given up");
}

/* ---- sending ---- */

static bool is_commit(const char *sql)
{
    return strncasecmp(sql, "commit", 6) == 0 || strncasecmp(sql, "end", 3) == 0;
}

/*
 * A write error is not the end, libpq keeps it until the server's last words have been read. False when libpq has
 * closed the socket.
 */
static bool session_write(struct db_session *s)
{
    struct db_conn *c = s->conn;
    int rest = PQflush(c->pg);

    if (PQsocket(c->pg) < 0)
        return false;
    db_conn_watch(c, rest == 1 ? WATCH_READ | WATCH_WRITE : WATCH_READ);
    return true;
}

void db_call_formats(const struct db_call *call, int formats[DB_PARAMS_MAX])
{
    for (unsigned i = 0; i < call->nparams; i++)
        formats[i] = call->is_binary != NULL && call->is_binary[i] != 0;
}

bool db_pipeline_add(PGconn *pg, const struct db_call *call)
{
    int formats[DB_PARAMS_MAX];

    db_call_formats(call, formats);
    return PQsendQueryParams(pg, call->sql, (int)call->nparams, NULL, call->values, call->lengths, formats, 0) == 1;
}

/* The whole pipeline and its Sync; the server carries out a COMMIT before it has seen the Sync. */
enum err db_pipeline_queue(PGconn *pg, const struct db_call *calls, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!db_pipeline_add(pg, &calls[i]))
            return i == 0 ? ERR_DATABASE : ERR_UNCERTAIN;
    if (PQpipelineSync(pg) != 1)
        return n == 0 ? ERR_DATABASE : ERR_UNCERTAIN;
    return ERR_OK;
}

/* The same, by name where that may be. first: NULL, or what goes in front. */
static enum err session_queue(struct db_session *s, const struct db_call *first, const struct db_call *calls,
                              unsigned n)
{
    struct db_conn *c = s->conn;

    if (first != NULL && !db_prepared_add(c, first, &s->awaited))
        return ERR_DATABASE;
    for (unsigned i = 0; i < n; i++)
        if (!db_prepared_add(c, &calls[i], &s->results[i].awaited))
            return i == 0 ? ERR_DATABASE : ERR_UNCERTAIN;
    if (PQpipelineSync(c->pg) != 1)
        return n == 0 ? ERR_DATABASE : ERR_UNCERTAIN;
    return ERR_OK;
}

/*
 * A transaction's bounds in time, for this transaction: is_local of set_config holds to the Sync, or to the COMMIT when
 * BEGIN follows in the same pipeline. Neither SET LOCAL, which complains outside a transaction block, nor anything that
 * stays in the server's session, which behind PgBouncer is anybody's.
 */
struct patience_call {
    struct db_call call;
    const char *values[2];
    char lock[24], statement[24];
};

static void patience_write(struct patience_call *p, uint64_t lock_ms, uint64_t statement_ms)
{
    (void)snprintf(p->lock, sizeof p->lock, "%llu", (unsigned long long)lock_ms);
    (void)snprintf(p->statement, sizeof p->statement, "%llu", (unsigned long long)statement_ms);
    p->values[0] = p->lock;
    p->values[1] = p->statement;
    p->call = (struct db_call){
        .sql =
            "select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true), pg_backend_pid()",
        .nparams = 2,
        .values = p->values};
}

/* The server gives up first, so that the connection can be kept; we do a little later. */
static void session_set_limits(struct db_session *s, struct db_patience p, struct patience_call *first)
{
    struct db_conn *c = s->conn;
    uint64_t now_us = clock_mono_us();
    uint64_t statement_us = c->pool->conf.statement_timeout_ms * 1000;
    uint64_t left_us = p.until_us > now_us ? p.until_us - now_us : 0;
    bool is_short = p.until_us != 0 && left_us < statement_us;
    uint64_t grace_us = (is_short ? left_us : statement_us) / 8;

    grace_us = grace_us > DB_GRACE_MAX_US ? DB_GRACE_MAX_US : grace_us;
    c->deadline_us = is_short ? p.until_us : now_us + statement_us + grace_us;
    statement_us = is_short ? left_us - grace_us : statement_us;
    patience_write(first, p.lock_ms != 0 ? p.lock_ms : DB_LOCK_MS, statement_us < 1000 ? 1 : statement_us / 1000);
}

/* In one write(2) if it fits. The errors of db_pipeline_queue(). */
static enum err session_start(struct db_session *s, struct db_patience p, const struct db_call *calls, unsigned n)
{
    struct db_conn *c = s->conn;
    struct patience_call first;

    session_set_limits(s, p, &first);
    s->is_preceded = PQtransactionStatus(c->pg) == PQTRANS_IDLE; /* else it keeps what it was told */
    s->awaited = 0;
    s->has_names = false;
    for (unsigned i = 0; i < n; i++) {
        s->results[i].is_commit = is_commit(calls[i].sql);
        s->results[i].awaited = 0;
    }
    if (db_bulk_start(s, s->is_preceded ? &first.call : NULL, calls, n)) {
        db_conn_unwatch(c);
    } else {
        enum err err = session_queue(s, s->is_preceded ? &first.call : NULL, calls, n);
        if (err != ERR_OK)
            return err;
        if (!session_write(s))
            return ERR_UNCERTAIN;
    }
    c->sent_us = clock_mono_us();
    s->in_call = true;
    return ERR_OK;
}

static const char *call_mistake(const struct db_call *calls, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (calls[i].nparams > DB_PARAMS_MAX)
            return "a statement has too many parameters";
    return NULL;
}

/* Two holders of one session would mix their transactions: better no daemon than that. */
static void session_require(const struct db_session *s, bool is_right, const char *what)
{
    if (is_right && s->conn->state == DB_CONN_BUSY && !s->is_rolling_back)
        return;
    log_event(LOG_LEVEL_ERROR, "database_session_misused", "call", what, NULL);
    abort();
}

void db_send(struct db_session *s, const struct db_call *calls, unsigned n, db_done_fn fn, void *arg)
{
    db_send_within(s, (struct db_patience){0}, calls, n, fn, arg);
}

void db_send_within(struct db_session *s, struct db_patience p, const struct db_call *calls, unsigned n, db_done_fn fn,
                    void *arg)
{
    struct db_conn *c = s->conn;
    const char *mistake = call_mistake(calls, n);
    char detail[400];

    session_require(s, !s->in_call && !s->is_failure_due, "db_send");
    db_session_clear(s);
    session_reserve(s, n);
    s->done = fn;
    s->arg = arg;
    s->ncalls = n;
    if (c->pg == NULL) {
        session_fail_later(s, ERR_DATABASE, "the connection of this session is lost");
        return;
    }
    if (mistake != NULL) {
        session_fail_later(s, ERR_INTERNAL, mistake);
        return;
    }
    enum err err = session_start(s, p, calls, n);
    if (err != ERR_OK) {
        db_complaint(c->pg, detail, sizeof detail);
        db_conn_close(c);
        session_fail_later(s, err, detail);
    }
}

void db_session_sent(struct db_session *s, enum err err, const char *detail)
{
    struct db_conn *c = s->conn;

    if (err != ERR_OK) {
        db_conn_close(c);
        error_set(&s->error, err, "%s", detail);
        db_session_finish(s);
        return;
    }
    db_session_flush(s);
    if (c->pg != NULL && s->in_call)
        db_session_collect(s); /* what has come while it was sent */
}

void db_session_flush(struct db_session *s)
{
    if (!session_write(s))
        db_session_broken(s);
}

/* ---- release ---- */

static void session_roll_back(struct db_session *s)
{
    const struct db_call call = {.sql = "rollback"};

    s->is_rolling_back = true;
    session_reserve(s, 1);
    s->ncalls = 1;
    s->results[0].is_commit = false;
    FAULT_POINT(rollback_begin);
    if (session_start(s, (struct db_patience){0}, &call, 1) != ERR_OK) {
        s->is_rolling_back = false;
        db_conn_close(s->conn);
        db_pool_break(s->conn);
    }
}

void db_release(struct db_session *s)
{
    struct db_conn *c = s->conn;

    session_require(s, true, "db_release");
    if (s->is_failure_due) {
        s->is_failure_due = false;
        c->pool->failures_due--;
    }
    if (s->in_call || s->is_stale) {
        /* released in the middle of a call: nobody waits for its end, and nobody else may meet its answers */
        s->in_call = false;
        db_conn_close(c);
    }
    db_session_clear(s);
    if (c->pg == NULL)
        db_pool_break(c);
    else if (PQtransactionStatus(c->pg) == PQTRANS_IDLE)
        db_pool_move(c, DB_CONN_IDLE);
    else
        session_roll_back(s);
}
