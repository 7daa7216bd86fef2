/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The pool and its sessions in virtual time; see fake_db.h. */
#include "fake_db.h"

#include "fake_server.h"
#include "sim.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TICK_US     50000
#define WAY_MAX_US  400 /* between the machines */
#define MEMBERS_MAX 64

enum state { DOWN, IDLE, BUSY, ROLLING_BACK };
enum fate { FATE_GOOD, FATE_LOST_BEFORE, FATE_LOST_AFTER, FATE_KILLED, FATE_SILENT_BEFORE, FATE_SILENT_AFTER };

struct conn {
    struct db_pool *pool;
    enum state state;
    struct backend *backend; /* NULL: lost */
    struct db_session *session;
    struct sim_event *event; /* the way there or back, the rolling back, the making anew */
};

struct db_session {
    struct conn *conn;
    db_done_fn done;
    void *arg;
    bool in_call, is_commit;
    enum fate fate;
    struct db_patience patience;
    uint64_t statement_ms;
    const struct db_call *calls; /* while they are on their way */
    struct arena *arena;
    unsigned ncalls;
    const struct server_answer *answer;
    unsigned members[MEMBERS_MAX], nmembers; /* of a COMMIT: whose rows it is about */
    unsigned writers[MEMBERS_MAX], nwriters; /* whose writes are in this call */
    unsigned half;                           /* results that came before the connection broke */
    uint64_t answered_us;                    /* the last call with writes */
    struct sim_event *limit, *end, *breaks;
    struct error error;
};

struct waiter {
    struct waiter *next;
    db_session_fn fn;
    void *arg;
    uint64_t deadline_us;
};

struct db_pool {
    struct db_conf conf;
    struct conn *conns;
    struct waiter *first, **last;
    unsigned waiting, up;
    uint64_t down_since_us, lost;
    bool is_away;
    struct sim_event *turn, *tick;
};

static struct fake_db_faults faults;
static struct fake_db_hooks hooks;

void fake_db_set(const struct fake_db_faults *f, const struct fake_db_hooks *h)
{
    faults = *f;
    hooks = *h;
}

/* ---- who waits for a session ---- */

static void pool_turn(struct db_pool *p);

static struct conn *conn_idle(const struct db_pool *p)
{
    for (unsigned i = 0; i < p->conf.connections; i++)
        if (p->conns[i].state == IDLE)
            return &p->conns[i];
    return NULL;
}

static bool pool_is_down(const struct db_pool *p)
{
    return p->up == 0 && sim_now_us() - p->down_since_us >= p->conf.acquire_timeout_ms * 1000;
}

static struct waiter *waiter_take(struct db_pool *p, struct waiter **at)
{
    struct waiter *w = *at;
    *at = w->next;
    if (w->next == NULL)
        p->last = at;
    p->waiting--;
    return w;
}

static void waiter_fail(const struct db_pool *p, struct waiter *w)
{
    struct error e = {0};
    enum err err = error_set(&e, p->up > 0 ? ERR_BUSY : ERR_DATABASE, FAKE_DB_NO_SESSION);
    struct waiter was = *w;
    free(w);
    was.fn(was.arg, NULL, err, &e);
}

static void conn_lose(struct conn *c, uint64_t found_out_us);

static void session_break(void *arg)
{
    struct db_session *s = arg;
    s->breaks = NULL;
    if (!s->in_call && s->conn->backend != NULL)
        conn_lose(s->conn, sim_below(3000000));
}

static struct db_session *session_new(struct conn *c)
{
    struct db_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->conn = c;
    c->state = BUSY;
    c->session = s;
    if (sim_chance(faults.broken))
        s->breaks = sim_after(sim_below(20000), session_break, s);
    return s;
}

static void pool_serve(void *arg)
{
    struct db_pool *p = arg;
    p->turn = NULL;
    for (unsigned todo = p->waiting; todo > 0 && p->first != NULL; todo--) {
        struct conn *c = conn_idle(p);
        if (c == NULL && !pool_is_down(p))
            break;
        struct waiter *w = waiter_take(p, &p->first);
        if (c == NULL) {
            waiter_fail(p, w);
            continue;
        }
        struct waiter was = *w;
        struct error good = {0};
        free(w);
        was.fn(was.arg, session_new(c), ERR_OK, &good);
    }
    pool_turn(p);
}

static void pool_turn(struct db_pool *p)
{
    if (p->turn == NULL && p->waiting > 0 && (conn_idle(p) != NULL || pool_is_down(p)))
        p->turn = sim_after(sim_below(30), pool_serve, p);
}

