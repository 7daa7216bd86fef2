/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * L3: what strangers hold is bounded in sum, by bytes and over all of them: unfinished bodies, plain and chunked,
 * heads, answers nobody takes. Bytes are counted, never time. Who has most pays first; whoever behaves notices nothing.
 */
#include "fixture.h"

#define MAX_BYTES    ((size_t)4 << 20)
#define BODY_BYTES   ((size_t)250 * 1000)
#define HEAD_SLACK   ((size_t)64 * 1024) /* heads are entered when they are there */
#define CLIENTS      120
#define PLAIN_HEAD   "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n"
#define CHUNKED_HEAD "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static char filler[512 * 1024];

static int setup(void **state)
{
    memory_max_bytes = MAX_BYTES;
    memset(filler, 'x', sizeof(filler));
    struct http_limits limits = patient_limits();
    *state = server_start("127.0.0.1:0", &limits, NULL);
    return 0;
}

static int teardown(void **state)
{
    server_stop(*state);
    memory_max_bytes = 0;
    return 0;
}

static struct net_memory memory_of(struct server *s)
{
    server_command(s, 'b');
    return s->memory;
}

/* All but the last byte of a body; whether the other side still wants it does not matter. */
static void send_unfinished(struct client *c, size_t n, size_t chunk)
{
    char head[200];
    if (chunk == 0) {
        snprintf(head, sizeof(head), PLAIN_HEAD, n);
        if (client_say(c, head))
            client_send(c, filler, n - 1);
        return;
    }
    bool goes_on = client_say(c, CHUNKED_HEAD);
    for (size_t done = 0; done < n - 1 && goes_on; done += chunk) {
        size_t take = n - 1 - done < chunk ? n - 1 - done : chunk;
        snprintf(head, sizeof(head), "%zx\r\n", take);
        goes_on = client_say(c, head) && client_send(c, filler, take) && client_say(c, "\r\n");
    }
}

/* 200, 503, 0 (nothing yet), or -1: cut off. */
static int status_of(struct client *c, int wait_ms)
{
    struct answer a;
    if (client_answer(c, false, wait_ms, &a)) {
        if (a.status == 503)
            assert_non_null(header_in(a.head, "Retry-After"));
        return a.status;
    }
    return c->eof ? -1 : 0;
}

static void assert_serves(struct server *s, const char *from)
{
    struct client c;
    struct answer a;
    client_open_from(&c, s->port, from);
    assert_true(client_say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"));
    assert_true(client_send(&c, filler, 5000));
    assert_true(client_answer(&c, false, 60000, &a));
    assert_int_equal(a.status, 200);
    client_close(&c);
}

static void assert_all_given_back(struct server *s)
{
    uint64_t until = now_ms() + 60000;
    while (memory_of(s).held_bytes > 0 && now_ms() < until)
        pause_ms(5);
    struct net_memory m = memory_of(s);
    assert_int_equal(m.held_bytes, 0);
    assert_int_equal(m.reading_bytes + m.working_bytes + m.writing_bytes + m.connections_bytes, 0);
}

/* Plain and chunked, in pieces of any size: the sum stays, and most are told so. */
static void test_unfinished_bodies_L3(void **state)
{
    struct server *s = *state;
    static struct client c[CLIENTS];
    unsigned dice = 7, refused = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_open(&c[i], s->port);
        size_t chunk = i % 3 == 0 ? 0 : 1 + (size_t)rand_r(&dice) % 20000;
        send_unfinished(&c[i], BODY_BYTES, i % 3 == 1 && chunk < 300 ? 300 : chunk);
        struct net_memory m = memory_of(s);
        assert_in_range(m.highest_bytes, 1, MAX_BYTES + HEAD_SLACK);
        if (i % 10 == 0)
            assert_serves(s, NULL);
    }
    EVENTUALLY(memory_of(s).taken_back >= CLIENTS - MAX_BYTES / BODY_BYTES - 4);
    for (unsigned i = 0; i < CLIENTS; i++) {
        int status = status_of(&c[i], 1);
        assert_int_not_equal(status, 200);
        refused += status != 0;
        client_close(&c[i]);
    }
    assert_in_range(refused, CLIENTS - MAX_BYTES / BODY_BYTES - 4, CLIENTS);
    assert_true(memory_of(s).highest_bytes <= MAX_BYTES + HEAD_SLACK);
    assert_all_given_back(s);
}

