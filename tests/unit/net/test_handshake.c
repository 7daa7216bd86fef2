/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, L3: TLS handshakes and bulk are a worker's work, a few at a time and peers in turn. Nothing here looks at the
 * clock: the test stands between us and OpenSSL (ld --wrap), sees on which thread each call comes, and lets handshakes
 * through one by one. The clients are raw bytes (a hello by RFC 5246) and openssl s_client.
 */
#include "fixture.h"

#include "pair.h"

#include <sys/stat.h>

static bool have_gost;

/* ---- between us and OpenSSL ---- */

static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is_shut; /* each handshake step waits for a permit */
    unsigned permits;
    unsigned at_once, at_once_max; /* steps inside */
    unsigned steps;                /* begun */
    unsigned on_loop;              /* steps on the thread of the loop: must stay 0 */
    size_t loop_bytes;             /* data through the filter on that thread */
    pthread_t loop_thread;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

int __real_SSL_do_handshake(void *ssl);
int __wrap_SSL_do_handshake(void *ssl);
int __real_SSL_read_ex(void *ssl, void *p, size_t n, size_t *done);
int __wrap_SSL_read_ex(void *ssl, void *p, size_t n, size_t *done);
int __real_SSL_write_ex(void *ssl, const void *p, size_t n, size_t *done);
int __wrap_SSL_write_ex(void *ssl, const void *p, size_t n, size_t *done);

int __wrap_SSL_do_handshake(void *ssl)
{
    pthread_mutex_lock(&gate.lock);
    gate.steps++;
    gate.on_loop += pthread_equal(pthread_self(), gate.loop_thread) != 0;
    if (++gate.at_once > gate.at_once_max)
        gate.at_once_max = gate.at_once;
    pthread_cond_broadcast(&gate.moved);
    while (gate.is_shut && gate.permits == 0)
        pthread_cond_wait(&gate.moved, &gate.lock);
    gate.permits -= gate.permits > 0;
    pthread_mutex_unlock(&gate.lock);
    int rc = __real_SSL_do_handshake(ssl);
    pthread_mutex_lock(&gate.lock);
    gate.at_once--;
    pthread_mutex_unlock(&gate.lock);
    return rc;
}

static void bytes_seen(size_t n)
{
    pthread_mutex_lock(&gate.lock);
    if (pthread_equal(pthread_self(), gate.loop_thread))
        gate.loop_bytes += n;
    pthread_mutex_unlock(&gate.lock);
}

int __wrap_SSL_read_ex(void *ssl, void *p, size_t n, size_t *done)
{
    int rc = __real_SSL_read_ex(ssl, p, n, done);
    if (rc == 1)
        bytes_seen(*done);
    return rc;
}

int __wrap_SSL_write_ex(void *ssl, const void *p, size_t n, size_t *done)
{
    bytes_seen(n);
    return __real_SSL_write_ex(ssl, p, n, done);
}

