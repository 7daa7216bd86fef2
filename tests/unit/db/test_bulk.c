/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1: a call with much to send is sent by a thread, and means the same as any other: its values arrive, its errors have
 * their place, its time has an end, and it may be left at any moment, though the server has stopped listening in the
 * middle of it. The test stands between us and libpq (ld --wrap) and sees on which thread what is sent.
 */
#include "pgtest.h"

#include "crypto.h"

#include <pthread.h>
#include <stdatomic.h>

#define MIB (1u << 20)

static struct bench bench;
static uint64_t seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)((seed >> 33) % n);
}

/* ---- between us and libpq ---- */

static pthread_t loop_thread;
static atomic_size_t loop_bytes, thread_bytes;

static void count_bytes(int n, const int *lengths, const int *formats)
{
    for (int i = 0; i < n; i++)
        if (formats[i] == 1)
            atomic_fetch_add(pthread_equal(pthread_self(), loop_thread) ? &loop_bytes : &thread_bytes,
                             (size_t)lengths[i]);
}

int __real_PQsendQueryParams(void *pg, const char *sql, int n, const void *types, const char *const *values,
                             const int *lengths, const int *formats, int format);
int __wrap_PQsendQueryParams(void *pg, const char *sql, int n, const void *types, const char *const *values,
                             const int *lengths, const int *formats, int format);
int __wrap_PQsendQueryParams(void *pg, const char *sql, int n, const void *types, const char *const *values,
                             const int *lengths, const int *formats, int format)
{
    count_bytes(n, lengths, formats);
    return __real_PQsendQueryParams(pg, sql, n, types, values, lengths, formats, format);
}

int __real_PQsendQueryPrepared(void *pg, const char *name, int n, const char *const *values, const int *lengths,
                               const int *formats, int format);
int __wrap_PQsendQueryPrepared(void *pg, const char *name, int n, const char *const *values, const int *lengths,
                               const int *formats, int format);
int __wrap_PQsendQueryPrepared(void *pg, const char *name, int n, const char *const *values, const int *lengths,
                               const int *formats, int format)
{
    count_bytes(n, lengths, formats);
    return __real_PQsendQueryPrepared(pg, name, n, values, lengths, formats, format);
}

/* ---- a value, its digest ---- */

struct value {
    char *p;
    size_t n;
    char digest[65];
};

static void value_make(struct value *v, size_t n)
{
    unsigned char digest[DIGEST_MAX];
    struct error e = {0};
    v->n = n;
    v->p = malloc(n + 1);
    assert_non_null(v->p);
    for (size_t i = 0; i < n; i++)
        v->p[i] = (char)(seed >> 40 ^ i * 48271u >> 9);
    if (digest_once(DIGEST_SHA256, v->p, n, digest, &e) != ERR_OK)
        fail_msg("%s", e.detail);
    for (unsigned i = 0; i < 32; i++)
        snprintf(v->digest + 2 * i, 3, "%02x", digest[i]);
}

struct asked {
    struct answer answer;
    struct db_call call;
    const char *values[2];
    int lengths[2];
    unsigned char is_binary[2], is_kept[2];
};

/* Its place in the session is told by the text that goes with it. */
static void ask(struct db_session *s, struct asked *q, const struct value *v, bool is_kept, const char *word)
{
    *q =
        (struct asked){.values = {v->p, word}, .lengths = {(int)v->n, 0}, .is_binary = {1, 0}, .is_kept = {is_kept, 0}};
    q->call = (struct db_call){.sql = "select encode(sha256($1::bytea), 'hex'), $2::text",
                               .nparams = 2,
                               .values = q->values,
                               .lengths = q->lengths,
                               .is_binary = q->is_binary,
                               .is_kept = q->is_kept};
    bench_start(&bench, s, &q->call, 1, &q->answer);
}

static void assert_answered(struct asked *q, const struct value *v, const char *word)
{
    if (bench_wait(&q->answer) != ERR_OK)
        fail_msg("%zu bytes: %s", v->n, q->answer.error.detail);
    assert_string_equal(db_text(q->answer.results[0], 0, 0), v->digest);
    assert_string_equal(db_text(q->answer.results[0], 0, 1), word);
}

/* ---- world ---- */

static void open_world(uint64_t statement_timeout_ms)
{
    const struct db_conf conf = {.conninfo = pgtest.conninfo,
                                 .connections = 2,
                                 .acquire_timeout_ms = PGTEST_PATIENT_MS,
                                 .statement_timeout_ms = statement_timeout_ms,
                                 .reconnect_max_ms = 300};
    pgtest_sql("drop table if exists t; create table t (k int primary key, v bytea)");
    bench_open(&bench, &conf);
    atomic_store(&loop_bytes, 0);
    atomic_store(&thread_bytes, 0);
}

static void expect_works(void)
{
    struct answer a;
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_run(&bench, s, &a, "select 'works'", NULL, NULL), ERR_OK);
    assert_string_equal(db_text(a.results[0], 0, 0), "works");
    db_release(s);
}

static pid_t backend_of(struct db_session *s)
{
    struct answer a;
    assert_int_equal(bench_run(&bench, s, &a, "select pg_backend_pid()", NULL, NULL), ERR_OK);
    return (pid_t)atol(db_text(a.results[0], 0, 0));
}

/* ---- the tests ---- */

