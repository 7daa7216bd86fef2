/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* M9, M10, L2: the table of fields says what schemas/equeue-types.xsd says: names, order, repetition, what must be
 * there, types and their bounds, words; and what docs/limits.md says.
 */
#include "request/spelling.h"
#include "xml.h"
#include "xml_fixture.h"

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

static int setup(void **state)
{
    (void)state;
    xml_init();
    a = arena_new();
    schema = xml_file(a, SOURCE_DIR "/schemas/equeue-types.xsd");
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

/* ---- simple types ---- */

/* The facet of a type of ours, of the type it is derived from when it has none itself; def: nobody has. */
static unsigned facet_of(const char *type, const char *facet, unsigned def)
{
    struct xml_node *simple = strncmp(type, "eq:", 3) == 0 ? named("simpleType", type + 3) : NULL;
    for (struct xml_node *at = simple; at != NULL; at = xml_walk(simple, at)) {
        if (xml_is(at, NS_XS, "restriction"))
            def = facet_of(xml_attr(a, at, NULL, "base"), facet, def);
        if (xml_is(at, NS_XS, facet))
            def = (unsigned)strtoul(xml_attr(a, at, NULL, "value"), NULL, 10);
    }
    return def;
}

/* What a type of ours is made of: "xs:string", "xs:date eq:Empty" of a union, with its pattern behind it. */
static const char *base_of(const char *type)
{
    struct xml_node *simple = strncmp(type, "eq:", 3) == 0 ? named("simpleType", type + 3) : NULL;
    const char *base = type, *pattern = "";
    for (struct xml_node *at = simple; at != NULL; at = xml_walk(simple, at)) {
        if (xml_is(at, NS_XS, "restriction"))
            base = base_of(xml_attr(a, at, NULL, "base"));
        if (xml_is(at, NS_XS, "union"))
            base = xml_attr(a, at, NULL, "memberTypes");
        if (xml_is(at, NS_XS, "pattern"))
            pattern = arena_printf(a, " %s", xml_attr(a, at, NULL, "value"));
    }
    return arena_printf(a, "%s%s", base, pattern);
}

static void check_words(const struct field_type *t)
{
    struct xml_node *simple = named("simpleType", t->name + 3);
    unsigned n = 0;
    for (struct xml_node *at = simple; at != NULL; at = xml_walk(simple, at)) {
        if (!xml_is(at, NS_XS, "enumeration"))
            continue;
        assert_non_null(t->words[n]);
        assert_string_equal(t->words[n++], xml_attr(a, at, NULL, "value"));
    }
    assert_true(n > 0);
    assert_null(t->words[n]);
}

/* Every facet the schema uses is one that this test compares. */
static void L2_no_other_facets(void **state)
{
    (void)state;
    static const char *const known[] = {"minLength", "maxLength", "pattern", "enumeration"};
    unsigned n = 0;
    for (struct xml_node *type = xml_first(schema, NS_XS, "simpleType"); type != NULL;
         type = xml_next(type, NS_XS, "simpleType"))
        for (struct xml_node *at = xml_walk(type, type); at != NULL; at = xml_walk(type, at)) {
            if (xml_is(at, NS_XS, "restriction") || xml_is(at, NS_XS, "union"))
                continue;
            bool is_known = false;
            for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
                is_known |= xml_is(at, NS_XS, known[i]);
            if (!is_known)
                fail_msg("xs:%s is compared with nothing", xml_local(at));
            n++;
        }
    assert_true(n > 40);
}

static void M10_types_are_the_schemas(void **state)
{
    (void)state;
    static const char *const bases[] = {
        [FIELD_STRING] = "xs:string",
        [FIELD_WORD] = "xs:string",
        [FIELD_TRUTH] = "xs:boolean",
        [FIELD_INTEGER] = "xs:integer eq:Empty",
        [FIELD_NUMBER] = "xs:nonNegativeInteger",
        [FIELD_DAY] = "xs:date eq:Empty",
        [FIELD_INSTANT] = "xs:dateTime .*[+\\-][0-9]{2}:[0-9]{2}",
        [FIELD_CODE] = "xs:string [0-9]{3,9}",
    };
    for (unsigned i = 0; i < FIELD_TYPE_COUNT; i++) {
        const struct field_type *t = &field_types[i];
        if (strncmp(t->name, "eq:", 3) == 0)
            assert_non_null(named("simpleType", t->name + 3));
        assert_string_equal(base_of(t->name), bases[t->kind]);
        if (t->kind == FIELD_STRING) {
            assert_int_equal(t->min, facet_of(t->name, "minLength", 0));
            assert_int_equal(t->max, facet_of(t->name, "maxLength", 0));
        } else {
            assert_int_equal(t->min, strstr(bases[t->kind], "eq:Empty") == NULL);
            assert_int_equal(t->max, 64); /* L2: with the blanks around it */
        }
        assert_int_equal(t->kind == FIELD_WORD, t->words != NULL);
        if (t->words != NULL)
            check_words(t);
    }
}

/* ---- structures ---- */

#define STRUCTURES 32
static const struct shape *seen[STRUCTURES]; /* requests too */
static unsigned nseen;

static void check_field(const struct shape *shape, const struct field *c, struct xml_node *element)
{
    const char *type = xml_attr(a, element, NULL, "type"), *max = xml_attr(a, element, NULL, "maxOccurs");
    const char *min = xml_attr(a, element, NULL, "minOccurs");
    assert_string_equal(c->name, xml_attr(a, element, NULL, "name"));
    if (max != NULL)
        assert_string_equal(max, "unbounded");
    if (c->is_many != (max != NULL))
        fail_msg("%s/%s is repeated in one of them only", shape->type, c->name);
    /* of a choice none is needed by itself; the two of the choice of two orders say so of themselves in a branch each
     */
    bool is_optional = shape->is_choice || xml_is(xml_parent(xml_parent(element)), NS_XS, "choice");
    if (min != NULL)
        assert_string_equal(min, "0");
    if (c->is_required != (min == NULL && !is_optional))
        fail_msg("%s/%s must be there in one of them only", shape->type, c->name);
    assert_true((c->type == NULL) != (c->shape == NULL));
    assert_string_equal(type, c->type != NULL ? c->type->name : arena_printf(a, "eq:%s", c->shape->type));
    if (c->place == FIELD_LIST && c->most == 0)
        fail_msg("%s/%s is a list without a bound", shape->type, c->name);
}

static void check_shape(const struct shape *shape)
{
    for (unsigned i = 0; i < nseen; i++)
        if (seen[i] == shape)
            return;
    assert_true(nseen < STRUCTURES);
    seen[nseen++] = shape;
    struct xml_node *type = named("complexType", shape->type), *elements[64];
    if (type == NULL)
        fail_msg("the schema has no type %s", shape->type);
    assert_int_equal(shape->is_choice, xml_is(xml_first(type, NULL, NULL), NS_XS, "choice"));
    unsigned n = elements_of(type, elements, 0);
    assert_int_equal(n, shape->n);
    for (unsigned i = 0; i < n; i++) {
        check_field(shape, &shape->fields[i], elements[i]);
        if (shape->fields[i].shape != NULL)
            check_shape(shape->fields[i].shape);
    }
}

/* A30: the one choice inside a sequence is of two orders of the same two fields; the table marks the second of them. */
static void check_two_orders(void)
{
    unsigned n = 0, marked = 0;
    for (struct xml_node *at = xml_walk(schema, schema); at != NULL; at = xml_walk(schema, at)) {
        if (!xml_is(at, NS_XS, "choice") || xml_is(xml_parent(at), NS_XS, "complexType"))
            continue;
        static const char *const names[] = {"email", "mobilePhone", "mobilePhone", "email"};
        struct xml_node *elements[4];
        unsigned k = 0;
        for (struct xml_node *in = xml_walk(at, at); in != NULL; in = xml_walk(at, in))
            if (xml_is(in, NS_XS, "element") && k < 4)
                elements[k++] = in;
        assert_int_equal(k, 4);
        for (unsigned i = 0; i < 4; i++) {
            assert_string_equal(xml_attr(a, elements[i], NULL, "name"), names[i]);
            assert_int_equal(xml_attr(a, elements[i], NULL, "minOccurs") != NULL, i % 2);
        }
        assert_string_equal(xml_attr(a, at, NULL, "minOccurs"), "0");
        n++;
    }
    assert_int_equal(n, 1);
    for (unsigned i = 0; i < nseen; i++)
        for (unsigned k = 0; k < seen[i]->n; k++)
            if (seen[i]->fields[k].place == FIELD_EITHER) {
                assert_string_equal(seen[i]->fields[k].name, "mobilePhone");
                assert_string_equal(seen[i]->fields[k - 1].name, "email");
                marked++;
            }
    assert_int_equal(marked, 2); /* getSlots, book */
}

static void M9_the_table_is_the_schema(void **state)
{
    (void)state;
    for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
        const struct shape *shape = shape_of_request((enum booking_method)m);
        char first = booking_ops[m].name[0];
        assert_string_equal(shape->type, arena_printf(a, "%c%sRequest", first - 'a' + 'A', booking_ops[m].name + 1));
        check_shape(shape);
    }
    check_two_orders();
    unsigned requests = 0;
    for (struct xml_node *n = xml_first(schema, NS_XS, "complexType"); n != NULL; n = xml_next(n, NS_XS, "complexType"))
        requests += strstr(xml_attr(a, n, NULL, "name"), "Request") != NULL;
    assert_int_equal(requests, BOOKING_METHOD_COUNT);
#define X(type, owner) +1
    assert_int_equal(nseen, BOOKING_METHOD_COUNT FIELD_SHAPES(X)); /* and no structure that no request has */
#undef X
}

