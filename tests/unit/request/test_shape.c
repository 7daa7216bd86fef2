/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* M9, L2: the table of a lenient reading, and that of the bounds, say what schemas/equeue-types.xsd says: names, order,
 * repetition, types, words.
 */
#include "request/shape.h"
#include "xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NS_XS "http://www.w3.org/2001/XMLSchema"

static struct arena *a;
static struct xml_node *schema;
static const struct booking_bound *bounds[BOOKING_BOUNDS_MAX];
static unsigned nbounds;
static bool is_met[BOOKING_BOUNDS_MAX];

static int setup(void **state)
{
    (void)state;
    xml_init();
    a = arena_new();
    FILE *f = fopen(SOURCE_DIR "/schemas/equeue-types.xsd", "re");
    assert_non_null(f);
    struct buf b;
    char part[4096];
    buf_init(&b, a, 65536);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(&b, part, n);
    fclose(f);
    struct xml_doc *doc;
    struct error e = {0};
    assert_int_equal(xml_parse(a, buf_span(&b), &doc, &e), ERR_OK);
    schema = xml_root(doc);
    nbounds = booking_bounds(bounds);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    xml_fini();
    return 0;
}

static struct xml_node *named(const char *kind, const char *name)
{
    for (struct xml_node *n = xml_first(schema, NS_XS, kind); n != NULL; n = xml_next(n, NS_XS, kind))
        if (strcmp(xml_attr(a, n, NULL, "name"), name) == 0)
            return n;
    return NULL;
}

/* The elements of a complex type in order, groups opened; the second mention in a choice of two orders is left out. */
static unsigned elements_of(struct xml_node *top, struct xml_node **out, unsigned n)
{
    for (struct xml_node *at = xml_walk(top, top); at != NULL; at = xml_walk(top, at)) {
        if (xml_is(at, NS_XS, "group")) {
            const char *ref = xml_attr(a, at, NULL, "ref");
            n = elements_of(named("group", ref + strlen("eq:")), out, n);
        }
        if (!xml_is(at, NS_XS, "element"))
            continue;
        bool is_known = false;
        for (unsigned i = 0; i < n; i++)
            is_known |= strcmp(xml_attr(a, out[i], NULL, "name"), xml_attr(a, at, NULL, "name")) == 0;
        assert_true(n < 64);
        if (!is_known)
            out[n++] = at;
    }
    return n;
}

static void check_values(const struct shape_child *c, const char *type)
{
    if (strcmp(type, "xs:boolean") == 0) {
        static const char *const truths[] = {"true", "false", "1", "0"};
        for (unsigned i = 0; i < 4; i++)
            assert_string_equal(c->values[i], truths[i]);
        assert_null(c->values[4]);
        return;
    }
    struct xml_node *simple = strncmp(type, "eq:", 3) == 0 ? named("simpleType", type + 3) : NULL;
    if (strncmp(type, "eq:", 3) == 0)
        assert_non_null(simple);
    unsigned n = 0;
    for (struct xml_node *at = simple; at != NULL; at = xml_walk(simple, at)) {
        if (!xml_is(at, NS_XS, "enumeration"))
            continue;
        assert_non_null(c->values);
        assert_non_null(c->values[n]);
        assert_string_equal(c->values[n++], xml_attr(a, at, NULL, "value"));
    }
    if (n == 0)
        assert_null(c->values);
    else
        assert_null(c->values[n]);
}

/* ---- bounds (L2): the table of the checks before SQL, the schema and the page for developers say one thing ---- */

static const struct booking_bound *bound_of(const char *type, const char *element)
{
    for (unsigned i = 0; i < nbounds; i++) {
        bool is_type = bounds[i]->type == NULL ? strstr(type, "Request") != NULL : strcmp(bounds[i]->type, type) == 0;
        if (!is_type || strcmp(bounds[i]->element, element) != 0)
            continue;
        is_met[i] = true;
        return bounds[i];
    }
    return NULL;
}

/* The maxLength of a simple type of ours; 0: it has none (a word, a number, a date). */
static unsigned length_of(const char *type)
{
    struct xml_node *simple = strncmp(type, "eq:", 3) == 0 ? named("simpleType", type + 3) : NULL;
    unsigned most = 0;
    for (struct xml_node *at = simple; at != NULL; at = xml_walk(simple, at)) {
        if (xml_is(at, NS_XS, "restriction") && strncmp(xml_attr(a, at, NULL, "base"), "eq:", 3) == 0)
            most = length_of(xml_attr(a, at, NULL, "base"));
        if (xml_is(at, NS_XS, "maxLength"))
            most = (unsigned)strtoul(xml_attr(a, at, NULL, "value"), NULL, 10);
    }
    return most;
}

