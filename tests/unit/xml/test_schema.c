/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Violations name the element they are about, and never its value (J3); of wrong children the first. All that is wrong
 * is told by whoever knows the fields (tests/unit/request/test_structure_fields.c). Schemas are in vectors/schema.
 */
#include "growth.h"
#include "xml.h"
#include "xml_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS TESTS_DIR "/unit/xml/vectors/schema/"
#define SECRET  "TESTOV"

static int begin(void **state)
{
    return xml_fixture_begin(state, VECTORS "booking.xsd");
}

/* ---- loading ---- */

static void schemas_that_must_not_compile(void **state)
{
    struct xml_fixture *f = *state;
    static const char *const names[] = {
        "bad-include-above.xsd",
        "bad-include-below.xsd",
        "bad-include-network.xsd",
        "bad-include-encoded.xsd",
        "bad-include-absolute.xsd",
        "bad-include-missing.xsd",
        "bad-import-below.xsd",
        "bad-type-unknown.xsd",
        "bad-xml.xsd",
        "bad-include-beside.xsd",
        "bad-import-missing.xsd",
        "no-such-file.xsd",
        "",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct xml_schema *s = NULL;
        struct error e = {.code = ERR_OK};
        char path[512];
        snprintf(path, sizeof path, VECTORS "%s", names[i]);
        if (xml_schema_load(f->a, path, &s, &e) != ERR_CONFIG || s != NULL)
            fail_msg("%s compiles", names[i]);
        assert_non_null(strstr(e.detail, *names[i] == '\0' ? "schema" : names[i]));
    }
}

/* ---- the fields that violations name ---- */

struct told {
    char fields[1024];
    unsigned n;
    bool leaks;
};

static void note(void *arg, const char *element, const char *message)
{
    struct told *t = arg;
    size_t used = strlen(t->fields);
    snprintf(t->fields + used, sizeof t->fields - used, "%s%s", used == 0 ? "" : " ", element);
    t->leaks = t->leaks || strstr(message, SECRET) != NULL || *message == '\0' || strchr(message, '\n') != NULL;
    t->n++;
}

static enum err validate(struct xml_fixture *f, const char *text, struct told *t)
{
    struct arena *a = arena_new();
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    *t = (struct told){.n = 0};
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", text, e.detail);
    enum err rc = xml_validate(f->schema, doc, note, t, &e);
    assert_int_equal(rc == ERR_OK, t->n == 0);
    assert_null(strstr(e.detail, SECRET));
    arena_free(a);
    return rc;
}

#define OPEN        "<bookRequest xmlns='urn:test:booking' xmlns:f='urn:test:frame'>"
#define CLOSE       "</bookRequest>"
#define ID          "<bookId>1</bookId>"
#define SLOT        "<slotId>s</slotId>"
#define ORG         "<organizationId>o</organizationId>"
#define TYPE        "<userType>SIMPLE</userType>"
#define ESIA        "<esiaId>1</esiaId>"
#define NAME        "<lastName>x</lastName>"
#define PRE         "<preliminaryReservation>true</preliminaryReservation>"
#define HEAD        OPEN ID SLOT ORG TYPE ESIA
#define DOC(inside) HEAD "<userDoc><Document>" inside "</Document></userDoc>" PRE CLOSE