static void gate_shut(bool is_shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_shut = is_shut;
    gate.permits = 0;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void gate_permit(unsigned n)
{
    pthread_mutex_lock(&gate.lock);
    gate.permits += n;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void gate_wait_steps(unsigned n)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.steps < n)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static unsigned gate_get(const unsigned *counter)
{
    pthread_mutex_lock(&gate.lock);
    unsigned n = *counter;
    pthread_mutex_unlock(&gate.lock);
    return n;
}

static size_t gate_loop_bytes(void)
{
    pthread_mutex_lock(&gate.lock);
    size_t n = gate.loop_bytes;
    pthread_mutex_unlock(&gate.lock);
    return n;
}

static void gate_forget(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.steps = gate.on_loop = gate.at_once_max = 0;
    gate.loop_bytes = 0;
    pthread_mutex_unlock(&gate.lock);
}

/* ---- servers and clients ---- */

static int setup(void **state)
{
    (void)state;
    worker_threads(4); /* so that two handshakes run at once, and never three */
    pairs_begin();
    assert_true(pair_make("server", PAIR_EC));
    have_gost = pair_make("gost", PAIR_GOST);
    return 0;
}

struct tls_server {
    struct arena *arena;
    struct server *server;
};

static void tls_server_start(struct tls_server *t, const char *name, uint64_t head_timeout_ms)
{
    struct http_limits limits = patient_limits();
    limits.head_timeout_ms = head_timeout_ms;
    t->arena = arena_new();
    t->server = server_start("127.0.0.1:0", &limits, pair_ctx(t->arena, name));
    pthread_mutex_lock(&gate.lock);
    gate.loop_thread = t->server->thread;
    pthread_mutex_unlock(&gate.lock);
    gate_forget();
}

static void tls_server_stop(struct tls_server *t)
{
    server_stop(t->server);
    assert_int_equal(gate_get(&gate.on_loop), 0);
    assert_in_range(gate_get(&gate.at_once_max), 0, 2);
    arena_free(t->arena);
}

static struct tls_stats stats(struct tls_server *t)
{
    server_command(t->server, 't');
    return t->server->tls;
}

/* RFC 5246 with the extensions of RFC 8422: one suite, one curve, one kind of signature. */
static const unsigned char hello[] = {
    22,  3,  1, 0,   78, /* a record of the handshake */
    1,   0,  0, 74,      /* ClientHello */
    3,   3,  1, 2,   3,  4, 5, 6, 7, 8,  1, 2, 3, 4, 5, 6, 7,
    8,   1,  2, 3,   4,  5, 6, 7, 8, 1,  2, 3, 4, 5, 6, 7, 8, /* TLS 1.2, random */
    0,   0,  2, 192, 43, 1, 0,           /* no session, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, no compression */
    0,   31, 0, 10,  0,  4, 0, 2, 0, 23, /* secp256r1 */
    0,   11, 0, 2,   1,  0,              /* uncompressed */
    0,   13, 0, 4,   0,  2, 4, 3,        /* ecdsa_secp256r1_sha256 */
    255, 1,  0, 1,   0,                  /* renegotiation_info */
    0,   23, 0, 0,                       /* extended_master_secret */
};
#define HELLO_BYTES sizeof(hello)

static void crowd_open(struct client *c, unsigned n, int port, const char *from)
{
    for (unsigned i = 0; i < n; i++) {
        client_open_from(&c[i], port, from);
        assert_true(client_send(&c[i], hello, HELLO_BYTES));
    }
}

static void crowd_close(struct client *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        client_close(&c[i]);
}

static unsigned crowd_answered(struct client *c, unsigned n)
{
    unsigned answered = 0;
    for (unsigned i = 0; i < n; i++) {
        while (client_fill(&c[i], 0))
            ;
        if (c[i].n > 0)
            assert_int_equal(c[i].buf[0], 22);
        answered += c[i].n > 0;
    }
    return answered;
}

static int s_client(int port, const char *request, const char *options)
{
    return shell("cd %s && printf '%s' | timeout 60 openssl s_client -connect 127.0.0.1:%d -quiet -ign_eof %s >answer "
                 "2>said",
                 pair_dir, request, port, options);
}

/* ---- tests ---- */

static void L1_no_step_runs_on_the_loop(void **state)
{
    (void)state;
    struct tls_server t;
    struct client crowd[40];
    tls_server_start(&t, "server", 10000);
    crowd_open(crowd, 40, t.server->port, NULL);
    EVENTUALLY(crowd_answered(crowd, 40) == 40);
    crowd_close(crowd, 40);
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    for (int i = 0; i < 2; i++) {
        s_client(t.server->port, "GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", versions[i]);
        assert_int_equal(shell("grep -q '^ok$' %s/answer", pair_dir), 0);
    }
    assert_in_range(gate_get(&gate.steps), 44, 44 + 4);
    assert_int_equal(stats(&t).done, 2);
    tls_server_stop(&t);
}

/* A hello cut into single bytes is one step, and so is what comes before a record is whole. */
static void L1_bytes_that_are_no_record_cost_no_step(void **state)
{
    (void)state;
    struct tls_server t;
    struct client c;
    tls_server_start(&t, "server", 10000);
    client_open(&c, t.server->port);
    for (unsigned i = 0; i < HELLO_BYTES; i++) {
        assert_int_equal(gate_get(&gate.steps), 0);
        assert_true(client_send(&c, hello + i, 1));
    }
    EVENTUALLY(crowd_answered(&c, 1) == 1);
    assert_int_equal(gate_get(&gate.steps), 1);
    client_close(&c);
    tls_server_stop(&t);
}

/* Steps without end: records of one byte each, of a hello that never comes to its end. */
static void L1_a_handshake_has_an_end(void **state)
{
    (void)state;
    static const unsigned char begin[] = {22, 3, 1, 0, 4, 1, 0, 0xff, 0xff}, more[] = {22, 3, 1, 0, 1, 0};
    struct tls_server t;
    struct client c;
    tls_server_start(&t, "server", 60000);
    client_open(&c, t.server->port);
    assert_true(client_send(&c, begin, sizeof(begin)));
    unsigned sent = 0;
    while (client_send(&c, more, sizeof(more)) && !client_fill(&c, 5) && !c.eof)
        assert_true(++sent < 5000);
    assert_in_range(gate_get(&gate.steps), 1, 64);
    EVENTUALLY(server_connections(t.server) == 0 || (client_fill(&c, 0), c.eof));
    client_close(&c);
    assert_int_equal(stats(&t).failed, 1);
    tls_server_stop(&t);
}

/* Many of one address wait; one of another comes last and is served next but one. Requests in clear go on meanwhile. */
static void L1_peers_take_turns(void **state)
{
    (void)state;
    struct tls_server t;
    static struct client crowd[200];
    struct client other;
    tls_server_start(&t, "server", 600000);
    gate_shut(true);
    crowd_open(crowd, 200, t.server->port, "127.0.0.2");
    EVENTUALLY(stats(&t).waiting == 198 && t.server->tls.working == 2);
    crowd_open(&other, 1, t.server->port, "127.0.0.3");
    EVENTUALLY(stats(&t).waiting == 199);
    /* the two that are in work, then whose turn it is: the crowd's, the other's */
    gate_permit(4);
    EVENTUALLY(crowd_answered(&other, 1) == 1);
    assert_in_range(crowd_answered(crowd, 200), 2, 4);
    gate_shut(false);
    EVENTUALLY(crowd_answered(crowd, 200) == 200);
    crowd_close(crowd, 200);
    crowd_close(&other, 1);
    tls_server_stop(&t);
}

/* Too many of one address: the oldest are cut off, nobody else is; who went away costs nothing. */
static void L1_the_oldest_of_a_crowd_are_cut_off(void **state)
{
    (void)state;
    struct tls_server t;
    static struct client crowd[300], others[20];
    tls_server_start(&t, "server", 600000);
    gate_shut(true);
    crowd_open(crowd, 2, t.server->port, "127.0.0.2");
    gate_wait_steps(2);
    crowd_open(others, 20, t.server->port, "127.0.0.3");
    EVENTUALLY(stats(&t).waiting == 20);
    crowd_open(crowd + 2, 298, t.server->port, "127.0.0.2");
    EVENTUALLY(stats(&t).waiting + t.server->tls.crowded == 318);
    assert_int_equal(t.server->tls.waiting, 256 + 20);
    for (unsigned i = 0; i < 300; i++) {
        client_fill(&crowd[i], 0);
        assert_int_equal(crowd[i].eof, i >= 2 && i < 2 + 42);
    }
    crowd_close(crowd + 150, 150);
    gate_shut(false);
    EVENTUALLY(crowd_answered(others, 20) == 20);
    EVENTUALLY(stats(&t).waiting == 0 && t.server->tls.working == 0);
    assert_int_equal(t.server->tls.gone, 150);
    assert_int_equal(crowd_answered(crowd, 150), 150 - 42);
    assert_int_equal(gate_get(&gate.steps), 2 + 20 + 106);
    crowd_close(crowd, 150);
    crowd_close(others, 20);
    tls_server_stop(&t);
}

/* The deadline covers all of it: waiting for a worker, and a worker who does not come back. */
static void F10_a_handshake_in_work_has_a_deadline(void **state)
{
    (void)state;
    struct tls_server t;
    struct client crowd[5];
    tls_server_start(&t, "server", 300);
    gate_shut(true);
    crowd_open(crowd, 5, t.server->port, NULL);
    for (unsigned i = 0; i < 5; i++) {
        client_fill(&crowd[i], PATIENT_MS);
        assert_true(crowd[i].eof);
    }
    gate_shut(false);
    EVENTUALLY(server_connections(t.server) == 0);
    assert_int_equal(stats(&t).late, 5);
    crowd_close(crowd, 5);
    tls_server_stop(&t);
}

static void *gate_open_later(void *arg)
{
    (void)arg;
    pause_ms(100);
    gate_shut(false);
    return NULL;
}

/* The end of a listener, or of the loop, while workers have the filters of its connections. */
static void F11_the_end_comes_while_handshakes_are_in_work(void **state)
{
    (void)state;
    static const char ways[] = {'f', 'd', 's'};
    for (unsigned i = 0; i < sizeof(ways); i++) {
        struct tls_server t;
        struct client crowd[10];
        pthread_t opener;
        tls_server_start(&t, "server", 10000);
        gate_shut(true);
        crowd_open(crowd, 10, t.server->port, NULL);
        EVENTUALLY(stats(&t).waiting == 8);
        if (ways[i] != 's')
            server_command(t.server, ways[i]);
        if (ways[i] == 'd')
            EVENTUALLY(stats(&t).waiting == 0);
        assert_int_equal(pthread_create(&opener, NULL, gate_open_later, NULL), 0);
        if (ways[i] == 'd')
            EVENTUALLY(atomic_load(&t.server->drained));
        tls_server_stop(&t);
        pthread_join(opener, NULL);
        crowd_close(crowd, 10);
    }
}

/* L3: large bodies, and with GOST suites all but the smallest, are computed by workers both ways. */
static void L3_bulk_is_not_computed_on_the_loop(void **state)
{
    (void)state;
    static const struct {
        const char *server, *options;
        size_t answer, most;
    } rows[] = {
        {"server", "-tls1_3", BIG_BYTES, 1024},
        {"server", "-tls1_2", BIG_BYTES, 1024},
        {"gost", "-engine gost -tls1_2", BIG_BYTES, 1024},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!have_gost && rows[i].server[0] == 'g') {
            print_message("skipped: openssl has no GOST engine here\n");
            continue;
        }
        struct tls_server t;
        struct stat st;
        char path[128];
        tls_server_start(&t, rows[i].server, 10000);
        s_client(
            t.server->port,
            "GET /big HTTP/1.1\\r\\nHost: a\\r\\n\\r\\nGET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n",
            rows[i].options);
        snprintf(path, sizeof(path), "%s/answer", pair_dir);
        assert_int_equal(stat(path, &st), 0);
        assert_in_range(st.st_size, BIG_BYTES + 200, BIG_BYTES + 1000);
        assert_int_equal(shell("cd %s && tail -c 2 answer | grep -q '^ok$'", pair_dir), 0);
        assert_in_range(gate_loop_bytes(), 1, rows[i].most);
        tls_server_stop(&t);
    }
}