/* What has come is what is held, however it was cut into chunks and whatever was announced. */
static void test_a_chunked_body_costs_no_more_than_a_plain_one_L3(void **state)
{
    struct server *s = *state;
    static const size_t chunks[] = {0, 1, 7, 4096, 65535, 100000};
    for (unsigned i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        struct client c;
        size_t n = chunks[i] == 1 ? 20000 : 100000;
        client_open(&c, s->port);
        send_unfinished(&c, n, chunks[i]);
        EVENTUALLY(memory_of(s).reading_bytes > n);
        pause_ms(2);
        assert_in_range(memory_of(s).reading_bytes, n, n + 64 * 1024 + 8 * 1024);
        client_close(&c);
        assert_all_given_back(s);
    }
    struct client c;
    client_open(&c, s->port);
    assert_true(client_say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 250000\r\n\r\nx"));
    EVENTUALLY(memory_of(s).reading_bytes > 0);
    assert_in_range(memory_of(s).reading_bytes, 1, 24 * 1024); /* announced is not held */
    client_close(&c);
}

/* One address may be the gateway through which everybody comes: alone it may have all there is. */
static void test_one_peer_alone_may_have_it_all_L3(void **state)
{
    struct server *s = *state;
    static struct client c[12];
    for (unsigned i = 0; i < 12; i++) {
        client_open(&c[i], s->port);
        send_unfinished(&c[i], BODY_BYTES, 0);
    }
    EVENTUALLY(memory_of(s).reading_bytes > 12 * (BODY_BYTES - 1));
    for (unsigned i = 0; i < 12; i++) {
        assert_true(client_say(&c[i], "y"));
        assert_int_equal(status_of(&c[i], 60000), 200);
        client_close(&c[i]);
    }
    assert_int_equal(memory_of(s).taken_back, 0);
}

/* The one who has little keeps it while another takes all he can get. */
static void test_a_flood_is_at_its_own_cost_L3(void **state)
{
    struct server *s = *state;
    struct client honest;
    static struct client c[CLIENTS];
    client_open_from(&honest, s->port, "127.0.0.2");
    send_unfinished(&honest, BODY_BYTES, 0);
    EVENTUALLY(memory_of(s).reading_bytes > BODY_BYTES - 1);
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_open(&c[i], s->port);
        send_unfinished(&c[i], BODY_BYTES, i % 2 * 5000);
        if (i % 20 == 0)
            assert_serves(s, "127.0.0.3");
    }
    assert_true(memory_of(s).taken_back > 0);
    assert_true(client_say(&honest, "y"));
    assert_int_equal(status_of(&honest, 60000), 200);
    client_close(&honest);
    for (unsigned i = 0; i < CLIENTS; i++)
        client_close(&c[i]);
    assert_all_given_back(s);
}

static void test_unfinished_heads_L3(void **state)
{
    struct server *s = *state;
    static struct client c[400];
    for (unsigned i = 0; i < 400; i++) {
        client_open(&c[i], s->port);
        if (client_say(&c[i], "POST /echo HTTP/1.1\r\nHost: a\r\nX: "))
            client_send(&c[i], filler, 14000);
        assert_in_range(memory_of(s).highest_bytes, 1, MAX_BYTES + HEAD_SLACK);
        if (i % 50 == 0)
            assert_serves(s, NULL);
    }
    assert_true(memory_of(s).taken_back > 0);
    for (unsigned i = 0; i < 400; i++)
        client_close(&c[i]);
    assert_all_given_back(s);
}

/* Answers are bytes too, and whoever does not take them loses them before others lose theirs. */
static void test_slow_readers_L3(void **state)
{
    struct server *s = *state;
    static struct client c[40];
    char head[200];
    snprintf(head, sizeof(head), PLAIN_HEAD, BODY_BYTES);
    for (unsigned i = 0; i < 40; i++) {
        int small = 4096;
        client_open(&c[i], s->port);
        setsockopt(c[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        for (int k = 0; k < 3; k++)
            if (client_say(&c[i], head))
                client_send(&c[i], filler, BODY_BYTES);
        /* the last one's answers may be on top: they are what makes the others give back */
        assert_in_range(memory_of(s).highest_bytes, 1, MAX_BYTES + 4 * BODY_BYTES);
        assert_serves(s, NULL);
    }
    EVENTUALLY(memory_of(s).taken_back > 0);
    assert_in_range(memory_of(s).held_bytes, 0, MAX_BYTES + HEAD_SLACK);
    assert_serves(s, NULL);
    for (unsigned i = 0; i < 40; i++)
        client_close(&c[i]);
    assert_all_given_back(s);
}

/* Bodies that are whole and in work belong to the sum as well; their clients may have gone. */
static void test_requests_in_work_count_until_they_are_answered_L3(void **state)
{
    struct server *s = *state;
    struct client c;
    client_open(&c, s->port);
    assert_true(client_say(&c, "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"));
    assert_true(client_send(&c, filler, 200000));
    EVENTUALLY(atomic_load(&s->held_seen) == 1);
    assert_in_range(memory_of(s).working_bytes, 200000, 300000);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    client_close(&c);
    EVENTUALLY(memory_of(s).connections_bytes == 0);
    assert_in_range(memory_of(s).held_bytes, 200000, 300000);
    server_command(s, 'r');
    assert_all_given_back(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unfinished_bodies_L3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_chunked_body_costs_no_more_than_a_plain_one_L3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_peer_alone_may_have_it_all_L3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_is_at_its_own_cost_L3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unfinished_heads_L3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_readers_L3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests_in_work_count_until_they_are_answered_L3, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
