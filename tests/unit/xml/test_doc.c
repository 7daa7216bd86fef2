/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Bytes to a document, and finding one's way in it: XML 1.0, Namespaces in XML 1.0. */
#include "xml.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static struct xml_node *root_of(struct arena *a, const char *text)
{
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", text, e.detail);
    return xml_root(doc);
}

/* ---- what the parser refuses although the pre-scan may not know better ---- */

static void malformed_documents_are_refused(void **state)
{
    static const char *const texts[] = {
        "<a></b>",
        "<a><b></a></b>",
        "<a b='1' b='2'/>",
        "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
        "<a xmlns='u' xmlns='v'/>",
        "<p:a/>",
        "<a p:b='1'/>",
        "<a><b xmlns:p='u'/><p:c/></a>",
        "<a xmlns:p=''/>",
        "<a xmlns:xmlns='u'/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<a:b:c xmlns:a='u'/>",
        "<:a/>",
        "<a:/>",
        "<a>]]></a>",
        "<a>&x;</a>",
        "<a b='&x;'/>",
        "<a \xc3\x97='1'/>", /* U+00D7 is no NameStartChar */
        "<a\xcd\xbe/>",      /* U+037E is no NameChar */
        "<a",
        "text",
        "",
        "<a/><b/>",
        "<a xmlns:p='http://[bad'/>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct xml_doc *doc = NULL;
        struct error e = {.code = ERR_OK};
        enum err got = xml_parse(*state, span_of(texts[i]), &doc, &e);
        if (got != ERR_MALFORMED || doc != NULL)
            fail_msg("%s: %s", texts[i], error_name(got));
    }
}

static void errors_do_not_quote_the_document(void **state)
{
    static const char *const texts[] = {
        "<a>TESTOV</a><TESTOV>", "<TESTOV></b>",    "<a TESTOV='1' TESTOV='2'/>", "<a>&TESTOV;</a>", "<TESTOV:a/>",
        "<!DOCTYPE TESTOV><a/>", "<a TESTOV='<'/>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct xml_doc *doc;
        struct error e = {.code = ERR_OK};
        assert_int_not_equal(xml_parse(*state, span_of(texts[i]), &doc, &e), ERR_OK);
        assert_true(e.detail[0] != '\0');
        assert_null(strstr(e.detail, "TESTOV"));
    }
}

/* The bytes are UTF-8 whatever they say: the pre-scan refused other declarations. */
/* Appendix F of XML 1.0 guesses by the first bytes; here it is UTF-8 or nothing. */
static void no_encoding_is_guessed(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum err expected;
    } rows[] = {
#define BYTES(s) s, sizeof(s) - 1
        {BYTES("<\0a\0/\0>\0"), ERR_MALFORMED},
        {BYTES("\0<\0a\0/\0>"), ERR_MALFORMED},
        {BYTES("\xff\xfe<\0a\0/\0>\0"), ERR_MALFORMED},
        {BYTES("\xfe\xff\0<\0a\0/\0>"), ERR_MALFORMED},
        {BYTES("<\0\0\0a\0\0\0/\0\0\0>\0\0\0"), ERR_MALFORMED},
        {BYTES("\0\0\0<\0\0\0a\0\0\0/\0\0\0>"), ERR_MALFORMED},
        {BYTES("<\0?\0x\0m\0l\0 \0v\0e\0r\0s\0i\0o\0n\0=\0'\0001\0.\0000\0'\0?\0>\0<\0a\0/\0>\0"), ERR_MALFORMED},
        {BYTES("\x4c\x6f\xa7\x94\x93\x40"), ERR_MALFORMED}, /* "<?xml " in EBCDIC */
        {BYTES("\x4c\x81\x61\x6e"), ERR_MALFORMED},         /* "<a/>" */
        {BYTES("\xef\xbb\xbf<a/>"), ERR_OK},
        {BYTES("\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><a/>"), ERR_OK},
        {BYTES("<?xml version='1.0' encoding='UTF-16'?><a/>"), ERR_OK}, /* the pre-scan refuses it */
        {BYTES("<a>\xd4\xe8</a>"), ERR_MALFORMED},
        {BYTES("<a b='\xd4\xe8'/>"), ERR_MALFORMED},
        {BYTES("<a>\xd1</a>"), ERR_MALFORMED},
        {BYTES("<a><!-- \xff --></a>"), ERR_MALFORMED},
        {BYTES("<a><![CDATA[\xc0\x80]]></a>"), ERR_MALFORMED},
#undef BYTES
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct xml_doc *doc = NULL;
        struct error e = {.code = ERR_OK};
        enum err got = xml_parse(*state, (struct span){rows[i].bytes, rows[i].n}, &doc, &e);
        if (got != rows[i].expected)
            fail_msg("row %zu: %s", i, error_name(got));
    }
}

