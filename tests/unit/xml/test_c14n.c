/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Exclusive XML Canonicalization 1.0 without comments (V3, C3): vectors/c14n, byte for byte. cases.txt names the
 * sub-trees; the expected octets come from another implementation.
 */
#include "xml.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define VECTORS  TESTS_DIR "/unit/xml/vectors/c14n/"
#define PREFIXES 8

static struct xml_doc *parse(struct arena *a, struct span bytes)
{
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    if (xml_parse(a, bytes, &doc, &e) != ERR_OK)
        fail_msg("does not parse: %s", e.detail);
    return doc;
}

static struct xml_node *pick(struct xml_doc *doc, const char *local)
{
    struct xml_node *n = xml_root(doc);
    while (n != NULL && strcmp(local, "/") != 0 && !xml_is(n, NULL, local))
        n = xml_walk(xml_root(doc), n);
    assert_non_null(n);
    return n;
}

static struct span canonical(struct arena *a, const struct xml_node *n, const char *const *prefixes)
{
    struct buf out;
    struct error e = {.code = ERR_OK};
    buf_init(&out, a, 0);
    if (xml_c14n(n, prefixes, &out, &e) != ERR_OK)
        fail_msg("no canonical form: %s", e.detail);
    return buf_span(&out);
}

/* Returns how many lines failed, so that one run shows them all. */
static unsigned check_case(char *line)
{
    struct arena *a = arena_new();
    const char *words[2 + PREFIXES + 1] = {0}, *rest;
    size_t n = 0;
    char *save = NULL;
    for (char *w = strtok_r(line, " \n", &save); w != NULL && n < 2 + PREFIXES; w = strtok_r(NULL, " \n", &save))
        words[n++] = w;
    assert_true(n >= 2);
    rest = words[2];
    struct xml_doc *doc = parse(a, whole_file(a, arena_printf(a, VECTORS "%s.xml", words[0])));
    struct span got = canonical(a, pick(doc, words[1]), rest == NULL ? NULL : &words[2]);
    struct span want = whole_file(a, arena_printf(a, VECTORS "%s.c14n", words[0]));
    bool is_same = span_equals(got, want);
    if (!is_same)
        print_error("%s\n want %.*s\n got  %.*s\n", words[0], (int)want.n, want.p, (int)got.n, got.p);
    /* What is canonical stays as it is. */
    if (strcmp(words[1], "/") == 0 && !span_equals(canonical(a, xml_root(parse(a, got)), NULL), got)) {
        print_error("%s: not stable\n", words[0]);
        is_same = false;
    }
    arena_free(a);
    return is_same ? 0 : 1;
}

static void canonical_forms_are_those_of_another_implementation_V3(void **state)
{
    (void)state;
    FILE *f = fopen(VECTORS "cases.txt", "r");
    assert_non_null(f);
    char line[512];
    unsigned cases = 0, failed = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] == '#')
            continue;
        cases++;
        failed += check_case(line);
    }
    fclose(f);
    assert_true(cases >= 45);
    assert_int_equal(failed, 0);
}

static void output_is_appended(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *doc = parse(a, SPAN_LIT("<a><b/></a>"));
    struct buf out;
    struct error e = {.code = ERR_OK};
    buf_init(&out, a, 0);
    buf_add_str(&out, "before ");
    assert_int_equal(xml_c14n(xml_first(xml_root(doc), NULL, "b"), NULL, &out, &e), ERR_OK);
    assert_string_equal(out.p, "before <b></b>");
    arena_free(a);
}

static void siblings_stay_outside(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *doc = parse(a, SPAN_LIT("<a>x<b><c/></b>y<b>2</b>z</a>"));
    struct xml_node *first = xml_first(xml_root(doc), NULL, "b");
    assert_true(span_is(canonical(a, first, NULL), "<b><c></c></b>"));
    assert_true(span_is(canonical(a, xml_next(first, NULL, "b"), NULL), "<b>2</b>"));
    arena_free(a);
}

/* Canonical XML 1.0 section 2.3: namespace nodes are written as attributes are; not what libxml2 writes. */
static void ampersands_in_namespace_names(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *doc =
        parse(a, SPAN_LIT("<a xmlns='http://x/?a=1&amp;b=2&#38;c=3' xmlns:p='u:&amp;#38;'><p:b c='&amp;&#38;'/></a>"));
    struct span once = canonical(a, xml_root(doc), NULL);
    assert_string_equal(xml_ns(xml_root(doc)), "http://x/?a=1&b=2&c=3");
    assert_true(span_is(once, "<a xmlns=\"http://x/?a=1&amp;b=2&amp;c=3\">"
                              "<p:b xmlns:p=\"u:&amp;#38;\" c=\"&amp;&amp;\"></p:b></a>"));
    assert_true(span_equals(canonical(a, xml_root(parse(a, once)), NULL), once)); /* it is its own canonical form */
    arena_free(a);
}

/* Canonical XML 1.0 section 2.1: a document with relative namespace names has no canonical form. */
static void relative_namespaces_have_no_canonical_form(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *doc = parse(a, SPAN_LIT("<a xmlns:p='relative/name'><p:b/></a>"));
    struct buf out;
    struct error e = {.code = ERR_OK};
    buf_init(&out, a, 0);
    buf_add_str(&out, "kept");
    assert_int_equal(xml_c14n(xml_root(doc), NULL, &out, &e), ERR_MALFORMED);
    assert_int_equal(out.n, 4);
    assert_null(strstr(e.detail, "relative/name"));
    arena_free(a);
}

static void long_prefix_lists_are_refused(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *doc = parse(a, SPAN_LIT("<a/>"));
    const char *prefixes[34] = {0};
    struct buf out;
    struct error e = {.code = ERR_OK};
    for (size_t i = 0; i < 32; i++)
        prefixes[i] = "p";
    buf_init(&out, a, 0);
    assert_int_equal(xml_c14n(xml_root(doc), prefixes, &out, &e), ERR_OK);
    prefixes[32] = "p";
    assert_int_equal(xml_c14n(xml_root(doc), prefixes, &out, &e), ERR_LIMIT);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_forms_are_those_of_another_implementation_V3),
        cmocka_unit_test(output_is_appended),
        cmocka_unit_test(siblings_stay_outside),
        cmocka_unit_test(ampersands_in_namespace_names),
        cmocka_unit_test(relative_namespaces_have_no_canonical_form),
        cmocka_unit_test(long_prefix_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, xml_begin, xml_end);
}
