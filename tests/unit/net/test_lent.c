/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1: a TLS filter that a worker has is nobody else's. The test stands between the connections and the filter (ld
 * --wrap): it keeps the worker inside a call for as long as it likes, lets everything happen to the connection that
 * can happen meanwhile, and counts each call that comes for a filter somebody is in. Nothing here looks at the clock.
 */
#define BIG_BYTES 20000 /* more than is computed on the loop by a GOST suite */
#include "fixture.h"

#include "pair.h"

#include <openssl/ssl.h>

#define ORDER_MAX 16

/* ---- between the connections and the filter ---- */

static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    const char *shut;       /* who comes with this call on a worker stays inside; NULL: nobody */
    const struct tls *user; /* the filter somebody is in; NULL: none */
    unsigned stays;         /* workers that were kept inside */
    unsigned trespasses;    /* calls for a filter somebody is in */
    const char *trespass;   /* the last of them */
    const struct tls *last_shaken;
    const struct tls *written[ORDER_MAX]; /* by the worker, in this order */
    unsigned nwritten;
    pthread_t loop_thread;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

/* False: somebody is in there. */
static bool gate_enter(const struct tls *t, const char *call)
{
    pthread_mutex_lock(&gate.lock);
    bool is_free = gate.user != t;
    if (!is_free) {
        gate.trespasses++;
        gate.trespass = call;
    } else if (gate.shut != NULL && strcmp(gate.shut, call) == 0 && !pthread_equal(pthread_self(), gate.loop_thread)) {
        gate.user = t;
        gate.stays++;
        pthread_cond_broadcast(&gate.moved);
        while (gate.shut != NULL)
            pthread_cond_wait(&gate.moved, &gate.lock);
        gate.user = NULL;
    }
    if (strcmp(call, "tls_handshake") == 0)
        gate.last_shaken = t;
    bool is_next = gate.nwritten < ORDER_MAX && (gate.nwritten == 0 || gate.written[gate.nwritten - 1] != t);
    if (is_next && strcmp(call, "tls_write") == 0 && !pthread_equal(pthread_self(), gate.loop_thread))
        gate.written[gate.nwritten++] = t;
    pthread_mutex_unlock(&gate.lock);
    return is_free;
}

#define WRAPPED(type, name, otherwise, parameters, arguments)                                                          \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return gate_enter(t, #name) ? __real_##name arguments : (otherwise);                                           \
    }

WRAPPED(enum tls_status, tls_feed, TLS_OK, (struct tls * t, const void *p, size_t n), (t, p, n))
WRAPPED(bool, tls_has_step, false, (const struct tls *t), (t))
WRAPPED(enum tls_status, tls_handshake, TLS_OK, (struct tls * t), (t))
WRAPPED(bool, tls_is_shaken, false, (const struct tls *t), (t))
WRAPPED(size_t, tls_unread, 0, (const struct tls *t), (t))
WRAPPED(bool, tls_is_slow, false, (const struct tls *t), (t))
WRAPPED(enum tls_status, tls_read, (*n = 0, (enum tls_status)TLS_OK), (struct tls * t, void *p, size_t cap, size_t *n),
        (t, p, cap, n))
WRAPPED(enum tls_status, tls_write, TLS_OK, (struct tls * t, const void *p, size_t n), (t, p, n))
WRAPPED(size_t, tls_pending, 0, (struct tls * t, void *p, size_t cap), (t, p, cap))

void __real_tls_close_notify(struct tls *t);
void __wrap_tls_close_notify(struct tls *t);
void __wrap_tls_close_notify(struct tls *t)
{
    if (gate_enter(t, "tls_close_notify"))
        __real_tls_close_notify(t);
}

void __real_tls_free(struct tls *t);
void __wrap_tls_free(struct tls *t);
void __wrap_tls_free(struct tls *t)
{
    if (gate_enter(t, "tls_free"))
        __real_tls_free(t);
}

static void gate_shut(const char *call)
{
    pthread_mutex_lock(&gate.lock);
    gate.shut = call;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

/* A worker is inside, and stays there. */
static void gate_wait(unsigned stays)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.stays < stays)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

/* ---- server and client ---- */

static int setup(void **state)
{
    (void)state;
    worker_threads(1);
    pairs_begin();
    return pair_make("gost", PAIR_GOST) ? 0 : -1;
}

struct side {
    struct arena *arena;
    struct server *server;
    struct client wire;
    SSL_CTX *ctx;
    SSL *tls;
};

static void side_connect(struct side *s, const char *from)
{
    client_open_from(&s->wire, s->server->port, from);
    s->ctx = SSL_CTX_new(TLS_client_method());
    s->tls = SSL_new(s->ctx);
    assert_int_equal(SSL_set_fd(s->tls, s->wire.fd), 1);
    assert_int_equal(SSL_connect(s->tls), 1);
}

