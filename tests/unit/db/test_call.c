/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The statements of a session against a real PostgreSQL: pipelines, failures in the middle, the outcome nobody knows
 * (F2, reliability: COMMIT has a third outcome), values both ways (B1, B6, J1 rest on these).
 */
#include "pgtest.h"

static struct bench bench;

static int open_bench(void **state)
{
    (void)state;
    const struct db_conf conf = {.conninfo = pgtest.conninfo,
                                 .connections = 2,
                                 .acquire_timeout_ms = PGTEST_PATIENT_MS,
                                 .statement_timeout_ms = PGTEST_PATIENT_MS,
                                 .reconnect_max_ms = 500};
    if (pgtest.data[0] == '\0')
        return 0;
    pgtest_sql("drop table if exists t; create table t (k int primary key, v text)");
    bench_open(&bench, &conf);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    if (pgtest.data[0] != '\0')
        bench_close(&bench);
    return 0;
}

static const char *count_rows(void)
{
    return pgtest_sql("select count(*) from t");
}

/* ---- pipelines ---- */

static void several_statements_come_back_in_order(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const char *const one[] = {"1", "первая"};
    const struct db_call calls[] = {
        {.sql = "begin"},
        {.sql = "insert into t values ($1::int, $2)", .nparams = 2, .values = one},
        {.sql = "select k, v from t"},
        {.sql = "commit"},
        {.sql = "select 'after'"},
    };
    assert_int_equal(bench_send(&bench, s, calls, 5, &a), ERR_OK);
    assert_int_equal(a.n, 5);
    assert_int_equal(db_rows(a.results[2]), 1);
    assert_string_equal(db_text(a.results[2], 0, db_column(a.results[2], "v")), "первая");
    assert_string_equal(db_text(a.results[4], 0, 0), "after");
    db_release(s);
    assert_string_equal(count_rows(), "1");
}

static void a_pipeline_of_nothing_succeeds(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_send(&bench, s, NULL, 0, &a), ERR_OK);
    assert_int_equal(a.n, 0);
    db_release(s);
}

static void three_hundred_statements_in_one_pipeline(void **state)
{
    NEEDS_SERVER();
    static struct db_call calls[300];
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    for (unsigned i = 0; i < 300; i++)
        calls[i] = (struct db_call){.sql = "select repeat('x', 5000)"};
    assert_int_equal(bench_send(&bench, s, calls, 300, &a), ERR_OK);
    assert_int_equal(a.n, 300);
    assert_int_equal(strlen(db_text(a.results[299], 0, 0)), 5000);
    db_release(s);
}

static void an_error_stops_the_rest_and_names_its_place(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const struct db_call calls[] = {
        {.sql = "begin"},
        {.sql = "insert into t values (1, 'a')"},
        {.sql = "insert into t values (1, 'b')"},
        {.sql = "insert into t values (2, 'c')"},
        {.sql = "commit"},
    };
    assert_int_equal(bench_send(&bench, s, calls, 5, &a), ERR_CONFLICT);
    assert_int_equal(a.n, 2);
    assert_non_null(strstr(a.error.detail, "23505"));
    assert_null(strstr(a.error.detail, "(k)=(1)")); /* DETAIL has the row's values */
    /* the session lives on, its transaction has failed */
    assert_int_equal(bench_run(&bench, s, &a, "select 1", NULL, NULL), ERR_INTERNAL);
    assert_non_null(strstr(a.error.detail, "25P02"));
    assert_int_equal(bench_run(&bench, s, &a, "rollback", "select 1", NULL), ERR_OK);
    db_release(s);
    assert_string_equal(count_rows(), "0");
}