static void a_declared_encoding_has_no_effect(void **state)
{
    struct xml_node *root = root_of(*state, "<?xml version='1.0' encoding='windows-1251'?><a>\xd1\x84</a>");
    assert_string_equal(xml_text(*state, root), "\xd1\x84");
}

static void xinclude_and_schema_locations_are_plain_content(void **state)
{
    struct xml_node *root = root_of(
        *state, "<a xmlns:xi='http://www.w3.org/2001/XInclude' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
                "xsi:schemaLocation='u file:///etc/hostname'><xi:include href='/etc/hostname' parse='text'/></a>");
    assert_int_equal(xml_count(root, NULL, NULL), 1);
    assert_true(xml_is(xml_first(root, NULL, NULL), "http://www.w3.org/2001/XInclude", "include"));
}

/* ---- navigation ---- */

#define TREE "<r xmlns='u:1' xmlns:p='u:2'>t<!-- c --><a/><p:a>1</p:a><b><a xmlns=''><c/></a></b>\n<p:b/><a/></r>"

static void children_are_found_by_name(void **state)
{
    struct xml_node *root = root_of(*state, TREE);
    assert_int_equal(xml_count(root, NULL, NULL), 5);
    assert_int_equal(xml_count(root, NULL, "a"), 3);
    assert_int_equal(xml_count(root, "u:1", "a"), 2);
    assert_int_equal(xml_count(root, "u:2", NULL), 2);
    assert_int_equal(xml_count(root, "u:3", NULL), 0);
    assert_int_equal(xml_count(root, "u:1", "c"), 0);
    struct xml_node *first = xml_first(root, "u:2", NULL);
    assert_string_equal(xml_local(first), "a");
    assert_string_equal(xml_prefix(first), "p");
    struct xml_node *second = xml_next(first, "u:2", NULL);
    assert_string_equal(xml_local(second), "b");
    assert_null(xml_next(second, "u:2", NULL));
    assert_null(xml_first(second, NULL, NULL));
    assert_null(xml_first(NULL, NULL, NULL));
    assert_null(xml_next(NULL, NULL, NULL));
}

static void names_and_namespaces(void **state)
{
    struct xml_node *root = root_of(*state, TREE);
    assert_true(xml_is(root, "u:1", "r"));
    assert_false(xml_is(root, "u:2", "r"));
    assert_false(xml_is(root, "u:1", "R"));
    assert_false(xml_is(NULL, NULL, NULL));
    assert_null(xml_prefix(root));
    assert_string_equal(xml_ns(root), "u:1");
    struct xml_node *bare = xml_first(xml_first(root, "u:1", "b"), NULL, "a");
    assert_null(xml_ns(bare));
    assert_null(xml_ns(xml_first(bare, NULL, NULL)));
    assert_false(xml_is(bare, "", "a"));
    assert_true(xml_is(bare, NULL, "a"));
}

static void parents_end_at_the_root(void **state)
{
    struct xml_node *root = root_of(*state, TREE);
    assert_ptr_equal(xml_parent(xml_first(root, NULL, "b")), root);
    assert_null(xml_parent(root));
}

static void walking_meets_each_element_once_in_document_order(void **state)
{
    struct xml_node *root = root_of(*state, "<r>t<a><b/>x<c><d/></c></a><!-- --><e/><f><g/></f></r>");
    char seen[16] = "";
    size_t n = 0;
    for (struct xml_node *at = xml_walk(root, root); at != NULL; at = xml_walk(root, at))
        seen[n++] = *xml_local(at);
    seen[n] = '\0';
    assert_string_equal(seen, "abcdefg");
    struct xml_node *a = xml_first(root, NULL, "a");
    n = 0;
    for (struct xml_node *at = xml_walk(a, a); at != NULL; at = xml_walk(a, at))
        seen[n++] = *xml_local(at);
    seen[n] = '\0';
    assert_string_equal(seen, "bcd");
    struct xml_node *e = xml_first(root, NULL, "e");
    assert_null(xml_walk(e, e));
}

/* ---- attributes ---- */

static void attributes_by_namespace(void **state)
{
    struct xml_node *n =
        root_of(*state, "<p:a xmlns:p='u:p' Id='1' p:Id='2' xml:id='x3' e='' q='&lt;&#10;&amp;lt;&quot;'/>");
    assert_string_equal(xml_attr(*state, n, NULL, "Id"), "1");
    assert_string_equal(xml_attr(*state, n, "u:p", "Id"), "2");
    assert_string_equal(xml_attr(*state, n, "http://www.w3.org/XML/1998/namespace", "id"), "x3");
    assert_string_equal(xml_attr(*state, n, NULL, "e"), "");
    assert_string_equal(xml_attr(*state, n, NULL, "q"), "<\n&lt;\"");
    assert_null(xml_attr(*state, n, NULL, "id"));
    assert_null(xml_attr(*state, n, "u:q", "Id"));
    assert_null(xml_attr(*state, n, NULL, "xmlns"));
    assert_null(xml_attr(*state, n, NULL, "p"));
}

