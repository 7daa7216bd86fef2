/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The HTTP server over real sockets: the table of raw inputs, order, keep-alive, draining, addresses. */
#include "fixture.h"
#include "http_cases.h"

#include <fcntl.h>
#include <sys/stat.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* ---- the table, over a socket (B.1) ---- */

static void case_run(const struct http_case *hc, int port, bool bytewise)
{
    struct client c;
    struct answer a;
    client_open(&c, port);
    if (bytewise) {
        for (size_t i = 0; i < hc->bytes.n; i++)
            if (!client_send(&c, hc->bytes.p + i, 1))
                break;
    } else {
        client_send(&c, hc->bytes.p, hc->bytes.n);
    }
    if (hc->incomplete)
        shutdown(c.fd, SHUT_WR);
    char statuses[64] = "";
    size_t n = 0;
    bool said_close = false;
    bool is_head = strncmp(hc->bytes.p, "HEAD", 4) == 0;
    unsigned expected = 1;
    for (const char *p = strchr(hc->answers, ' '); p != NULL; p = strchr(p + 1, ' '))
        expected++;
    for (unsigned i = 0; i < expected && client_answer(&c, is_head && i + 1 == expected, PATIENT_MS, &a); i++) {
        n += (size_t)snprintf(statuses + n, sizeof(statuses) - n, "%s%d", n == 0 ? "" : " ", a.status);
        said_close = a.close;
        if (!a.has_date || !a.has_server)
            fail_msg("%s: Date or Server is missing", hc->name);
        if (a.status == 405 && header_in(a.head, "Allow") == NULL)
            fail_msg("%s: Allow is missing", hc->name);
    }
    if (strcmp(statuses, hc->answers) != 0)
        fail_msg("%s: expected \"%s\", got \"%s\"", hc->name, hc->answers, statuses);
    if (said_close != hc->close)
        fail_msg("%s: Connection: %s", hc->name, said_close ? "close" : "keep-alive");
    if (hc->close && !client_sees_end(&c, PATIENT_MS))
        fail_msg("%s: the connection was not closed in order", hc->name);
    if (!hc->close) {
        /* it must be as good as new */
        assert_true(client_say(&c, GET("/again")));
        if (!client_answer(&c, false, PATIENT_MS, &a) || a.status != 200)
            fail_msg("%s: the connection is of no use afterwards", hc->name);
    }
    client_close(&c);
}

static void test_cases_B1_over_a_socket(void **state)
{
    (void)state;
    struct server *s = server_start("127.0.0.1:0", &http_case_limits, NULL);
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++)
        case_run(&http_cases[i], s->port, false);
    server_stop(s);
}

static void test_cases_B1_over_a_socket_bytewise(void **state)
{
    (void)state;
    struct server *s = server_start("127.0.0.1:0", &http_case_limits, NULL);
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++)
        if (http_cases[i].bytes.n < 300)
            case_run(&http_cases[i], s->port, true);
    server_stop(s);
}

/* ---- order ---- */

static void test_pipelined_answers_keep_their_order(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    s->hold_want = 5;
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/hold1") GET("/hold2") GET("/hold3") GET("/hold4") GET("/hold5")));
    for (int i = 1; i <= 5; i++) {
        char expected[16];
        snprintf(expected, sizeof(expected), "/hold%d", i);
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
        assert_string_equal(a.body, expected);
        assert_false(a.close);
    }
    client_close(&c);
    server_stop(s);
}

/* A hundred requests at once on one connection: at most pipeline_max in work, the rest wait in the socket or in us. */
static void test_pipeline_max_holds_back(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.pipeline_max = 4;
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    for (int i = 0; i < 100; i++)
        assert_true(client_say(&c, GET("/keep")));
    EVENTUALLY(atomic_load(&s->held_seen) == 4);
    for (unsigned got = 0; got < 100; got += 4) {
        EVENTUALLY(atomic_load(&s->held_seen) == got + 4);
        server_turns(s);
        assert_int_equal(atomic_load(&s->held_seen), got + 4);
        server_command(s, 'r');
        for (int i = 0; i < 4; i++) {
            assert_true(client_answer(&c, false, PATIENT_MS, &a));
            assert_int_equal(a.status, 200);
        }
    }
    assert_int_equal(atomic_load(&s->requests), 100);
    client_close(&c);
    server_stop(s);
}