/* L1: judged while the lock is still held, and by what the server says of itself, not by a clock. */
static void a_wait_for_a_lock_is_broken_off(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const struct db_call in_block[] = {{.sql = "begin"}, {.sql = "show lock_timeout"}, {.sql = "lock table t"}};
    const struct db_call alone[] = {{.sql = "select count(*) from t"}};
    const struct db_call sleep[] = {{.sql = "select pg_sleep(60)"}};
    pgtest_sql("begin; lock table t in access exclusive mode");
    struct db_patience p = {.lock_ms = 40};
    bench_start_within(&bench, s, p, in_block, 3, &a);
    assert_int_equal(bench_wait(&a), ERR_LOCKED);
    assert_int_equal(a.n, 2); /* the statement in front is not counted */
    assert_string_equal(db_text(a.results[1], 0, 0), "40ms");
    assert_int_equal(bench_run(&bench, s, &a, "rollback", NULL, NULL), ERR_OK);
    bench_start_within(&bench, s, p, alone, 1, &a);
    assert_int_equal(bench_wait(&a), ERR_LOCKED);
    pgtest_sql("rollback");
    bench_start_within(&bench, s, p, alone, 1, &a);
    assert_int_equal(bench_wait(&a), ERR_OK);
    /* a statement is broken off by the server when its time is over, and the connection is kept */
    uint64_t lost = bench_stats(&bench).lost;
    p.until_us = clock_mono_us() + 1000000;
    bench_start_within(&bench, s, p, sleep, 1, &a);
    assert_int_equal(bench_wait(&a), ERR_TIMEOUT);
    assert_non_null(strstr(a.error.detail, "57014"));
    assert_int_equal(bench_stats(&bench).lost, lost);
    /* each call says it anew */
    const struct db_call none[] = {{.sql = "show lock_timeout"}};
    bench_start_within(&bench, s, (struct db_patience){.lock_ms = 77}, none, 1, &a);
    assert_int_equal(bench_wait(&a), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "77ms");
    db_release(s);
}

static void commit_of_a_failed_transaction_is_a_failure(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_run(&bench, s, &a, "begin", "insert into t values (1, 'a')", "select 1/0"), ERR_INTERNAL);
    /* PostgreSQL answers this COMMIT with the tag ROLLBACK and no error: nothing may be promised to the peer */
    assert_int_equal(bench_run(&bench, s, &a, "COMMIT", NULL, NULL), ERR_DATABASE);
    assert_int_equal(a.n, 0);
    db_release(s);
    assert_string_equal(count_rows(), "0");
}

static void a_deferred_constraint_fails_the_commit(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    pgtest_sql("drop table if exists d; create table d (k int unique deferrable initially deferred)");
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_run(&bench, s, &a, "begin", "insert into d values (1), (1)", "commit"), ERR_CONFLICT);
    assert_int_equal(a.n, 2);
    /* and without a transaction of its own it fails at the Sync, after all statements had succeeded */
    assert_int_equal(bench_run(&bench, s, &a, "insert into d values (1), (1)", NULL, NULL), ERR_CONFLICT);
    assert_int_equal(bench_run(&bench, s, &a, "select count(*) from d", NULL, NULL), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "0");
    db_release(s);
}

/* ---- what a SQLSTATE means ---- */

