/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M10: the walk of the table of fields and the schema accept the same requests, and what a strict reading takes a
 * lenient one takes as the same, whatever it may forgive. Requests are made by chance from the schema's own text, then
 * spoilt: what a child is called, where it stands, what it holds, what stands around it.
 */
#include "bound.h"
#include "request/normalize.h"
#include "request/settle.h"
#include "request/structure.h"
#include "xml_fixture.h"

#include "soap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NS_XS "http://www.w3.org/2001/XMLSchema"

static struct arena *for_all;
static struct xml_schema *schema;
static struct xml_node *types;

static int setup(void **state)
{
    (void)state;
    xml_init();
    soap_binding_init();
    for_all = arena_new();
    struct error e = {0};
    types = xml_file(for_all, SOURCE_DIR "/schemas/equeue-types.xsd");
    assert_int_equal(xml_schema_load(for_all, SOURCE_DIR "/schemas/equeue-bare.xsd", &schema, &e), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(for_all);
    soap_binding_fini();
    xml_fini();
    return 0;
}

/* ---- chance ---- */

static uint64_t seed;

static unsigned chance(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % n;
}

/* ---- values: right ones, those at an edge, wrong ones; any may come for any type ---- */

static const char *const values[] = {
    "",
    " ",
    "1",
    "0",
    "-1",
    "+1",
    "-0",
    "00",
    "+",
    "-",
    " 12 ",
    "1 2",
    "1.0",
    "\t7\n",
    "999999999999999999999999",
    "1000000000000000000000000",
    "0000000000000000000000000001",
    "-1000000000000000000000000",
    "true",
    "false",
    "TRUE",
    " true ",
    "t",
    "SIMPLE",
    "QUALIFIED",
    "simple",
    " SIMPLE",
    "SIMPLE ",
    "PHYSIC",
    "BUSINESS",
    "PERSBUSINESS",
    "AND",
    "OR",
    "XOR",
    "ONELEVEL",
    "SUBTREE",
    "equals",
    "NOT_EQUALS",
    "notEquals",
    "wordStarts",
    "like",
    "101",
    "201",
    "999999999",
    "1000000000",
    "20",
    "2 1",
    " 201",
    "2026-01-02",
    "2026-02-29",
    "2024-02-29",
    "1900-02-29",
    "2000-02-29",
    "2026-13-01",
    "2026-00-01",
    "2026-01-00",
    "2026-01-32",
    "2026-04-31",
    "26-01-02",
    "02026-01-02",
    "12026-01-02",
    "-2026-01-02",
    "-0004-02-29",
    "-0001-02-29",
    "0000-01-01",
    "2026-01-02Z",
    "2026-01-02+14:00",
    "2026-01-02+14:01",
    "2026-01-02-14:00",
    "2026-01-02+13:59",
    "2026-01-02+15:00",
    "2026-01-02+1:00",
    "2026-01-02+03",
    "2026-01-02+03:60",
    " 2026-01-02 ",
    "2026-1-2",
    "+2026-01-02",
    "9223372036854775807-01-01",
    "9223372036854775808-01-01",
    "99999999999999999999-01-01",
    "2026-01-02T10:00:00+03:00",
    "2026-01-02T10:00:00Z",
    "2026-01-02T10:00:00",
    "2026-01-02T24:00:00+03:00",
    "2026-01-02T24:00:00.000+03:00",
    "2026-01-02T24:00:00.1+03:00",
    "2026-01-02T24:01:00+03:00",
    "2026-01-02T25:00:00+03:00",
    "2026-01-02T10:60:00+03:00",
    "2026-01-02T10:00:60+03:00",
    "2026-01-02T10:00:59.999999999+03:00",
    "2026-01-02T10:00:00.+03:00",
    "2026-01-02T10:00+03:00",
    "2026-01-02T10:00:00-00:00",
    "2026-01-02T10:00:00+14:00",
    "2026-01-02T10:00:00+14:01",
    "2026-01-02t10:00:00+03:00",
    " 2026-01-02T10:00:00+03:00 ",
    "2026-01-02 10:00:00+03:00",
    "2026-02-30T10:00:00+03:00",
    "12026-01-02T10:00:00-03:30",
    "\xD0\xB6",
    "\xF0\x9D\x94\x84",
    "<!-- -->",
    "<![CDATA[]]>",
    "<![CDATA[1]]>",
    "SIM<!-- -->PLE",
    "20<![CDATA[26-01-02]]>",
    "&#32;",
    "&#9;1",
    "&lt;",
    "<x/>",
    "1<x/>",
    "tr&#117;e",
    "true<!---->",
};

/* A text about as long as one of the bounds; of two octets a character now and then. */
static void add_long(struct buf *b)
{
    static const unsigned lengths[] = {199, 200, 201, 254, 255, 256, 599, 600, 601, 999, 1000, 1001, 3999, 4000, 4001};
    unsigned n = lengths[chance(sizeof lengths / sizeof *lengths)];
    const char *letter = chance(2) == 0 ? "x" : "\xD0\xB6";
    for (unsigned i = 0; i < n; i++)
        buf_add_str(b, letter);
}

static struct xml_node *named(const char *kind, const char *name)
{
    for (struct xml_node *n = xml_first(types, NS_XS, kind); n != NULL; n = xml_next(n, NS_XS, kind))
        if (strcmp(xml_attr(for_all, n, NULL, "name"), name) == 0)
            return n;
    return NULL;
}

/* A value that is probably right, for a type of the schema. */
static const char *good_value(const char *type)
{
    static const char *const known[][2] = {{"xs:boolean", "true"},
                                           {"eq:Count", "1"},
                                           {"eq:MinutesOrEmpty", "10"},
                                           {"eq:DateOrEmpty", "2026-01-02"},
                                           {"eq:ZonedDateTime", "2026-01-02T10:00:00+03:00"},
                                           {"eq:StatusCode", "201"}};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i][0]) == 0)
            return known[i][1];
    struct xml_node *simple = named("simpleType", type + strlen("eq:"));
    for (struct xml_node *at = simple; at != NULL; at = xml_walk(simple, at))
        if (xml_is(at, NS_XS, "enumeration"))
            return xml_attr(for_all, at, NULL, "value");
    return "x";
}

