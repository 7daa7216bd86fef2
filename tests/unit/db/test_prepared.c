/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * O5: a statement is parsed once on a connection of our own, and what names there are never decides what comes of a
 * call: after errors, rollbacks, lost connections, and when somebody takes the names away.
 */
#include "pgtest.h"

static struct bench bench;
static uint64_t seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)((seed >> 33) % n);
}

static int open_bench(void **state)
{
    (void)state;
    const struct db_conf conf = {.conninfo = pgtest.conninfo,
                                 .connections = 2,
                                 .acquire_timeout_ms = PGTEST_PATIENT_MS,
                                 .statement_timeout_ms = PGTEST_PATIENT_MS,
                                 .reconnect_max_ms = 300};
    if (pgtest.data[0] == '\0')
        return 0;
    pgtest_sql("drop table if exists t; create table t (k int primary key, v text)");
    pgtest_sql(
        "drop function if exists f(int); create function f(a int) returns table (b int) language sql return a + 1");
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

/* A statement with one parameter, in a call of its own; what is kept of the answer. */
static enum err ask(struct db_session *s, const char *sql, const char *value, char out[200])
{
    struct answer a;
    const char *const values[] = {value};
    const struct db_call call = {.sql = sql, .nparams = 1, .values = values};
    enum err err = bench_send(&bench, s, &call, 1, &a);
    out[0] = '\0';
    if (err == ERR_OK && db_rows(a.results[0]) > 0)
        snprintf(out, 200, "%s", db_text(a.results[0], 0, 0));
    else if (err != ERR_OK)
        snprintf(out, 200, "%.199s", a.error.detail);
    return err;
}

/* What the server's session has by name, the statement in front of transactions left out. */
static const char *names(struct db_session *s)
{
    static char out[200];
    struct answer a;
    const char *sql =
        "select coalesce(string_agg(statement || ' ' || generic_plans + custom_plans, '; ' order by name), '')"
        " from pg_prepared_statements where statement not like '%set_config%'";
    assert_int_equal(bench_run(&bench, s, &a, sql, NULL, NULL), ERR_OK);
    snprintf(out, sizeof out, "%s", db_text(a.results[0], 0, 0));
    return out;
}

static struct db_session *session_that_is_met(void)
{
    struct db_session *s = bench_acquire(&bench);
    assert_string_equal(names(s), ""); /* and its first answer tells who is behind it */
    return s;
}

static void a_statement_is_parsed_once(void **state)
{
    NEEDS_SERVER();
    char out[200];
    struct db_session *s = session_that_is_met();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(s, "select $1::int + 1", "41", out), ERR_OK);
        assert_string_equal(out, "42");
    }
    assert_string_equal(names(s), "select $1::int + 1 20");
    db_release(s);
}

static void often_in_one_pipeline(void **state)
{
    NEEDS_SERVER();
    struct answer a;
    const char *const one[] = {"1", "x"}, *const two[] = {"2", "x"}, *const three[] = {"3", "x"};
    struct db_session *s = session_that_is_met();
    const char insert[] = "insert into t values ($1::int, $2)";
    const struct db_call calls[] = {{.sql = "begin"},
                                    {.sql = insert, .nparams = 2, .values = one},
                                    {.sql = insert, .nparams = 2, .values = two},
                                    {.sql = "select count(*) from t where k >= $1::int", .nparams = 1, .values = one},
                                    {.sql = insert, .nparams = 2, .values = three},
                                    {.sql = "commit"}};
    assert_int_equal(bench_send(&bench, s, calls, 6, &a), ERR_OK);
    assert_int_equal(a.n, 6);
    assert_string_equal(db_text(a.results[3], 0, 0), "2");
    assert_string_equal(names(s), "insert into t values ($1::int, $2) 3; select count(*) from t where k >= $1::int 1");
    db_release(s);
    assert_string_equal(pgtest_sql("select count(*) from t"), "3");
}

static void what_does_not_parse_fails_each_time_and_in_its_place(void **state)
{
    NEEDS_SERVER();
    char out[200];
    struct answer a;
    const char *const one[] = {"1", "x"};
    const struct db_call calls[] = {{.sql = "begin"},
                                    {.sql = "select late($1::int)", .nparams = 1, .values = one},
                                    {.sql = "insert into t values ($1::int, $2)", .nparams = 2, .values = one},
                                    {.sql = "commit"}};
    pgtest_sql("drop function if exists late(int)");
    struct db_session *s = session_that_is_met();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bench_send(&bench, s, calls, 4, &a), ERR_INTERNAL);
        assert_int_equal(a.n, 1);
        db_release(s);
        s = bench_acquire(&bench);
    }
    pgtest_sql("create function late(a int) returns int language sql return a * 2");
    assert_int_equal(bench_send(&bench, s, calls, 4, &a), ERR_OK);
    assert_string_equal(db_text(a.results[1], 0, 0), "2");
    assert_int_equal(ask(s, "select late($1::int)", "21", out), ERR_OK);
    assert_string_equal(out, "42");
    db_release(s);
    assert_string_equal(pgtest_sql("select count(*) from t"), "1");
}

