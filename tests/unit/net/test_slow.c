/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Clients that are slow, silent, deaf or too many (reliability F10, F11; R10); turns and calls are counted (L6). */
#include "fixture.h"

#include <sys/resource.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { SHORT_MS = 1000 }; /* long enough to say a word in on any machine */

static struct http_limits short_limits(void)
{
    struct http_limits limits = patient_limits();
    limits.head_timeout_ms = SHORT_MS;
    limits.body_timeout_ms = SHORT_MS;
    limits.idle_timeout_ms = SHORT_MS;
    limits.write_timeout_ms = SHORT_MS;
    return limits;
}

/* Sends text a byte at a time until refused or done; then expects the status, not before after_ms. */
static void drip(int port, const char *at_once, const char *text, unsigned gap_ms, int status, unsigned after_ms)
{
    struct client c;
    struct answer a;
    client_open(&c, port);
    uint64_t began = now_ms();
    assert_true(client_say(&c, at_once));
    for (size_t i = 0; text[i] != '\0' && !client_fill(&c, (int)gap_ms); i++)
        client_send(&c, text + i, 1);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    uint64_t took = now_ms() - began;
    assert_int_equal(a.status, status);
    assert_true(a.close);
    if (took + 5 < after_ms)
        fail_msg("%d came after %u ms", status, (unsigned)took);
    assert_true(client_sees_end(&c, PATIENT_MS));
    client_close(&c);
}

static void test_slow_head_F10(void **state)
{
    (void)state;
    struct http_limits limits = short_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    drip(s->port, "GET / HT", "TP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n", 60, 408,
         SHORT_MS); /* three times as long as it may */
    drip(s->port, "GET / HTTP/1.1\r\n", "", 0, 408, SHORT_MS);
    assert_int_equal(atomic_load(&s->requests), 0);
    server_stop(s);
}

static void test_slow_body_F10(void **state)
{
    (void)state;
    struct http_limits limits = short_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    drip(s->port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n",
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 20, 408, SHORT_MS);
    drip(s->port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n",
         30, 408, SHORT_MS);
    assert_int_equal(atomic_load(&s->requests), 0);
    server_stop(s);
}

/* The whole body would arrive in time, but at 20 bytes a second. */
static void test_body_rate_F10(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.body_rate_min_bytes = http_limits_default.body_rate_min_bytes;
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    char text[200];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    drip(s->port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n", text, 50, 408, 5000);
    server_stop(s);
}

static void test_slow_request_behind_a_good_one_F10(void **state)
{
    (void)state;
    struct http_limits limits = short_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/keep") "GET / HT"));
    pause_ms(2 * SHORT_MS); /* overdue, and yet the answer before it is still owed */
    assert_int_equal(atomic_load(&s->held_seen), 1);
    server_command(s, 'r');
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 408);
    assert_true(client_sees_end(&c, PATIENT_MS));
    client_close(&c);
    server_stop(s);
}

static void test_idle_is_closed_silently(void **state)
{
    (void)state;
    struct http_limits limits = short_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client fresh;
    struct client used;
    struct answer a;
    client_open(&fresh, s->port);
    uint64_t longest = 0;
    uint64_t last = 0;
    do { /* in use, it stays: longer than the limit in all; unless we ourselves were too slow to use it */
        if (longest > 0)
            client_close(&used);
        client_open(&used, s->port);
        longest = 0;
        last = now_ms();
        for (int i = 0; i < 6 && longest < SHORT_MS / 2; i++) {
            pause_ms(SHORT_MS / 4);
            bool answered = client_say(&used, GET("/")) && client_answer(&used, false, PATIENT_MS, &a);
            longest = now_ms() - last > longest ? now_ms() - last : longest;
            assert_true(answered || longest >= SHORT_MS / 2);
            last = now_ms();
        }
    } while (longest >= SHORT_MS / 2);
    assert_true(client_sees_end(&fresh, PATIENT_MS));
    assert_true(client_sees_end(&used, PATIENT_MS));
    assert_true(now_ms() - last > SHORT_MS / 2);
    client_close(&fresh);
    client_close(&used);
    server_stop(s);
}

