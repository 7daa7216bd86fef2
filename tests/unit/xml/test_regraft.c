/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Peeling the SMEV frame off (V2): the children of AppData under a root of their own. Expected forms are exclusive
 * canonical ones, worked out by hand from the names each element has in the source.
 */
#include "xml.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EQ "http://epgu.rtlabs.ru/equeue/ws/"

static struct xml_doc *parse(struct arena *a, const char *text)
{
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", text, e.detail);
    return doc;
}

static struct xml_node *find(struct xml_doc *doc, const char *local)
{
    struct xml_node *n = xml_root(doc);
    while (n != NULL && !xml_is(n, NULL, local))
        n = xml_walk(xml_root(doc), n);
    assert_non_null(n);
    return n;
}

static const char *canonical(struct arena *a, const struct xml_node *n, const char *const *prefixes)
{
    struct buf out;
    struct error e = {.code = ERR_OK};
    buf_init(&out, a, 0);
    assert_int_equal(xml_c14n(n, prefixes, &out, &e), ERR_OK);
    return out.p;
}

static const struct {
    const char *source, *want;
} samples[] = {
    /* nothing to move */
    {"<r><AppData/></r>", "<eq:bookRequest xmlns:eq=\"" EQ "\"></eq:bookRequest>"},
    {"<AppData>text</AppData>", "<eq:bookRequest xmlns:eq=\"" EQ "\"></eq:bookRequest>"},
    /* prefix declared by a lost ancestor */
    {"<r xmlns:x='u:x'><AppData><x:a x:b='1'/></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><x:a xmlns:x=\"u:x\" x:b=\"1\"></x:a></eq:bookRequest>"},
    /* declared on AppData itself, and nearer than another of the same name */
    {"<r xmlns:x='u:far'><AppData xmlns:x='u:near'><x:a/></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><x:a xmlns:x=\"u:near\"></x:a></eq:bookRequest>"},
    /* default namespace of the frame */
    {"<r xmlns='u:d'><AppData><a><b/></a></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a xmlns=\"u:d\"><b></b></a></eq:bookRequest>"},
    /* default namespace undeclared again */
    {"<r xmlns='u:d'><x:AppData xmlns:x='u:x' xmlns=''><a/></x:AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a></a></eq:bookRequest>"},
    {"<r xmlns='u:d'><AppData><a xmlns=''><b/></a><c/></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a><b></b></a><c xmlns=\"u:d\"></c></eq:bookRequest>"},
    /* no namespace at all stays none */
    {"<r><AppData><a><b c='d'/></a></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a><b c=\"d\"></b></a></eq:bookRequest>"},
    /* the same prefix for the same name */
    {"<r xmlns:eq='" EQ "'><AppData><eq:bookId>1</eq:bookId><eq:esiaId>2</eq:esiaId></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><eq:bookId>1</eq:bookId><eq:esiaId>2</eq:esiaId></eq:bookRequest>"},
    /* another prefix for the same name */
    {"<r xmlns:q='" EQ "'><AppData><q:bookId>1</q:bookId></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><q:bookId xmlns:q=\"" EQ "\">1</q:bookId></eq:bookRequest>"},
    {"<r xmlns='" EQ "'><AppData><bookId>1</bookId></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><bookId xmlns=\"" EQ "\">1</bookId></eq:bookRequest>"},
    /* the same prefix for another name: the prefix of the root is not to be caught */
    {"<r xmlns:eq='u:other'><AppData><eq:a><eq:b eq:c=''/></eq:a><d/><eq:e/></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><eq:a xmlns:eq=\"u:other\"><eq:b eq:c=\"\"></eq:b></eq:a><d></d>"
     "<eq:e xmlns:eq=\"u:other\"></eq:e></eq:bookRequest>"},
    {"<r xmlns:eq='u:other'><AppData><d><eq:a/></d></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><d><eq:a xmlns:eq=\"u:other\"></eq:a></d></eq:bookRequest>"},
    {"<r xmlns:eq='u:other'><AppData><d xmlns:eq='u:third'><eq:a/></d><d eq:b=''/></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><d><eq:a xmlns:eq=\"u:third\"></eq:a></d>"
     "<d xmlns:eq=\"u:other\" eq:b=\"\"></d></eq:bookRequest>"},
    /* declared below: goes along */
    {"<r><AppData><x:a xmlns:x='u:x'><y:b xmlns:y='u:y'/></x:a></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><x:a xmlns:x=\"u:x\"><y:b xmlns:y=\"u:y\"></y:b></x:a></eq:bookRequest>"},
    /* xml: belongs to every document */
    {"<r xml:lang='ru'><AppData><a xml:lang='en' xml:id='i'/></AppData></r>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a xml:id=\"i\" xml:lang=\"en\"></a></eq:bookRequest>"},
    /* text and comments between the elements, and the attributes of AppData, stay behind */
    {"<AppData Id='x'> one <a/> two <!-- three --><b/></AppData>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a></a><b></b></eq:bookRequest>"},
    {"<AppData><a> one<![CDATA[<]]>&amp;<b/>\n</a></AppData>",
     "<eq:bookRequest xmlns:eq=\"" EQ "\"><a> one&lt;&amp;<b></b>\n</a></eq:bookRequest>"},
};

