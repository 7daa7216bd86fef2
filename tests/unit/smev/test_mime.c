/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Q6: answers of SMEV 3 come as MIME. Right ones follow RFC 2045, 2046, 2231, 2387 and 2392 and the two libraries SMEV
 * is written with (CXF, JAX-WS); of each rule there is more that breaks it.
 */
#include "growth.h"
#include "smev/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RELATED  "multipart/related; boundary=b; type=\"application/xop+xml\""
#define XOP      "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum err read_as(const char *type, struct span body, struct mime_message *m, struct error *e)
{
    memset(e, 0, sizeof *e);
    return mime_read(arena, type, body, &mime_limits_default, m, e);
}

static void read_well(const char *type, const char *body, struct mime_message *m)
{
    struct error e;
    if (read_as(type, span_of(body), m, &e) != ERR_OK)
        fail_msg("%s: %s", type, e.detail);
}

static void expect_part(const struct mime_message *m, const char *href, const char *octets)
{
    const struct mime_part *p = mime_find(arena, m, href);
    if (octets == NULL) {
        assert_null(p);
        return;
    }
    assert_non_null(p);
    assert_int_equal(p->octets.n, strlen(octets));
    assert_memory_equal(p->octets.p, octets, p->octets.n);
}

static void expect_root(const struct mime_message *m, const char *root, bool is_xop, unsigned nparts)
{
    assert_int_equal(m->root.n, strlen(root));
    assert_memory_equal(m->root.p, root, m->root.n);
    assert_int_equal(m->is_xop, is_xop);
    assert_int_equal(m->nparts, nparts);
}

static void Q6_what_CXF_writes(void **state)
{
    (void)state;
    struct mime_message m;
    read_well(
        "multipart/related; type=\"application/xop+xml\"; boundary=\"uuid:f438a15e-9b5b-491f-9b47-aba4d00b8837\"; "
        "start=\"<root.message@cxf.apache.org>\"; start-info=\"text/xml\"",
        "\r\n--uuid:f438a15e-9b5b-491f-9b47-aba4d00b8837\r\n"
        "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-Transfer-Encoding: binary\r\n"
        "Content-ID: <root.message@cxf.apache.org>\r\n\r\n<a/>"
        "\r\n--uuid:f438a15e-9b5b-491f-9b47-aba4d00b8837\r\nContent-Type: application/octet-stream\r\n"
        "Content-Transfer-Encoding: binary\r\nContent-ID: <1-2@urn://x-artefacts-smev-gov-ru/x/1.2>\r\n\r\n"
        "one\r\n\r\n--uuid:f438a15e-9b5b-491f-9b47-aba4d00b8837--",
        &m);
    expect_root(&m, "<a/>", true, 1);
    expect_part(&m, "cid:1-2%40urn%3A%2F%2Fx-artefacts-smev-gov-ru%2Fx%2F1.2", "one\r\n");
    expect_part(&m, "cid:1-2@urn://x-artefacts-smev-gov-ru/x/1.2", "one\r\n");
    expect_part(&m, "cid:root.message@cxf.apache.org", NULL);
    expect_part(&m, "cid:1-2@urn", NULL);
}

static void Q6_what_JAX_WS_writes(void **state)
{
    (void)state;
    struct mime_message m;
    read_well(
        "multipart/related; start*0=\"<rootpart*0c1d@example.jaxws\"; start*1=\".sun.com>\"; "
        "type=\"application/xop+xml\"; boundary=\"uuid:0c1d\"; start-info=\"text/xml\";charset=UTF-8",
        "--uuid:0c1d\r\nContent-Id: <rootpart*0c1d@example.jaxws.sun.com>\r\n"
        "Content-Type: application/xop+xml;charset=utf-8;type=\"text/xml\"\r\nContent-Transfer-Encoding: binary\r\n"
        "\r\n<a/>\r\n--uuid:0c1d\r\nContent-Id: <77@example.jaxws.sun.com>\r\nContent-Type: "
        "application/octet-stream\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n\r\n--uuid:0c1d--\r\n",
        &m);
    expect_root(&m, "<a/>", true, 1);
    expect_part(&m, "cid:77@example.jaxws.sun.com", "");
}

/* RFC 2046, 5.1.1: preamble and epilogue are no parts, a part may have no header, and a line's end belongs to the
 * boundary. */