static void pool_tick(void *arg)
{
    struct db_pool *p = arg;
    struct waiter *late = NULL, **end = &late, *w;
    p->tick = sim_after(TICK_US, pool_tick, p);
    for (struct waiter **at = &p->first; (w = *at) != NULL;) {
        if (w->deadline_us > sim_now_us()) {
            at = &w->next;
            continue;
        }
        w = waiter_take(p, at);
        w->next = NULL;
        *end = w;
        end = &w->next;
    }
    while ((w = late) != NULL) {
        late = w->next;
        waiter_fail(p, w);
    }
    pool_turn(p);
}

static struct waiter *waiter_new(struct db_pool *p, uint64_t until_us, db_session_fn fn, void *arg)
{
    struct waiter *w = malloc(sizeof *w);
    uint64_t deadline_us = sim_now_us() + p->conf.acquire_timeout_ms * 1000;
    if (w == NULL)
        abort();
    *w = (struct waiter){NULL, fn, arg, until_us < deadline_us ? until_us : deadline_us};
    p->waiting++;
    return w;
}

void db_acquire_until(struct db_pool *p, uint64_t until_us, db_session_fn fn, void *arg)
{
    struct waiter *w = waiter_new(p, until_us, fn, arg);
    *p->last = w;
    p->last = &w->next;
    pool_turn(p);
}

void db_acquire(struct db_pool *p, db_session_fn fn, void *arg)
{
    db_acquire_until(p, UINT64_MAX, fn, arg);
}

void db_acquire_first(struct db_pool *p, db_session_fn fn, void *arg)
{
    struct waiter *w = waiter_new(p, UINT64_MAX, fn, arg);
    w->next = p->first;
    p->first = w;
    if (w->next == NULL)
        p->last = &w->next;
    pool_turn(p);
}

/* ---- connections ---- */

static void conn_connected(void *arg)
{
    struct conn *c = arg;
    c->event = NULL;
    if (c->pool->is_away) {
        c->event = sim_after(sim_between(50000, 300000), conn_connected, c);
        return;
    }
    c->backend = backend_new();
    c->state = IDLE;
    c->pool->up++;
    pool_turn(c->pool);
}

/* Free again, or to be made anew. */
static void conn_back(struct conn *c)
{
    if (c->backend != NULL) {
        c->state = IDLE;
        pool_turn(c->pool);
        return;
    }
    c->state = DOWN;
    c->event = sim_after(sim_between(1000, 150000), conn_connected, c);
}

static void conn_forget(struct conn *c)
{
    c->backend = NULL;
    if (--c->pool->up == 0)
        c->pool->down_since_us = sim_now_us();
}

static void conn_lose(struct conn *c, uint64_t found_out_us)
{
    backend_abandon(c->backend, found_out_us);
    conn_forget(c);
}

/* ---- calls ---- */

static void session_clear(struct db_session *s)
{
    sim_cancel(s->limit);
    sim_cancel(s->end);
    s->limit = s->end = NULL;
    arena_free(s->arena);
    s->arena = NULL;
    s->answer = NULL;
    if (s->conn->backend != NULL && !s->in_call)
        backend_forget(s->conn->backend);
}

static void session_finish(struct db_session *s)
{
    s->in_call = false;
    if (s->nwriters > 0)
        s->answered_us = sim_now_us();
    sim_cancel(s->limit);
    s->limit = NULL;
    if (s->is_commit && s->nmembers > 0)
        hooks.commit_ended(s->members, s->nmembers, s->error.code);
    if (s->nwriters > 0)
        hooks.writes_ended(s->writers, s->nwriters, s->error.code);
    unsigned n = s->answer == NULL ? 0 : s->half < s->answer->n ? s->half : s->answer->n;
    s->done(s->arg, s->answer != NULL ? s->answer->results : NULL, n, s->error.code, &s->error);
}

static void session_end(void *arg)
{
    struct db_session *s = arg;
    s->end = NULL;
    session_finish(s);
}

static void session_lost(void *arg)
{
    struct db_session *s = arg;
    s->end = NULL;
    if (s->conn->backend != NULL) {
        if (s->fate == FATE_KILLED) {
            backend_kill(s->conn->backend);
            conn_forget(s->conn);
        } else {
            conn_lose(s->conn, sim_below(3000000));
        }
    }
    s->half = s->answer != NULL ? (unsigned)sim_below(s->answer->n + 1) : 0;
    s->error = (struct error){0};
    (void)error_set(&s->error, ERR_UNCERTAIN, "connection lost before the answer");
    session_finish(s);
}