/* A body of 200 KiB there and back through a suite that is computed in software, several at once. */
static void L3_gost_bodies_are_read_by_workers(void **state)
{
    (void)state;
    if (!have_gost)
        skip();
    struct tls_server t;
    tls_server_start(&t, "gost", 10000);
    assert_int_equal(
        shell("cd %s && (printf 'POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 200000\\r\\n\\r\\n' && head -c "
              "200000 /dev/zero | tr '\\0' Q && printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: "
              "close\\r\\n\\r\\n') >request",
              pair_dir),
        0);
    for (int i = 0; i < 3; i++) {
        shell(
            "cd %s && timeout 60 openssl s_client -connect 127.0.0.1:%d -quiet -ign_eof -engine gost -tls1_2 <request "
            ">answer 2>said",
            pair_dir, t.server->port);
        assert_int_equal(
            shell("cd %s && test $(tr -cd Q <answer | wc -c) -eq 200000 && tail -c 2 answer | grep -q '^ok$'",
                  pair_dir),
            0);
    }
    /* what comes in small pieces may be taken at once: one record or so, not the body */
    assert_in_range(gate_loop_bytes(), 1, 3 * 100000);
    tls_server_stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L1_no_step_runs_on_the_loop),
        cmocka_unit_test(L1_bytes_that_are_no_record_cost_no_step),
        cmocka_unit_test(L1_a_handshake_has_an_end),
        cmocka_unit_test(L1_peers_take_turns),
        cmocka_unit_test(L1_the_oldest_of_a_crowd_are_cut_off),
        cmocka_unit_test(F10_a_handshake_in_work_has_a_deadline),
        cmocka_unit_test(F11_the_end_comes_while_handshakes_are_in_work),
        cmocka_unit_test(L3_bulk_is_not_computed_on_the_loop),
        cmocka_unit_test(L3_gost_bodies_are_read_by_workers),
    };
    return cmocka_run_group_tests(tests, setup, pairs_end);
}
