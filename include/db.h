/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * PostgreSQL on the loop. The only user of libpq.
 *
 * A session is the exclusive use of one connection, long enough for one transaction. Statements are parameterised and
 * go out in pipeline mode, several in one round trip. Nothing a transaction depends on is kept in the server's session,
 * so PgBouncer's transaction pooling may stand between; where it does not, statements are parsed once a connection.
 * Callbacks run from the loop, never inside the call that registered them.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "error.h"
#include "net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db_pool;
struct db_session;

struct db_conf {
    const char *conninfo;        /* libpq connection string; several hosts allowed */
    unsigned connections;        /* kept open: 8 */
    uint64_t acquire_timeout_ms; /* a request waits no longer for a session: 5,000 */
    /* Of one statement: the server breaks it off. One round trip without an answer for a little longer than that: the
     * connection is given up and the outcome is uncertain. 10,000 */
    uint64_t statement_timeout_ms;
    uint64_t reconnect_max_ms; /* pause between attempts grows from 100 ms to this: 5,000 */
};
/* Starts connecting; never fails for want of a database. Values of 0 mean the defaults above. */
struct db_pool *db_pool_new(struct loop *l, const struct db_conf *conf);
/* Closes everything; callers still waiting hear nothing any more. Never from inside a callback of the pool. */
void db_pool_free(struct db_pool *p);

struct db_pool_stats {
    unsigned idle, busy, connecting, waiting;
    uint64_t lost;
    uint64_t given; /* sessions, since the beginning */
};
void db_pool_read_stats(const struct db_pool *p, struct db_pool_stats *out);

/* A statement with its parameters. Values are text (lengths NULL or 0) or bytea in binary (is_binary[i]); NULL is SQL
 * NULL. */
struct db_call {
    const char *sql; /* one of a small set of texts, fixed at compile time: each is parsed once */
    unsigned nparams;
    const char *const *values;
    const int *lengths;             /* of binary values; may be NULL when none is binary */
    const unsigned char *is_binary; /* may be NULL when none is */
    /* Not copied when they are large: they live until the call is done, or, when its session is released or its pool
     * freed before that, until worker_settle(). May be NULL when none is. */
    const unsigned char *is_kept;
};

struct db_result; /* rows of one statement; owned by the session until its next db_send() or db_release() */
/*
 * Takes rows away from their session: they live as long as a, or until db_drop(), and may be read by one thread at a
 * time, whichever it is. What the session keeps of them is empty. Called from a db_done_fn.
 */
struct db_result *db_keep(struct arena *a, struct db_result *r);
void db_drop(struct db_result *kept);              /* on any thread; NULL is allowed, and so is twice */
size_t db_result_bytes(const struct db_result *r); /* what it takes of memory, about */

/*
 * Gives fn a session, at once from the next turn of the loop or when one is free; on failure (ERR_BUSY after the
 * acquire timeout, ERR_DATABASE when there was no database for that long) session is NULL.
 * Sessions are handed out in the order of asking.
 */
typedef void (*db_session_fn)(void *arg, struct db_session *s, enum err err, const struct error *e);
void db_acquire(struct db_pool *p, db_session_fn fn, void *arg);
/* The same, but no longer than to until_us of the monotonic clock, when that comes before the acquire timeout. */
void db_acquire_until(struct db_pool *p, uint64_t until_us, db_session_fn fn, void *arg);
/* The same as db_acquire(), before all who have asked: for the few callers who end what is begun. */
void db_acquire_first(struct db_pool *p, db_session_fn fn, void *arg);

/*
 * How long the server may take over a call. It is told so by a statement in front of the call, in the same pipeline and
 * for the same transaction only: no round trip, and nothing stays in the server's session. A transaction that is open
 * already keeps what it was told when it began.
 */
