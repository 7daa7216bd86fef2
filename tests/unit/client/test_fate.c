/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Calls to a server that misbehaves: what fn is told is true of what the server has seen (Q3: an uncertain send is
 * known to be one). Nothing of what libcurl can do of its own happens.
 */
#include "client_fixture.h"

#include <sys/stat.h>

static void expect_answer(const struct outcome *o, int status, const char *body)
{
    assert_string_equal(o->words, "");
    assert_int_equal(o->fate, CLIENT_ANSWERED);
    assert_int_equal(o->status, status);
    assert_int_equal(o->code, ERR_OK);
    assert_int_equal(o->body_n, strlen(body));
    assert_memory_equal(o->body, body, o->body_n);
}

static void expect_failure(const struct outcome *o, enum client_fate fate, enum err code)
{
    assert_string_not_equal(o->words, "");
    assert_int_equal(o->fate, fate);
    assert_int_equal(o->code, code);
    assert_int_equal(o->status, 0);
    assert_int_equal(o->body_n, 0);
}

static void test_answer_and_kept_connection(void **state)
{
    (void)state;
    unsigned before = server.connections;
    for (int i = 0; i < 3; i++) {
        struct outcome o = posted("/echo");
        expect_answer(&o, 200, "<question/>");
        assert_string_equal(o.type, "text/xml");
    }
    assert_int_equal(server.connections, before + 1);
}

static void test_request_as_it_was_given(void **state)
{
    (void)state;
    char url[200];
    static const char *const headers[] = {"Content-Type: text/xml; charset=utf-8", "SOAPAction: \"urn:x\"", NULL};
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/echo"));
    struct outcome o;
    r.headers = headers;
    r.body = (struct span){"a\0b", 3};
    finish(&r, &o, true);
    assert_int_equal(o.body_n, 3);
    assert_memory_equal(o.body, "a\0b", 3);
    assert_non_null(strstr(server.last_head, "POST /echo HTTP/1.1\r\n"));
    assert_non_null(strstr(server.last_head, "\r\nContent-Type: text/xml; charset=utf-8\r\n"));
    assert_non_null(strstr(server.last_head, "\r\nSOAPAction: \"urn:x\"\r\n"));
    assert_null(strstr(server.last_head, "urlencoded"));
    assert_null(strcasestr(server.last_head, "\r\nAccept-Encoding"));
    r.body = (struct span){0};
    finish(&r, &o, true);
    expect_answer(&o, 200, "");
    assert_non_null(strstr(server.last_head, "\r\nContent-Length: 0\r\n"));
    finish(&r, &o, false);
    assert_non_null(strstr(server.last_head, "GET /echo HTTP/1.1\r\n"));
}

static void test_large_request_without_expect(void **state)
{
    (void)state;
    char url[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/echo"));
    struct outcome o;
    size_t n = (size_t)5 << 20;
    char *body = malloc(n);
    memset(body, 'q', n);
    r.body = (struct span){body, n};
    r.answer_max_bytes = n;
    finish(&r, &o, true);
    assert_int_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(o.body_n, n);
    assert_null(strcasestr(server.last_head, "\r\nExpect"));
    free(body);
}

static void pause_over(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

/* The end of a connection needs a moment to be known. */
static void pause_a_moment(void)
{
    timer_start(loop, 30, 0, pause_over, NULL);
    loop_run(loop);
}

/* Only the whole is an answer, wherever it was cut; each request was seen once. */
static void cut_everywhere(const char *what, size_t whole, size_t bytes)
{
    for (size_t n = 0; n <= bytes; n++) {
        char path[100];
        unsigned before = server.requests;
        (void)snprintf(path, sizeof path, "/%s/%zu", what, n);
        struct outcome o = posted(path);
        if (n >= whole)
            expect_answer(&o, 200, ODD_BODY);
        else
            expect_failure(&o, CLIENT_UNCERTAIN, ERR_SYSTEM);
        assert_int_equal(server.requests, before + 1);
    }
    pause_a_moment();
}

static void test_cut_answer_Q3(void **state)
{
    (void)state;
    cut_everywhere("cut", sizeof odd_sized - 1, sizeof odd_sized - 1);
    cut_everywhere("cut-chunks", sizeof odd_chunked - 2, sizeof odd_chunked - 1); /* the last LF says nothing */
}

static void test_no_answer_Q3(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nothing", "/reset", "/old"};
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = server.requests;
        struct outcome o = posted(paths[i]);
        expect_failure(&o, CLIENT_UNCERTAIN, ERR_SYSTEM);
        assert_int_equal(server.requests, before + 1);
    }
}

static struct outcome hurried(const char *path, uint64_t total_ms)
{
    char url[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, path));
    struct outcome o;
    r.total_ms = total_ms;
    finish(&r, &o, true);
    return o;
}