static void session_limit(void *arg)
{
    struct db_session *s = arg;
    s->limit = NULL;
    sim_cancel(s->end);
    s->end = NULL;
    s->answer = NULL;
    s->conn->pool->lost++;
    conn_lose(s->conn, sim_below(3000000));
    (void)error_set(&s->error, ERR_TIMEOUT, "no answer from the database in time");
    session_finish(s);
}

static void session_answered(void *arg, const struct server_answer *a)
{
    struct db_session *s = arg;
    if (s->fate == FATE_SILENT_AFTER)
        return;
    sim_cancel(s->end); /* a kill that comes too late */
    s->end = NULL;
    s->answer = a;
    s->error = a->error;
    s->end = sim_after(sim_between(10, WAY_MAX_US), s->fate == FATE_LOST_AFTER ? session_lost : session_end, s);
}

static void session_arrived(void *arg)
{
    struct db_session *s = arg;
    s->end = NULL;
    if (s->fate == FATE_LOST_BEFORE || s->fate == FATE_KILLED)
        s->end = sim_after(sim_below(30000), session_lost, s);
    if (s->fate != FATE_LOST_BEFORE && s->fate != FATE_SILENT_BEFORE)
        backend_run(s->conn->backend, s->calls, s->ncalls, s->patience, s->statement_ms, session_answered, s);
}

static enum fate drawn_fate(void)
{
    const unsigned of[] = {faults.lost_before, faults.lost_after, faults.killed, faults.silent_before,
                           faults.silent_after};
    uint64_t lot = sim_below(1000);
    for (unsigned i = 0; i < sizeof of / sizeof *of; i++) {
        if (lot < of[i])
            return (enum fate)(FATE_LOST_BEFORE + (int)i);
        lot -= of[i];
    }
    return FATE_GOOD;
}

/* What is sent is copied: the caller's may go when db_send() has returned. */
static void session_take_calls(struct db_session *s, const struct db_call *calls, unsigned n)
{
    struct db_call *own;
    s->arena = arena_new();
    own = arena_array(s->arena, n + 1, sizeof *own);
    for (unsigned i = 0; i < n; i++) {
        const char **values = arena_array(s->arena, calls[i].nparams + 1, sizeof *values);
        own[i] = calls[i];
        own[i].values = values;
        if (calls[i].lengths != NULL)
            own[i].lengths = arena_copy(s->arena, calls[i].lengths, calls[i].nparams * sizeof(int));
        if (calls[i].is_binary != NULL)
            own[i].is_binary = arena_copy(s->arena, calls[i].is_binary, calls[i].nparams);
        for (unsigned k = 0; k < calls[i].nparams; k++) {
            bool is_binary = own[i].is_binary != NULL && own[i].is_binary[k] != 0;
            const char *v = calls[i].values[k];
            values[k] = is_binary ? arena_copy(s->arena, v, (size_t)own[i].lengths[k]) : arena_strdup(s->arena, v);
        }
    }
    s->calls = own;
    s->ncalls = n;
}

static void session_set_limits(struct db_session *s, struct db_patience p)
{
    uint64_t now_us = sim_now_us(), statement_us = s->conn->pool->conf.statement_timeout_ms * 1000;
    uint64_t left_us = p.until_us > now_us ? p.until_us - now_us : 0;
    bool is_short = p.until_us != 0 && left_us < statement_us;
    uint64_t grace_us = (is_short ? left_us : statement_us) / 8;
    grace_us = grace_us > 250000 ? 250000 : grace_us;
    s->patience = p;
    s->statement_ms = (is_short ? left_us - grace_us : statement_us) / 1000;
    s->limit = sim_after((is_short ? left_us : statement_us + grace_us) + sim_below(TICK_US), session_limit, s);
}

void db_send_within(struct db_session *s, struct db_patience p, const struct db_call *calls, unsigned n, db_done_fn fn,
                    void *arg)
{
    struct conn *c = s->conn;
    if (s->in_call || c->session != s)
        hooks.misused("db_send() on a session in a call");
    session_clear(s);
    s->done = fn;
    s->arg = arg;
    s->in_call = true;
    s->error = (struct error){0};
    s->is_commit = n > 0 && strcmp(calls[n - 1].sql, "commit") == 0;
    s->nmembers = s->nwriters = 0;
    s->half = UINT_MAX;
    if (c->backend == NULL) {
        (void)error_set(&s->error, ERR_DATABASE, "the connection of this session is lost");
        s->is_commit = false; /* nothing leaves */
        s->end = sim_after(0, session_end, s);
        return;
    }
    if (s->is_commit) {
        s->nmembers = backend_writes(c->backend, s->members, MEMBERS_MAX);
        hooks.commit_sent(s->members, s->nmembers, s->answered_us);
    }
    for (unsigned i = 0; i < n && s->nwriters < MEMBERS_MAX; i++)
        s->nwriters += server_writer(&calls[i], &s->writers[s->nwriters]);
    if (s->nwriters > 0)
        hooks.writes_sent(s->writers, s->nwriters);
    session_take_calls(s, calls, n);
    session_set_limits(s, p);
    s->fate = drawn_fate();
    s->end = sim_after(sim_between(10, WAY_MAX_US), session_arrived, s);
}