/* ---- docs/limits.md ---- */

static const char *number(unsigned n)
{
    return n == 0 ? "" : arena_printf(a, "%u", n);
}

static const char *page_table(void)
{
    char *at = strstr(whole_file(a, SOURCE_DIR "/docs/limits.md").p, "| element | type |");
    assert_non_null(at);
    at = strchr(strchr(at, '\n') + 1, '\n');
    *strstr(at, "\n\n") = '\0';
    return arena_printf(a, "%s\n", at);
}

/* One row says it for all requests. */
static bool is_told(const struct shape *const *all, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < all[i]->n; k++)
            if (strcmp(all[i]->fields[k].name, name) == 0)
                return true;
    return false;
}

static void L2_the_page_is_the_table(void **state)
{
    (void)state;
    const char *page = page_table();
    unsigned rows = 0, wanted = 0;
    for (const char *at = page; (at = strstr(at, "\n| ")) != NULL; at++)
        rows++;
    const struct shape *requests[BOOKING_METHOD_COUNT];
    unsigned nrequests = 0;
    for (unsigned i = 0; i < nseen; i++) {
        bool is_request = strstr(seen[i]->type, "Request") != NULL;
        for (unsigned k = 0; k < seen[i]->n; k++) {
            const struct field *c = &seen[i]->fields[k];
            if ((c->shape != NULL && c->most == 0) || (is_request && is_told(requests, nrequests, c->name)))
                continue; /* one structure, whose fields have bounds; or subs: filter_nodes_max */
            const char *row = arena_printf(a, "\n| %s | %s | %s | %s | %s |\n", c->name,
                                           is_request ? "" : seen[i]->type, number(c->type == NULL ? 0 : c->type->max),
                                           number(c->most), c->is_line && c->type != NULL ? "yes" : "");
            if (strstr(page, row) == NULL)
                fail_msg("docs/limits.md: expected %s", row);
            wanted++;
        }
        if (is_request)
            requests[nrequests++] = seen[i];
    }
    assert_int_equal(rows, wanted); /* and no row more */
}

/* A5: without this a name in the wrong case would be two fields at once. */
static void A5_no_two_names_differ_in_case_only(void **state)
{
    (void)state;
    for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
        const struct shape *s = shape_of_request((enum booking_method)m);
        for (unsigned i = 0; i < s->n; i++) {
            bool is_exact;
            assert_int_equal(spelling_find(s, s->fields[i].name, &is_exact), (int)i);
            assert_true(is_exact);
            if (spelling_alias(&s->fields[i]) != NULL)
                assert_int_equal(spelling_find(s, spelling_alias(&s->fields[i]), &is_exact), (int)i);
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
        assert_int_equal(spelling_is_same(cases[i].a, cases[i].b), cases[i].is_same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(L2_no_other_facets),
        cmocka_unit_test(M10_types_are_the_schemas),
        cmocka_unit_test(M9_the_table_is_the_schema),
        cmocka_unit_test(L2_the_page_is_the_table),
        cmocka_unit_test(A5_no_two_names_differ_in_case_only),
        cmocka_unit_test(A5_names_in_any_case),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
