/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * F2: while transactions run, a second hand kills backends at random. Afterwards the table must agree with what we
 * were told: success is there, certain failure is not there, and only the uncertain may be either.
 */
#include "pgtest.h"

#include <pthread.h>

enum { GUESTS = 16, ROUNDS_MAX = 200000, KILLS = 150, ROWS_MIN = 1000 };

enum told { TOLD_NOTHING, TOLD_DONE, TOLD_NOT_DONE, TOLD_UNCERTAIN };

struct guest {
    struct db_session *session;
    unsigned id;
    char number[16];
    bool has_two_steps; /* BEGIN and INSERT first, COMMIT later; else all in one */
};

static struct bench bench;
static struct guest guests[GUESTS];
static unsigned char told[ROUNDS_MAX];
static unsigned next_id, at_work;
static int is_over; /* set by the killer */
static unsigned kills;
static unsigned done, uncertain; /* read by the killer: he goes on until the test has tried something */

static void guest_begin(struct guest *g);

static void guest_end(struct guest *g, enum told outcome)
{
    told[g->id] = (unsigned char)outcome;
    __atomic_fetch_add(&done, outcome == TOLD_DONE, __ATOMIC_RELAXED);
    __atomic_fetch_add(&uncertain, outcome == TOLD_UNCERTAIN, __ATOMIC_RELAXED);
    if (g->session != NULL)
        db_release(g->session);
    g->session = NULL;
    if (next_id < ROUNDS_MAX && !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        guest_begin(g);
        return;
    }
    if (--at_work == 0)
        loop_stop(bench.loop);
}

static void on_commit(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    (void)results;
    (void)n;
    (void)e;
    if (err != ERR_OK && err != ERR_DATABASE && err != ERR_UNCERTAIN)
        fail_msg("%s: %s", error_name(err), e->detail);
    guest_end(arg, err == ERR_OK ? TOLD_DONE : err == ERR_DATABASE ? TOLD_NOT_DONE : TOLD_UNCERTAIN);
}

static void on_insert(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    static const struct db_call commit = {.sql = "commit"};
    struct guest *g = arg;
    (void)results;
    (void)n;
    (void)e;
    if (err != ERR_OK)
        guest_end(g, TOLD_NOT_DONE); /* whatever the server did, we never sent COMMIT */
    else
        db_send(g->session, &commit, 1, on_commit, g);
}

static void on_session(void *arg, struct db_session *s, enum err err, const struct error *e)
{
    struct guest *g = arg;
    const char *const values[] = {g->number};
    const struct db_call calls[] = {
        {.sql = "begin"}, {.sql = "insert into t values ($1::int)", .nparams = 1, .values = values}, {.sql = "commit"}};
    (void)e;
    g->session = s;
    if (err != ERR_OK)
        guest_end(g, TOLD_NOT_DONE);
    else if (g->has_two_steps)
        db_send(s, calls, 2, on_insert, g);
    else
        db_send(s, calls, 3, on_commit, g);
}

static void guest_begin(struct guest *g)
{
    g->id = next_id++;
    g->has_two_steps = g->id % 2 == 0;
    snprintf(g->number, sizeof g->number, "%u", g->id);
    db_acquire(bench.pool, on_session, g);
}

static bool has_tried_enough(void)
{
    return kills >= KILLS && __atomic_load_n(&done, __ATOMIC_RELAXED) > ROWS_MIN &&
           __atomic_load_n(&uncertain, __ATOMIC_RELAXED) > 0;
}

static void *killer(void *arg)
{
    struct arena *a = arena_new();
    struct db_blocking *b = NULL;
    struct error e = {.code = ERR_OK};
    (void)arg;
    if (db_connect_blocking(pgtest.conninfo, &b, &e) == ERR_OK)
        for (unsigned tries = 0; !has_tried_enough() && tries < 100 * KILLS; tries++) {
            const char *is_killed = NULL;
            if (db_exec_blocking(b, a,
                                 "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'victim' "
                                 "order by random() limit 1",
                                 &is_killed, &e) != ERR_OK)
                break;
            kills += is_killed != NULL;
            usleep(15000);
        }
    db_close_blocking(b);
    arena_free(a);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void what_we_were_told_is_what_is_there(void **state)
{
    (void)state;
    pthread_t thread;
    char conninfo[600];
    unsigned count[4] = {0};
    if (pgtest.data[0] == '\0')
        skip();
    snprintf(conninfo, sizeof conninfo, "host=%s port=%u user=victim dbname=postgres", pgtest.socket, pgtest.port);
    const struct db_conf conf = {.conninfo = conninfo,
                                 .connections = 8,
                                 .acquire_timeout_ms = PGTEST_PATIENT_MS,
                                 .statement_timeout_ms = PGTEST_PATIENT_MS,
                                 .reconnect_max_ms = 100};
    pgtest_sql("create role victim login; create table t (k int primary key); grant all on t to victim");
    bench_open(&bench, &conf);
    at_work = GUESTS;
    for (unsigned i = 0; i < GUESTS; i++)
        guest_begin(&guests[i]);
    assert_int_equal(pthread_create(&thread, NULL, killer, NULL), 0);
    loop_run(bench.loop);
    pthread_join(thread, NULL);
    assert_in_range(kills, KILLS, 100 * KILLS);
    bench_close(&bench);

    const char *there = pgtest_sql("select coalesce(string_agg(k::text, ' ' order by k), '') from t");
    static unsigned char is_there[ROUNDS_MAX];
    for (const char *p = there; *p != '\0';) {
        char *end;
        unsigned long k = strtoul(p, &end, 10);
        assert_true(k < ROUNDS_MAX);
        is_there[k] = 1;
        p = *end == ' ' ? end + 1 : end;
    }
    for (unsigned i = 0; i < next_id; i++) {
        count[told[i]]++;
        if (told[i] == TOLD_DONE && !is_there[i])
            fail_msg("%u was acknowledged and is lost", i);
        if (told[i] == TOLD_NOT_DONE && is_there[i])
            fail_msg("%u was denied and is there", i);
        assert_int_not_equal(told[i], TOLD_NOTHING);
    }
    print_message("%u kills: %u done, %u not done, %u uncertain\n", kills, count[TOLD_DONE], count[TOLD_NOT_DONE],
                  count[TOLD_UNCERTAIN]);
    assert_true(count[TOLD_DONE] > ROWS_MIN);
    assert_true(count[TOLD_UNCERTAIN] > 0); /* else the test has tried nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_we_were_told_is_what_is_there)};
    return cmocka_run_group_tests(tests, pgtest_setup, pgtest_teardown);
}
