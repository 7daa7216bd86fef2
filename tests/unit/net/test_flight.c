/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L1, V1: what a client sends behind its last word of the handshake, in the same flight, is neither lost nor read
 * twice, wherever the flight is cut, and whether its other half comes while it waits for a worker, while one has the
 * filter, or before or after that. The client is OpenSSL between two buffers; its flight is in our hands before any of
 * it is sent.
 */
#include "fixture.h"

#include "pair.h"

#include <openssl/ssl.h>

#define FLIGHT_MAX (512 * 1024)
#define BODY_MAX   (200 * 1024)

/* ---- a worker that is kept inside ---- */

static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool is_shut;
    unsigned inside;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

enum tls_status __real_tls_handshake(struct tls *t);
enum tls_status __wrap_tls_handshake(struct tls *t);
enum tls_status __wrap_tls_handshake(struct tls *t)
{
    pthread_mutex_lock(&gate.lock);
    gate.inside++;
    pthread_cond_broadcast(&gate.moved);
    while (gate.is_shut)
        pthread_cond_wait(&gate.moved, &gate.lock);
    gate.inside--;
    pthread_mutex_unlock(&gate.lock);
    return __real_tls_handshake(t);
}

static void gate_shut(bool is_shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_shut = is_shut;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static bool gate_is_somebody_inside(void)
{
    pthread_mutex_lock(&gate.lock);
    bool is = gate.inside > 0;
    pthread_mutex_unlock(&gate.lock);
    return is;
}

/* ---- the client ---- */

struct side {
    struct client wire;
    SSL *tls;
    BIO *in, *out;
    char flight[FLIGHT_MAX]; /* its last word of the handshake, and what it says behind it */
    size_t n, handshake_n;
};

static struct server *server;
static struct arena *arena;
static SSL_CTX *client_ctx;
static SSL_SESSION *ticket;

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

static size_t side_takes(struct side *s, char *p, size_t cap)
{
    size_t n = 0;
    return BIO_ctrl_pending(s->out) > 0 && BIO_read_ex(s->out, p, cap, &n) == 1 ? n : 0;
}

static void side_hears(struct side *s)
{
    size_t n = 0;
    if (!client_fill(&s->wire, PATIENT_MS) && !s->wire.eof)
        fail_msg("nothing comes");
    if (s->wire.n > 0)
        assert_int_equal(BIO_write_ex(s->in, s->wire.buf, s->wire.n, &n), 1);
    assert_int_equal(n, s->wire.n);
    s->wire.n = 0;
}

static void side_open(struct side *s)
{
    client_open(&s->wire, server->port);
    s->tls = SSL_new(client_ctx);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    SSL_set_bio(s->tls, s->in, s->out);
    SSL_set_connect_state(s->tls);
}

/* As far as the flight that ends the handshake, which is kept with what is said behind it. */
static void side_prepare(struct side *s, SSL_SESSION *session, const char *says, size_t nsays)
{
    side_open(s);
    if (session != NULL)
        assert_int_equal(SSL_set_session(s->tls, session), 1);
    while (SSL_do_handshake(s->tls) != 1) {
        s->n = side_takes(s, s->flight, sizeof s->flight);
        if (s->n > 0)
            assert_true(client_send(&s->wire, s->flight, s->n));
        side_hears(s);
    }
    assert_int_equal(SSL_session_reused(s->tls), session != NULL);
    s->handshake_n = side_takes(s, s->flight, sizeof s->flight);
    size_t written = 0;
    assert_int_equal(SSL_write_ex(s->tls, says, nsays, &written), 1);
    assert_int_equal(written, nsays);
    s->n = s->handshake_n + side_takes(s, s->flight + s->handshake_n, sizeof s->flight - s->handshake_n);
    assert_true(s->handshake_n > 0 && s->n > s->handshake_n && s->n < sizeof s->flight);
}

/* What comes in clear, until it is as long as what is wanted, or the end. */
static size_t side_reads(struct side *s, char *out, size_t want)
{
    size_t total = 0;
    while (total < want) {
        size_t n = 0;
        if (SSL_read_ex(s->tls, out + total, want - total, &n) == 1)
            total += n;
        else if (s->wire.eof)
            break;
        else
            side_hears(s);
    }
    return total;
}

static void side_close(struct side *s)
{
    SSL_set_quiet_shutdown(s->tls, 1);
    (void)SSL_shutdown(s->tls); /* or its ticket would be thought bad */
    SSL_free(s->tls);
    client_close(&s->wire);
}

/* ---- what is said, and answered ---- */

static char says[BODY_MAX + 4096], answers[BODY_MAX + 4096];

/* An echo, and a second request behind it. */
static size_t say(size_t nbody, unsigned number)
{
    int n =
        snprintf(says, sizeof says,
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: a/%u\r\nContent-Length: %zu\r\n\r\n", number, nbody);
    for (size_t i = 0; i < nbody; i++)
        says[(size_t)n + i] = (char)('a' + (i * 31 + number) % 26);
    size_t total = (size_t)n + nbody;
    n = snprintf(says + total, sizeof says - total, "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return total + (size_t)n;
}

static void assert_answered(struct side *s, size_t nbody, unsigned number, const char *when)
{
    char type[32];
    size_t n = side_reads(s, answers, sizeof answers - 1);
    answers[n] = '\0';
    snprintf(type, sizeof type, "Content-Type: a/%u\r\n", number);
    char *body = strstr(answers, "\r\n\r\n");
    if (body == NULL || strncmp(answers, "HTTP/1.1 200 ", 13) != 0 || strstr(answers, type) == NULL)
        fail_msg("%s: no answer but %zu bytes: %.100s", when, n, answers);
    body += 4;
    const char *sent = strstr(says, "\r\n\r\n") + 4;
    size_t behind = n - (size_t)(body - answers);
    if (behind < nbody || memcmp(body, sent, nbody) != 0)
        fail_msg("%s: the body is another, %zu bytes", when, behind);
    if (strncmp(body + nbody, "HTTP/1.1 200 ", 13) != 0 || strcmp(answers + n - 6, "\r\n\r\nok") != 0)
        fail_msg("%s: no second answer", when);
}

/* ---- one flight ---- */

enum when { TOGETHER, LATER, MEANWHILE, WAITING, WHENS };
static const char *const when_words[] = {"at once", "after a while", "while a worker is in there",
                                         "while it waits for a worker"};

/* A hello that keeps the only worker there is for handshakes, while the gate is shut. */
static void occupy(struct side *other)
{
    side_open(other);
    (void)SSL_do_handshake(other->tls);
    other->n = side_takes(other, other->flight, sizeof other->flight);
    assert_true(client_send(&other->wire, other->flight, other->n));
    EVENTUALLY(gate_is_somebody_inside());
}

static void flight_play(SSL_SESSION *session, size_t nbody, size_t cut, unsigned number, enum when when)
{
    static struct side s, other;
    char text[160];
    unsigned before = atomic_load(&server->requests);
    side_prepare(&s, session, says, say(nbody, number));
    cut = cut > s.n ? s.n : cut;
    snprintf(text, sizeof text, "%s, body of %zu, cut at %zu of %zu+%zu, the rest %s", SSL_get_version(s.tls), nbody,
             cut, s.handshake_n, s.n - s.handshake_n, when_words[when]);
    gate_shut(when >= MEANWHILE);
    if (when == WAITING)
        occupy(&other);
    assert_true(client_send(&s.wire, s.flight, cut));
    if (when == MEANWHILE && cut >= s.handshake_n)
        EVENTUALLY(gate_is_somebody_inside());
    if (when != TOGETHER)
        server_turns(server);
    assert_true(client_send(&s.wire, s.flight + cut, s.n - cut));
    if (when >= MEANWHILE)
        server_turns(server);
    gate_shut(false);
    if (when == WAITING)
        side_close(&other);
    assert_answered(&s, nbody, number, text);
    if (atomic_load(&server->requests) != before + 2)
        fail_msg("%s: %u requests", text, atomic_load(&server->requests) - before);
    side_close(&s);
}

/* ---- the tests ---- */

static int setup(void **state)
{
    (void)state;
    worker_threads(2); /* of which one makes handshakes */
    pairs_begin();
    return pair_make("server", PAIR_EC) ? 0 : -1;
}

static void world_begin(int version)
{
    struct http_limits limits = patient_limits();
    arena = arena_new();
    server = server_start("127.0.0.1:0", &limits, pair_ctx(arena, "server"));
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client_ctx, version);
    SSL_CTX_set_max_proto_version(client_ctx, version);
    SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client_ctx, keep_ticket);
}

static void world_end(void)
{
    SSL_SESSION_free(ticket);
    ticket = NULL;
    SSL_CTX_free(client_ctx);
    server_stop(server);
    arena_free(arena);
}

/* The client ends the handshake: in full by TLS 1.3, with a ticket by both. */
static void flights(int version, bool is_resumed, size_t nbody, size_t from, size_t to, size_t step)
{
    static unsigned number;
    world_begin(version);
    if (is_resumed) {
        static struct side first;
        if (version == TLS1_2_VERSION) { /* there the server ends a full one: only a ticket is wanted */
            client_open(&first.wire, server->port);
            first.tls = SSL_new(client_ctx);
            assert_int_equal(SSL_set_fd(first.tls, first.wire.fd), 1);
            assert_int_equal(SSL_connect(first.tls), 1);
            side_close(&first);
        } else {
            flight_play(NULL, 10, 0, ++number, TOGETHER);
        }
        assert_non_null(ticket);
    }
    for (size_t cut = from; cut < to; cut += step)
        for (enum when when = TOGETHER; when < WHENS; when++) {
            SSL_SESSION *session = is_resumed ? ticket : NULL;
            if (session != NULL)
                SSL_SESSION_up_ref(session);
            flight_play(session, nbody, cut, ++number, when);
            SSL_SESSION_free(session);
        }
    world_end();
}

static void V1_L1_a_request_in_the_last_flight_wherever_it_is_cut(void **state)
{
    (void)state;
    flights(TLS1_3_VERSION, false, 10, 1, 320, 1);
}

static void V1_L1_the_same_with_a_ticket(void **state)
{
    (void)state;
    flights(TLS1_3_VERSION, true, 10, 1, 320, 7);
    flights(TLS1_2_VERSION, true, 10, 1, 320, 3);
}

/* Several records, and more of them than the loop decrypts itself. */
static void V1_L1_much_in_the_last_flight(void **state)
{
    (void)state;
    flights(TLS1_3_VERSION, false, 20000, 1, 22000, 1499);
    flights(TLS1_3_VERSION, false, BODY_MAX, 1, FLIGHT_MAX / 2, 30011);
    flights(TLS1_2_VERSION, true, BODY_MAX, 60, FLIGHT_MAX / 2, 50021);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(V1_L1_a_request_in_the_last_flight_wherever_it_is_cut),
        cmocka_unit_test(V1_L1_the_same_with_a_ticket),
        cmocka_unit_test(V1_L1_much_in_the_last_flight),
    };
    return cmocka_run_group_tests(tests, setup, pairs_end);
}