/* ---- documents, from the complex types as they are written ---- */

static unsigned spoil; /* one of so many turns is wrong; 0: none is */

static bool spoils(void)
{
    return spoil > 0 && chance(spoil) == 0;
}

static void add_content(struct buf *b, struct xml_node *particle, unsigned depth);

static void add_between(struct buf *b)
{
    static const char *const between[] = {"text",
                                          " ",
                                          "\n",
                                          "<!-- c -->",
                                          "<![CDATA[ ]]>",
                                          "&#32;",
                                          "<unknown>1</unknown>",
                                          "<bookId xmlns=''>1</bookId>",
                                          "<esiaId xmlns='urn:other'/>",
                                          "<bookId/>",
                                          "<o:x xmlns:o='urn:other'><lastName/></o:x>",
                                          "<lastName>x</lastName>"};
    buf_add_str(b, between[chance(sizeof between / sizeof *between)]);
}

/* As the order prints it elsewhere. */
static const char *other_spelling(const char *name)
{
    static const char *const both[][2] = {{"union", "Union"},       {"subs", "Subs"},
                                          {"value", "Value"},       {"userType", "UserType"},
                                          {"userKind", "UserKind"}, {"mobilePhone", "MobilePhone"},
                                          {"slotId", "SlotId"},     {"version", "Version"}};
    for (unsigned i = 0; i < sizeof both / sizeof *both; i++)
        if (strcmp(name, both[i][0]) == 0)
            return both[i][1];
    return name;
}