/* GOST suites are the ones whose bulk is a worker's work in both directions. */
static void side_open(struct side *s)
{
    struct http_limits limits = patient_limits();
    s->arena = arena_new();
    pthread_mutex_lock(&gate.lock);
    gate.stays = gate.trespasses = gate.nwritten = 0;
    pthread_mutex_unlock(&gate.lock);
    s->server = server_start("127.0.0.1:0", &limits, pair_ctx(s->arena, "gost"));
    pthread_mutex_lock(&gate.lock);
    gate.loop_thread = s->server->thread;
    pthread_mutex_unlock(&gate.lock);
    side_connect(s, NULL);
}

/* The client's half. */
static void side_hang_up(struct side *s)
{
    SSL_free(s->tls);
    SSL_CTX_free(s->ctx);
    client_close(&s->wire);
}

static void side_close(struct side *s)
{
    server_stop(s->server);
    side_hang_up(s);
    arena_free(s->arena);
}

static void side_say(struct side *s, const char *text)
{
    assert_int_equal(SSL_write(s->tls, text, (int)strlen(text)), strlen(text));
}

/* How many plain bytes come until the end of the stream. */
static size_t side_hear(struct side *s)
{
    static char part[65536];
    size_t total = 0;
    for (int n; (n = SSL_read(s->tls, part, sizeof part)) > 0;)
        total += (size_t)n;
    return total;
}

/* ---- tests ---- */

enum lent_for { WRITING, READING };