static const struct {
    const char *document, *fields; /* fields: what is named; "" when valid */
} samples[] = {
    /* right */
    {HEAD PRE CLOSE, ""},
    {OPEN ID SLOT SLOT SLOT ORG TYPE ESIA NAME PRE CLOSE, ""},
    {HEAD NAME "<email>e</email><mobilePhone>1</mobilePhone><serviceId>1</serviceId>" PRE "<discount>100</discount>"
               "<filter><simple><name>n</name><value/></simple></filter><attributes/>"
               "<f:note kind='1'><f:by>x</f:by><f:on>2026-01-01</f:on></f:note>" CLOSE,
     ""},
    {DOC("<docType>P</docType><docNumber>1</docNumber>"), ""},
    {"<b:getRefsListRequest xmlns:b='urn:test:booking'/>", ""},
    /* one required element missing: the one that stands in its place, or what it is missing from */
    {OPEN SLOT ORG TYPE ESIA PRE CLOSE, "slotId"},
    {OPEN ID ORG TYPE ESIA PRE CLOSE, "organizationId"},
    {OPEN ID SLOT TYPE ESIA PRE CLOSE, "userType"},
    {OPEN ID SLOT SLOT TYPE ESIA PRE CLOSE, "userType"},
    {OPEN ID SLOT ORG ESIA PRE CLOSE, "esiaId"},
    {OPEN ID SLOT ORG TYPE PRE CLOSE, "preliminaryReservation"},
    {OPEN ID SLOT ORG TYPE NAME PRE CLOSE, "lastName"},
    {OPEN ID SLOT ORG TYPE "<email>e</email>" PRE CLOSE, "email"},
    {HEAD CLOSE, "bookRequest"},
    {HEAD NAME CLOSE, "bookRequest"},
    {HEAD "<email>e</email>" CLOSE, "bookRequest"},
    {HEAD "<email>e</email><mobilePhone>1</mobilePhone>" CLOSE, "bookRequest"},
    {HEAD "<serviceId>1</serviceId>" CLOSE, "bookRequest"},
    {HEAD "<discount>1</discount>" CLOSE, "discount"},
    {HEAD NAME "<attributes/>" CLOSE, "attributes"},
    /* several missing */
    {OPEN CLOSE, "bookRequest"},
    {OPEN ID CLOSE, "bookRequest"},
    {OPEN ID SLOT CLOSE, "bookRequest"},
    {OPEN ID SLOT ESIA PRE CLOSE, "esiaId"},
    {OPEN SLOT TYPE ESIA CLOSE, "slotId"},
    {OPEN PRE CLOSE, "preliminaryReservation"},
    /* not expected */
    {HEAD "<unknown>" SECRET "</unknown>" PRE CLOSE, "unknown"},
    {HEAD PRE "<unknown/>" CLOSE, "unknown"},
    {HEAD NAME NAME PRE CLOSE, "lastName"},
    {HEAD "<email>1</email><email>2</email><email>3</email>" PRE CLOSE, "email"},
    {HEAD PRE PRE CLOSE, "preliminaryReservation"},
    {OPEN "<x:bookId xmlns:x='urn:other'>1</x:bookId>" SLOT ORG TYPE ESIA PRE CLOSE, "bookId"},
    {HEAD "<unknown/>" CLOSE, "unknown"},
    /* in the wrong order: the first that does not fit */
    {OPEN ID SLOT ORG ESIA TYPE PRE CLOSE, "esiaId"},
    {HEAD "<firstName>x</firstName>" NAME PRE CLOSE, "lastName"},
    /* one level down */
    {DOC(""), "Document"},
    {DOC("<docType>P</docType>"), "Document"},
    {DOC("<docNumber>1</docNumber>"), "docNumber"},
    {DOC("<docType>P</docType><docSeries>1</docSeries>"), "Document"},
    {DOC("<docType>P</docType><issueDate>2026-01-01</issueDate>"), "issueDate"},
    {HEAD "<userDoc/>" PRE CLOSE, "userDoc"},
    {HEAD PRE "<attributes><Attribute><name>n</name></Attribute></attributes>" CLOSE, "Attribute"},
    {HEAD PRE "<attributes><Attribute/><Attribute/></attributes>" CLOSE, "Attribute"},
    {HEAD PRE "<attributes><attribute/></attributes>" CLOSE, "attribute"},
    {HEAD PRE "<f:note><f:by>x</f:by></f:note>" CLOSE, "note"},
    {HEAD PRE "<f:note><f:on>2026-01-01</f:on></f:note>" CLOSE, "on"},
    /* a choice has no name: the element that holds it */
    {HEAD PRE "<filter/>" CLOSE, "filter"},
    {HEAD PRE "<filter><simple><name>n</name><value/></simple><union/></filter>" CLOSE, "union"},
    /* values */
    {OPEN "<bookId>" SECRET "</bookId>" SLOT ORG TYPE ESIA PRE CLOSE, "bookId"},
    {OPEN "<bookId/>" SLOT ORG TYPE ESIA PRE CLOSE, "bookId"},
    {OPEN ID "<slotId/>" ORG TYPE ESIA PRE CLOSE, "slotId"},
    {OPEN ID SLOT "<slotId/><slotId>" SECRET SECRET SECRET SECRET "</slotId>" ORG TYPE ESIA PRE CLOSE, "slotId"},
    {OPEN ID SLOT ORG "<userType>" SECRET "</userType>" ESIA PRE CLOSE, "userType"},
    {OPEN ID SLOT ORG "<userType> SIMPLE</userType>" ESIA PRE CLOSE, "userType"},
    {HEAD "<lastName>" SECRET SECRET SECRET SECRET SECRET SECRET "</lastName>" PRE CLOSE, "lastName"},
    {HEAD "<preliminaryReservation>" SECRET "</preliminaryReservation>" CLOSE, "preliminaryReservation"},
    {HEAD PRE "<discount>101</discount>" CLOSE, "discount"},
    {HEAD PRE "<discount>-1</discount>" CLOSE, "discount"},
    {HEAD PRE "<discount>" SECRET "</discount>" CLOSE, "discount"},
    {DOC("<docType>P</docType><docNumber>1</docNumber><issueDate>" SECRET "</issueDate>"), "issueDate"},
    {DOC("<docType>P</docType><docNumber>1</docNumber><issueDate>2026-02-30</issueDate>"), "issueDate"},
    {OPEN "<bookId>x</bookId>" SLOT ORG "<userType>x</userType>" ESIA PRE "<discount>x</discount>" CLOSE,
     "bookId userType discount"},
    /* a bad value before a missing element */
    {OPEN "<bookId>x</bookId>" SLOT ORG TYPE PRE CLOSE, "bookId preliminaryReservation"},
    /* text, elements and attributes where none belong */
    {HEAD SECRET PRE CLOSE, "bookRequest"},
    {OPEN "<bookId>1<x>" SECRET "</x></bookId>" SLOT ORG TYPE ESIA PRE CLOSE, "bookId"},
    {OPEN "<bookId a='" SECRET "'>1</bookId>" SLOT ORG TYPE ESIA PRE CLOSE, "bookId"},
    {HEAD PRE "<f:note kind='" SECRET "'><f:by>x</f:by><f:on>2026-01-01</f:on></f:note>" CLOSE, "note"},
    {HEAD PRE "<f:note sort='" SECRET "'><f:by>x</f:by><f:on>2026-01-01</f:on></f:note>" CLOSE, "note"},
    {"<getRefsListRequest xmlns='urn:test:booking'>" SECRET "</getRefsListRequest>", "getRefsListRequest"},
    {"<getRefsListRequest xmlns='urn:test:booking'><x/></getRefsListRequest>", "x"},
    /* not this service */
    {"<unknownRequest xmlns='urn:test:booking'/>", "unknownRequest"},
    {"<bookRequest/>", "bookRequest"},
    {"<bookRequest xmlns='urn:other'/>", "bookRequest"},
    /* nil and xsi:type are no way around */
    {OPEN "<bookId xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>" SLOT ORG TYPE ESIA PRE CLOSE,
     "bookId"},
    {HEAD "<userDoc xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='x:y'/>" PRE CLOSE, "userDoc"},
};