static bool collect(void *arg, const char *ns, const char *local, const char *value)
{
    struct buf *b = arg;
    buf_printf(b, "{%s}%s=%s;", ns == NULL ? "" : ns, local, value);
    return strcmp(local, "stop") != 0;
}

static void each_attribute_until_told_to_stop(void **state)
{
    struct buf b;
    buf_init(&b, *state, 0);
    xml_each_attr(root_of(*state, "<a xmlns:p='u' b='1' p:c='&amp;' stop='' d='2'/>"), collect, &b);
    assert_string_equal(b.p, "{}b=1;{u}c=&;{}stop=;");
    buf_reset(&b);
    xml_each_attr(root_of(*state, "<a xmlns:p='u'/>"), collect, &b);
    assert_int_equal(b.n, 0);
}

/* ---- text ---- */

static void text_is_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *document, *want;
    } texts[] = {
        {"<a/>", ""},
        {"<a></a>", ""},
        {"<a> \n</a>", " \n"},
        {"<a>one</a>", "one"},
        {"<a>one&amp;two&#33;</a>", "one&two!"},
        {"<a>one<![CDATA[<two>]]>three</a>", "one<two>three"},
        {"<a><![CDATA[]]></a>", ""},
        {"<a>one\r\ntwo\rthree</a>", "one\ntwo\nthree"},
        {"<a>one<!-- -->two</a>", NULL},
        {"<a><!-- --></a>", NULL},
        {"<a>one<b/></a>", NULL},
        {"<a><b/>one</a>", NULL},
        {"<a><b>one</b></a>", NULL},
        {"<a>one<?p i?></a>", NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *got = xml_text(*state, root_of(*state, texts[i].document));
        if (texts[i].want == NULL ? got != NULL : got == NULL || strcmp(got, texts[i].want) != 0)
            fail_msg("%s: %s", texts[i].document, got == NULL ? "(none)" : got);
    }
}

static void long_texts_are_not_cut(void **state)
{
    struct buf b;
    buf_init(&b, *state, 0);
    buf_add_str(&b, "<a>");
    for (unsigned i = 0; i < 100000; i++)
        buf_add_str(&b, "\xd1\x8f&lt;");
    buf_add_str(&b, "</a>");
    assert_int_equal(strlen(xml_text(*state, root_of(*state, b.p))), 300000);
}

static void stray_text(void **state)
{
    static const char *const clean[] = {"<a/>", "<a> \t\r\n<b>x</b>\n</a>", "<a><b>x</b></a>", "<a>&#32;</a>"};
    static const char *const stray[] = {
        "<a>x</a>",      "<a><b/>.</a>", "<a> <!-- --> </a>", "<a><![CDATA[]]></a>", "<a><b/><![CDATA[ ]]></a>",
        "<a>&#160;</a>", "<a><?p?></a>"};
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++)
        assert_false(xml_has_stray_text(root_of(*state, clean[i])));
    for (size_t i = 0; i < sizeof stray / sizeof stray[0]; i++)
        assert_true(xml_has_stray_text(root_of(*state, stray[i])));
}

static void comments_anywhere_below(void **state)
{
    assert_true(xml_has_comments(root_of(*state, "<a><!-- --></a>")));
    assert_true(xml_has_comments(root_of(*state, "<a><b/><c><d>x<!----></d></c></a>")));
    assert_false(xml_has_comments(root_of(*state, "<!-- --><a><b/><![CDATA[<!-- -->]]></a><!-- -->")));
    struct xml_node *root = root_of(*state, "<a><b/><!-- --></a>");
    assert_false(xml_has_comments(xml_first(root, NULL, "b")));
}

static void lines_are_counted(void **state)
{
    struct xml_node *root = root_of(*state, "<a>\n\n<b/>\n</a>");
    assert_int_equal(xml_line(root), 1);
    assert_int_equal(xml_line(xml_first(root, NULL, "b")), 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed_documents_are_refused),
        TEST(errors_do_not_quote_the_document),
        TEST(no_encoding_is_guessed),
        TEST(a_declared_encoding_has_no_effect),
        TEST(xinclude_and_schema_locations_are_plain_content),
        TEST(children_are_found_by_name),
        TEST(names_and_namespaces),
        TEST(parents_end_at_the_root),
        TEST(walking_meets_each_element_once_in_document_order),
        TEST(attributes_by_namespace),
        TEST(each_attribute_until_told_to_stop),
        TEST(text_is_whole_or_not_at_all),
        TEST(long_texts_are_not_cut),
        TEST(stray_text),
        TEST(comments_anywhere_below),
        TEST(lines_are_counted),
    };
    return cmocka_run_group_tests(tests, xml_begin, xml_end);
}