static void Q6_what_the_standards_allow(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *root;
    } good[] = {
        {"text/xml; charset=UTF-8", "<a/>", "<a/>"},
        {NULL, "<a/>", "<a/>"},
        {" ", "<a/>", "<a/>"},
        {"Text/XML;charset=utf-8;", " <a/>", " <a/>"},
        {"application/xml", "<a/>", "<a/>"},
        {"multipart/related; boundary=\"simple boundary\"; type=text/xml",
         "preamble\r\n--simple boundary\r\n\r\n<a/>\r\n\r\n--simple boundary--\r\nepilogue", "<a/>\r\n"},
        {"multipart/related; boundary=\"gc0p4Jq0M:2Yt08jU534c0'()+_,-./:=?\"",
         "--gc0p4Jq0M:2Yt08jU534c0'()+_,-./:=? \t\r\n" XOP "\r\n<a/>\r\n--gc0p4Jq0M:2Yt08jU534c0'()+_,-./:=?-- \r\n",
         "<a/>"},
        {"multipart/related; boundary=\"a\\\"b\"", "--a\"b\r\n" XOP "\r\n<a/>\r\n--a\"b--", "<a/>"},
        {"MULTIPART/Related; Boundary=b", "--b\r\nCONTENT-type:\r\n\ttext/xml\r\n\r\n<a/>\r\n--b--", "<a/>"},
        /* lines of a dump that lost its CR */
        {RELATED, "--b\n" XOP "\n<a/>\n--b--\n", "<a/>"},
        /* a line with the other end is no delimiter */
        {RELATED, "--b\r\n" XOP "\r\n<a>\n--b\n</a>\r\n--b--", "<a>\n--b\n</a>"},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: Base64\r\n\r\nPGEv\r\nPg==\r\n--b--", "<a/>"},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: quoted-printable\r\n\r\n<a b=3D\"=\r\n\"/>  \r\n--b--",
         "<a b=\"\"/>"},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: 7bit\r\nX-Other: \xD0\xAF\r\n\r\n<a/>\r\n--b--", "<a/>"},
        {RELATED "; start=\"<r>\"",
         "--b\r\nContent-ID: <x>\r\nContent-Type: image/png\r\n\r\n1\r\n--b\r\n" XOP
         "Content-ID: <r>\r\n\r\n<a/>\r\n--b--",
         "<a/>"},
        /* RFC 2231, 3 and 4 */
        {"multipart/related; boundary*0=b; boundary*1=\"c\"; boundary*2*=%64", "--bcd\r\n" XOP "\r\n<a/>\r\n--bcd--",
         "<a/>"},
        {"multipart/related; boundary*1=c; boundary*0=b", "--bc\r\n" XOP "\r\n<a/>\r\n--bc--", "<a/>"},
        {"multipart/related; boundary*=us-ascii'en-us'b%2A%2a", "--b**\r\n" XOP "\r\n<a/>\r\n--b**--", "<a/>"},
        {"multipart/related; boundary*0*=UTF-8''b%3b; boundary*1=%41", "--b;%41\r\n" XOP "\r\n<a/>\r\n--b;%41--",
         "<a/>"},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct mime_message m;
        read_well(good[i].type, good[i].body, &m);
        assert_int_equal(m.root.n, strlen(good[i].root));
        assert_memory_equal(m.root.p, good[i].root, m.root.n);
    }
}