/* The handler may take its time: no deadline of ours runs while a request is in work. */
static void test_work_has_no_deadline(void **state)
{
    (void)state;
    struct http_limits limits = short_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    struct answer a;
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/keep")));
    assert_false(client_answer(&c, false, 2 * SHORT_MS, &a));
    assert_false(c.eof);
    server_command(s, 'r');
    assert_true(client_answer(&c, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    client_close(&c);
    server_stop(s);
}

static void test_client_that_never_reads_F10(void **state)
{
    (void)state;
    struct http_limits limits = short_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c;
    client_open(&c, s->port);
    assert_true(client_say(&c, GET("/big") GET("/big") GET("/big")));
    EVENTUALLY(atomic_load(&s->requests) == 3);
    EVENTUALLY(server_connections(s) == 0);
    while (client_fill(&c, PATIENT_MS) && c.n < BIG_BYTES * 2)
        ;
    assert_true(c.reset); /* cut off, not ended */
    client_close(&c);
    server_stop(s);
}

/* A hundred dripping clients, and one that is in no hurry to suffer for it. */
static void test_others_do_not_wait_F10(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client slow[100];
    struct client c;
    struct answer a;
    for (int i = 0; i < 100; i++)
        client_open(&slow[i], s->port);
    client_open(&c, s->port);
    server_command(s, 'w');
    for (size_t round = 0; round < 12; round++) {
        for (int i = 0; i < 100; i++)
            assert_true(client_send(&slow[i], &"GET / HTTP/1.1\r\n"[round], 1));
        assert_true(client_say(&c, GET("/"))); /* answered while a hundred are in the middle of a word */
        assert_true(client_answer(&c, false, PATIENT_MS, &a));
    }
    assert_true(server_longest_turn_share(s) < 0.5); /* there are twelve rounds, each with its turns */
    for (int i = 0; i < 100; i++)
        client_close(&slow[i]);
    client_close(&c);
    server_stop(s);
}

/* ---- too many ---- */

static void test_connection_limit_F11(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.connections_max = 3;
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client c[3];
    struct client more;
    struct answer a;
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], s->port);
        assert_true(client_say(&c[i], GET("/")));
        assert_true(client_answer(&c[i], false, PATIENT_MS, &a));
    }
    for (int i = 0; i < 5; i++) {
        client_open(&more, s->port);
        assert_true(client_say(&more, GET("/")));
        assert_true(client_answer(&more, false, PATIENT_MS, &a));
        assert_int_equal(a.status, 503);
        assert_non_null(header_in(a.head, "Retry-After"));
        assert_true(a.close);
        assert_true(client_sees_end(&more, PATIENT_MS));
        client_close(&more);
    }
    assert_int_equal(server_connections(s), 3);
    assert_int_equal(atomic_load(&s->requests), 3);
    client_close(&c[0]);
    EVENTUALLY(server_connections(s) == 2);
    client_open(&more, s->port);
    assert_true(client_say(&more, GET("/")));
    assert_true(client_answer(&more, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    client_close(&more);
    for (int i = 1; i < 3; i++)
        client_close(&c[i]);
    server_stop(s);
}

/* A crowd that never reads its 503 must not pile up. */
static void test_turned_away_crowd_F11(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    limits.connections_max = 1;
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    static struct client c[400];
    for (int i = 0; i < 400; i++)
        client_open(&c[i], s->port);
    EVENTUALLY(server_connections(s) == 1);
    unsigned told = 0;
    unsigned cut = 0;
    struct answer a;
    for (int i = 1; i < 400; i++) {
        bool answered = client_answer(&c[i], false, PATIENT_MS, &a);
        told += answered && a.status == 503 ? 1 : 0;
        cut += !answered && c[i].eof ? 1 : 0;
    }
    print_message("399 too many: %u told, %u cut off\n", told, cut);
    assert_int_equal(told + cut, 399);
    assert_true(told >= 100);
    for (int i = 0; i < 400; i++)
        client_close(&c[i]);
    server_stop(s);
}

static atomic_uint accepts;
int __real_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags)
{
    atomic_fetch_add(&accepts, 1);
    return __real_accept4(fd, sa, n, flags);
}

