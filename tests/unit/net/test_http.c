/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * HTTP framing as a function of bytes (reliability B.1, the smuggling row). Every input is fed whole, byte by byte, and
 * cut in two at every border: the events must be the same.
 */
#include "net/http.h"

#include "http_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRACE_SIZE 2048

/* What the parser said, as text: two feeds are alike when their texts are. */
struct trace {
    char text[TRACE_SIZE];
    size_t n;
    char statuses[32];
    unsigned requests;
    bool last_closes;
};

static void trace_add(struct trace *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void trace_add(struct trace *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->text + t->n, sizeof(t->text) - t->n, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < sizeof(t->text) - t->n);
    t->n += (size_t)n;
}

static void status_add(struct trace *t, int status)
{
    char one[16];
    snprintf(one, sizeof(one), "%s%d", t->statuses[0] == '\0' ? "" : " ", status);
    size_t n = strlen(t->statuses);
    assert_true(n + strlen(one) < sizeof(t->statuses));
    memcpy(t->statuses + n, one, strlen(one) + 1);
}

static unsigned sum_of(struct span s)
{
    unsigned sum = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        sum = (sum ^ (unsigned char)s.p[i]) * 16777619u;
    return sum;
}

static void feed(struct http_parser *p, const char *data, size_t n, struct trace *t)
{
    size_t done = 0;
    while (done < n && http_parser_phase(p) != HTTP_PHASE_REFUSED && !t->last_closes) {
        size_t used = 0;
        enum http_event event = http_parser_feed(p, data + done, n - done, &used);
        done += used;
        assert_true(done <= n);
        if (event == HTTP_EV_MORE)
            assert_int_equal(done, n);
        if (event == HTTP_EV_HEAD)
            trace_add(t, "head expect=%d\n", http_parser_message(p)->expects_continue);
        if (event == HTTP_EV_REFUSED) {
            trace_add(t, "refused %d %s\n", http_parser_refusal(p).status, http_parser_refusal(p).reason);
            status_add(t, http_parser_refusal(p).status);
        }
        if (event != HTTP_EV_REQUEST)
            continue;
        struct http_message *m = http_parser_take(p);
        trace_add(t, "%s %s ?%s body=%zu:%08x keep=%d fields=%u\n", m->method, m->path, m->query, m->body.n,
                  sum_of(buf_span(&m->body)), m->keep_alive, m->field_count);
        status_add(t, 200);
        t->requests++;
        t->last_closes = !m->keep_alive;
        http_message_free(m);
    }
}

static void trace_of(struct span bytes, size_t first, size_t step, struct trace *t)
{
    memset(t, 0, sizeof(*t));
    struct http_parser *p = http_parser_new(&http_case_limits);
    /* a copy of exactly this size, so that reading past the end is seen */
    for (size_t i = 0; i < bytes.n;) {
        size_t n = i == 0 && first > 0 ? first : step;
        n = n > bytes.n - i ? bytes.n - i : n;
        char *piece = malloc(n);
        assert_non_null(piece);
        memcpy(piece, bytes.p + i, n);
        feed(p, piece, n, t);
        free(piece);
        i += n;
    }
    trace_add(t, "phase %d\n", (int)http_parser_phase(p));
    http_parser_free(p);
}

static void test_cases_B1_status(void **state)
{
    (void)state;
    assert_true(HTTP_CASE_COUNT >= 120);
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++) {
        const struct http_case *c = &http_cases[i];
        struct trace t;
        trace_of(c->bytes, 0, c->bytes.n, &t);
        const char *expected = c->incomplete ? "" : c->answers;
        if (strcmp(t.statuses, expected) != 0)
            fail_msg("%s: expected \"%s\", got \"%s\"\n%s", c->name, expected, t.statuses, t.text);
        if (!c->incomplete && strchr(c->answers, '2') != NULL && strstr(t.text, "refused") == NULL)
            assert_int_equal(t.last_closes, c->close);
    }
}

static void test_cases_B1_split_at_every_border(void **state)
{
    (void)state;
    unsigned feeds = 0;
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++) {
        const struct http_case *c = &http_cases[i];
        struct trace whole;
        struct trace other;
        trace_of(c->bytes, 0, c->bytes.n, &whole);
        for (size_t step = 1; step <= 3; step += 2) {
            trace_of(c->bytes, 0, step, &other);
            assert_string_equal(whole.text, other.text);
            feeds++;
        }
        for (size_t cut = 1; cut < c->bytes.n; cut++) {
            trace_of(c->bytes, cut, c->bytes.n, &other);
            if (strcmp(whole.text, other.text) != 0)
                fail_msg("%s, cut at %zu:\n%s---\n%s", c->name, cut, whole.text, other.text);
            feeds++;
        }
    }
    print_message("%zu inputs, %u feeds\n", (size_t)HTTP_CASE_COUNT, feeds);
}

/* A refusal is final: nothing that follows can be taken for a request. */
static void test_nothing_after_a_refusal_B1(void **state)
{
    (void)state;
    static const char good[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++) {
        const struct http_case *c = &http_cases[i];
        if (strstr(c->answers, "200") != NULL || c->incomplete)
            continue;
        struct http_parser *p = http_parser_new(&http_case_limits);
        struct trace t = {0};
        feed(p, c->bytes.p, c->bytes.n, &t);
        size_t used = 0;
        assert_int_equal(http_parser_feed(p, good, sizeof(good) - 1, &used), HTTP_EV_REFUSED);
        assert_null(http_parser_message(p));
        http_parser_free(p);
    }
}

