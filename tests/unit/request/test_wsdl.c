/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * V1, V4: what a listener tells of itself. Its WSDL lists what it serves, of one revision of SMEV, and whatever a
 * document refers to is served beside it, from the same address.
 */
#include "request/origin.h"
#include "request/request_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define URL     "http://host.example:8080/a&b"
#define WRITTEN "http://host.example:8080/a&amp;b"

static struct arena *a;
static struct config conf = {.wsdl_dir = BUILD_DIR "/contract"};
static struct service service = {.conf = &conf};

static int setup(void **state)
{
    (void)state;
    a = arena_new();
    service.wsdl = wsdl_read(a, &conf);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

/* What a listener answers; NULL: it serves no such document. */
static const char *asked(enum listener_kind kind, bool updates, const char *query)
{
    struct config_listener listener = {.kind = kind, .update_booking_details = updates};
    struct endpoint ep;
    endpoint_init(&ep, &service, &listener);
    struct buf out;
    buf_init(&out, a, 1024);
    enum wsdl_found found = wsdl_write(&ep, query, URL, &out);
    assert_int_not_equal(found, WSDL_UNREAD);
    return found == WSDL_FOUND ? arena_strndup(a, out.p, out.n) : NULL;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static const struct {
    enum listener_kind kind;
    const char *query, *revision;
} described[] = {{LISTENER_PLAIN, "wsdl", NULL},
                 {LISTENER_PLAIN, "WSDL", NULL},
                 {LISTENER_SMEV2, "wsdl", "rev120315"},
                 {LISTENER_SMEV2, "wsdl=rev120315", "rev120315"},
                 {LISTENER_SMEV2, "wsdl=rev111111", "rev111111"},
                 {LISTENER_SMEV2, "WSDL=rev111111", "rev111111"}};
#define NDESCRIBED (sizeof described / sizeof *described)

static void V4_lists_what_the_listener_serves(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NDESCRIBED * 2; i++) {
        bool updates = i % 2 != 0;
        const char *text = asked(described[i / 2].kind, updates, described[i / 2].query);
        assert_non_null(text);
        unsigned served = 0;
        for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
            const char *name = booking_ops[m].name;
            unsigned is = booking_ops[m].is_served || updates;
            served += is;
            assert_int_equal(count(text, arena_printf(a, "<wsdl:operation name=\"%s\">", name)), 2 * is);
            assert_int_equal(count(text, arena_printf(a, "soapAction=\"%s\"", name)), is);
            assert_int_equal(count(text, arena_printf(a, "message name=\"%sRequest\"", name)), is);
            assert_int_equal(count(text, arena_printf(a, "message name=\"%sResponse\"", name)), is);
        }
        assert_int_equal(served, updates ? 8 : 7);
        assert_int_equal(count(text, "<wsdl:operation "), 2 * served);
        assert_int_equal(count(text, "</wsdl:operation>"), 2 * served);
        assert_int_equal(count(text, "<wsdl:message "), 2 * served);
        assert_int_equal(count(text, "</wsdl:message>"), 2 * served);
        assert_int_equal(count(text, "soap:address location=\"" WRITTEN "\""), 1);
    }
}

/* Every reference of a document, and of those it refers to, is to a document of the same listener. */
static unsigned follow(enum listener_kind kind, const char *text, const char *revision, unsigned depth)
{
    static const char start[] = "schemaLocation=\"" WRITTEN "?";
    unsigned n = 0;
    assert_true(depth < 4);
    assert_int_equal(count(text, "schemaLocation="), count(text, start));
    if (revision != NULL)
        assert_null(strstr(text, strcmp(revision, "rev120315") == 0 ? "rev111111" : "rev120315"));
    for (const char *at = text; (at = strstr(at, start)) != NULL; n++) {
        at += sizeof start - 1;
        const char *query = arena_strndup(a, at, strcspn(at, "\"")), *next = asked(kind, false, query);
        assert_memory_equal(query, "xsd=", 4);
        assert_non_null(next);
        n += follow(kind, next, revision, depth + 1);
    }
    return n;
}

static void V1_what_it_refers_to_is_served(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NDESCRIBED; i++) {
        const char *text = asked(described[i].kind, false, described[i].query);
        /* elements, their types; a frame */
        assert_int_equal(follow(described[i].kind, text, described[i].revision, 0), described[i].revision ? 3 : 2);
    }
}

static void V1_nothing_else_is_served(void **state)
{
    (void)state;
    static const char *const queries[] = {"",
                                          "wsdl=",
                                          "wsdl=rev110801",
                                          "wsdl=REV111111",
                                          "wsdl=equeue-plain.wsdl",
                                          "wsdl2",
                                          "xsd",
                                          "xsd=",
                                          "xsd=equeue-smev2.xsd",
                                          "xsd=equeue-plain.wsdl",
                                          "xsd=../contract/equeue-bare.xsd",
                                          "equeue-bare.xsd"};
    for (unsigned i = 0; i < sizeof queries / sizeof *queries; i++) {
        assert_null(asked(LISTENER_PLAIN, true, queries[i]));
        assert_null(asked(LISTENER_SMEV2, true, queries[i]));
    }
    assert_null(asked(LISTENER_PLAIN, true, "wsdl=rev120315")); /* there is no frame */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(V4_lists_what_the_listener_serves), TEST(V1_what_it_refers_to_is_served),
                                       TEST(V1_nothing_else_is_served)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