static void sqlstates_are_told_apart(void **state)
{
    NEEDS_SERVER();
    static const struct {
        const char *state;
        enum err err;
    } cases[] = {
        {"40001", ERR_CONFLICT}, {"40P01", ERR_CONFLICT}, {"55P03", ERR_LOCKED},   {"23505", ERR_CONFLICT},
        {"23P01", ERR_CONFLICT}, {"57014", ERR_TIMEOUT},  {"53100", ERR_DATABASE}, {"53200", ERR_DATABASE},
        {"25006", ERR_DATABASE}, {"58030", ERR_DATABASE}, {"XX001", ERR_DATABASE}, {"23503", ERR_INTERNAL},
        {"23514", ERR_INTERNAL}, {"P0001", ERR_INTERNAL}, {"42883", ERR_INTERNAL}, {"22007", ERR_INTERNAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[200];
        struct answer a;
        struct db_session *s = bench_acquire(&bench);
        snprintf(sql, sizeof sql, "do $$ begin raise 'words' using errcode = '%s', detail = 'SECRET'; end $$",
                 cases[i].state);
        enum err err = bench_run(&bench, s, &a, sql, NULL, NULL);
        if (err != cases[i].err)
            fail_msg("%s became %s", cases[i].state, error_name(err));
        assert_non_null(strstr(a.error.detail, cases[i].state));
        assert_null(strstr(a.error.detail, "SECRET"));
        db_release(s);
    }
}

static void values_do_not_get_into_the_error(void **state)
{
    NEEDS_SERVER();
    static const char *const casts[] = {"select $1::date",  "select $1::int",  "select $1::uuid",
                                        "select $1::jsonb", "select $1::inet", "select $1::timestamptz"};
    const char *const values[] = {"Тестов 4510 123456"};
    for (size_t i = 0; i < sizeof casts / sizeof *casts; i++) {
        struct answer a;
        struct db_session *s = bench_acquire(&bench);
        const struct db_call call = {.sql = casts[i], .nparams = 1, .values = values};
        assert_int_equal(bench_send(&bench, s, &call, 1, &a), ERR_INTERNAL);
        if (strstr(a.error.detail, "Тестов") != NULL || strstr(a.error.detail, "123456") != NULL)
            fail_msg("personal data in: %s", a.error.detail);
        db_release(s);
    }
}

/* ---- values ---- */

static void a_mebibyte_goes_both_ways(void **state)
{
    NEEDS_SERVER();
    enum { SIZE = 1 << 20 };
    struct arena *arena = arena_new();
    unsigned char *bytes = arena_alloc(arena, SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    const char *const values[] = {(const char *)bytes};
    const struct db_call call = {.sql = "select $1::bytea as b, length($1::bytea) as n, encode(sha256($1), 'hex') as h",
                                 .nparams = 1,
                                 .values = values,
                                 .lengths = (const int[]){SIZE},
                                 .is_binary = (const unsigned char[]){1}};
    struct answer a;
    struct error e = {.code = ERR_OK};
    struct span back;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_send(&bench, s, &call, 1, &a), ERR_OK);
    assert_int_equal(db_bytes(arena, a.results[0], 0, db_column(a.results[0], "b"), &back, &e), ERR_OK);
    assert_int_equal(back.n, SIZE);
    assert_memory_equal(back.p, bytes, SIZE);
    int64_t n = 0;
    assert_int_equal(db_int(a.results[0], 0, db_column(a.results[0], "n"), &n, &e), ERR_OK);
    assert_int_equal(n, SIZE);
    db_release(s);
    arena_free(arena);
}

static void null_is_not_empty(void **state)
{
    NEEDS_SERVER();
    const char *const values[] = {NULL, "", NULL};
    const struct db_call call = {
        .sql =
            "select $1::text as a, $2::text as b, $3::bytea as c, ''::bytea as d, '\\x41'::text as e, null::int as f",
        .nparams = 3,
        .values = values,
        .lengths = (const int[]){0, 0, 0},
        .is_binary = (const unsigned char[]){0, 0, 1}};
    struct arena *arena = arena_new();
    struct answer a;
    struct error e = {.code = ERR_OK};
    struct span sp;
    int64_t n;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_send(&bench, s, &call, 1, &a), ERR_OK);
    const struct db_result *r = a.results[0];
    assert_true(db_is_null(r, 0, 0));
    assert_null(db_text(r, 0, 0));
    assert_false(db_is_null(r, 0, 1));
    assert_string_equal(db_text(r, 0, 1), "");
    assert_int_equal(db_bytes(arena, r, 0, 2, &sp, &e), ERR_OK);
    assert_null(sp.p);
    assert_int_equal(db_bytes(arena, r, 0, 3, &sp, &e), ERR_OK);
    assert_non_null(sp.p);
    assert_int_equal(sp.n, 0);
    assert_int_equal(db_bytes(arena, r, 0, 4, &sp, &e), ERR_OK); /* a text that only looks like bytea stays as it is */
    assert_true(span_is(sp, "\\x41"));
    assert_int_equal(db_int(r, 0, 5, &n, &e), ERR_INTERNAL);
    e = (struct error){.code = ERR_OK};
    assert_int_equal(db_int(r, 0, 4, &n, &e), ERR_INTERNAL);
    /* outside the result */
    assert_int_equal(db_column(r, "nobody"), -1);
    assert_true(db_is_null(r, 0, -1));
    assert_null(db_text(r, 1, 0));
    assert_null(db_text(r, 0, 99));
    e = (struct error){.code = ERR_OK};
    assert_int_equal(db_bytes(arena, r, 0, -1, &sp, &e), ERR_INTERNAL);
    db_release(s);
    arena_free(arena);
}