static void check_bound(const struct shape *shape, const struct shape_child *c, const char *type)
{
    const struct booking_bound *b = bound_of(shape->type, c->name);
    if (c->shape != NULL && !c->is_many)
        return; /* one structure: its members have bounds */
    if (c->shape != NULL && strcmp(c->name, "subs") == 0)
        return; /* filter_nodes_max */
    if (b == NULL) {
        fail_msg("%s/%s has no bound", shape->type, c->name);
        return;
    }
    /* book has one organization, where getSlots has a list */
    if (c->is_many && b->count == 0)
        fail_msg("%s/%s is a list without a bound", shape->type, c->name);
    unsigned in_schema = c->shape != NULL ? 0 : length_of(type);
    if (c->shape == NULL && (in_schema != 0 ? in_schema != b->length : b->length != 64))
        fail_msg("%s/%s: %u characters in the schema, %u in the table", shape->type, c->name, in_schema, b->length);
}

static unsigned compared;

static void check_shape(const struct shape *shape, unsigned depth)
{
    struct xml_node *type = named("complexType", shape->type), *elements[64];
    if (type == NULL)
        fail_msg("the schema has no type %s", shape->type);
    unsigned n = elements_of(type, elements, 0);
    assert_int_equal(n, shape->n);
    for (unsigned i = 0; i < n; i++) {
        const struct shape_child *c = &shape->children[i];
        const char *of = xml_attr(a, elements[i], NULL, "type"), *max = xml_attr(a, elements[i], NULL, "maxOccurs");
        assert_string_equal(c->name, xml_attr(a, elements[i], NULL, "name"));
        if (c->is_many != (max != NULL))
            fail_msg("%s/%s is repeated in one of them only", shape->type, c->name);
        compared++;
        check_bound(shape, c, of);
        if (c->shape == NULL) {
            assert_null(named("complexType", of + 3));
            check_values(c, of);
        } else {
            assert_string_equal(of, arena_printf(a, "eq:%s", c->shape->type));
            if (depth < 4) /* predicates hold predicates */
                check_shape(c->shape, depth + 1);
        }
    }
}

static void M9_the_table_is_the_schema(void **state)
{
    (void)state;
    for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
        const struct shape *shape = shape_of_request((enum booking_method)m);
        char first = booking_ops[m].name[0];
        assert_string_equal(shape->type, arena_printf(a, "%c%sRequest", first - 'a' + 'A', booking_ops[m].name + 1));
        check_shape(shape, 0);
    }
    assert_true(compared > 100);
    for (unsigned i = 0; i < nbounds; i++)
        if (!is_met[i])
            fail_msg("%s is no field of any request", bounds[i]->element);
}

static const char *number(unsigned n)
{
    return n == 0 ? "" : arena_printf(a, "%u", n);
}

static void L2_the_page_is_the_table(void **state)
{
    (void)state;
    FILE *f = fopen(SOURCE_DIR "/docs/limits.md", "re");
    assert_non_null(f);
    struct buf page;
    char part[4096];
    buf_init(&page, a, 16384);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        buf_add(&page, part, n);
    fclose(f);
    const char *text = arena_strndup(a, page.p, page.n);
    const char *at = strstr(text, "| element | type |");
    assert_non_null(at);
    at = strchr(strchr(at, '\n') + 1, '\n') + 1;
    for (unsigned i = 0; i < nbounds; i++) {
        const struct booking_bound *b = bounds[i];
        const char *row = arena_printf(a, "| %s | %s | %s | %s | %s |\n", b->element, b->type == NULL ? "" : b->type,
                                       number(b->length), number(b->count), b->is_line ? "yes" : "");
        if (strncmp(at, row, strlen(row)) != 0)
            fail_msg("docs/limits.md: expected %s", row);
        at += strlen(row);
    }
    assert_int_equal(*at, '\n'); /* and no row more */
}

/* A5: without this a name in the wrong case would be two fields at once. */
static void A5_no_two_names_differ_in_case_only(void **state)
{
    (void)state;
    for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
        const struct shape *s = shape_of_request((enum booking_method)m);
        for (unsigned i = 0; i < s->n; i++) {
            bool is_exact;
            assert_int_equal(shape_find(s, s->children[i].name, &is_exact), (int)i);
            assert_true(is_exact);
            if (s->children[i].alias != NULL)
                assert_int_equal(shape_find(s, s->children[i].alias, &is_exact), (int)i);
        }
    }
}

static void A5_names_in_any_case(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool is_same;
    } cases[] = {{"bookId", "BOOKID", true},  {"bookId", "bookid", true}, {"bookId", "book_id", false},
                 {"bookId", "bookI", false},  {"bookI", "bookId", false}, {"", "", true},
                 {"bookId", "", false},       {"", "b", false},           {"subs", "Subs", true},
                 {"bookId", "bооkId", false}, {"a[", "A{", false},        {"Ы", "ы", false}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(shape_is_name(cases[i].a, cases[i].b), cases[i].is_same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M9_the_table_is_the_schema),
        cmocka_unit_test(L2_the_page_is_the_table),
        cmocka_unit_test(A5_no_two_names_differ_in_case_only),
        cmocka_unit_test(A5_names_in_any_case),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