#define POST_KEEP "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"

/* RFC 9112 section 9.3.2: what may change something is carried out alone, and what comes behind it afterwards. */
static void test_unsafe_requests_one_by_one(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, POST_KEEP POST_KEEP GET("/keep") GET("/keep") POST_KEEP GET("/keep") "GET /cut"));
    const unsigned in_work[] = {1, 2, 5, 6}; /* how many have been seen after each release */
    for (unsigned i = 0, answered = 0; i < 4; i++) {
        EVENTUALLY(atomic_load(&s->held_seen) == in_work[i]);
        server_turns(s);
        assert_int_equal(atomic_load(&s->held_seen), in_work[i]);
        server_command(s, 'r');
        for (; answered < in_work[i]; answered++) {
            assert_true(client_answer(&c, false, PATIENT_MS, &a));
            assert_int_equal(a.status, 200);
        }
    }
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 400); /* what was cut is told, too */
    client_close(&c);
    server_stop(s);
}

static void test_pipelined_synchronous_answers(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    char *all = malloc(2000 * 64);
    assert_non_null(all);
    size_t n = 0;
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(all + n, 64, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d", i);
    assert_true(client_send(&c, all, n));
    for (int i = 0; i < 2000; i++) {
        char expected[8];
        snprintf(expected, sizeof(expected), "%04d", i);
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
        assert_string_equal(a.body, expected);
    }
    free(all);
    client_close(&c);
    server_stop(s);
}

static void test_worker_answers_decision_7(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/worker") GET("/") GET("/worker")));
    const char *expected[] = {"worker", "ok", "worker"};
    for (int i = 0; i < 3; i++) {
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
        assert_string_equal(a.body, expected[i]);
    }
    client_close(&c);
    server_stop(s);
}

/* ---- single exchanges ---- */

static void test_answers(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c,
                           "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_string_equal(a.body, "abcdef");
    assert_non_null(strstr(a.head, "\r\nContent-Type: a/b\r\n"));
    assert_true(client_say(&c, GET("/fault")));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 500);
    assert_non_null(strstr(a.head, "HTTP/1.1 500 Internal Server Error\r\n"));
    assert_non_null(strstr(a.head, "\r\nX-Request: 7\r\n"));
    assert_string_equal(a.body, "<x/>");
    assert_false(a.close);
    char own[64];
    struct sockaddr_in sa;
    socklen_t size = sizeof(sa);
    getsockname(c.fd, (struct sockaddr *)&sa, &size);
    snprintf(own, sizeof(own), "127.0.0.1:%u", ntohs(sa.sin_port));
    assert_string_equal(s->last_peer, own);
    /* HEAD: the length of the body, but no body; the next answer follows at once */
    assert_true(client_say(&c, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" GET("/y")));
    assert_true(client_answer(&c, true, PATIENT_MS, &a));
    assert_non_null(strstr(a.head, "\r\nContent-Length: 2\r\n"));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_string_equal(a.body, "ok");
    assert_true(client_say(&c, GET("/close") GET("/never")));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_true(a.close);
    assert_true(client_sees_end(&c, PATIENT_MS));
    client_close(&c);
    server_stop(s);
}

static void test_half_close_is_answered(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/keep") GET("/keep")));
    shutdown(c.fd, SHUT_WR);
    EVENTUALLY(atomic_load(&s->held_seen) == 2);
    server_turns(s);
    server_command(s, 'r');
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_false(a.close);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_true(a.close);
    assert_true(client_sees_end(&c, PATIENT_MS));
    client_close(&c);
    EVENTUALLY(server_connections(s) == 0);
    server_stop(s);
}

/* Who has closed is told from who has only ended, by both of whom nothing more is read: L1, no effect for nobody. */
static void test_peer_gone_and_half_closed(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "unix:/tmp/zapisd-test-%d.sock", (int)getpid());
    for (int is_unix = 0; is_unix < 2; is_unix++) {
        struct http_limits limits = patient_limits();
        struct server *s = server_start(is_unix ? path : "127.0.0.1:0", &limits, NULL);
        struct client open, half, closed;
        struct answer a;
        struct client *const all[] = {&open, &half, &closed};
        for (unsigned i = 0; i < 3; i++) {
            if (is_unix)
                client_open_unix(all[i], path + 5);
            else
                client_open(all[i], s->port);
            assert_true(client_say(all[i], GET("/keep")));
        }
        EVENTUALLY(atomic_load(&s->held_seen) == 3);
        server_command(s, 'p');
        assert_int_equal(atomic_load(&s->gone_asked), 0);
        shutdown(half.fd, SHUT_WR);
        client_close(&closed);
        for (int i = 0; i < 500 && atomic_load(&s->gone_asked) == 0; i++) {
            server_command(s, 'p');
            pause_ms(10);
        }
        assert_int_not_equal(atomic_load(&s->gone_asked), 0);
        unsigned before = atomic_load(&s->gone_asked);
        server_command(s, 'p');
        assert_int_equal(atomic_load(&s->gone_asked) - before, 1); /* the one and only the one */
        server_command(s, 'r');
        assert_true(client_answer(&half, false, PATIENT_MS, &a));
        if (!is_unix) {
            assert_int_equal(a.status, 100);
            assert_true(client_answer(&half, false, PATIENT_MS, &a));
        }
        assert_int_equal(a.status, 200);
        assert_true(client_answer(&open, false, PATIENT_MS, &a));
        assert_int_equal(a.status, 200);
        client_close(&half);
        client_close(&open);
        server_stop(s);
    }
}

static void test_continue(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
    assert_true(client_say(&c, head));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 100);
    assert_true(client_say(&c, "abc"));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_string_equal(a.body, "abc");
    /* behind an answer that is still owed: 200 first, then 100 */
    assert_true(client_say(&c, GET("/keep")));
    assert_true(client_say(&c, head));
    EVENTUALLY(atomic_load(&s->held_seen) == 1);
    assert_false(client_answer(&c, false, 50, &a));
    server_command(s, 'r');
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 100);
    assert_true(client_say(&c, "xyz"));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_string_equal(a.body, "xyz");
    /* refused before a byte of the body */
    assert_true(client_say(&c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 999999\r\n\r\n"));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 413);
    assert_true(client_sees_end(&c, PATIENT_MS));
    client_close(&c);
    server_stop(s);
}

/* The peer is in the middle of a large upload: it must be able to read why it is refused. */
static void test_refusal_reaches_a_peer_that_is_sending(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"));
    char block[10000];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 300; i++)
        assert_true(client_send(&c, block, sizeof(block)));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 413);
    assert_true(client_sees_end(&c, PATIENT_MS));
    client_close(&c);
    server_stop(s);
}