static void Q6_what_is_no_message(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *words;
        enum err err;
    } bad[] = {
        {"text/xml", "", "empty", ERR_MALFORMED},
        {"text/xml", " \r\n", "empty", ERR_MALFORMED},
        {NULL, "", "empty", ERR_MALFORMED},
        {"text/html; charset=utf-8", "<html/>", "HTML", ERR_MALFORMED},
        {"application/json", "{}", "application/json", ERR_MALFORMED},
        {"multipart/mixed; boundary=b", "--b\r\n\r\n<a/>\r\n--b--", "multipart/mixed", ERR_MALFORMED},
        {"xml", "<a/>", "no type", ERR_MALFORMED},
        {"/", "<a/>", "no type", ERR_MALFORMED},
        {"text/xml charset=utf-8", "<a/>", "no type", ERR_MALFORMED},
        {"text/xml (a comment)", "<a/>", "no type", ERR_MALFORMED},
        {"text/xml; charset=windows-1251", "<a/>", "charset", ERR_ENCODING},
        {"text/xml; charset=\"utf-8", "<a/>", "quote", ERR_MALFORMED},
        {"text/xml; charset", "<a/>", "none", ERR_MALFORMED},
        {"text/xml; charset=utf-8; charset=utf-8", "<a/>", "twice", ERR_MALFORMED},
        {"text/xml; =utf-8", "<a/>", "none", ERR_MALFORMED},
        {"text/xml; charset=\"utf-8\" x=1", "<a/>", "';'", ERR_MALFORMED},
        {"multipart/related", "--b\r\n\r\n<a/>\r\n--b--", "no boundary", ERR_MALFORMED},
        {"multipart/related; boundary=\"\"", "--\r\n\r\n<a/>\r\n----", "no boundary", ERR_MALFORMED},
        {"multipart/related; boundary=\"b \"", "--b \r\n\r\n<a/>\r\n--b --", "none", ERR_MALFORMED},
        {"multipart/related; boundary*0=b; boundary*2=c", "--bc\r\n\r\n<a/>\r\n--bc--", "missing", ERR_MALFORMED},
        {"multipart/related; boundary*1=b", "--b\r\n\r\n<a/>\r\n--b--", "missing", ERR_MALFORMED},
        {"multipart/related; boundary*0=b; boundary*0=c", "--bc\r\n\r\n<a/>\r\n--bc--", "twice", ERR_MALFORMED},
        {"multipart/related; boundary=b; boundary*0=b", "--b\r\n\r\n<a/>\r\n--b--", "twice", ERR_MALFORMED},
        {"multipart/related; boundary*00=b", "--b\r\n\r\n<a/>\r\n--b--", "none", ERR_MALFORMED},
        {"multipart/related; boundary*x=b", "--b\r\n\r\n<a/>\r\n--b--", "none", ERR_MALFORMED},
        {"multipart/related; boundary*=b", "--b\r\n\r\n<a/>\r\n--b--", "decoded", ERR_MALFORMED},
        {"multipart/related; boundary*=koi8-r''b", "--b\r\n\r\n<a/>\r\n--b--", "decoded", ERR_MALFORMED},
        {"multipart/related; boundary*=utf-8''%4", "--b\r\n\r\n<a/>\r\n--b--", "decoded", ERR_MALFORMED},
        {"multipart/related; boundary*=utf-8''%00", "--b\r\n\r\n<a/>\r\n--b--", "decoded", ERR_MALFORMED},
        /* cut off */
        {RELATED, "<a/>", "cut off", ERR_MALFORMED},
        {RELATED, "--b", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP, "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--b", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--b-", "goes on", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--b\r\n", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>--b--", "cut off", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\n--b--", "cut off", ERR_MALFORMED},
        /* two ways to read it */
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--bc\r\n--b--", "goes on", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--b--x\r\n", "goes on", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--b--\r\n--b\r\n" XOP "\r\n<c/>\r\n--b--\r\n", "second message",
         ERR_MALFORMED},
        {RELATED, "--b--", "not one part", ERR_MALFORMED},
        {RELATED, "--b\r\n--b--", "empty", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n\r\n--b--", "empty", ERR_MALFORMED},
        {RELATED, "--b\r\nContent-Type: text/plain\r\n\r\n<a/>\r\n--b--", "no XML", ERR_MALFORMED},
        {"multipart/related; boundary=b; type=\"image/png\"", "--b\r\n\r\n<a/>\r\n--b--", "no XML", ERR_MALFORMED},
        {RELATED, "--b\r\nContent-Type: text/xml; charset=koi8-r\r\n\r\n<a/>\r\n--b--", "charset", ERR_ENCODING},
        {RELATED "; start=\"<r>\"", "--b\r\n" XOP "\r\n<a/>\r\n--b--", "'start'", ERR_MALFORMED},
        {RELATED "; start=\"\"", "--b\r\n" XOP "\r\n<a/>\r\n--b--", "'start'", ERR_MALFORMED},
        /* headers */
        {RELATED, "--b\r\n" XOP XOP "\r\n<a/>\r\n--b--", "twice", ERR_MALFORMED},
        {RELATED, "--b\r\nContent-ID: <x>\r\ncontent-id: <x>\r\n\r\n<a/>\r\n--b--", "twice", ERR_MALFORMED},
        {RELATED, "--b\r\n<a/>\r\n--b--", "without a name", ERR_MALFORMED},
        {RELATED, "--b\r\n folded: 1\r\n\r\n<a/>\r\n--b--", "without a name", ERR_MALFORMED},
        {RELATED, "--b\r\n: 1\r\n\r\n<a/>\r\n--b--", "without a name", ERR_MALFORMED},
        {RELATED, "--b\r\nA: \x01\r\n\r\n<a/>\r\n--b--", "control", ERR_MALFORMED},
        {RELATED, "--b\r\nA: 1\rB: 2\r\n\r\n<a/>\r\n--b--", "control", ERR_MALFORMED},
        {RELATED, "--b\r\nContent-Type: x\r\n\r\n<a/>\r\n--b--", "no type", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "\r\n<a/>\r\n--b\r\nContent-ID: <x>\r\n\r\n1\r\n--b\r\nContent-Id: x\r\n\r\n1\r\n--b--",
         "one Content-ID", ERR_MALFORMED},
        /* encodings */
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: x-uuencode\r\n\r\n<a/>\r\n--b--", "not known",
         ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding:\r\n\r\n<a/>\r\n--b--", "not known", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: base64\r\n\r\nPGEvP\r\n--b--", "encoding", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: base64\r\n\r\n<a/>\r\n--b--", "encoding", ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: quoted-printable\r\n\r\n<a=0/>\r\n--b--", "encoding",
         ERR_MALFORMED},
        {RELATED, "--b\r\n" XOP "Content-Transfer-Encoding: quoted-printable\r\n\r\n<a= />\r\n--b--", "encoding",
         ERR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct mime_message m;
        struct error e;
        enum err err = read_as(bad[i].type, span_of(bad[i].body), &m, &e);
        if (err != bad[i].err || strstr(e.detail, bad[i].words) == NULL)
            fail_msg("%zu: %s: %s (%s)", i, bad[i].type, error_name(err), e.detail);
        assert_null(m.root.p);
    }
}