static void add_element(struct buf *b, struct xml_node *element, unsigned depth)
{
    static const char *const attributes[] = {" a='1'",
                                             " xml:lang='ru'",
                                             " i:nil='true'",
                                             " i:nil='false'",
                                             " i:nil='x'",
                                             " i:x='1'",
                                             " xmlns:q='urn:q'",
                                             " xmlns:q='urn:q' q:a=''",
                                             " i:type='xs:string'",
                                             " i:type='x'",
                                             " s:encodingStyle=''",
                                             " s:mustUnderstand='1'",
                                             " i:noNamespaceSchemaLocation='none.xsd'",
                                             " i:schemaLocation='urn:none none.xsd'"};
    const char *name = xml_attr(for_all, element, NULL, "name"), *type = xml_attr(for_all, element, NULL, "type");
    struct xml_node *complex = named("complexType", type + strlen("eq:"));
    if (spoils())
        name = other_spelling(name);
    buf_printf(b, "<%s%s>", name, spoils() ? attributes[chance(sizeof attributes / sizeof *attributes)] : "");
    if (spoils() && chance(3) == 0)
        add_long(b);
    else if (spoils())
        buf_add_str(b, values[chance(sizeof values / sizeof *values)]);
    else if (complex == NULL)
        buf_add_str(b, good_value(type));
    else
        add_content(b, xml_first(complex, NULL, NULL), depth + 1);
    buf_printf(b, "</%s>", name);
}

static void add_particle(struct buf *b, struct xml_node *particle, unsigned depth)
{
    const char *min = xml_attr(for_all, particle, NULL, "minOccurs"),
               *max = xml_attr(for_all, particle, NULL, "maxOccurs");
    unsigned n = min != NULL && chance(depth > 2 ? 3 : 2) != 0 ? 0 : 1;
    n += max != NULL && n > 0 ? chance(3) : 0;
    if (spoils())
        n = chance(3);
    for (unsigned i = 0; i < n; i++) {
        if (spoils())
            add_between(b);
        if (xml_is(particle, NS_XS, "element"))
            add_element(b, particle, depth);
        else
            add_content(b, particle, depth);
    }
}

static void add_content(struct buf *b, struct xml_node *particle, unsigned depth)
{
    if (xml_is(particle, NS_XS, "group")) {
        const char *ref = xml_attr(for_all, particle, NULL, "ref");
        particle = xml_first(named("group", ref + strlen("eq:")), NULL, NULL);
    }
    unsigned n = xml_count(particle, NS_XS, NULL), one = n;
    if (depth > 8)
        return;
    if (xml_is(particle, NS_XS, "choice"))
        one = depth > 4 ? 0 : chance(n);
    unsigned i = 0, moved = spoils() && n > 0 ? chance(n) : n;
    struct xml_node *late = NULL;
    for (struct xml_node *at = xml_first(particle, NULL, NULL); at != NULL; at = xml_next(at, NULL, NULL), i++) {
        if (i == moved)
            late = at;
        else if (one == n || one == i)
            add_particle(b, at, depth);
        if (late != NULL && spoils()) {
            add_particle(b, late, depth);
            late = NULL;
        }
    }
    if (late != NULL)
        add_particle(b, late, depth);
    if (spoils())
        add_between(b);
}

static const char *request_new(struct arena *a, enum booking_method method)
{
    struct buf b;
    buf_init(&b, a, 1024);
    buf_printf(&b,
               "<%sRequest xmlns='" SOAP_NS "' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
               "xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>",
               booking_ops[method].name);
    add_content(&b, xml_first(named("complexType", shape_of_request(method)->type), NULL, NULL), 0);
    buf_printf(&b, "</%sRequest>", booking_ops[method].name);
    return b.p;
}

static void on_violation(void *arg, const char *element, const char *message)
{
    (void)message;
    field_errors_add(arg, element, 1, FIELD_BAD_VALUE);
}

static void print_fields(const char *who, const struct field_errors *f)
{
    print_error("  %s:", who);
    for (unsigned i = 0; i < f->n; i++)
        print_error(" %s", f->items[i].field);
    print_error("\n");
}

static const char *bound_of(struct arena *a, enum booking_method method, struct xml_doc *doc)
{
    struct error e = {0};
    struct buf octets;
    buf_init(&octets, a, 1024);
    assert_int_equal(xml_c14n(xml_root(doc), NULL, &octets, &e), ERR_OK);
    return bound_request(a, method, buf_span(&octets));
}

