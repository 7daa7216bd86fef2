/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the files of db/ share. pool.c keeps the lists, waiters.c the callers, connection.c one connection on the
 * loop, session.c sends the statements of one holder and collect.c takes what comes back, prepared.c knows the
 * statements' names, bulk.c sends the large ones, target.c says where to connect to, attempt.c does it, complaint.c
 * tells what libpq's complaints mean, locked.c how long somebody holds what is asked for.
 *
 * A connection is always in exactly one list, the one of its state, and only db_pool_move() takes it to another. The
 * structs live as long as the pool: a lost connection keeps its place and is made anew there.
 */
#pragma once

#include "db.h"

#include <libpq-fe.h>
#include <stdatomic.h>

enum db_conn_state {
    DB_CONN_BROKEN,     /* no PGconn; tried again at deadline_us */
    DB_CONN_CONNECTING, /* a thread is connecting (attempt.c) */
    DB_CONN_IDLE,       /* free */
    DB_CONN_BUSY, /* has a session, or is being rolled back after one; the PGconn is NULL when it got lost meanwhile */
    DB_CONN_STATES
};

enum {
    DB_PARAMS_MAX = 128,  /* of one statement */
    DB_PREPARED_MAX = 48, /* statements with a name, of one connection; more go unnamed */
    PATIENCE_COLUMNS = 3, /* of what goes in front of a transaction; the last one is pg_backend_pid() */
    DB_TICK_MAX_MS = 50,
    DB_CONNECTING_MAX = 8, /* at once, each on a thread */
    DB_RECONNECT_MIN_MS = 100,
    DB_SERVED_WELL_US = 1000000,
    DB_HOST_KEY_SIZE = 320,       /* address or name, and port */
    DB_GRACE_MAX_US = 250000,     /* between the server's giving up and ours */
    DB_ROOM_KEPT_BYTES = 2 << 20, /* of one statement or row: beyond, the connection is made anew. libpq never gives
                                     its buffers' room back, and each connection has two */
};

struct db_conn;
struct db_attempt;
struct db_bulk;

enum prepared_state { PREPARED_NOT, PREPARED_SENT, PREPARED_THERE };

struct db_result {
    PGresult *pg;
    bool is_commit;   /* the statement was a COMMIT: a ROLLBACK in its place is a failure */
    unsigned awaited; /* the text whose Parse is answered before it; 0: none, or that is done */
};

/* Embedded in its connection, reused for each holder. */
struct db_session {
    struct db_conn *conn;
    db_done_fn done;
    void *arg;
    struct db_result *results;      /* [capacity]; the first nresults hold a PGresult */
    struct db_result **result_list; /* the same as the pointers the caller gets */
    unsigned capacity, ncalls, nresults;
    unsigned nulls;       /* end marks seen in this call: a guard against a library that never comes to the Sync */
    bool in_call;         /* a Sync is on its way */
    bool is_preceded;     /* a statement of our own comes back first */
    unsigned awaited;     /* the text whose Parse is answered before that one; 0: none */
    bool has_names;       /* a statement of this call went by name */
    bool is_failure_due;  /* the call failed before anything was sent; done is called from the next turn */
    bool is_rolling_back; /* released; the ROLLBACK is on its way */
    bool is_stale; /* to be closed at release: the server is not, or no longer, the one we want, or it holds much memory
                    */
    struct error error; /* of this call; ERR_OK while all is well */
};

struct db_conn {
    struct db_pool *pool;
    struct db_conn *prev, *next; /* in the list of its state */
    enum db_conn_state state;
    PGconn *pg;
    bool is_up; /* pg is through with connecting */
    struct watch *watch;
    int watched;
    uint64_t deadline_us;
    uint64_t up_since_us;
    uint64_t sent_us, heard_us;              /* the last call to leave; the last time anything came */
    struct db_attempt *attempt;              /* while connecting */
    struct db_bulk *bulk;                    /* a thread that sends has pg; NULL: none */
    char host[DB_HOST_KEY_SIZE];             /* once it is up */
    bool is_met;                             /* the server has told its process number on this connection */
    bool is_servers_own;                     /* and it was that of the connection itself: no pooler stands between */
    unsigned char prepared[DB_PREPARED_MAX]; /* enum prepared_state, by text */
    struct db_session session;
};