static void columns_that_change_are_a_conflict_once(void **state)
{
    NEEDS_SERVER();
    char out[200];
    struct db_session *s = session_that_is_met();
    for (int i = 0; i < 8; i++)
        assert_int_equal(ask(s, "select * from f($1::int)", "1", out), ERR_OK);
    pgtest_sql("drop function f(int); create function f(a int) returns table (c text, b int) language sql return "
               "row('x'::text, a)");
    assert_int_equal(ask(s, "select * from f($1::int)", "1", out), ERR_CONFLICT);
    db_release(s);
    for (int i = 0; i < 4; i++) {
        s = bench_acquire(&bench);
        if (ask(s, "select * from f($1::int)", "1", out) != ERR_OK)
            fail_msg("%s", out);
        assert_string_equal(out, "x");
        db_release(s);
    }
    assert_int_equal(bench_stats(&bench).lost, 0);
}

static void names_that_are_taken_away_are_a_conflict_once(void **state)
{
    NEEDS_SERVER();
    char out[200];
    struct answer a;
    struct db_session *s = session_that_is_met();
    assert_int_equal(ask(s, "select $1::int + 1", "1", out), ERR_OK);
    assert_int_equal(bench_run(&bench, s, &a, "deallocate all", NULL, NULL), ERR_OK);
    assert_int_equal(ask(s, "select $1::int + 1", "1", out), ERR_CONFLICT);
    assert_int_equal(ask(s, "select $1::int + 1", "1", out), ERR_OK);
    assert_string_equal(out, "2");
    db_release(s);
}

static void more_texts_than_names(void **state)
{
    NEEDS_SERVER();
    char sql[100], out[200], want[20];
    struct db_session *s = session_that_is_met();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 120; i++) {
            snprintf(sql, sizeof sql, "select $1::int + %d", i);
            snprintf(want, sizeof want, "%d", i + 1);
            assert_int_equal(ask(s, sql, "1", out), ERR_OK);
            assert_string_equal(out, want);
        }
    db_release(s);
}

/* Calls of all kinds at random, beside a model of the table: a name that is thought to be there and is not, or the
 * other way round, would be an error that the model does not know. */
static void at_random_beside_a_model(void **state)
{
    NEEDS_SERVER();
    const char *given = getenv("ZAPISD_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : clock_mono_us();
    print_message("ZAPISD_SEED=%llu\n", (unsigned long long)seed);
    enum { KEYS = 40, TEXTS = 12, CALLS = 6 };
    bool is_there[KEYS] = {false};
    for (int i = 0; i < 600; i++) {
        char numbers[CALLS][12], sql[CALLS][100];
        const char *values[CALLS][1];
        struct db_call calls[CALLS + 2] = {{.sql = "begin"}};
        bool then[KEYS];
        unsigned n = 1 + below(CALLS), bad = n + 1;
        enum err want = ERR_OK;
        memcpy(then, is_there, sizeof then);
        for (unsigned k = 0; k < n; k++) {
            unsigned key = below(KEYS), kind = below(TEXTS);
            snprintf(numbers[k], sizeof numbers[k], "%u", key);
            values[k][0] = numbers[k];
            calls[k + 1] = (struct db_call){.sql = sql[k], .nparams = 1, .values = values[k]};
            if (kind < 5) { /* the same statement in five wordings */
                snprintf(sql[k], sizeof sql[k], "insert into t values ($1::int, '%u')", kind);
                if (then[key] && bad > n)
                    bad = k + 1, want = ERR_CONFLICT;
                then[key] = true;
            } else if (kind < 10) {
                snprintf(sql[k], sizeof sql[k], "delete from t where k = $1::int and %u > 0", kind);
                then[key] = false;
            } else {
                snprintf(sql[k], sizeof sql[k], kind == 10 ? "select no_such($1::int)" : "select 1 / ($1::int * 0)");
                if (bad > n)
                    bad = k + 1, want = ERR_INTERNAL;
            }
        }
        calls[n + 1] = (struct db_call){.sql = below(4) > 0 ? "commit" : "rollback"};
        struct answer a;
        struct db_session *s = bench_acquire(&bench);
        enum err err = bench_send(&bench, s, calls, n + 2, &a);
        if (err != want || a.n != (want == ERR_OK ? n + 2 : bad))
            fail_msg("round %d: %s at %u, want %s at %u: %s", i, error_name(err), a.n, error_name(want), bad,
                     a.error.detail);
        if (want == ERR_OK && calls[n + 1].sql[0] == 'c')
            memcpy(is_there, then, sizeof then);
        pid_t backend = 0;
        if (below(20) == 0 && err == ERR_OK &&
            bench_run(&bench, s, &a, "select pg_backend_pid()", NULL, NULL) == ERR_OK)
            backend = (pid_t)atol(db_text(a.results[0], 0, 0));
        db_release(s);
        if (backend != 0) { /* names go with the session */
            uint64_t lost = bench_stats(&bench).lost;
            pgtest_sql("select pg_terminate_backend(%ld)", (long)backend);
            BENCH_UNTIL(&bench, bench_stats(&bench).lost > lost);
        }
    }
    unsigned count = 0;
    for (unsigned k = 0; k < KEYS; k++)
        count += is_there[k];
    assert_int_equal(strtoul(pgtest_sql("select count(*) from t"), NULL, 10), count);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_statement_is_parsed_once),
        T(often_in_one_pipeline),
        T(what_does_not_parse_fails_each_time_and_in_its_place),
        T(columns_that_change_are_a_conflict_once),
        T(names_that_are_taken_away_are_a_conflict_once),
        T(more_texts_than_names),
        T(at_random_beside_a_model),
    };
    return cmocka_run_group_tests(tests, pgtest_setup, pgtest_teardown);
}