static void test_client_gone_before_the_answer(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    for (int i = 0; i < 3; i++) {
        client_open(&c, s->port);
        assert_true(client_say(&c, GET("/keep") GET("/keep")));
        EVENTUALLY(atomic_load(&s->held_seen) == 2 * (unsigned)(i + 1));
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        client_close(&c);
    }
    EVENTUALLY(server_connections(s) == 0);
    server_command(s, 'r');
    assert_int_equal(atomic_load(&s->gone_seen), 6);
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/")));
    struct answer a;
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    client_close(&c);
    /* and one that stays behind when everything is torn down: server_stop() answers it after loop_free() */
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/keep")));
    EVENTUALLY(atomic_load(&s->held_seen) == 7);
    server_stop(s);
    client_close(&c);
}

static void test_large_body_and_large_answer(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    char block[250000];
    memset(block, 'y', sizeof(block));
    for (int i = 0; i < 3; i++) {
        assert_true(client_say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 250000\r\n\r\n"));
        assert_true(client_send(&c, block, sizeof(block)));
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
        assert_int_equal(a.body_n, sizeof(block));
    }
    assert_true(client_say(&c, GET("/big") GET("/")));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.body_n, BIG_BYTES);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_string_equal(a.body, "ok");
    client_close(&c);
    server_stop(s);
}