static void side_say_body(struct side *s)
{
    static char echo[BIG_BYTES + 200];
    int n = snprintf(echo, sizeof echo, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", BIG_BYTES);
    memset(echo + n, 'x', BIG_BYTES);
    side_say(s, echo);
}

/* A request is held by its handler, and a worker is inside the filter: with the answer before it, or with the body
 * behind it. */
static void side_lend(struct side *s, enum lent_for what)
{
    if (what == WRITING) {
        gate_shut("tls_write");
        side_say(s, "GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    } else {
        side_say(s, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
        EVENTUALLY(atomic_load(&s->server->held_seen) == 1);
        gate_shut("tls_read");
        side_say_body(s);
    }
    gate_wait(1);
    EVENTUALLY(atomic_load(&s->server->held_seen) == 1);
}

static void nobody_trespassed(enum lent_for what, const char *when)
{
    pthread_mutex_lock(&gate.lock);
    unsigned n = gate.trespasses;
    const char *call = gate.trespass;
    pthread_mutex_unlock(&gate.lock);
    if (n > 0)
        fail_msg("%s, %s: %u calls while a worker was in there, %s", what == READING ? "reading" : "writing", when, n,
                 call);
}

/* Its last word said, the client listens; the handler asks whether it is there. Everything is answered. */
static void L1_whether_the_client_is_there_may_be_asked(void **state)
{
    (void)state;
    for (enum lent_for what = WRITING; what <= READING; what++) {
        struct side s;
        side_open(&s);
        side_lend(&s, what);
        assert_int_equal(shutdown(s.wire.fd, SHUT_WR), 0);
        for (int i = 0; i < 3; i++)
            server_command(s.server, 'p');
        server_turns(s.server);
        nobody_trespassed(what, "asked whether the client is there");
        gate_shut(NULL);
        server_command(s.server, 'r');
        assert_in_range(side_hear(&s), BIG_BYTES, BIG_BYTES + 1000);
        assert_int_equal(atomic_load(&s.server->requests), 2);
        nobody_trespassed(what, "at the end");
        side_close(&s);
    }
}

/* Whatever ends the connection, or all of them, does so without the filter. */
static void L1_the_end_waits_for_the_worker(void **state)
{
    (void)state;
    static const char ends[] = "dfxs"; /* drained, the listener freed, reset by the client, the loop stopped */
    for (enum lent_for what = WRITING; what <= READING; what++) {
        for (const char *end = ends; *end != '\0'; end++) {
            struct side s;
            side_open(&s);
            side_lend(&s, what);
            if (*end == 'x') {
                struct linger at_once = {.l_onoff = 1};
                setsockopt(s.wire.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
                client_close(&s.wire);
                server_command(s.server, 'p');
            } else if (*end != 's') {
                server_command(s.server, *end);
            }
            server_turns(s.server);
            nobody_trespassed(what, (char[]){*end, '\0'});
            gate_shut(NULL);
            server_command(s.server, 'r');
            side_close(&s);
            nobody_trespassed(what, "at the end");
        }
    }
}

#define CROWD 6

static void crowd_open(struct side *first, struct side crowd[CROWD], const char *from)
{
    side_open(first);
    side_hang_up(first);
    for (unsigned i = 0; i < CROWD; i++) {
        crowd[i] = *first;
        side_connect(&crowd[i], from);
    }
}

/* One answer is in the worker's hands, and he stays at it. */
static void crowd_ask(struct side crowd[CROWD])
{
    gate_shut("tls_write");
    for (unsigned i = 0; i < CROWD; i++)
        side_say(&crowd[i], "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    gate_wait(1);
    EVENTUALLY(atomic_load(&crowd[0].server->requests) == CROWD);
    server_turns(crowd[0].server);
}

static unsigned gate_written(void)
{
    pthread_mutex_lock(&gate.lock);
    unsigned n = gate.nwritten;
    pthread_mutex_unlock(&gate.lock);
    return n;
}

/* Many answers of one peer wait for the worker; one of another comes last. Before it what is in the worker's hands and
 * next in his queue, and one turn of the crowd. */
static void L1_bulk_has_its_turn_by_peer(void **state)
{
    (void)state;
    struct side first, crowd[CROWD], other;
    char said[16] = "";
    unsigned at = 0;
    crowd_open(&first, crowd, "127.0.0.2");
    other = first;
    side_connect(&other, "127.0.0.3");
    crowd_ask(crowd);
    side_say(&other, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    EVENTUALLY(atomic_load(&first.server->requests) == CROWD + 1);
    server_turns(first.server);
    gate_shut(NULL);
    assert_true(SSL_read(other.tls, said, 12) == 12);
    EVENTUALLY(gate_written() == CROWD + 1);
    while (at < CROWD && gate.written[at] != gate.last_shaken)
        at++;
    assert_in_range(at, 1, 3);
    for (unsigned i = 0; i < CROWD; i++)
        side_hang_up(&crowd[i]);
    side_hang_up(&other);
    server_stop(first.server);
    arena_free(first.arena);
}

/* The end of a connection, or of all of them, while most wait for their turn. */
static void L1_the_end_comes_before_the_turn(void **state)
{
    (void)state;
    static const char ends[] = "dfxs";
    for (const char *end = ends; *end != '\0'; end++) {
        struct side first, crowd[CROWD];
        crowd_open(&first, crowd, NULL);
        crowd_ask(crowd);
        if (*end == 'x') {
            struct linger at_once = {.l_onoff = 1};
            for (unsigned i = 0; i < CROWD; i++) {
                setsockopt(crowd[i].wire.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
                client_close(&crowd[i].wire);
            }
        } else if (*end != 's') {
            server_command(first.server, *end);
        }
        server_turns(first.server);
        nobody_trespassed(WRITING, (char[]){*end, '\0'});
        gate_shut(NULL);
        server_stop(first.server);
        for (unsigned i = 0; i < CROWD; i++)
            side_hang_up(&crowd[i]);
        arena_free(first.arena);
        nobody_trespassed(WRITING, "at the end");
    }
}

static struct net_memory memory_of(struct server *s)
{
    server_command(s, 'b');
    return s->memory;
}

/* L3: what is still ciphertext, and the room a worker reads it into, are bytes like others: whoever has most of them
 * is told 503, though a worker has his filter. */
static void L3_what_is_still_ciphertext_counts(void **state)
{
    (void)state;
    struct side first, second;
    char said[16] = "";
    memory_max_bytes = (size_t)130 * 1024;
    side_open(&first);
    second = first;
    side_connect(&second, "127.0.0.2");
    gate_shut("tls_read");
    side_say_body(&first);
    gate_wait(1);
    EVENTUALLY(memory_of(first.server).reading_bytes >= (size_t)2 * 16384);
    assert_int_equal(memory_of(first.server).taken_back, 0);
    side_say_body(&second);
    EVENTUALLY(memory_of(first.server).taken_back == 1);
    assert_in_range(memory_of(first.server).held_bytes, 1, memory_max_bytes);
    nobody_trespassed(READING, "memory is short");
    gate_shut(NULL);
    assert_true(SSL_read(first.tls, said, 12) == 12);
    assert_string_equal(said, "HTTP/1.1 503");
    side_hang_up(&second);
    side_close(&first);
    memory_max_bytes = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L1_whether_the_client_is_there_may_be_asked),
        cmocka_unit_test(L1_the_end_waits_for_the_worker),
        cmocka_unit_test(L1_bulk_has_its_turn_by_peer),
        cmocka_unit_test(L1_the_end_comes_before_the_turn),
        cmocka_unit_test(L3_what_is_still_ciphertext_counts),
    };
    return cmocka_run_group_tests(tests, setup, pairs_end);
}
