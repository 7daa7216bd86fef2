/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * For the tests of db/: a private PostgreSQL of the test program's own, and the pool's callbacks turned into calls that
 * come back when the callback has come. Never touches a cluster of the system. Included by one .c file a program.
 */
#pragma once

#include "arena.h"
#include "clock.h"
#include "db.h"
#include "log.h"
#include "net.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PGTEST_HANG_MS = 300000, PGTEST_PATH = 256 };

struct pgtest {
    char dir[PGTEST_PATH];    /* ours */
    char socket[PGTEST_PATH]; /* directory of the Unix socket */
    char data[PGTEST_PATH];
    unsigned port;
    char conninfo[2 * PGTEST_PATH];
    struct arena *arena;
    struct db_blocking *admin; /* a superuser's connection beside the pool */
};

static struct pgtest pgtest;

__attribute__((unused)) static unsigned pgtest_free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

/* Runs a shell with the cluster's variables and pg.sh's functions; returns the exit status. Output goes to out. */
__attribute__((format(printf, 3, 4))) static int pgtest_shell(char *out, size_t cap, const char *fmt, ...)
{
    char script[4096], command[8192];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(script, sizeof script, fmt, ap);
    va_end(ap);
    snprintf(command, sizeof command,
             "export PG_PRIVATE_DATA='%s' PG_PRIVATE_LOG='%s/../server.log'; . %s/lib/pg.sh; "
             "pg_test_bin=$(pg_private_bin); %s",
             pgtest.data, pgtest.data, TESTS_DIR, script);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = out != NULL ? fread(out, 1, cap - 1, f) : 0;
    if (out != NULL)
        out[n] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* One value by the superuser's connection. */
__attribute__((format(printf, 1, 2), unused)) static const char *pgtest_sql(const char *fmt, ...)
{
    char sql[4096];
    const char *value = NULL;
    struct error e = {.code = ERR_OK};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    if (pgtest.admin == NULL && db_connect_blocking(pgtest.conninfo, &pgtest.admin, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    if (db_exec_blocking(pgtest.admin, pgtest.arena, sql, &value, &e) != ERR_OK)
        fail_msg("%s: %s", sql, e.detail);
    return value;
}

static void pgtest_connect_admin(void)
{
    db_close_blocking(pgtest.admin);
    pgtest.admin = NULL;
    pgtest_sql("select 1");
}

static bool pgtest_start(void)
{
    char out[3 * PGTEST_PATH] = "";

    log_init();
    log_set_level(LOG_LEVEL_ERROR);
    pgtest.arena = arena_new();
    snprintf(pgtest.dir, sizeof pgtest.dir, "/tmp/zdbtest.XXXXXX");
    if (mkdtemp(pgtest.dir) == NULL || chmod(pgtest.dir, 0755) != 0)
        return false;
    pgtest.port = pgtest_free_port();
    int status = pgtest_shell(out, sizeof out,
                              "[ -n \"$pg_test_bin\" ] || exit 77; "
                              "PG_PRIVATE_OPTIONS='-c listen_addresses=127.0.0.1 -p %u -c fsync=off -c autovacuum=off "
                              "-c max_prepared_transactions=4' pg_private_start %s && "
                              "printf '%%s\\n%%s\\n' \"$PGHOST\" \"$PG_PRIVATE_DATA\"",
                              pgtest.port, pgtest.dir);
    if (status == 77) {
        print_message("SKIPPED: PostgreSQL's server programs are not installed\n");
        return false;
    }
    assert_int_equal(status, 0);
    assert_int_equal(sscanf(out, "%255s\n%255s", pgtest.socket, pgtest.data), 2);
    snprintf(pgtest.conninfo, sizeof pgtest.conninfo, "host=%s port=%u user=postgres dbname=postgres", pgtest.socket,
             pgtest.port);
    pgtest_connect_admin();
    return true;
}

static void pgtest_stop(void)
{
    db_close_blocking(pgtest.admin);
    pgtest.admin = NULL;
    if (pgtest.data[0] != '\0')
        pgtest_shell(NULL, 0, "PG_PRIVATE_MOVED=; pg_private_stop; rm -rf '%s'", pgtest.socket);
    pgtest_shell(NULL, 0, "rm -rf '%s'", pgtest.dir);
    arena_free(pgtest.arena);
}

/* A group's beginning and end. */
__attribute__((unused)) static int pgtest_setup(void **state)
{
    (void)state;
    pgtest_start();
    return 0;
}

__attribute__((unused)) static int pgtest_teardown(void **state)
{
    (void)state;
    pgtest_stop();
    return 0;
}

/* First in a test: without a server it is skipped, and the group's beginning has said so. */
#define NEEDS_SERVER()                                                                                                 \
    do {                                                                                                               \
        (void)state;                                                                                                   \
        if (pgtest.data[0] == '\0')                                                                                    \
            skip();                                                                                                    \
    } while (0)

/* ---- the pool, spoken to in calls ---- */

struct bench {
    struct loop *loop;
    struct db_pool *pool;
    struct timer *hang;
};

static void bench_on_hang(void *arg)
{
    (void)arg;
    fprintf(stderr, "the test hangs\n");
    pgtest_stop();
    abort();
}

__attribute__((unused)) static void bench_open(struct bench *b, const struct db_conf *conf)
{
    b->loop = loop_new();
    b->hang = timer_start(b->loop, PGTEST_HANG_MS, PGTEST_HANG_MS, bench_on_hang, b);
    b->pool = db_pool_new(b->loop, conf);
}

__attribute__((unused)) static void bench_close(struct bench *b)
{
    db_pool_free(b->pool);
    timer_stop(b->hang);
    loop_free(b->loop);
}

static void bench_stop_loop(void *arg)
{
    loop_stop(((struct bench *)arg)->loop);
}

__attribute__((unused)) static void bench_sleep(struct bench *b, uint64_t ms)
{
    timer_start(b->loop, ms, 0, bench_stop_loop, b);
    loop_run(b->loop);
}

/*
 * What a test waits for, while the loop turns. The limit is for ever as a test sees it: no verdict is about how soon.
 * A look and a turn of 5 ms each time.
 */
enum { PGTEST_PATIENT_LOOKS = 20000, PGTEST_PATIENT_MS = 120000 };

#define BENCH_UNTIL(b, condition)                                                                                      \
    do {                                                                                                               \
        int looks_ = 0;                                                                                                \
        while (!(condition) && looks_++ < PGTEST_PATIENT_LOOKS)                                                        \
            bench_sleep(b, 5);                                                                                         \
        if (looks_ > PGTEST_PATIENT_LOOKS)                                                                             \
            fail_msg("never: %s", #condition);                                                                         \
    } while (0)

/* Until SQL says true, as the superuser sees it. */
#define BENCH_UNTIL_SQL(b, ...) BENCH_UNTIL(b, strcmp(pgtest_sql(__VA_ARGS__), "t") == 0)

/* A backend is in pg_sleep(): what stands before it in its pipeline is done. */
#define PGTEST_SLEEPS "select exists (select from pg_stat_activity where pid = %s and wait_event = 'PgSleep')"

struct acquired {
    struct bench *bench;
    struct db_session *session;
    enum err err;
    struct error error;
    bool is_done;
};

static void bench_on_session(void *arg, struct db_session *s, enum err err, const struct error *e)
{
    struct acquired *a = arg;
    assert_false(a->is_done);
    a->session = s;
    a->err = err;
    a->error = *e;
    a->is_done = true;
    loop_stop(a->bench->loop);
}

__attribute__((unused)) static enum err bench_try_acquire(struct bench *b, struct db_session **out)
{
    struct acquired a = {.bench = b};
    db_acquire(b->pool, bench_on_session, &a);
    assert_false(a.is_done); /* never inside the registering call */
    while (!a.is_done)
        loop_run(b->loop);
    assert_int_equal(a.err == ERR_OK, a.session != NULL);
    *out = a.session;
    return a.err;
}

__attribute__((unused)) static struct db_session *bench_acquire(struct bench *b)
{
    struct db_session *s = NULL;
    enum err err = bench_try_acquire(b, &s);
    if (err != ERR_OK)
        fail_msg("no session: %s", error_name(err));
    return s;
}

/* Does the pool answer before a timer of its loop that was due at ms? Both are late on a slow machine, but in order. */
struct overtaken {
    struct acquired *a;
    bool is_first;
};

static void bench_on_overtaken(void *arg)
{
    struct overtaken *o = arg;
    o->is_first = !o->a->is_done;
}

__attribute__((unused)) static enum err bench_refused_before(struct bench *b, uint64_t ms, bool *is_before)
{
    struct acquired a = {.bench = b};
    struct overtaken o = {.a = &a};
    db_acquire(b->pool, bench_on_session, &a);
    struct timer *t = timer_start(b->loop, ms, 0, bench_on_overtaken, &o);
    while (!a.is_done)
        loop_run(b->loop);
    if (!o.is_first)
        timer_stop(t);
    *is_before = !o.is_first;
    return a.err;
}

struct answer {
    struct bench *bench;
    struct db_result *const *results;
    unsigned n;
    enum err err;
    struct error error;
    bool is_done;
};

static void bench_on_done(void *arg, struct db_result *const *results, unsigned n, enum err err, const struct error *e)
{
    struct answer *a = arg;
    assert_false(a->is_done);
    a->results = results;
    a->n = n;
    a->err = err;
    a->error = *e;
    a->is_done = true;
    loop_stop(a->bench->loop);
}

static void bench_start(struct bench *b, struct db_session *s, const struct db_call *calls, unsigned n,
                        struct answer *a)
{
    *a = (struct answer){.bench = b};
    db_send(s, calls, n, bench_on_done, a);
    assert_false(a->is_done);
}

__attribute__((unused)) static void bench_start_within(struct bench *b, struct db_session *s, struct db_patience p,
                                                       const struct db_call *calls, unsigned n, struct answer *a)
{
    *a = (struct answer){.bench = b};
    db_send_within(s, p, calls, n, bench_on_done, a);
    assert_false(a->is_done);
}

static enum err bench_wait(struct answer *a)
{
    while (!a->is_done)
        loop_run(a->bench->loop);
    return a->err;
}

__attribute__((unused)) static enum err bench_send(struct bench *b, struct db_session *s, const struct db_call *calls,
                                                   unsigned n, struct answer *a)
{
    bench_start(b, s, calls, n, a);
    return bench_wait(a);
}

/* Several statements without parameters. */
__attribute__((unused)) static enum err bench_run(struct bench *b, struct db_session *s, struct answer *a,
                                                  const char *sql1, const char *sql2, const char *sql3)
{
    const struct db_call calls[] = {{.sql = sql1}, {.sql = sql2}, {.sql = sql3}};
    return bench_send(b, s, calls, sql2 == NULL ? 1 : sql3 == NULL ? 2 : 3, a);
}

__attribute__((unused)) static struct db_pool_stats bench_stats(struct bench *b)
{
    struct db_pool_stats st;
    db_pool_read_stats(b->pool, &st);
    return st;
}
