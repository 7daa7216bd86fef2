/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Through PgBouncer with transaction pooling (O5): nothing we do may need the server's session to stay the same.
 * Six connections of ours share two of the server's. Skips, and says so, where PgBouncer is not installed.
 */
#include "pgtest.h"

#include <fcntl.h>

static pid_t bouncer;
static unsigned bouncer_port;
static char bouncer_conninfo[200];

#define NEEDS_BOUNCER()                                                                                                \
    do {                                                                                                               \
        (void)state;                                                                                                   \
        if (bouncer <= 0)                                                                                              \
            skip();                                                                                                    \
    } while (0)

static void write_bouncer_conf(void)
{
    char path[2 * PGTEST_PATH];
    snprintf(path, sizeof path, "%s/bouncer.ini", pgtest.dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "[databases]\n* = host=%s port=%u user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %u\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 50\n"
            "server_reset_query = DISCARD ALL\nlogfile =\npidfile =\nquery_wait_timeout = 120\n",
            pgtest.socket, pgtest.port, bouncer_port);
    fclose(f);
    assert_int_equal(chmod(path, 0644), 0);
}

static void start_bouncer(void)
{
    char ini[2 * PGTEST_PATH];

    if (access("/usr/sbin/pgbouncer", X_OK) != 0) {
        print_message("SKIPPED: PgBouncer is not installed\n");
        return;
    }
    bouncer_port = pgtest_free_port();
    write_bouncer_conf();
    snprintf(ini, sizeof ini, "%s/bouncer.ini", pgtest.dir);
    fflush(NULL);
    bouncer = fork();
    assert_true(bouncer >= 0);
    if (bouncer == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        if (geteuid() == 0) /* it refuses to run as root */
            execl("/usr/bin/setpriv", "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--",
                  "/usr/sbin/pgbouncer", ini, (char *)NULL);
        else
            execl("/usr/sbin/pgbouncer", "pgbouncer", ini, (char *)NULL);
        _exit(127);
    }
    snprintf(bouncer_conninfo, sizeof bouncer_conninfo, "host=127.0.0.1 port=%u user=postgres dbname=postgres",
             bouncer_port);
    for (int i = 0; i < PGTEST_PATIENT_LOOKS; i++) {
        struct db_blocking *b = NULL;
        struct error e = {.code = ERR_OK};
        if (db_connect_blocking(bouncer_conninfo, &b, &e) == ERR_OK) {
            db_close_blocking(b);
            return;
        }
        usleep(20000);
    }
    fail_msg("PgBouncer does not start");
}

static void open_pool(struct bench *b)
{
    const struct db_conf conf = {.conninfo = bouncer_conninfo,
                                 .connections = 6,
                                 .acquire_timeout_ms = PGTEST_PATIENT_MS,
                                 .statement_timeout_ms = PGTEST_PATIENT_MS,
                                 .reconnect_max_ms = 300};
    pgtest_sql("drop table if exists t; create table t (k int primary key, v text)");
    bench_open(b, &conf);
}

static void transactions_in_two_round_trips(void **state)
{
    NEEDS_BOUNCER();
    struct bench b;
    struct answer a;
    open_pool(&b);
    BENCH_UNTIL(&b, bench_stats(&b).idle == 6);
    for (int i = 0; i < 50; i++) {
        char number[16];
        const char *const values[] = {number, "значение"};
        const struct db_call calls[] = {
            {.sql = "begin"},
            {.sql = "insert into t values ($1::int, $2) returning k", .nparams = 2, .values = values}};
        snprintf(number, sizeof number, "%d", i);
        struct db_session *s = bench_acquire(&b);
        assert_int_equal(bench_send(&b, s, calls, 2, &a), ERR_OK);
        assert_string_equal(db_text(a.results[1], 0, 0), number);
        assert_int_equal(bench_run(&b, s, &a, "update t set v = v || '!' where k = -1", "commit", NULL), ERR_OK);
        db_release(s);
    }
    assert_string_equal(pgtest_sql("select count(*) from t"), "50");
    for (int i = 0; i < 10; i++) { /* and has left no name behind */
        struct db_session *s = bench_acquire(&b);
        assert_int_equal(bench_run(&b, s, &a, "select count(*) from pg_prepared_statements", NULL, NULL), ERR_OK);
        assert_string_equal(db_text(a.results[0], 0, 0), "0");
        db_release(s);
    }
    bench_close(&b);
}

static void more_transactions_than_server_connections(void **state)
{
    NEEDS_BOUNCER();
    struct bench b;
    struct db_session *s[6];
    struct answer a[6];
    open_pool(&b);
    for (int i = 0; i < 6; i++)
        s[i] = bench_acquire(&b);
    /* six at once; two run, four wait in PgBouncer */
    const struct db_call calls[] = {{.sql = "begin"}, {.sql = "select pg_sleep(0.05)"}, {.sql = "commit"}};
    for (int i = 0; i < 6; i++)
        bench_start(&b, s[i], calls, 3, &a[i]);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(bench_wait(&a[i]), ERR_OK);
        assert_int_equal(a[i].n, 3);
        db_release(s[i]);
    }
    bench_close(&b);
}