/* No input holds the loop up: the table, a megabyte in chunks of one byte, a long pipeline, a large upload refused. */
static void test_loop_is_not_held_up_R7(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.body_max_bytes = 1024 * 1024;
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    server_command(s, 'w');
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    static char block[6 * 4096];
    for (size_t i = 0; i < sizeof(block); i += 6)
        memcpy(block + i, "1\r\nx\r\n", 6);
    for (int i = 0; i < 256; i++)
        assert_true(client_send(&c, block, sizeof(block)));
    assert_true(client_say(&c, "0\r\n\r\n"));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.body_n, 1024 * 1024);
    for (int i = 0; i < 2000; i++)
        assert_true(client_say(&c, GET("/")));
    for (int i = 0; i < 2000; i++)
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_true(client_say(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"));
    for (int i = 0; i < 200; i++)
        assert_true(client_send(&c, block, sizeof(block)));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 413);
    client_close(&c);
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++) {
        client_open(&c, s->port);
        client_send(&c, http_cases[i].bytes.p, http_cases[i].bytes.n);
        client_close(&c);
    }
    EVENTUALLY(server_connections(s) == 0);
    assert_true(server_longest_turn_share(s) < 0.2); /* whoever takes one of these inputs at once has most of it all */
    server_stop(s);
}

/* ---- draining ---- */

static void test_drain(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client idle;
    struct client busy;
    struct client half;
    struct answer a;
    client_open(&idle, s->port);
    assert_true(client_say(&idle, GET("/")));
    assert_true(client_answer(&idle, false, PATIENT_MS, &a));
    client_open(&busy, s->port);
    assert_true(client_say(&busy, GET("/keep")));
    client_open(&half, s->port);
    assert_true(client_say(&half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"));
    EVENTUALLY(atomic_load(&s->held_seen) == 1 && atomic_load(&s->requests) == 2);
    server_turns(s);
    server_command(s, 'd');
    assert_true(client_sees_end(&idle, PATIENT_MS));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
    server_turns(s);
    assert_int_not_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    close(fd);
    assert_false(atomic_load(&s->drained));
    server_command(s, 'r');
    assert_true(client_answer(&busy, false, PATIENT_MS, &a));
    assert_true(a.close);
    assert_true(client_sees_end(&busy, PATIENT_MS));
    client_close(&busy);
    assert_true(client_say(&half, "def" GET("/never") GET("/never"))); /* what was begun is finished, and no more */
    assert_true(client_answer(&half, false, PATIENT_MS, &a));
    assert_string_equal(a.body, "abcdef");
    assert_true(a.close);
    assert_true(client_sees_end(&half, PATIENT_MS));
    client_close(&half);
    client_close(&idle);
    EVENTUALLY(atomic_load(&s->drained));
    assert_int_equal(atomic_load(&s->requests), 3);
    server_command(s, 'f');
    server_stop(s);
}

static void test_drain_of_nothing_and_free_under_load(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    server_command(s, 'd');
    EVENTUALLY(atomic_load(&s->drained));
    server_stop(s);
    s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c[8];
    for (int i = 0; i < 8; i++) {
        client_open(&c[i], s->port);
        assert_true(client_say(&c[i], i % 2 == 0 ? GET("/keep") : GET("/big")));
    }
    EVENTUALLY(atomic_load(&s->requests) == 8);
    server_command(s, 'f');
    server_command(s, 'r');
    server_stop(s);
    for (int i = 0; i < 8; i++)
        client_close(&c[i]);
}

/* ---- addresses ---- */

static enum err try_open(struct loop *l, const char *address, struct listener **out)
{
    struct error e = {0};
    struct listener_conf conf = {.address = address, .limits = http_limits_default, .handler = on_request};
    return listener_open(l, &conf, out, &e);
}

static void test_addresses_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "8180",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      ":8180",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:80x",
                                      "[::1]",
                                      "[::1:8180",
                                      "::1:8180",
                                      "example.org:80",
                                      "127.0.0.256:80",
                                      "unix:",
                                      "unix:relative",
                                      "fd:",
                                      "fd:x",
                                      "fd:-1",
                                      "fd:9999",
                                      "fd:0x3",
                                      "[]:80",
                                      "192.0.2.1:0",
                                      "unix:/no/such/d/s",
                                      "*:80",
                                      "127.0.0.1: 80"};
    struct loop *l = loop_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct listener *ls = NULL;
        if (try_open(l, bad[i], &ls) != ERR_CONFIG)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_null(ls);
    }
    loop_free(l);
}