static struct http_message *message_of(const char *bytes)
{
    struct http_parser *p = http_parser_new(&http_limits_default);
    size_t n = strlen(bytes);
    size_t used = 0;
    enum http_event event = http_parser_feed(p, bytes, n, &used);
    if (event == HTTP_EV_HEAD) {
        size_t more = 0;
        event = http_parser_feed(p, bytes + used, n - used, &more);
        used += more;
    }
    assert_int_equal(event, HTTP_EV_REQUEST);
    assert_int_equal(used, n);
    struct http_message *m = http_parser_take(p);
    assert_int_equal(http_parser_phase(p), HTTP_PHASE_IDLE);
    assert_null(http_parser_message(p)); /* F11: an idle connection keeps nothing */
    http_parser_free(p);
    return m;
}

static void test_fields(void **state)
{
    (void)state;
    struct http_message *m = message_of("POST /%65q%20%D0%BE?a=%20b HTTP/1.1\r\nHost: h:1\r\nsoapACTION: \"urn:x\" \r\n"
                                        "Content-Type:text/xml; charset=utf-8\r\nX-Empty:\r\nX: 1\r\nX: 2\r\n"
                                        "Content-Length: 3\r\n\r\na\r\n");
    assert_string_equal(m->method, "POST");
    assert_string_equal(m->path, "/eq \xd0\xbe");
    assert_string_equal(m->query, "a=%20b");
    assert_string_equal(http_message_header(m, "SOAPAction"), "\"urn:x\"");
    assert_string_equal(http_message_header(m, "content-type"), "text/xml; charset=utf-8");
    assert_string_equal(http_message_header(m, "X-EMPTY"), "");
    assert_string_equal(http_message_header(m, "X"), "1");
    assert_string_equal(http_message_header(m, "Host"), "h:1");
    assert_null(http_message_header(m, "X-"));
    assert_null(http_message_header(m, ""));
    assert_true(span_is(buf_span(&m->body), "a\r\n"));
    http_message_free(m);
}

static void test_bodies(void **state)
{
    (void)state;
    static const char head[] = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    char *bytes = malloc(sizeof(head) + 100000);
    assert_non_null(bytes);
    memcpy(bytes, head, sizeof(head));
    for (size_t i = 0; i < 100000; i++)
        bytes[sizeof(head) - 1 + i] = (char)('a' + i % 23);
    bytes[sizeof(head) - 1 + 100000] = '\0';
    struct http_message *m = message_of(bytes);
    assert_int_equal(m->body.n, 100000);
    assert_memory_equal(m->body.p, bytes + sizeof(head) - 1, 100000);
    http_message_free(m);
    free(bytes);
    m = message_of(CHUNKED "3\r\nabc\r\n2\r\n\r\n\r\n1\r\n0\r\n0\r\n\r\n");
    assert_true(span_is(buf_span(&m->body), "abc\r\n0"));
    http_message_free(m);
}

/* Announcing a megabyte must not cost one. */
static void test_announced_body_costs_nothing_F11(void **state)
{
    (void)state;
    static const char head[] = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n";
    struct http_parser *p = http_parser_new(&http_limits_default);
    size_t used = 0;
    assert_int_equal(http_parser_feed(p, head, sizeof(head) - 1, &used), HTTP_EV_HEAD);
    assert_true(arena_size(http_parser_message(p)->arena) <= 64 * 1024);
    http_parser_free(p);
}

static void test_date(void **state)
{
    (void)state;
    char out[HTTP_DATE_SIZE];
    http_date_format(784111777, out); /* the example of RFC 9110 section 5.6.7 */
    assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date_format(0, out);
    assert_string_equal(out, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date_format(INT64_MAX, out);
    assert_string_equal(out, "");
}

static void test_answer_head(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf b;
    buf_init(&b, a, 0);
    struct http_response r = {
        .status = 200, .content_type = "text/xml", .body = {"abc", 3}, .extra_headers = "X: y\r\n"};
    http_answer_head(&b, &r, "D", false);
    assert_string_equal(b.p, "HTTP/1.1 200 OK\r\nServer: zapisd\r\nDate: D\r\nContent-Type: text/xml\r\n"
                             "Content-Length: 3\r\nConnection: keep-alive\r\nX: y\r\n\r\n");
    buf_reset(&b);
    r = (struct http_response){.status = 204};
    http_answer_head(&b, &r, "D", true);
    assert_string_equal(b.p, "HTTP/1.1 204 No Content\r\nServer: zapisd\r\nDate: D\r\nConnection: close\r\n\r\n");
    arena_free(a);
}

static void test_every_status_has_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < HTTP_CASE_COUNT; i++) {
        const char *last = strrchr(http_cases[i].answers, ' ');
        int status = (int)strtol(last == NULL ? http_cases[i].answers : last, NULL, 10);
        assert_string_not_equal(http_status_text(status), "Unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_B1_status),
        cmocka_unit_test(test_cases_B1_split_at_every_border),
        cmocka_unit_test(test_nothing_after_a_refusal_B1),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_announced_body_costs_nothing_F11),
        cmocka_unit_test(test_date),
        cmocka_unit_test(test_answer_head),
        cmocka_unit_test(test_every_status_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