struct db_patience {
    uint64_t lock_ms;  /* each wait for a lock; broken off, it is ERR_LOCKED. 0: DB_LOCK_MS */
    uint64_t until_us; /* of the monotonic clock: statements are broken off a little before, and the connection is given
                          up then; 0: the statement timeout alone counts */
};
#define DB_LOCK_MS 1000

/*
 * Sends n statements as one pipeline with one Sync; fn gets all n results when the Sync has come back.
 * The first failed statement stops the rest: err tells its kind (see complaint.c: ERR_CONFLICT for 40001, 40P01, 23505
 * and 23P01, and for a statement that is no longer what it was when it was parsed; ERR_LOCKED for 55P03, ERR_TIMEOUT
 * for 57014, ERR_UNCERTAIN when the connection was lost after anything was sent, ERR_TIMEOUT likewise uncertain when it
 * was given up, ERR_DATABASE or ERR_INTERNAL else) and n is its index: the n statements before it have results. A
 * session whose connection is lost answers every further db_send() with ERR_DATABASE: nothing was sent. A COMMIT that
 * PostgreSQL answers with ROLLBACK has failed. e->detail has the SQLSTATE and the primary message, never a value.
 */
typedef void (*db_done_fn)(void *arg, struct db_result *const *results, unsigned n, enum err err,
                           const struct error *e);
void db_send(struct db_session *s, const struct db_call *calls, unsigned n, db_done_fn fn, void *arg);
void db_send_within(struct db_session *s, struct db_patience p, const struct db_call *calls, unsigned n, db_done_fn fn,
                    void *arg);

/*
 * Hands the connection back. A transaction still open is rolled back first; a lost connection is made anew. In the
 * middle of a db_send() its callback is not called any more and the connection is closed.
 */
void db_release(struct db_session *s);

unsigned db_rows(const struct db_result *r);
int db_column(const struct db_result *r, const char *name); /* -1 when there is none */
bool db_is_null(const struct db_result *r, unsigned row, int col);
/* Text of a value, valid as long as the result; NULL for SQL NULL. Results arrive in text format. */
const char *db_text(const struct db_result *r, unsigned row, int col);
/* The same copied into a; bytea is decoded from its hex form. */
MUST_CHECK enum err db_bytes(struct arena *a, const struct db_result *r, unsigned row, int col, struct span *out,
                             struct error *e);
MUST_CHECK enum err db_int(const struct db_result *r, unsigned row, int col, int64_t *out, struct error *e);

/* "{a,b}" with PostgreSQL's quoting; for text[] parameters. */
char *db_text_array(struct arena *a, const char *const *items, unsigned n);
/* Items of a one-dimensional text[] value in text form. NULL items become NULL. */
MUST_CHECK enum err db_parse_text_array(struct arena *a, const char *text, const char ***items, unsigned *n,
                                        struct error *e);

/*
 * How long a console or a dump has held what is asked for again and again. Begins as {0}; told of each ERR_LOCKED, and
 * of nothing else: what could be had in between may be locked again within seconds.
 */
struct db_locked {
    uint64_t last_us, since_us;
};
void db_locked_seen(struct db_locked *l);
uint64_t db_locked_s(const struct db_locked *l); /* 0: nobody holds it, or has not for DB_LOCKED_OVER_US */
#define DB_LOCKED_OVER_US 10000000u

/* NULL: a connection string can be made of it; else why not, in a. */
const char *db_conninfo_mistake(struct arena *a, const char *conninfo);

/* ---- blocking helpers for `check` and `migrate`; never on a running loop ---- */

struct db_blocking;
MUST_CHECK enum err db_connect_blocking(const char *conninfo, struct db_blocking **out, struct error *e);
/* Runs a text of several statements; `out` (may be NULL) gets the first column of the last result's first row. */
MUST_CHECK enum err db_exec_blocking(struct db_blocking *b, struct arena *a, const char *sql, const char **out,
                                     struct error *e);
void db_close_blocking(struct db_blocking *b);