static void L1_much_is_sent_by_a_thread_and_arrives(void **state)
{
    NEEDS_SERVER();
    static const size_t sizes[] = {0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB, 20 * MIB};
    open_world(PGTEST_PATIENT_MS);
    struct db_session *s = bench_acquire(&bench);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int is_kept = 0; is_kept < 2; is_kept++) {
            struct value v;
            struct asked q;
            value_make(&v, sizes[i]);
            atomic_store(&loop_bytes, 0);
            atomic_store(&thread_bytes, 0);
            ask(s, &q, &v, is_kept, "word");
            if (!is_kept)
                memset(v.p, 0, v.n); /* it was copied */
            assert_answered(&q, &v, "word");
            assert_int_equal(atomic_load(&loop_bytes), v.n < MIB ? v.n : 0);
            assert_int_equal(atomic_load(&thread_bytes), v.n < MIB ? 0 : v.n);
            free(v.p);
        }
    }
    db_release(s);
    expect_works();
    bench_close(&bench);
}

static void L1_errors_have_their_place_and_commit_its_meaning(void **state)
{
    NEEDS_SERVER();
    struct value v;
    struct answer a;
    open_world(PGTEST_PATIENT_MS);
    value_make(&v, 3 * MIB);
    const char *const values[] = {v.p};
    const int lengths[] = {(int)v.n};
    const unsigned char binary[] = {1};
    const struct db_call large = {.sql = "insert into t values (1, $1::bytea)",
                                  .nparams = 1,
                                  .values = values,
                                  .lengths = lengths,
                                  .is_binary = binary};
    const struct db_call good[] = {{.sql = "begin"}, large, {.sql = "commit"}};
    const struct db_call twice[] = {{.sql = "begin"}, large, {.sql = "select 1"}, {.sql = "commit"}};
    struct db_session *s = bench_acquire(&bench);
    assert_int_equal(bench_send(&bench, s, good, 3, &a), ERR_OK);
    assert_int_equal(a.n, 3);
    assert_string_equal(pgtest_sql("select length(v) from t"), "3145728");
    assert_int_equal(bench_send(&bench, s, twice, 4, &a), ERR_CONFLICT);
    assert_int_equal(a.n, 1);
    assert_non_null(strstr(a.error.detail, "23505"));
    db_release(s);
    expect_works();
    assert_string_equal(pgtest_sql("select count(*) from t"), "1");
    bench_close(&bench);
    free(v.p);
}

/* The server listens no more in the middle of it. */
enum leaving { IN_TIME, RELEASED, POOL_FREED, BACKEND_ENDS, LEAVINGS };

static void L1_a_server_that_stops_listening_is_left(void **state)
{
    NEEDS_SERVER();
    for (enum leaving how = IN_TIME; how < LEAVINGS; how++) {
        struct value v;
        struct asked q;
        open_world(how == IN_TIME ? 500 : PGTEST_PATIENT_MS);
        value_make(&v, 40 * MIB);
        struct db_session *s = bench_acquire(&bench);
        pid_t backend = backend_of(s);
        assert_int_equal(kill(backend, SIGSTOP), 0);
        ask(s, &q, &v, true, "word");
        BENCH_UNTIL(&bench, atomic_load(&thread_bytes) == v.n);
        bench_sleep(&bench, 50);
        assert_false(how != IN_TIME && q.answer.is_done);
        if (how == IN_TIME) {
            assert_int_equal(bench_wait(&q.answer), ERR_TIMEOUT);
            db_release(s);
        } else if (how == RELEASED) {
            db_release(s);
        } else if (how == BACKEND_ENDS) {
            assert_int_equal(kill(backend, SIGTERM), 0);
            assert_int_equal(kill(backend, SIGCONT), 0);
            assert_int_equal(bench_wait(&q.answer), ERR_UNCERTAIN);
            db_release(s);
        }
        if (how != POOL_FREED)
            expect_works();  /* on the other connection, or one that was made anew */
        bench_close(&bench); /* waits for the thread, which comes home while the server is still stopped */
        (void)kill(backend, SIGCONT);
        assert_int_equal(q.answer.is_done, how == IN_TIME || how == BACKEND_ENDS);
        free(v.p);
    }
}

/* Two sessions, sizes of every kind, kept or not, some left in the middle: nobody gets what is another's. */
static void L1_large_and_small_beside_each_other(void **state)
{
    NEEDS_SERVER();
    open_world(PGTEST_PATIENT_MS);
    seed = 329;
    for (unsigned round = 0; round < 60; round++) {
        struct value v[2];
        struct asked q[2];
        struct db_session *s[2];
        char word[2][16];
        bool is_left = below(4) == 0;
        for (unsigned i = 0; i < 2; i++) {
            s[i] = bench_acquire(&bench);
            value_make(&v[i], below(3) == 0 ? below(2000) : below(6 * MIB));
            snprintf(word[i], sizeof word[i], "%u/%u", round, i);
            ask(s[i], &q[i], &v[i], below(2) == 0, word[i]);
        }
        if (is_left)
            db_release(s[0]);
        assert_answered(&q[1], &v[1], word[1]);
        if (!is_left) {
            assert_answered(&q[0], &v[0], word[0]);
            db_release(s[0]);
        }
        db_release(s[1]);
        BENCH_UNTIL(&bench, worker_queued(bench.loop) == 0 && bench_stats(&bench).idle == 2);
        for (unsigned i = 0; i < 2; i++)
            free(v[i].p);
    }
    bench_close(&bench);
}

static int start(void **state)
{
    struct error e = {0};
    (void)state;
    loop_thread = pthread_self();
    pgtest_start();
    return crypto_init(&e) == ERR_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    crypto_fini();
    pgtest_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L1_much_is_sent_by_a_thread_and_arrives),
        cmocka_unit_test(L1_errors_have_their_place_and_commit_its_meaning),
        cmocka_unit_test(L1_a_server_that_stops_listening_is_left),
        cmocka_unit_test(L1_large_and_small_beside_each_other),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