static void test_address_is_local(void **state)
{
    (void)state;
    assert_true(address_is_local("127.0.0.1:1"));
    assert_true(address_is_local("127.8.0.1:1"));
    assert_true(address_is_local("[::1]:1"));
    assert_true(address_is_local("unix:/run/x"));
    assert_false(address_is_local("0.0.0.0:1"));
    assert_false(address_is_local("[::]:1"));
    assert_false(address_is_local("192.0.2.1:1"));
    assert_false(address_is_local("127.0.0.1.example.org:1"));
    assert_false(address_is_local("fd:9999"));
    assert_false(address_is_local("nonsense"));
}

static void test_unix_socket(void **state)
{
    (void)state;
    char dir[] = "/tmp/zapisd-net-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    char address[80];
    snprintf(path, sizeof(path), "%s/s", dir);
    snprintf(address, sizeof(address), "unix:%s", path);
    struct http_limits limits = patient_limits();
    struct server *s = server_start(address, &limits, NULL);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    struct client c;
    struct answer a;
    client_open_unix(&c, path);
    assert_true(client_say(&c, GET("/")));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_string_equal(s->last_peer, "unix");
    struct loop *l = loop_new();
    struct listener *ls = NULL;
    assert_int_equal(try_open(l, address, &ls), ERR_CONFIG); /* somebody listens */
    server_stop(s);
    client_close(&c);
    assert_int_not_equal(stat(path, &st), 0); /* taken away with the listener */

    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    close(fd); /* the file stays, as after a kill */
    assert_int_equal(try_open(l, address, &ls), ERR_OK);
    listener_free(ls);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    close(file);
    assert_int_equal(try_open(l, address, &ls), ERR_CONFIG); /* not ours to remove */
    assert_int_equal(stat(path, &st), 0);
    unlink(path);
    rmdir(dir);
    loop_free(l);
}

static void test_inherited_descriptor_and_v6(void **state)
{
    (void)state;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
        print_message("skipped: no IPv6 here\n");
        skip();
    }
    socklen_t size = sizeof(sa);
    getsockname(fd, (struct sockaddr *)&sa, &size);
    char address[16];
    snprintf(address, sizeof(address), "fd:%d", fd);
    assert_true(address_is_local(address));
    struct http_limits limits = patient_limits();
    struct server *s = server_start(address, &limits, NULL);
    assert_int_equal(s->port, ntohs(sa.sin6_port));
    int peer = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&sa, sizeof(sa)), 0);
    struct client c;
    struct answer a;
    client_init(&c, peer);
    assert_true(client_say(&c, GET("/")));
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(strncmp(s->last_peer, "[::1]:", 6), 0);
    client_close(&c);
    server_stop(s);
}

static void test_occupied_port(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%d", s->port);
    struct loop *l = loop_new();
    struct listener *ls = NULL;
    assert_int_equal(try_open(l, address, &ls), ERR_CONFIG);
    loop_free(l);
    server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_B1_over_a_socket),
        cmocka_unit_test(test_cases_B1_over_a_socket_bytewise),
        cmocka_unit_test(test_pipelined_answers_keep_their_order),
        cmocka_unit_test(test_pipeline_max_holds_back),
        cmocka_unit_test(test_unsafe_requests_one_by_one),
        cmocka_unit_test(test_pipelined_synchronous_answers),
        cmocka_unit_test(test_worker_answers_decision_7),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_half_close_is_answered),
        cmocka_unit_test(test_peer_gone_and_half_closed),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_refusal_reaches_a_peer_that_is_sending),
        cmocka_unit_test(test_client_gone_before_the_answer),
        cmocka_unit_test(test_large_body_and_large_answer),
        cmocka_unit_test(test_loop_is_not_held_up_R7),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_of_nothing_and_free_under_load),
        cmocka_unit_test(test_addresses_refused),
        cmocka_unit_test(test_address_is_local),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_inherited_descriptor_and_v6),
        cmocka_unit_test(test_occupied_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