static int told_of(const int *fds, int n)
{
    int told = 0;
    for (int i = 0; i < n; i++) {
        char byte;
        told += recv(fds[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1 && byte == 'H' ? 1 : 0;
    }
    return told;
}

/* No descriptors left: accept() must neither spin nor stop for ever. */
static void test_out_of_descriptors_F11(void **state)
{
    (void)state;
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    struct client first;
    struct client last;
    struct answer a;
    struct rlimit before;
    client_open(&first, s->port);
    assert_true(client_say(&first, GET("/")));
    assert_true(client_answer(&first, false, PATIENT_MS, &a));
    /* the peer's sockets are made first: both ends live in this process */
    int fds[20];
    for (int i = 0; i < 20; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit tight = {.rlim_cur = (rlim_t)fds[19] + 3, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
    for (int i = 0; i < 20; i++)
        (void)connect(fds[i], (struct sockaddr *)&sa, sizeof(sa));
    pause_ms(100);
    server_command(s, 'w');
    uint64_t began = now_ms();
    unsigned accepts_before = atomic_load(&accepts);
    pause_ms(400);
    server_command(s, 'q');
    unsigned turns = s->turns, tries = atomic_load(&accepts) - accepts_before;
    uint64_t rested = now_ms() - began; /* a machine that is slow has given it longer, and may see more of them */
    print_message("%u turns and %u accepts in %u ms without descriptors\n", turns, tries, (unsigned)rested);
    assert_true(turns <= 100 + rested / 4); /* one that spins has hundreds a millisecond */
    assert_true(tries <= 100 + rested / 4);
    assert_true(client_say(&first, GET("/")));
    assert_true(client_answer(&first, false, PATIENT_MS, &a));
    EVENTUALLY(told_of(fds, 20) >= 15); /* told so at once, not left hanging and not cut without a word */
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    setrlimit(RLIMIT_NOFILE, &before);
    client_open(&last, s->port);
    assert_true(client_say(&last, GET("/")));
    assert_true(client_answer(&last, false, PATIENT_MS, &a));
    assert_int_equal(a.status, 200);
    client_close(&first);
    client_close(&last);
    server_stop(s);
}

/* Not statm: that one is behind by some dozens of pages for every thread. */
static size_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    unsigned long kib = 0;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL && sscanf(line, "Rss: %lu", &kib) != 1)
        ;
    fclose(f);
    assert_true(kib > 0);
    return kib * 1024;
}

#define IDLE_COUNT 2000

/* 16 KiB each at most (R10: 10,000 in 200 MiB). Each has already served a request with a body, in pieces. */
static void test_idle_connections_are_small_F11(void **state)
{
    (void)state;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * IDLE_COUNT + 100) {
        limit.rlim_cur = limit.rlim_max < 2 * IDLE_COUNT + 100 ? limit.rlim_max : 2 * IDLE_COUNT + 100;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < 2 * IDLE_COUNT + 100) {
        print_message("skipped: too few descriptors\n");
        skip();
    }
    struct http_limits limits = patient_limits();
    struct server *s = server_start("127.0.0.1:0", &limits, NULL);
    static struct client c[IDLE_COUNT];
    struct answer a;
    size_t before = 0;
    for (int i = 0; i < IDLE_COUNT; i++) {
        client_open(&c[i], s->port);
        assert_true(client_say(&c[i], "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"));
        assert_true(client_say(&c[i], "def"));
        assert_true(client_answer(&c[i], false, PATIENT_MS, &a));
        free(c[i].buf); /* the client's own memory is not the question */
        c[i].buf = NULL;
        if (i == 99)
            before = resident_bytes();
    }
    assert_int_equal(server_connections(s), IDLE_COUNT);
    size_t after = resident_bytes();
    size_t each = after > before ? (after - before) / (IDLE_COUNT - 100) : 0;
    print_message("%d idle connections: %zu bytes resident each\n", IDLE_COUNT, each);
    assert_true(UNDER_SANITIZER || each <= 16 * 1024);
    client_init(&c[0], c[0].fd);
    assert_true(client_say(&c[0], GET("/")));
    assert_true(client_answer(&c[0], false, PATIENT_MS, &a));
    for (int i = 0; i < IDLE_COUNT; i++)
        client_close(&c[i]);
    EVENTUALLY(server_connections(s) == 0);
    server_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: memory given back by another test would make it look better than it is */
        cmocka_unit_test(test_idle_connections_are_small_F11),
        cmocka_unit_test(test_slow_head_F10),
        cmocka_unit_test(test_slow_body_F10),
        cmocka_unit_test(test_body_rate_F10),
        cmocka_unit_test(test_slow_request_behind_a_good_one_F10),
        cmocka_unit_test(test_idle_is_closed_silently),
        cmocka_unit_test(test_work_has_no_deadline),
        cmocka_unit_test(test_client_that_never_reads_F10),
        cmocka_unit_test(test_others_do_not_wait_F10),
        cmocka_unit_test(test_connection_limit_F11),
        cmocka_unit_test(test_turned_away_crowd_F11),
        cmocka_unit_test(test_out_of_descriptors_F11),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