static void test_deadline_Q3(void **state)
{
    (void)state;
    static const char *const paths[] = {"/silent", "/drip/20"};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t began_us = clock_mono_us();
        struct outcome o = hurried(paths[i], 200);
        expect_failure(&o, CLIENT_UNCERTAIN, ERR_TIMEOUT);
        assert_true(clock_mono_us() - began_us >= 190000);
    }
    struct outcome o = posted("/silent/50"); /* and the next is not harmed by it */
    expect_answer(&o, 200, "<question/>");
}

static void test_too_much(void **state)
{
    (void)state;
    static const char *const paths[] = {"/big/100001", "/head", "/interim"};
    for (unsigned i = 0; i < 3; i++) {
        struct outcome o = posted(paths[i]);
        expect_failure(&o, CLIENT_UNCERTAIN, ERR_LIMIT);
    }
    struct outcome o = posted("/big/100000");
    assert_int_equal(o.fate, CLIENT_ANSWERED);
    assert_int_equal(o.body_n, 100000);
}

/* What was said before the connection broke is heard, though not all of the request was taken. */
static void test_answer_before_the_end_of_the_request(void **state)
{
    (void)state;
    char url[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/early"));
    struct outcome o;
    size_t n = (size_t)1 << 23;
    char *body = calloc(1, n);
    r.body = (struct span){body, n};
    for (int i = 0; i < 5; i++) {
        finish(&r, &o, true);
        if (o.fate == CLIENT_ANSWERED)
            expect_answer(&o, 413, "no");
        else
            expect_failure(&o, CLIENT_UNCERTAIN, ERR_SYSTEM);
    }
    free(body);
}

static void test_refused_connection_Q3(void **state)
{
    (void)state;
    char url[200];
    int port, fd = odd_listen(&port);
    struct outcome o;
    close(fd);
    struct client_request r = request_to(url_to(url, "127.0.0.1", port, "/echo"));
    finish(&r, &o, true);
    expect_failure(&o, CLIENT_UNSENT, ERR_SYSTEM);
    assert_non_null(strstr(o.words, "127.0.0.1"));
}

/* A queue of connections that is full: what knocks now is not heard. */
static void test_no_connection_in_time_Q3(void **state)
{
    (void)state;
    char url[200];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int full[4], fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    for (int i = 0; i < 4; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(full[i], (struct sockaddr *)&a, sizeof a);
    }
    struct client_request r = request_to(url_to(url, "127.0.0.1", ntohs(a.sin_port), "/echo"));
    struct outcome o;
    r.connect_ms = 200;
    uint64_t began_us = clock_mono_us();
    finish(&r, &o, true);
    expect_failure(&o, CLIENT_UNSENT, ERR_TIMEOUT);
    assert_true(clock_mono_us() - began_us >= 190000);
    r.connect_ms = 20000;
    r.total_ms = 200; /* the shorter one counts */
    finish(&r, &o, true);
    expect_failure(&o, CLIENT_UNSENT, ERR_TIMEOUT);
    for (int i = 0; i < 4; i++)
        close(full[i]);
    close(fd);
}

/* Whoever ends a kept connection under our hands may have taken the request: it is not sent again, and not called
 * unsent. */
static void test_kept_connection_ends_under_a_request_Q3(void **state)
{
    (void)state;
    static const char *const paths[] = {"/kept/0", "/kept/1"};
    for (unsigned i = 0; i < 2; i++) {
        struct outcome o = posted(paths[i]);
        expect_answer(&o, 200, "<question/>");
        unsigned requests = server.requests, connections = server.connections;
        o = posted(paths[i]);
        expect_failure(&o, CLIENT_UNCERTAIN, ERR_SYSTEM);
        assert_int_equal(server.requests, requests + 1);
        o = posted(paths[i]);
        expect_answer(&o, 200, "<question/>");
        assert_in_range(server.connections - connections, 1, 2); /* a second one may have been made, and not used */
        client_free(client);
        client = client_new(loop);
    }
}

/* Ended between two calls, it is not used. */
static void test_kept_connection_ends_between_two_calls(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct outcome o = posted("/once");
        expect_answer(&o, 200, "<question/>");
        pause_a_moment();
    }
}