struct db_conn_list {
    struct db_conn *first, *last;
    unsigned n;
};

/* Where to connect to: the connection string, and the host names in it. */
struct db_target {
    const char *conninfo;
    unsigned nhosts;
    struct db_host {
        const char *name, *address, *port; /* address or port may be "" */
        bool is_name;                      /* must be looked up first */
    } * hosts;
    bool has_names;
    uint64_t connect_timeout_us; /* of one host, and of the looking up of names */
    const char *mistake;         /* the string does not parse: why; else NULL */
};

/* Which host the next attempt begins with. */
struct db_start {
    char key[DB_HOST_KEY_SIZE]; /* db_host_key(); "": the first of the list */
    bool is_behind;             /* begin with the one after it: it said nothing the last time */
};

struct db_attempt {
    struct arena *arena;
    struct db_attempt *next, **link; /* of the pool */
    struct db_conn *conn;            /* NULL: none waits any more, it is a stray */
    struct db_pool *pool;            /* NULL: it is gone */
    struct db_target target;         /* a copy: the thread reads nothing of the pool */
    struct db_start start;
    struct db_host *hosts; /* with their addresses */
    unsigned nhosts;
    atomic_bool is_over; /* nobody wants it any more */
    atomic_bool is_past_names;
    atomic_uint_least64_t alive_us; /* the thread's last sign of life */
    PGconn *pg;                     /* NULL at the end: it came to nothing, and detail says why */
    char host[DB_HOST_KEY_SIZE];    /* the one libpq is at, or was at the end */
    bool is_silent;                 /* which said nothing in time */
    char detail[400];
};

struct waiter {
    struct waiter *next;
    db_session_fn fn;
    void *arg;
    uint64_t deadline_us;
};

struct db_pool {
    struct arena *arena;
    struct loop *loop;
    struct db_conf conf;
    struct db_target target;
    struct db_start start;
    struct db_attempt *attempts; /* under way */
    unsigned strays;             /* of them, for which no connection waits any more */
    struct db_conn *conns;       /* [conf.connections] */
    struct db_conn_list lists[DB_CONN_STATES];
    struct waiter *first_waiter, *last_waiter, *free_waiters;
    unsigned waiting;
    unsigned failures_due; /* sessions with is_failure_due */
    bool is_connect_due;   /* a broken connection may be tried again */
    struct timer *tick;
    struct timer *turn;  /* armed when something is due at the next turn of the loop */
    bool is_dispatching; /* inside one of our own callbacks from the loop: its end looks at what is due */
    bool is_in_turn;     /* that callback is a timer's */
    struct db_text {
        const char *sql;
        char name[20];
    } texts[DB_PREPARED_MAX]; /* of statements with a name */
    unsigned ntexts;
    unsigned up;              /* connections with is_up */
    uint64_t down_since_us;   /* meaningful while up == 0 */
    unsigned attempts_failed; /* in a row */
    uint64_t lost, given;
};

/* pool.c */
void db_pool_move(struct db_conn *c, enum db_conn_state to);
void db_pool_break(struct db_conn *c); /* to DB_CONN_BROKEN, with the pause before the next attempt */
void db_pool_turn(struct db_pool *p);  /* something is due: looked at in the next turn of the loop */
bool db_pool_has_due(const struct db_pool *p);
void db_pool_dispatch_begin(struct db_pool *p);
void db_pool_dispatch_end(struct db_pool *p);
void db_pool_note_up(struct db_conn *c);
void db_pool_note_down(struct db_conn *c);
void db_pool_note_silent(struct db_conn *c); /* it was given up because nothing came */
void db_pool_note_failed_attempt(struct db_pool *p, const char *detail);

/* waiters.c */
void db_waiters_serve(struct db_pool *p); /* gives idle connections to those who wait */
void db_waiters_fail_late(struct db_pool *p, uint64_t now_us);
/* Nobody is kept waiting for a database that has been away for longer than anybody would wait. */
bool db_pool_is_away(const struct db_pool *p, uint64_t now_us);

