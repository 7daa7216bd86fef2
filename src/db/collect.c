/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What comes back to a session: its results in the order of the statements, then the Sync. Nobody hears of a result
 * before the Sync: until then a later statement, or a lost connection, may still take it back.
 */
#include "db_private.h"

#include <string.h>

static void session_take_error(struct db_session *s, const PGresult *r)
{
    if (s->error.code == ERR_OK)
        db_error(&s->error, r);
    if (db_error_is_stale(r))
        s->is_stale = true;
    if (s->has_names && db_error_is_of_a_name(r)) {
        db_prepared_distrust(s->conn->pool);
        s->error.code = ERR_CONFLICT; /* without names it may go well */
    }
}

/* Whether a row of it made libpq's buffer large: it is told once for all of them, they are about alike. */
static bool is_roomy(const PGresult *r)
{
    size_t rows = (size_t)PQntuples(r);
    return rows > 0 && PQresultMemorySize(r) / rows > DB_ROOM_KEPT_BYTES;
}

static void session_take_success(struct db_session *s, PGresult *r)
{
    struct db_result *slot = &s->results[s->nresults];

    slot->pg = r;
    s->is_stale |= is_roomy(r);
    /* COMMIT of a failed transaction is answered "ROLLBACK", and that is no error to PostgreSQL */
    if (slot->is_commit && strcmp(PQcmdStatus(r), "ROLLBACK") == 0) {
        error_set(&s->error, ERR_DATABASE, "COMMIT was answered by ROLLBACK: the transaction had failed before");
        PQclear(r);
        slot->pg = NULL;
        return;
    }
    s->nresults++;
}

/* Whether this is the answer to the Parse of the statement that comes next: it has no result of its own. */
static bool session_take_name(struct db_session *s)
{
    unsigned *awaited = s->is_preceded            ? &s->awaited
                        : s->nresults < s->ncalls ? &s->results[s->nresults].awaited
                                                  : NULL;
    if (awaited == NULL || *awaited == 0)
        return false;
    db_prepared_answered(s->conn, *awaited);
    *awaited = 0;
    return true;
}

/* Keeps r, or clears it. */
static void session_take(struct db_session *s, PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    bool has_failed = s->error.code != ERR_OK;

    if (!has_failed && status == PGRES_COMMAND_OK && session_take_name(s)) {
        PQclear(r);
        return;
    }
    if (s->is_preceded && status == PGRES_TUPLES_OK) {
        s->is_preceded = false;
        db_prepared_meet(s->conn, r);
        PQclear(r);
        return;
    }
    if (!has_failed && s->nresults < s->ncalls &&
        (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)) {
        session_take_success(s, r);
        return;
    }
    if (status == PGRES_FATAL_ERROR)
        session_take_error(s, r);
    else if (!has_failed && status != PGRES_PIPELINE_ABORTED)
        error_set(&s->error, ERR_INTERNAL, "unexpected kind of result: %s", PQresStatus(status));
    PQclear(r);
}

static void session_synced(struct db_session *s)
{
    struct db_conn *c = s->conn;

    if (s->error.code != ERR_OK)
        db_prepared_settle(c);
    if (!s->is_rolling_back) {
        db_session_finish(s);
        return;
    }
    s->is_rolling_back = s->in_call = false;
    db_session_clear(s);
    if (PQtransactionStatus(c->pg) == PQTRANS_IDLE) {
        db_pool_move(c, DB_CONN_IDLE);
        return;
    }
    db_conn_close(c);
    db_pool_break(c);
}

void db_session_collect(struct db_session *s)
{
    PGconn *pg = s->conn->pg;

    while (PQisBusy(pg) == 0) {
        PGresult *r = PQgetResult(pg);
        if (r == NULL) {
            /* libpq marks the end of each statement and each Parse so, and a few times more around errors */
            if (PQstatus(pg) == CONNECTION_BAD || ++s->nulls > 4 * s->ncalls + 8) {
                db_session_broken(s);
                return;
            }
            continue;
        }
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            session_synced(s);
            return;
        }
        bool is_fatal = status == PGRES_FATAL_ERROR && db_error_is_fatal(r);
        bool is_copy = status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
        session_take(s, r);
        if (is_fatal || is_copy) {
            db_session_broken(s);
            return;
        }
    }
}