/* A strict reading took it: a lenient one, that may forgive all or nothing, reads the same and forgave nothing. */
static bool lenient_takes(struct arena *a, enum booking_method method, struct xml_doc *doc)
{
    const char *strict = bound_of(a, method, doc);
    assert_non_null(strict);
    for (unsigned forgives = 0; forgives < 2; forgives++) {
        struct config_reading reading = {.mode = READING_LENIENT};
        struct field_errors f = {.arena = a};
        struct normalized result;
        struct structure s;
        struct error e = {0};
        struct xml_doc *out;
        unsigned used = 0;
        for (unsigned i = 0; i < LENIENCY_COUNT; i++)
            reading.lenient[i] = forgives == 1;
        assert_int_equal(normalize(a, xml_root(doc), method, &reading, &out, &f, &result, &e), ERR_OK);
        structure_check(xml_root(out), method, &f, &s);
        for (unsigned i = 0; i < LENIENCY_COUNT; i++)
            used += result.used[i];
        const char *lenient = bound_of(a, method, out);
        if (f.n == 0 && used == 0 && lenient != NULL && strcmp(strict, lenient) == 0)
            continue;
        print_fields("lenient", &f);
        print_error("  used %u\n  %s\n  %s\n", used, strict, lenient);
        return false;
    }
    return true;
}

/* 1: both accept it, and so does a lenient reading; 0: both refuse it; -1: they differ. */
static int judge(struct arena *a, enum booking_method method, const char *text)
{
    struct error e = {0};
    struct xml_doc *doc;
    struct field_errors ours = {.arena = a}, theirs = {.arena = a};
    struct structure s;
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", e.detail, text);
    settle_request(a, xml_root(doc), method);
    structure_check(xml_root(doc), method, &ours, &s);
    assert_int_equal(s.is_wrong, ours.n > 0);
    bool is_valid = xml_validate(schema, doc, on_violation, &theirs, &e) == ERR_OK;
    if (is_valid != s.is_wrong && (!is_valid || lenient_takes(a, method, doc)))
        return is_valid;
    print_error("%s\n", text);
    print_fields("walk", &ours);
    print_fields("schema", &theirs);
    return -1;
}

static void they_accept_the_same_M10(void **state)
{
    (void)state;
    unsigned accepted = 0, refused = 0, differ = 0;
    for (unsigned round = 0; round < 40000 && differ < 10; round++) {
        seed = round;
        (void)chance(2);
        spoil = round % 8 * 10;
        struct arena *a = arena_new();
        enum booking_method method = (enum booking_method)(round / 8 % BOOKING_METHOD_COUNT);
        int verdict = judge(a, method, request_new(a, method));
        accepted += verdict == 1;
        refused += verdict == 0;
        differ += verdict < 0;
        if (spoil == 0 && verdict != 1)
            fail_msg("a request made by the schema is refused");
        arena_free(a);
    }
    print_message("%u accepted, %u refused\n", accepted, refused);
    assert_int_equal(differ, 0);
    assert_true(accepted > 5000 && refused > 5000);
}

/* Every value as every field, alone in an otherwise good request. */
static void every_value_of_every_type_M10(void **state)
{
    (void)state;
    unsigned differ = 0, accepted = 0;
    for (unsigned m = 0; m < BOOKING_METHOD_COUNT; m++) {
        const struct shape *shape = shape_of_request((enum booking_method)m);
        for (unsigned i = 0; i < shape->n; i++)
            for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
                struct arena *a = arena_new();
                struct buf b;
                buf_init(&b, a, 1024);
                buf_printf(&b, "<%sRequest xmlns='" SOAP_NS "'>", booking_ops[m].name);
                for (unsigned k = 0; k < shape->n; k++) {
                    const struct field *c = &shape->fields[k];
                    if (k == i || (c->is_required && c->type != NULL))
                        buf_printf(&b, "<%s>%s</%s>", c->name, k == i ? values[v] : good_value(c->type->name), c->name);
                }
                if (m == BOOKING_UPDATE_BOOKING_DETAILS && i + 1 < shape->n)
                    buf_add_str(&b, "<status><statusCode>201</statusCode></status>");
                buf_printf(&b, "</%sRequest>", booking_ops[m].name);
                int verdict = judge(a, (enum booking_method)m, b.p);
                differ += verdict < 0;
                accepted += verdict == 1;
                arena_free(a);
                if (differ > 10)
                    fail();
            }
    }
    assert_int_equal(differ, 0);
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_every_type_M10),
        cmocka_unit_test(they_accept_the_same_M10),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