static void test_what_the_server_asks_for_is_not_done(void **state)
{
    (void)state;
    unsigned before = server.requests;
    struct outcome o = posted("/redirect");
    expect_answer(&o, 302, "");
    o = posted("/unauthorized");
    expect_answer(&o, 401, "");
    o = posted("/cookie");
    expect_answer(&o, 200, "");
    o = posted("/packed");
    expect_answer(&o, 200, "abc");
    assert_null(strstr(server.last_head, "Cookie:"));
    o = posted("/continue");
    expect_answer(&o, 200, "<question/>");
    o = posted("/html");
    expect_answer(&o, 502, "<html>");
    assert_string_equal(o.type, "text/html");
    assert_int_equal(server.requests, before + 6);
}

/* Proxies and passwords of the environment are nobody's business here. */
static void test_environment(void **state)
{
    (void)state;
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"};
    char home[] = "/tmp/zapisd-client-XXXXXX", file[100];
    assert_non_null(mkdtemp(home));
    (void)snprintf(file, sizeof file, "%s/.netrc", home);
    FILE *f = fopen(file, "w");
    (void)fprintf(f, "machine 127.0.0.1 login somebody password secret\n");
    (void)fclose(f);
    for (unsigned i = 0; i < 5; i++)
        setenv(names[i], "http://127.0.0.1:1", 1);
    setenv("HOME", home, 1);
    struct outcome o = posted("/echo");
    expect_answer(&o, 200, "<question/>");
    assert_null(strstr(server.last_head, "Authorization"));
    for (unsigned i = 0; i < 5; i++)
        unsetenv(names[i]);
    (void)unlink(file);
    (void)rmdir(home);
}

static void expect_refused(const char *url, bool is_post)
{
    struct client_request r = request_to(url);
    struct outcome o;
    finish(&r, &o, is_post);
    if (o.code != ERR_CONFIG)
        fail_msg("%s: %s", url == NULL ? "no URL" : url, o.words);
    assert_int_equal(o.fate, CLIENT_UNSENT);
}

static void test_refused_addresses(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "dict://127.0.0.1/",
        "smb://127.0.0.1/x",
        "ftps://127.0.0.1/x",
        "ws://127.0.0.1/",
        "127.0.0.1:80/x",
        "",
        "http://",
        "http:///x",
        "http://a:b@127.0.0.1:1/x",
        "http://a@b:1/",
        "http://127.0.0.1:99999/",
        "http://портал.рф/",
        "http://a b/",
        "https://127.0.0.1:1/", /* nobody to believe */
    };
    for (unsigned i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        expect_refused(urls[i], true);
        expect_refused(urls[i], false);
    }
    expect_refused(NULL, true);
    expect_refused("ftp://127.0.0.1/x", true);
}

static void test_refused_headers(void **state)
{
    (void)state;
    static const char *const wrong[] = {"X: a\r\nY: b", "X: a\n", "no header", ": x"};
    char url[200];
    struct client_request r = request_to(url_to(url, "127.0.0.1", server.port, "/echo"));
    for (unsigned i = 0; i < 4; i++) {
        const char *headers[] = {wrong[i], NULL};
        struct outcome o;
        r.headers = headers;
        finish(&r, &o, true);
        expect_failure(&o, CLIENT_UNSENT, ERR_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_answer_and_kept_connection),
        CLIENT_TEST(test_request_as_it_was_given),
        CLIENT_TEST(test_large_request_without_expect),
        CLIENT_TEST(test_cut_answer_Q3),
        CLIENT_TEST(test_no_answer_Q3),
        CLIENT_TEST(test_deadline_Q3),
        CLIENT_TEST(test_too_much),
        CLIENT_TEST(test_answer_before_the_end_of_the_request),
        CLIENT_TEST(test_refused_connection_Q3),
        CLIENT_TEST(test_no_connection_in_time_Q3),
        CLIENT_TEST(test_kept_connection_ends_under_a_request_Q3),
        CLIENT_TEST(test_kept_connection_ends_between_two_calls),
        CLIENT_TEST(test_what_the_server_asks_for_is_not_done),
        CLIENT_TEST(test_environment),
        CLIENT_TEST(test_refused_addresses),
        CLIENT_TEST(test_refused_headers),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