static void children_keep_their_names_V2(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct arena *a = arena_new();
        struct xml_doc *out = NULL;
        struct error e = {.code = ERR_OK};
        struct xml_node *content = find(parse(a, samples[i].source), "AppData");
        assert_int_equal(xml_regraft(a, content, EQ, "bookRequest", &out, &e), ERR_OK);
        const char *got = canonical(a, xml_root(out), NULL);
        if (strcmp(got, samples[i].want) != 0)
            fail_msg("%s\n want %s\n got  %s", samples[i].source, samples[i].want, got);
        assert_null(xml_first(content, NULL, NULL));
        arena_free(a);
    }
}

/* What C3 rests on: an element is the same octets before and after, whatever it stood in. */
static void octets_of_each_child_do_not_change_C3(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct arena *a = arena_new();
        struct xml_doc *out = NULL;
        struct error e = {.code = ERR_OK};
        struct buf before, after;
        buf_init(&before, a, 0);
        buf_init(&after, a, 0);
        struct xml_node *content = find(parse(a, samples[i].source), "AppData");
        for (struct xml_node *c = xml_first(content, NULL, NULL); c != NULL; c = xml_next(c, NULL, NULL))
            assert_int_equal(xml_c14n(c, NULL, &before, &e), ERR_OK);
        assert_int_equal(xml_regraft(a, content, EQ, "bookRequest", &out, &e), ERR_OK);
        for (struct xml_node *c = xml_first(xml_root(out), NULL, NULL); c != NULL; c = xml_next(c, NULL, NULL))
            assert_int_equal(xml_c14n(c, NULL, &after, &e), ERR_OK);
        assert_true(span_equals(buf_span(&before), buf_span(&after)));
        arena_free(a);
    }
}

/* The canonical form parses back to the same names: nothing points into the document that was left. */
static void the_result_stands_alone(void **state)
{
    (void)state;
    struct arena *a = arena_new(), *b = arena_new();
    struct xml_doc *out = NULL;
    struct error e = {.code = ERR_OK};
    struct xml_doc *doc =
        parse(a, "<r xmlns='u:d' xmlns:x='u:x' xml:lang='ru'><AppData><x:a x:k='v' xml:lang='en'>short"
                 "<b>a text that is too long to be shared between documents</b></x:a></AppData></r>");
    assert_int_equal(xml_regraft(b, find(doc, "AppData"), EQ, "bookRequest", &out, &e), ERR_OK);
    arena_free(a); /* the source is gone */
    assert_true(xml_is(xml_root(out), EQ, "bookRequest"));
    assert_string_equal(xml_prefix(xml_root(out)), "eq");
    struct xml_node *x = xml_first(xml_root(out), "u:x", "a");
    assert_string_equal(xml_attr(b, x, "u:x", "k"), "v");
    assert_string_equal(xml_attr(b, x, "http://www.w3.org/XML/1998/namespace", "lang"), "en");
    assert_string_equal(xml_ns(xml_first(x, NULL, NULL)), "u:d");
    assert_non_null(strstr(canonical(b, xml_root(out), NULL), "too long to be shared"));
    arena_free(b);
}

/* Prefixes that only content uses keep their meaning as well. */
static void prefixes_in_content_stay_bound(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *out = NULL;
    struct error e = {.code = ERR_OK};
    static const char *const prefixes[] = {"xs", NULL};
    struct xml_doc *doc = parse(a, "<r xmlns:xs='u:xs'><AppData><a type='xs:int'/></AppData></r>");
    assert_int_equal(xml_regraft(a, find(doc, "AppData"), EQ, "q", &out, &e), ERR_OK);
    assert_string_equal(canonical(a, xml_first(xml_root(out), NULL, NULL), prefixes),
                        "<a xmlns:xs=\"u:xs\" type=\"xs:int\"></a>");
    arena_free(a);
}

/* As many declarations and children as the gate lets through: no square of them. */
static void many_children_and_declarations(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf b;
    struct xml_doc *out = NULL;
    struct error e = {.code = ERR_OK};
    buf_init(&b, a, 0);
    buf_add_str(&b, "<r xmlns:eq='u:other'");
    for (unsigned i = 0; i < 62; i++)
        buf_printf(&b, " xmlns:p%u='u:%u'", i, i);
    buf_add_str(&b, "><AppData>");
    for (unsigned i = 0; i < 40000; i++)
        buf_printf(&b, "<p%u:a eq:b='' xmlns:l='u'/>", i % 62);
    buf_add_str(&b, "</AppData></r>");
    assert_int_equal(xml_regraft(a, find(parse(a, b.p), "AppData"), EQ, "q", &out, &e), ERR_OK);
    assert_int_equal(xml_count(xml_root(out), NULL, "a"), 40000);
    assert_int_equal(xml_count(xml_root(out), "u:7", "a"), 40000 / 62 + 1);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_keep_their_names_V2),   cmocka_unit_test(octets_of_each_child_do_not_change_C3),
        cmocka_unit_test(the_result_stands_alone),        cmocka_unit_test(prefixes_in_content_stay_bound),
        cmocka_unit_test(many_children_and_declarations),
    };
    return cmocka_run_group_tests(tests, xml_begin, xml_end);
}