/* connection.c */
void db_conn_connect(struct db_conn *c);
void db_conn_close(struct db_conn *c); /* tells nobody; the caller moves it to another state */
void db_conn_attempt_failed(struct db_conn *c, const char *detail);
void db_conn_come_up(struct db_conn *c);                  /* with its pg and host, inside a dispatch */
void db_conn_lost(struct db_conn *c, const char *detail); /* an established connection is gone */
void db_conn_watch(struct db_conn *c, int events);
void db_conn_unwatch(struct db_conn *c);

/* session.c */
void db_session_open(struct db_session *s);
void db_session_flush(struct db_session *s);
void db_session_time_out(struct db_session *s);
void db_session_lost(struct db_session *s, const char *detail);
void db_session_run_due(struct db_session *s);
void db_session_fini(struct db_session *s);
void db_session_clear(struct db_session *s);  /* forgets the results of the call before */
void db_session_finish(struct db_session *s); /* the call is over: tells its owner */
void db_session_broken(struct db_session *s); /* its connection is of no use any more, with what was said last */
/* ERR_DATABASE when nothing went out; ERR_UNCERTAIN when something may have. Touches nothing but pg. */
enum err db_pipeline_queue(PGconn *pg, const struct db_call *calls, unsigned n);
void db_session_sent(struct db_session *s, enum err err, const char *detail); /* by a thread; inside a dispatch */

bool db_pipeline_add(PGconn *pg, const struct db_call *call); /* unnamed */
void db_call_formats(const struct db_call *call, int formats[DB_PARAMS_MAX]);

/* collect.c */
void db_session_collect(struct db_session *s); /* input has arrived */

/* prepared.c */
/* Adds a call to the pipeline, by name where that may be. awaited: 0, or the text whose Parse is answered before it. */
bool db_prepared_add(struct db_conn *c, const struct db_call *call, unsigned *awaited);
void db_prepared_answered(struct db_conn *c, unsigned text);
void db_prepared_meet(struct db_conn *c, const PGresult *r); /* what came of the statement in front of a transaction */
void db_prepared_settle(struct db_conn *c); /* the pipeline ended with an error: what was not answered is not there */
/* All connections there are go on without names. */
void db_prepared_distrust(struct db_pool *p);
void db_prepared_forget(struct db_conn *c); /* another session of the server */

/* bulk.c */
/* False: there is not much to send. first: NULL, or what goes in front of the calls. */
bool db_bulk_start(struct db_session *s, const struct db_call *first, const struct db_call *calls, unsigned n);
void db_bulk_leave(struct db_bulk *k); /* nobody waits for it; the PGconn ends with it */

/* target.c */
void db_target_init(struct db_target *t, struct arena *a, const char *conninfo);
/* The hosts in turn, from `start` on; none: as the connection string says. */
PGconn *db_target_connect_start(const struct db_target *t, const struct db_host *hosts, unsigned nhosts,
                                const struct db_start *start);
/* libpq itself keeps connect_timeout here, host by host. NULL when memory is out. */
PGconn *db_target_connect_blocking(const char *conninfo);
void db_host_key(char out[DB_HOST_KEY_SIZE], const char *name, const char *address, const char *port);

/* attempt.c */
void db_attempt_start(struct db_conn *c);
void db_attempt_look(struct db_conn *c, uint64_t now_us); /* is it still worth waiting for? */
void db_attempts_leave(struct db_pool *p);                /* the pool ends before them */

/* complaint.c */
enum err db_error(struct error *e, const PGresult *r);
/* The first line of a connection's complaint, copied into out. */
void db_complaint(const PGconn *pg, char *out, size_t cap);
bool db_error_is_fatal(const PGresult *r); /* the server is about to close, or has closed */
bool db_error_is_stale(const PGresult *r); /* a standby where a primary is wanted */
/* A prepared statement that is gone, doubled, or of other columns than it was. */
bool db_error_is_of_a_name(const PGresult *r);