void db_send(struct db_session *s, const struct db_call *calls, unsigned n, db_done_fn fn, void *arg)
{
    db_send_within(s, (struct db_patience){0}, calls, n, fn, arg);
}

static void conn_rolled_back(void *arg)
{
    struct conn *c = arg;
    c->event = NULL;
    if (sim_chance(faults.lost_before))
        conn_lose(c, sim_below(3000000));
    else
        backend_roll_back(c->backend);
    conn_back(c);
}

void db_release(struct db_session *s)
{
    struct conn *c = s->conn;
    if (c->session != s || c->state != BUSY)
        hooks.misused("db_release() of a session that is not had");
    if (s->in_call && c->backend != NULL)
        conn_lose(c, sim_below(3000000));
    session_clear(s);
    sim_cancel(s->breaks);
    free(s);
    c->session = NULL;
    if (c->backend == NULL || !backend_in_transaction(c->backend)) {
        conn_back(c);
        return;
    }
    c->state = ROLLING_BACK;
    c->event = sim_after(sim_between(20, 2 * WAY_MAX_US), conn_rolled_back, c);
}

/* ---- the outside ---- */

struct db_pool *db_pool_new(struct loop *l, const struct db_conf *conf)
{
    struct db_pool *p = calloc(1, sizeof *p);
    (void)l;
    if (p == NULL || (p->conns = calloc(conf->connections, sizeof *p->conns)) == NULL)
        abort();
    p->conf = *conf;
    p->last = &p->first;
    p->down_since_us = sim_now_us();
    for (unsigned i = 0; i < conf->connections; i++) {
        struct conn *c = &p->conns[i];
        c->pool = p;
        c->event = sim_after(sim_below(5000), conn_connected, c);
    }
    p->tick = sim_after(TICK_US, pool_tick, p);
    return p;
}

void db_pool_free(struct db_pool *p)
{
    sim_cancel(p->turn);
    sim_cancel(p->tick);
    while (p->first != NULL)
        free(waiter_take(p, &p->first));
    for (unsigned i = 0; i < p->conf.connections; i++) {
        struct conn *c = &p->conns[i];
        sim_cancel(c->event);
        if (c->backend != NULL)
            backend_abandon(c->backend, sim_below(3000000));
        if (c->session == NULL)
            continue;
        sim_cancel(c->session->limit);
        sim_cancel(c->session->end);
        sim_cancel(c->session->breaks);
        arena_free(c->session->arena);
        free(c->session);
    }
    free(p->conns);
    free(p);
}

void db_pool_read_stats(const struct db_pool *p, struct db_pool_stats *out)
{
    *out = (struct db_pool_stats){.waiting = p->waiting, .lost = p->lost};
    for (unsigned i = 0; i < p->conf.connections; i++) {
        out->idle += p->conns[i].state == IDLE;
        out->connecting += p->conns[i].state == DOWN;
        out->busy += p->conns[i].state == BUSY || p->conns[i].state == ROLLING_BACK;
    }
}

void fake_db_set_away(struct db_pool *p, bool is_away)
{
    p->is_away = is_away;
    for (unsigned i = 0; i < p->conf.connections && is_away; i++) {
        struct conn *c = &p->conns[i];
        if (c->backend == NULL)
            continue;
        if (c->state == BUSY && c->session->in_call) {
            sim_cancel(c->session->end);
            c->session->end = sim_after(sim_below(5000), session_lost, c->session);
            continue;
        }
        conn_lose(c, sim_below(5000));
        if (c->state == ROLLING_BACK) {
            sim_cancel(c->event);
            conn_back(c);
        } else if (c->state == IDLE) {
            conn_back(c);
        }
    }
}

unsigned fake_db_waiting(const struct db_pool *p, uint64_t us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->conf.connections; i++) {
        const struct conn *c = &p->conns[i];
        bool is_had = c->backend != NULL && c->session != NULL;
        n += is_had && backend_waits_us(c->backend) > us && !backend_journals(c->backend);
    }
    return n;
}