/* RFC 2392: the URL is percent-encoded, the header is not. */
static void Q6_names_of_parts(void **state)
{
    (void)state;
    struct mime_message m;
    read_well(RELATED,
              "--b\r\n" XOP "\r\n<a/>\r\n--b\r\nContent-ID: <a%25b@c>\r\n\r\n1\r\n--b\r\nContent-ID: bare\r\n\r\n2\r\n"
              "--b\r\nContent-ID: <>\r\n\r\n3\r\n--b\r\nX: 1\r\n\r\n4\r\n--b--",
              &m);
    assert_int_equal(m.nparts, 2);
    expect_part(&m, "cid:a%2525b%40c", "1");
    expect_part(&m, "CID:bare", "2");
    static const char *const none[] = {"",          "cid:",        "bare",  "cid:Bare", "cid:<bare>",  "cid:bar",
                                       "cid:bare ", "cid:a%25b@c", "cid:%", "cid:%zz",  "cid:bare%00", "http://bare",
                                       "cid:a%b@c", "ci:bare"};
    for (size_t i = 0; i < COUNT(none); i++)
        expect_part(&m, none[i], NULL);
    assert_null(mime_find(arena, &m, NULL));
}

static void L2_bounds_of_a_message(void **state)
{
    (void)state;
    struct error e;
    struct mime_message m;
    struct buf b;
    buf_init(&b, arena, 1 << 20);
    for (unsigned n = 4096; n <= 4097; n++) {
        buf_reset(&b);
        buf_add_str(&b, "--b\r\n" XOP "\r\n<a/>");
        for (unsigned i = 1; i < n; i++)
            buf_printf(&b, "\r\n--b\r\nContent-ID: <%u@x>\r\n\r\n%u", i, i);
        buf_add_str(&b, "\r\n--b--");
        assert_int_equal(read_as(RELATED, buf_span(&b), &m, &e), n == 4096 ? ERR_OK : ERR_LIMIT);
        if (n == 4096) {
            assert_int_equal(m.nparts, 4095);
            expect_part(&m, "cid:4095@x", "4095");
        }
    }
    for (unsigned n = 8000; n <= 9000; n += 1000) { /* of one header, in one line or folded */
        buf_reset(&b);
        buf_printf(&b, "--b\r\n" XOP "A: %*s\r\n %*s\r\n\r\n<a/>\r\n--b--", (int)n / 2, "x", (int)n / 2, "x");
        assert_int_equal(read_as(RELATED, buf_span(&b), &m, &e), n == 8000 ? ERR_OK : ERR_LIMIT);
    }
    for (unsigned n = 512; n <= 513; n++) {
        buf_reset(&b);
        buf_printf(&b, "--b\r\n" XOP "Content-ID: <%0*d>\r\n\r\n<a/>\r\n--b--", (int)n, 0);
        assert_int_equal(read_as(RELATED, buf_span(&b), &m, &e), n == 512 ? ERR_OK : ERR_LIMIT);
    }
    for (unsigned n = 64; n <= 65; n++) {
        buf_reset(&b);
        buf_add_str(&b, "text/xml");
        for (unsigned i = 0; i < n; i++)
            buf_printf(&b, "; p%u=1", i);
        assert_int_equal(read_as(b.p, SPAN_LIT("<a/>"), &m, &e), n == 64 ? ERR_OK : ERR_LIMIT);
    }
    buf_reset(&b);
    buf_printf(&b, "text/xml; p=\"%8200s\"", "x");
    assert_int_equal(read_as(b.p, SPAN_LIT("<a/>"), &m, &e), ERR_LIMIT);
    struct mime_limits small = mime_limits_default;
    small.size_max_bytes = 3;
    memset(&e, 0, sizeof e);
    assert_int_equal(mime_read(arena, NULL, SPAN_LIT("<a/>"), &small, &m, &e), ERR_LIMIT);
}