static void arrays_survive_the_server(void **state)
{
    NEEDS_SERVER();
    static const char *const items[] = {"простой", "с \"кавычками\"", "c:\\путь\\", "a,b", "{}", "", "NULL", NULL, "😀",
                                        " "};
    const unsigned n = sizeof items / sizeof *items;
    struct arena *arena = arena_new();
    const char *const values[] = {db_text_array(arena, items, n)};
    const struct db_call call = {
        .sql = "select $1::text[], array_length($1::text[], 1), ($1::text[])[2]", .nparams = 1, .values = values};
    struct answer a;
    struct error e = {.code = ERR_OK};
    const char **back;
    unsigned got;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_send(&bench, s, &call, 1, &a), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 1), "10");
    assert_string_equal(db_text(a.results[0], 0, 2), items[1]);
    assert_int_equal(db_parse_text_array(arena, db_text(a.results[0], 0, 0), &back, &got, &e), ERR_OK);
    assert_int_equal(got, n);
    for (unsigned i = 0; i < n; i++) {
        if (items[i] == NULL)
            assert_null(back[i]);
        else
            assert_string_equal(back[i], items[i]);
    }
    db_release(s);
    arena_free(arena);
}

static void too_many_parameters_are_refused(void **state)
{
    NEEDS_SERVER();
    static const char *values[200];
    const struct db_call call = {.sql = "select 1", .nparams = 200, .values = values};
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_send(&bench, s, &call, 1, &a), ERR_INTERNAL);
    assert_int_equal(bench_run(&bench, s, &a, "select 1", NULL, NULL), ERR_OK);
    db_release(s);
}

static void copy_is_not_spoken(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    assert_int_not_equal(bench_run(&bench, s, &a, "copy t from stdin", NULL, NULL), ERR_OK);
    db_release(s);
    s = bench_acquire(&bench);
    assert_int_equal(bench_run(&bench, s, &a, "select 1", NULL, NULL), ERR_OK);
    db_release(s);
}

/* ---- release ---- */

static void release_rolls_an_open_transaction_back(void **state)
{
    NEEDS_SERVER();
    for (int has_failed = 0; has_failed < 2; has_failed++) {
        struct answer a;
        struct db_session *s = bench_acquire(&bench);
        bench_run(&bench, s, &a, "begin", "insert into t values (7, 'x')", has_failed ? "select 1/0" : NULL);
        db_release(s);
        /* the one connection that comes back is clean, whichever it is */
        for (int i = 0; i < 2; i++) {
            s = bench_acquire(&bench);
            assert_int_equal(
                bench_run(&bench, s, &a, "select count(*) from t", "select pg_current_xact_id_if_assigned()", NULL),
                ERR_OK);
            assert_string_equal(db_text(a.results[0], 0, 0), "0");
            db_release(s);
        }
    }
    BENCH_UNTIL(&bench, bench_stats(&bench).idle == 2);
    assert_int_equal(bench_stats(&bench).lost, 0);
    assert_string_equal(pgtest_sql("select count(*) from pg_stat_activity where state like 'idle in transaction%%'"),
                        "0");
}

static void release_in_the_middle_closes_the_connection(void **state)
{
    NEEDS_SERVER();
    struct answer a, b;
    struct db_session *s = bench_acquire(&bench);
    const struct db_call call = {.sql = "select pg_sleep(0.2)"};
    bench_start(&bench, s, &call, 1, &a);
    db_release(s);
    for (int i = 0; i < 4; i++) {
        s = bench_acquire(&bench);
        assert_int_equal(bench_run(&bench, s, &b, "select 1", NULL, NULL), ERR_OK);
        db_release(s);
    }
    bench_sleep(&bench, 400);
    assert_false(a.is_done);
    BENCH_UNTIL(&bench, bench_stats(&bench).idle == 2);
}