static void violations_name_the_element(void **state)
{
    struct xml_fixture *f = *state;
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct told t;
        enum err rc = validate(f, samples[i].document, &t);
        enum err want = *samples[i].fields == '\0' ? ERR_OK : ERR_INPUT;
        if (rc == want && strcmp(t.fields, samples[i].fields) == 0 && !t.leaks)
            continue;
        print_error("%zu: %s\n  wanted \"%s\", got \"%s\"%s\n", i, samples[i].document, samples[i].fields, t.fields,
                    t.leaks ? ", with a value" : "");
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void a_field_is_told_of_once(void **state)
{
    struct xml_fixture *f = *state;
    struct buf b;
    struct told t;
    buf_init(&b, f->a, 0);
    buf_add_str(&b, OPEN ID SLOT);
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&b, "<slotId/>");
    buf_add_str(&b, ORG "<userType/>" ESIA PRE CLOSE);
    assert_int_equal(validate(f, b.p, &t), ERR_INPUT);
    assert_string_equal(t.fields, "slotId userType");
}

struct hostile {
    struct xml_fixture *f;
    const char *head, *unit, *tail;
};

static double hostile_ms(void *arg, unsigned n)
{
    const struct hostile *h = arg;
    struct arena *a = arena_new();
    struct buf b;
    struct told t;
    buf_init(&b, a, 0);
    buf_add_str(&b, h->head);
    for (unsigned i = 0; i < n; i++)
        buf_add_str(&b, h->unit);
    buf_add_str(&b, h->tail);
    double from_ms = growth_now_ms();
    assert_int_equal(validate(h->f, b.p, &t), ERR_INPUT);
    double ms = growth_now_ms() - from_ms;
    arena_free(a);
    return ms;
}

/* What hostile lists of elements cost grows as they do. */
static void validating_is_affordable(void **state)
{
    struct hostile slots = {*state, OPEN ID, SLOT, "<unknown/>" CLOSE};
    struct hostile unknown = {*state, OPEN, "<unknown/>", CLOSE};
    struct hostile attributes = {*state, HEAD PRE "<attributes>", "<Attribute/>", "</attributes>" CLOSE};
    assert_true(growth_is_linear(hostile_ms, &slots, 20000, "slots"));
    assert_true(growth_is_linear(hostile_ms, &unknown, 45000, "unknown elements"));
    assert_true(growth_is_linear(hostile_ms, &attributes, 20000, "attributes"));
}

static char wrong;

static void *validate_many(void *arg)
{
    struct xml_fixture *f = arg;
    for (unsigned round = 0; round < 300; round++) {
        size_t i = round % (sizeof samples / sizeof samples[0]);
        struct told t;
        (void)validate(f, samples[i].document, &t);
        if (strcmp(t.fields, samples[i].fields) != 0)
            return &wrong;
    }
    return NULL;
}

static void threads_share_a_schema(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, validate_many, *state), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_that_must_not_compile), cmocka_unit_test(violations_name_the_element),
        cmocka_unit_test(a_field_is_told_of_once),       cmocka_unit_test(validating_is_affordable),
        cmocka_unit_test(threads_share_a_schema),
    };
    return cmocka_run_group_tests(tests, begin, xml_fixture_end);
}