/* L2: memory is bounded by the body, whatever the body is made of; 4,000 headers of no use in each of 100 parts. */
static void L2_memory_of_a_message(void **state)
{
    (void)state;
    struct buf b;
    struct error e;
    struct mime_message m;
    struct arena *own = arena_new();
    buf_init(&b, arena, 1 << 22);
    buf_add_str(&b, "--b\r\n" XOP "\r\n<a/>");
    for (unsigned i = 0; i < 1000; i++) {
        buf_add_str(&b, "\r\n--b\r\n");
        for (unsigned j = 0; j < 1600; j++)
            buf_add_str(&b, "a:b\r\n");
        buf_add_str(&b, "\r\n");
    }
    buf_add_str(&b, "\r\n--b--");
    size_t before = arena_size(own);
    memset(&e, 0, sizeof e);
    assert_int_equal(mime_read(own, RELATED, buf_span(&b), &mime_limits_default, &m, &e), ERR_OK);
    assert_true(arena_size(own) - before < b.n / 4);
    arena_free(own);
}

/* ---- costs ---- */

struct shape {
    const char *title, *begin, *end; /* of a part's header, its number between them; NULL: all in one part */
    const char *body;
    unsigned repeats; /* of the body, for each of n */
};

static double cost_ms(void *arg, unsigned n)
{
    const struct shape *s = arg;
    struct arena *own = arena_new();
    struct buf b;
    struct error e = {0};
    struct mime_message m;
    buf_init(&b, own, 1 << 20);
    buf_add_str(&b, "--b\r\n" XOP "\r\n<a/>\r\n--b\r\nX: 1\r\n\r\n");
    for (unsigned i = 0; i < n; i++) {
        if (s->begin != NULL)
            buf_printf(&b, "\r\n--b\r\n%s%u%s", s->begin, i, s->end);
        for (unsigned j = 0; j < s->repeats; j++)
            buf_add_str(&b, s->body);
    }
    buf_add_str(&b, "\r\n--b--");
    double began = growth_now_ms();
    assert_int_equal(mime_read(own, RELATED, buf_span(&b), &mime_limits_default, &m, &e), ERR_OK);
    double took = growth_now_ms() - began;
    arena_free(own);
    return took;
}

/* L2: what a hostile or a large message costs grows as it does: 4,000 parts, 5 MB of what looks like a boundary. */
static void L2_cost_grows_as_the_message(void **state)
{
    (void)state;
    static struct shape shapes[] = {
        {"parts", "Content-ID: <", "@x>\r\n\r\n", "a line of some length that is no boundary\r\n", 30},
        {"base64", "Content-Transfer-Encoding: base64\r\nX: ", "\r\n\r\n", "QUJDREVGR0hJ\r\nSUpL", 70},
        {"ends of lines", NULL, NULL, "\n\r\n", 400},
        {"dashes", NULL, NULL, "--\r\n--", 200},
    };
    for (size_t i = 0; i < COUNT(shapes); i++)
        assert_true(growth_is_linear(cost_ms, &shapes[i], 4000, shapes[i].title));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(Q6_what_CXF_writes, begin, end),
        cmocka_unit_test_setup_teardown(Q6_what_JAX_WS_writes, begin, end),
        cmocka_unit_test_setup_teardown(Q6_what_the_standards_allow, begin, end),
        cmocka_unit_test_setup_teardown(Q6_what_is_no_message, begin, end),
        cmocka_unit_test_setup_teardown(Q6_names_of_parts, begin, end),
        cmocka_unit_test_setup_teardown(L2_bounds_of_a_message, begin, end),
        cmocka_unit_test_setup_teardown(L2_memory_of_a_message, begin, end),
        cmocka_unit_test_setup_teardown(L2_cost_grows_as_the_message, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