/* ---- F2: the connection dies ---- */

static const char *backend_of(struct db_session *s)
{
    struct answer a;
    assert_int_equal(bench_run(&bench, s, &a, "select pg_backend_pid()", NULL, NULL), ERR_OK);
    return arena_strdup(pgtest.arena, db_text(a.results[0], 0, 0));
}

static void wait_gone(const char *pid)
{
    for (int i = 0; i < PGTEST_PATIENT_LOOKS; i++) {
        if (strcmp(pgtest_sql("select count(*) from pg_stat_activity where pid = %s", pid), "0") == 0)
            return;
        usleep(10000);
    }
    fail_msg("the backend does not go away");
}

static void killed_before_commit_is_certain(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const char *pid = backend_of(s);
    assert_int_equal(bench_run(&bench, s, &a, "begin", "insert into t values (1, 'x')", NULL), ERR_OK);
    pgtest_sql("select pg_terminate_backend(%s)", pid);
    wait_gone(pid);
    BENCH_UNTIL(&bench, bench_stats(&bench).lost == 1); /* the loop hears of it */
    /* nothing was sent: plain failure, and so for all that follows */
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_run(&bench, s, &a, "commit", NULL, NULL), ERR_DATABASE);
    assert_int_equal(bench_stats(&bench).lost, 1);
    db_release(s);
    assert_string_equal(count_rows(), "0");
    s = bench_acquire(&bench);
    assert_int_equal(bench_run(&bench, s, &a, "select 1", NULL, NULL), ERR_OK);
    db_release(s);
}

static void killed_before_the_loop_knows_is_uncertain(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const char *pid = backend_of(s);
    assert_int_equal(bench_run(&bench, s, &a, "begin", "insert into t values (1, 'x')", NULL), ERR_OK);
    pgtest_sql("select pg_terminate_backend(%s)", pid);
    wait_gone(pid);
    assert_int_equal(bench_run(&bench, s, &a, "commit", NULL, NULL), ERR_UNCERTAIN);
    assert_int_equal(bench_run(&bench, s, &a, "select 1", NULL, NULL), ERR_DATABASE);
    db_release(s);
    assert_string_equal(count_rows(), "0");
}

/* A deferred trigger holds the COMMIT while we shoot. */
static void killed_during_commit_is_uncertain(void **state)
{
    NEEDS_SERVER();
    pgtest_sql("create or replace function slow() returns trigger language plpgsql as "
               "$$ begin perform pg_sleep(600); return null; end $$;"
               "create constraint trigger slow after insert on t deferrable initially deferred for each row "
               "execute function slow()");
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const char *pid = backend_of(s);
    assert_int_equal(bench_run(&bench, s, &a, "begin", "insert into t values (1, 'x')", NULL), ERR_OK);
    const struct db_call commit = {.sql = "commit"};
    bench_start(&bench, s, &commit, 1, &a);
    BENCH_UNTIL_SQL(&bench, PGTEST_SLEEPS, pid);
    assert_false(a.is_done);
    pgtest_sql("select pg_terminate_backend(%s)", pid);
    assert_int_equal(bench_wait(&a), ERR_UNCERTAIN);
    assert_int_equal(a.n, 0);
    db_release(s);
    assert_string_equal(count_rows(), "0");
}

/* kill -9 just after the COMMIT took effect and before its answer: here the effect is there, and we must not deny it.
 */
static void killed_after_commit_is_uncertain(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    const char *pid = backend_of(s);
    const struct db_call calls[] = {{.sql = "begin"},
                                    {.sql = "insert into t values (1, 'x')"},
                                    {.sql = "commit"},
                                    {.sql = "select pg_sleep(600)"}}; /* keeps the Sync back */
    bench_start(&bench, s, calls, 4, &a);
    BENCH_UNTIL_SQL(&bench, PGTEST_SLEEPS, pid);
    assert_string_equal(count_rows(), "1");
    pgtest_sql("select pg_terminate_backend(%s)", pid);
    assert_int_equal(bench_wait(&a), ERR_UNCERTAIN);
    db_release(s);
    assert_string_equal(count_rows(), "1");
}