static void errors_and_rollback(void **state)
{
    NEEDS_BOUNCER();
    struct bench b;
    struct answer a;
    open_pool(&b);
    for (int i = 0; i < 10; i++) {
        struct db_session *s = bench_acquire(&b);
        assert_int_equal(
            bench_run(&b, s, &a, "begin", "insert into t values (1, 'a')", "insert into t values (1, 'b')"),
            ERR_CONFLICT);
        assert_int_equal(a.n, 2);
        db_release(s); /* the transaction is open, and failed */
        s = bench_acquire(&b);
        assert_int_equal(bench_run(&b, s, &a, "begin", "insert into t values (2, 'a')", NULL), ERR_OK);
        db_release(s);
    }
    assert_string_equal(pgtest_sql("select count(*) from t"), "0");
    /* the last rollback is on its way when db_release() returns */
    static const char open_transactions[] =
        "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    BENCH_UNTIL(&b, strcmp(pgtest_sql("%s", open_transactions), "0") == 0);
    assert_int_equal(bench_stats(&b).lost, 0);
    bench_close(&b);
}

static void a_mebibyte_through_it(void **state)
{
    NEEDS_BOUNCER();
    enum { SIZE = 1 << 20 };
    struct bench b;
    struct arena *arena = arena_new();
    unsigned char *bytes = arena_alloc(arena, SIZE);
    const char *const values[] = {(const char *)bytes};
    const struct db_call call = {.sql = "select $1::bytea",
                                 .nparams = 1,
                                 .values = values,
                                 .lengths = (const int[]){SIZE},
                                 .is_binary = (const unsigned char[]){1}};
    struct answer a;
    struct error e = {.code = ERR_OK};
    struct span back;
    for (unsigned i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * 40503u >> 7);
    open_pool(&b);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_send(&b, s, &call, 1, &a), ERR_OK);
    assert_int_equal(db_bytes(arena, a.results[0], 0, 0, &back, &e), ERR_OK);
    assert_int_equal(back.n, SIZE);
    assert_memory_equal(back.p, bytes, SIZE);
    db_release(s);
    bench_close(&b);
    arena_free(arena);
}

/* PgBouncer closes its client when the server behind it dies: the outcome is as unknown as without it. */
static void a_killed_backend_is_uncertain_too(void **state)
{
    NEEDS_BOUNCER();
    struct bench b;
    struct answer a;
    open_pool(&b);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "begin", "select pg_backend_pid()", NULL), ERR_OK);
    const char *pid = arena_strdup(pgtest.arena, db_text(a.results[1], 0, 0));
    const struct db_call calls[] = {
        {.sql = "insert into t values (1, 'x')"}, {.sql = "commit"}, {.sql = "select pg_sleep(600)"}};
    bench_start(&b, s, calls, 3, &a);
    BENCH_UNTIL_SQL(&b, PGTEST_SLEEPS, pid);
    pgtest_sql("select pg_terminate_backend(%s)", pid);
    assert_int_equal(bench_wait(&a), ERR_UNCERTAIN);
    db_release(s);
    assert_string_equal(pgtest_sql("select count(*) from t"), "1");
    s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "select 1", NULL, NULL), ERR_OK);
    db_release(s);
    bench_close(&b);
}

static void the_bouncer_goes_away(void **state)
{
    NEEDS_BOUNCER();
    struct bench b;
    struct answer a;
    open_pool(&b);
    struct db_session *s = bench_acquire(&b);
    assert_int_equal(bench_run(&b, s, &a, "begin", NULL, NULL), ERR_OK);
    kill(bouncer, SIGKILL);
    waitpid(bouncer, NULL, 0);
    bouncer = -1;
    BENCH_UNTIL(&b, bench_stats(&b).lost > 0 && bench_stats(&b).idle == 0); /* the loop hears of it */
    assert_int_equal(bench_run(&b, s, &a, "commit", NULL, NULL), ERR_DATABASE);
    db_release(s);
    BENCH_UNTIL(&b, bench_stats(&b).idle == 0);
    bench_close(&b);
}

static int start(void **state)
{
    (void)state;
    if (pgtest_start())
        start_bouncer();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (bouncer > 0) {
        kill(bouncer, SIGKILL);
        waitpid(bouncer, NULL, 0);
    }
    pgtest_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_in_two_round_trips),
        cmocka_unit_test(more_transactions_than_server_connections),
        cmocka_unit_test(errors_and_rollback),
        cmocka_unit_test(a_mebibyte_through_it),
        cmocka_unit_test(a_killed_backend_is_uncertain_too),
        cmocka_unit_test(the_bouncer_goes_away),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