static void a_dead_idle_connection_is_not_handed_out(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    BENCH_UNTIL(&bench, bench_stats(&bench).idle == 2);
    pgtest_sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'zapisd' "
               "and pid <> pg_backend_pid()");
    BENCH_UNTIL(&bench, bench_stats(&bench).lost == 2);
    for (int i = 0; i < 4; i++) {
        struct db_session *s = bench_acquire(&bench);
        assert_int_equal(bench_run(&bench, s, &a, "select 1", NULL, NULL), ERR_OK);
        db_release(s);
    }
    assert_int_equal(bench_stats(&bench).lost, 2);
}

/* ---- F3: the backend freezes ---- */

static void on_beat(void *arg)
{
    ++*(unsigned *)arg;
}

static void a_frozen_backend_times_out_and_the_loop_turns(void **state)
{
    NEEDS_SERVER();
    unsigned beats = 0;
    struct answer a, b;
    struct db_session *frozen = bench_acquire(&bench);
    pid_t pid = (pid_t)atol(backend_of(frozen));
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGSTOP), 0);

    struct timer *beat = timer_start(bench.loop, 10, 10, on_beat, &beats);
    uint64_t began_us = clock_mono_us();
    const struct db_call call = {.sql = "insert into t values (1, 'x')"};
    bench_start_within(&bench, frozen, (struct db_patience){.until_us = began_us + 1500000}, &call, 1, &a);
    struct db_session *other = bench_acquire(&bench); /* the other connection serves meanwhile */
    assert_int_equal(bench_run(&bench, other, &b, "select 1", NULL, NULL), ERR_OK);
    db_release(other);
    assert_int_equal(bench_wait(&a), ERR_TIMEOUT);
    uint64_t took_ms = (clock_mono_us() - began_us) / 1000;
    timer_stop(beat);
    kill(pid, SIGCONT);
    assert_true(took_ms >= 1500);
    assert_true(beats > 1); /* the other session could be served, too */
    assert_int_equal(bench_run(&bench, frozen, &b, "select 1", NULL, NULL), ERR_DATABASE);
    db_release(frozen);
    BENCH_UNTIL(&bench, bench_stats(&bench).idle == 2);
}

/* ---- nothing is left in the server's session ---- */

static void notices_are_not_printed(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_run(&bench, s, &a, "do $$ begin raise warning 'Тестов'; end $$", "notify x", "listen x"),
                     ERR_OK);
    pgtest_sql("notify x");
    assert_int_equal(bench_run(&bench, s, &a, "unlisten *", "select 2", NULL), ERR_OK);
    assert_string_equal(db_text(a.results[1], 0, 0), "2");
    db_release(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_wait_for_a_lock_is_broken_off),
        T(several_statements_come_back_in_order),
        T(a_pipeline_of_nothing_succeeds),
        T(three_hundred_statements_in_one_pipeline),
        T(an_error_stops_the_rest_and_names_its_place),
        T(commit_of_a_failed_transaction_is_a_failure),
        T(a_deferred_constraint_fails_the_commit),
        T(sqlstates_are_told_apart),
        T(values_do_not_get_into_the_error),
        T(a_mebibyte_goes_both_ways),
        T(null_is_not_empty),
        T(arrays_survive_the_server),
        T(too_many_parameters_are_refused),
        T(copy_is_not_spoken),
        T(release_rolls_an_open_transaction_back),
        T(release_in_the_middle_closes_the_connection),
        T(killed_before_commit_is_certain),
        T(killed_before_the_loop_knows_is_uncertain),
        T(killed_during_commit_is_uncertain),
        T(killed_after_commit_is_uncertain),
        T(a_dead_idle_connection_is_not_handed_out),
        T(a_frozen_backend_times_out_and_the_loop_turns),
        T(notices_are_not_printed),
    };
    return cmocka_run_group_tests(tests, pgtest_setup, pgtest_teardown);
}
