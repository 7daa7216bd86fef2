/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M9, M10, A4, A5, A10, A21, A30, A31: what a lenient reading makes of a request, and what it must refuse to guess.
 * Messages here are bare elements; the wrapper's own leniencies are tested over SOAP.
 */
#include "request/normalize.h"
#include "request/structure.h"

#include "clock.h"
#include "growth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define DECLARED                                                                                                       \
    " xmlns:w=\"" SOAP_NS "\" xmlns:t=\"" SOAP_NS_TYPES "\" xmlns:o=\"urn:other\""                                     \
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""

static const struct config_reading lenient = {.mode = READING_LENIENT,
                                              .lenient = {true, true, true, true, true, true, true, true, true, true}};
_Static_assert(LENIENCY_COUNT == 10, "");

static struct xml_schema *schema;
static struct arena *schema_arena;

static int setup_group(void **state)
{
    (void)state;
    xml_init();
    soap_binding_init();
    struct error e = {0};
    schema_arena = arena_new();
    return xml_schema_load(schema_arena, SOURCE_DIR "/schemas/equeue-bare.xsd", &schema, &e) == ERR_OK ? 0 : -1;
}

static int teardown_group(void **state)
{
    (void)state;
    arena_free(schema_arena);
    soap_binding_fini();
    xml_fini();
    return 0;
}

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

struct outcome {
    const char *text; /* the content of the strict form */
    const char *octets;
    const char *fields; /* "bookId slotId" as they were told, the schema's after the reading's own */
    const char *used;   /* "names order" */
    enum soap_namespace children;
    struct field_errors errors;
    struct normalized normalized;
};

static void on_violation(void *arg, const char *element, const char *message)
{
    (void)element;
    (void)message;
    *(bool *)arg = true;
}

static struct xml_doc *parse(struct arena *a, const char *text)
{
    struct xml_doc *doc;
    struct error e = {0};
    enum err err = xml_parse(a, span_of(text), &doc, &e);
    if (err != ERR_OK)
        fail_msg("%s: %s", e.detail, text);
    return doc;
}

/* As the program does it: the wrapper's children moved under a root of ours, put right, then validated. */
static struct outcome read_as(struct arena *a, enum booking_method method, const char *content,
                              const struct config_reading *reading)
{
    struct outcome o = {.errors = {.arena = a}};
    struct error e = {0};
    struct xml_doc *doc = parse(a, arena_printf(a, "<AppData" DECLARED ">%s</AppData>", content)), *bare, *strict;
    const char *name = arena_printf(a, "%sRequest", booking_ops[method].name);
    assert_int_equal(xml_regraft(a, xml_root(doc), SOAP_NS, name, &bare, &e), ERR_OK);
    struct buf out, canonical;
    assert_int_equal(normalize(a, xml_root(bare), method, reading, &strict, &o.errors, &o.normalized, &e), ERR_OK);
    buf_init(&out, a, 0);
    assert_int_equal(xml_c14n(xml_root(strict), NULL, &out, &e), ERR_OK);
    /* made without a parser, it is what a parser would make of its octets */
    buf_init(&canonical, a, 0);
    assert_int_equal(xml_c14n(xml_root(parse(a, out.p)), NULL, &canonical, &e), ERR_OK);
    assert_string_equal(out.p, canonical.p);
    struct structure s;
    bool is_refused = false;
    structure_check(xml_root(strict), method, &o.errors, &s);
    assert_int_equal(xml_validate(schema, strict, on_violation, &is_refused, &e) != ERR_OK, s.is_wrong);
    assert_int_equal(is_refused, s.is_wrong);

    size_t head = strlen(name) + strlen("<eq: xmlns:eq=\"" SOAP_NS "\">"), tail = strlen(name) + strlen("</eq:>");
    o.octets = out.p;
    o.text = arena_strndup(a, out.p + head, out.n - head - tail);
    struct buf fields, used;
    buf_init(&fields, a, 64);
    buf_init(&used, a, 64);
    buf_add_str(&fields, "");
    buf_add_str(&used, "");
    for (unsigned i = 0; i < o.errors.n; i++)
        buf_printf(&fields, "%s%s", i > 0 ? " " : "", o.errors.items[i].field);
    for (unsigned i = 0; i < LENIENCY_COUNT; i++)
        if (o.normalized.used[i] > 0)
            buf_printf(&used, "%s%s", used.n > 0 ? " " : "", leniency_names[i]);
    o.fields = fields.p == NULL ? "" : fields.p;
    o.used = used.p == NULL ? "" : used.p;
    o.children = o.normalized.children;
    return o;
}

#define E(name, text) "<w:" name ">" text "</w:" name ">"
#define ID            E("bookId", "1")
#define ESIA          E("esiaId", "2")
#define S(name, text) "<eq:" name ">" text "</eq:" name ">"
#define KEY           S("bookId", "1") S("esiaId", "2")

#define BOOK_A E("bookId", "1") E("slotId", "s") E("organizationId", "R")
#define BOOK_B E("userType", "SIMPLE") E("userKind", "PHYSIC") ESIA
#define BOOK_C E("preliminaryReservation", "false")
#define S_A    S("bookId", "1") S("slotId", "s") S("organizationId", "R")
#define S_B    S("userType", "SIMPLE") S("userKind", "PHYSIC") S("esiaId", "2")
#define S_C    S("preliminaryReservation", "false")

#define SLOTS_A      E("organizationId", "R") E("userType", "SIMPLE") E("userKind", "PHYSIC") ESIA
#define SLOTS_S      S("organizationId", "R") S("userType", "SIMPLE") S("userKind", "PHYSIC") S("esiaId", "2")
#define DOC_IN       E("docType", "PASSPORT") E("docNumber", "1")
#define DOC_S        S("userDoc", S("Document", S("docType", "PASSPORT") S("docNumber", "1")))
#define ATTR(n, v)   E("name", n) E("value", v)
#define ATTR_S(n, v) S("Attribute", S("name", n) S("value", v))
#define SIMPLE(c)    E("simple", E("attributeName", "A") E("condition", c) E("checkAllValues", "true") E("value", "v"))
#define SIMPLE_S(c)  S("simple", S("attributeName", "A") S("condition", c) S("checkAllValues", "true") S("value", "v"))

enum { STATUS = BOOKING_GET_BOOKING_STATUS, BOOK = BOOKING_BOOK, SLOTS = BOOKING_GET_SLOTS };

/* What is put right: the strict form, and by what. No field is wrong. */
static const struct {
    int method;
    const char *content, *strict, *used;
} good[] = {
    {STATUS, ID ESIA, KEY, ""},
    {STATUS, "<bookId>1</bookId><esiaId>2</esiaId>", KEY, "namespaces"},
    {STATUS, "<t:bookId>1</t:bookId><t:esiaId>2</t:esiaId>", KEY, "namespaces"},
    {STATUS, "<w:bookId>1</w:bookId><t:esiaId>2</t:esiaId>", KEY, "namespaces"},
    {STATUS, "<bookId xmlns=\"" SOAP_NS "\">1</bookId><esiaId xmlns=\"\">2</esiaId>", KEY, "namespaces"},
    {STATUS, ESIA ID, KEY, "order"},
    {STATUS, "<w:BookID>1</w:BookID><w:ESIAID>2</w:ESIAID>", KEY, "names"},
    {STATUS, ID "<w:esiald>2</w:esiald>", KEY, "names"}, /* A5 */
    {STATUS, ID ESIA "<w:junk>x</w:junk>", KEY, "unknown"},
    {STATUS, ID ESIA "<o:bookId>9</o:bookId>", KEY, "unknown"}, /* another namespace: not our field */
    {STATUS, ID ESIA "<w:junk><w:bookId>9</w:bookId><w:deep><w:esiaId>9</w:esiaId></w:deep></w:junk>", KEY, "unknown"},
    {STATUS, "<w:bookId extra=\"1\">1</w:bookId>" ESIA, KEY, "unknown"},
    {STATUS, "<w:bookId xsi:type=\"w:string\">1</w:bookId>" ESIA, KEY, ""},
    {STATUS, "<w:bookId xsi:nil=\"false\">1</w:bookId><w:ESIAID xsi:nil=\"0\">2</w:ESIAID>", KEY, "names"},
    {STATUS, "<w:bookId xsi:schemaLocation=\"urn:x x.xsd\">1</w:bookId>" ESIA, KEY, ""},
    {STATUS, "<w:bookId xsi:nil=\"maybe\">1</w:bookId>" ESIA, KEY, "unknown"},
    {STATUS, "<w:bookId xsi:x=\"1\">1</w:bookId>" ESIA, KEY, "unknown"},
    {STATUS, "<w:junk xsi:nil=\"true\"/>" ID ESIA, KEY, "unknown"},
    {STATUS, "<w:bookId>1<!-- 2 --></w:bookId>" ESIA "<!-- c -->", KEY, ""},
    {STATUS, "<w:bookId><![CDATA[1]]></w:bookId>" ESIA, KEY, ""},
    {STATUS, "\n  " ID "\n  " ESIA "\n", KEY, ""},
    {STATUS, "<x/><ESIAID>2</ESIAID><BookId>1</BookId>", KEY, "namespaces order names unknown"},
    {STATUS, E("bookId", " 1 &lt;&amp;&gt;&#13;") ESIA, S("bookId", " 1 &lt;&amp;&gt;&#xD;") S("esiaId", "2"), ""},
    /* A30 */
    {BOOK, BOOK_A BOOK_B E("email", "e") E("mobilePhone", "m") BOOK_C,
     S_A S_B S("email", "e") S("mobilePhone", "m") S_C, ""},
    {BOOK, BOOK_A BOOK_B E("mobilePhone", "m") E("email", "e") BOOK_C,
     S_A S_B S("email", "e") S("mobilePhone", "m") S_C, ""},
    {BOOK, BOOK_A BOOK_B E("mobilePhone", "m") E("lastName", "l") E("email", "e") BOOK_C,
     S_A S_B S("lastName", "l") S("email", "e") S("mobilePhone", "m") S_C, "order"},
    /* lists of text */
    {BOOK, BOOK_A BOOK_B E("serviceId", "a") E("serviceId", "b") BOOK_C,
     S_A S_B S("serviceId", "a") S("serviceId", "b") S_C, ""},
    {BOOK, BOOK_A BOOK_B E("serviceId", E("string", "a") E("string", "b")) BOOK_C,
     S_A S_B S("serviceId", "a") S("serviceId", "b") S_C, "arrays"},
    {BOOK, BOOK_A BOOK_B E("serviceId", "<string>a</string>") BOOK_C, S_A S_B S("serviceId", "a") S_C,
     "namespaces arrays"},
    {BOOK, BOOK_A BOOK_B E("areaId", E("areaId", "a") E("item", "b")) BOOK_C,
     S_A S_B S("areaId", "a") S("areaId", "b") S_C, "arrays"},
    {BOOK, BOOK_A BOOK_B E("serviceId", "a") E("areaId", "x") E("serviceId", "b") BOOK_C,
     S_A S_B S("serviceId", "a") S("serviceId", "b") S("areaId", "x") S_C, "order"},
    {BOOK, BOOK_A BOOK_B E("areaId", "") BOOK_C, S_A S_B S("areaId", "") S_C, ""},
    {BOOK, BOOK_A BOOK_B "<w:areaId xsi:nil=\"true\"/>" BOOK_C, S_A S_B S_C, "unknown"},
    {BOOK, ID E("slotId", E("string", "s")) E("organizationId", "R") BOOK_B BOOK_C, S_A S_B S_C, "arrays"},
    {BOOKING_GET_REF_ATTRIBUTES_LIST, E("refNames", E("string", "A") E("string", "B")),
     S("refNames", "A") S("refNames", "B"), "arrays"},
    /* structures */
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", DOC_IN)) BOOK_C, S_A S_B DOC_S S_C, ""},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("document", DOC_IN)) BOOK_C, S_A S_B DOC_S S_C, "names"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("UserDocument", DOC_IN)) BOOK_C, S_A S_B DOC_S S_C, "names"},
    {BOOK, BOOK_A BOOK_B E("userDoc", DOC_IN) BOOK_C, S_A S_B DOC_S S_C, "arrays"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("docNumber", "1") E("DOCTYPE", "PASSPORT")) BOOK_C, S_A S_B DOC_S S_C,
     "order names arrays"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", E("Attribute", ATTR("a", "1")) E("Attribute", ATTR("b", "2"))),
     S_A S_B S_C S("attributes", ATTR_S("a", "1") ATTR_S("b", "2")), ""},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", ATTR("a", "1")) E("attributes", ATTR("b", "2")),
     S_A S_B S_C S("attributes", ATTR_S("a", "1") ATTR_S("b", "2")), "arrays"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", E("Attribute", E("Value", "1") E("Name", "a"))),
     S_A S_B S_C S("attributes", ATTR_S("a", "1")), "order names"},
    /* what toolkits write for a structure they have not got */
    {BOOK, BOOK_A BOOK_B "<w:userDoc/>" BOOK_C, S_A S_B S_C, "unknown"},
    {BOOK, BOOK_A BOOK_B E("userDoc", " <!-- none --> ") BOOK_C, S_A S_B S_C, "unknown"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("surprise", "1")) BOOK_C, S_A S_B S_C, "unknown"},
    {BOOK, BOOK_A BOOK_B E("userDoc", "<w:Document xsi:nil=\"true\"/>") BOOK_C, S_A S_B S_C, "unknown"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", ""), S_A S_B S_C S("attributes", ""), ""},
    /* predicates */
    {SLOTS, SLOTS_A E("filter", SIMPLE("equals")), SLOTS_S S("filter", SIMPLE_S("equals")), ""},
    {SLOTS, SLOTS_A E("filter", SIMPLE("EQUALS")), SLOTS_S S("filter", SIMPLE_S("EQUALS")), ""}, /* A21 */
    {SLOTS, SLOTS_A E("filter", SIMPLE("GREATER_THAN_OR_EQUALS")),
     SLOTS_S S("filter", SIMPLE_S("GREATER_THAN_OR_EQUALS")), ""},
    {SLOTS, SLOTS_A E("filter", SIMPLE("Greater_Than_Or_Equals")), SLOTS_S S("filter", SIMPLE_S("greaterThanOrEquals")),
     "values"},
    {SLOTS, SLOTS_A E("filter", SIMPLE("startswith")), SLOTS_S S("filter", SIMPLE_S("startsWith")), "values"},
    {SLOTS,
     SLOTS_A E("filter", E("Union", E("Subs", SIMPLE("equals")) E("Subs", SIMPLE("contains")) E("unionKind", "and"))),
     SLOTS_S S("filter",
               S("union", S("unionKind", "AND") S("subs", SIMPLE_S("equals")) S("subs", SIMPLE_S("contains")))),
     "order names values"},
    {SLOTS,
     SLOTS_A E("filter", E("union", E("unionKind", "OR") E("subs", E("Predicate", SIMPLE("equals"))
                                                                       E("Predicate", SIMPLE("contains"))))),
     SLOTS_S S("filter",
               S("union", S("unionKind", "OR") S("subs", SIMPLE_S("equals")) S("subs", SIMPLE_S("contains")))),
     "arrays"},
    {SLOTS,
     SLOTS_A E("filter", E("union", E("unionKind", "OR")
                                        E("subs", E("union", E("unionKind", "AND") E("subs", SIMPLE("equals")))))),
     SLOTS_S S("filter", S("union", S("unionKind", "OR")
                                        S("subs", S("union", S("unionKind", "AND") S("subs", SIMPLE_S("equals")))))),
     ""},
    /* values */
    {BOOK, BOOK_A E("userType", "simple") E("userKind", " Physic ") ESIA E("preliminaryReservation", "FALSE"),
     S_A S_B S_C, "values"},
    {BOOK, BOOK_A BOOK_B E("preliminaryReservation", " 1 "), S_A S_B S("preliminaryReservation", " 1 "), ""},
    {SLOTS, E("organizationId", "R") E("userType", "ANONYMOUS") E("userKind", "PHYSIC") E("esiaId", ""),
     S("organizationId", "R") S("userType", "SIMPLE") S("userKind", "PHYSIC") S("esiaId", ""), "user_type"}, /* A10 */
    {SLOTS, E("organizationId", "R") E("userType", "basic") E("userKind", "PHYSIC") ESIA, SLOTS_S, "user_type"},
    {BOOKING_GET_REF_ITEMS_LIST,
     E("refName", "A") E("treeFiltering", "OneLevel") E("pageNum", "0") E("pageSize", "0")
         E("orderBy", E("string", "x")),
     S("refName", "A") S("treeFiltering", "ONELEVEL") S("orderBy", "x") S("pageNum", "0") S("pageSize", "0"),
     "order arrays values"},
    /* A31 */
    {BOOK, BOOK_A E("userType", "SIMPLE") ESIA BOOK_C, S_A S_B S_C, "user_kind"},
    {BOOK, BOOK_A E("userType", "SIMPLE") E("userKind", "") ESIA BOOK_C, S_A S_B S_C, "user_kind"},
    {BOOK, BOOK_A E("userType", "SIMPLE") "<w:userKind xsi:nil=\"1\"/>" ESIA BOOK_C, S_A S_B S_C, "unknown user_kind"},
    {BOOK, BOOK_A E("userType", "SIMPLE") ESIA E("businessINN", "") BOOK_C, S_A S_B S("businessINN", "") S_C,
     "user_kind"},
    {BOOK, BOOK_A E("userType", "SIMPLE") ESIA E("businessINN", "7700000009") BOOK_C,
     S_A S("userType", "SIMPLE") S("userKind", "BUSINESS") S("esiaId", "2") S("businessINN", "7700000009") S_C,
     "user_kind"},
    {SLOTS, E("organizationId", "R") E("userType", "SIMPLE") ESIA, SLOTS_S, "user_kind"},
    {SLOTS, E("organizationId", "R") E("userType", " SIMPLE ") E("userKind", "PHYSIC") ESIA, SLOTS_S, "values"},
    /* A4, A5: updateBookingDetails */
    {BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", " 201 "), KEY S("status", S("statusCode", "201")), "status"},
    {BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", E("statusCode", "201")),
     KEY S("status", S("statusCode", "201")), ""},
    {BOOKING_UPDATE_BOOKING_DETAILS,
     ID ESIA E("timeSlot", E("slotId", "s") E("organizationId", "R") E("areaId", "")
                               E("visitTime", "2026-12-02T09:45:00+03:00")) E("status", "302"),
     KEY S("timeslot", S("slotId", "s") S("organizationId", "R") S("areaId", "")
                           S("visitTime", "2026-12-02T09:45:00+03:00")) S("status", S("statusCode", "302")),
     "names status"},
    {BOOKING_GET_REFS_LIST, "", "", ""},
    {BOOKING_GET_REFS_LIST, "<anything/>", "", "unknown"},
};

static void M9_what_is_put_right(void **state)
{
    for (size_t i = 0; i < LENGTH(good); i++) {
        struct outcome o = read_as(*state, (enum booking_method)good[i].method, good[i].content, &lenient);
        if (strcmp(o.text, good[i].strict) != 0 || strcmp(o.used, good[i].used) != 0 || *o.fields != '\0')
            fail_msg("%s\n  gave %s\n  want %s\n  used '%s', want '%s'; wrong fields '%s'", good[i].content, o.text,
                     good[i].strict, o.used, good[i].used, o.fields);
    }
}

/* What stays wrong: the fields that are told, in the order of telling. */
static const struct {
    int method;
    const char *content, *fields;
} bad[] = {
    /* a field twice is never resolved, equal or not, however it is spelled and wherever it stands */
    {STATUS, ID E("bookId", "2") ESIA, "bookId"},
    {STATUS, ID ID ESIA, "bookId"},
    {STATUS, ID ESIA "<BOOKID>2</BOOKID>", "bookId"},
    {STATUS, ID ESIA "<t:bookId>1</t:bookId>", "bookId"},
    {STATUS, "<w:BookId>1</w:BookId>" ESIA "<w:BOOKID>1</w:BOOKID>", "bookId"},
    {STATUS, ID ESIA ESIA, "esiaId"},
    {STATUS, ID ESIA "<w:esiald>3</w:esiald>", "esiaId"},
    {STATUS, ID ESIA ID ESIA, "bookId esiaId"},
    {STATUS, ID E("bookId", "") ESIA, "bookId"},
    {STATUS, ID "<w:bookId xsi:nil=\"true\"/>" ESIA, "bookId"},
    {STATUS, "<w:bookId xsi:nil=\"true\"/><w:bookId xsi:nil=\"true\"/>" ESIA, "bookId"},
    {BOOK, BOOK_A E("organizationId", "Q") BOOK_B BOOK_C, "organizationId"},
    {BOOK, BOOK_A BOOK_B E("userKind", "BUSINESS") BOOK_C, "userKind"},
    {BOOK, BOOK_A E("userType", "SIMPLE") E("userKind", "") E("userKind", "BUSINESS") ESIA BOOK_C, "userKind"},
    {BOOK, BOOK_A E("userType", "SIMPLE") "<w:userKind xsi:nil=\"1\"/>" E("userKind", "") ESIA BOOK_C, "userKind"},
    {BOOK, BOOK_A BOOK_B E("email", "a") E("mobilePhone", "b") E("Email", "c") BOOK_C, "email"},
    {BOOK, BOOK_A BOOK_B BOOK_C BOOK_C, "preliminaryReservation"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", DOC_IN)) E("userDoc", E("Document", DOC_IN)) BOOK_C, "userDoc"},
    {BOOK, BOOK_A BOOK_B E("userDoc", DOC_IN) E("userDoc", DOC_IN) BOOK_C, "userDoc"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", DOC_IN) E("Document", DOC_IN)) BOOK_C, "Document"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", DOC_IN) DOC_IN) BOOK_C, "userDoc"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", DOC_IN E("docNumber", "2"))) BOOK_C, "docNumber"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", E("Attribute", ATTR("a", "1"))) E("attributes", ATTR("b", "2")),
     "attributes"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", "") E("attributes", ATTR("b", "2")), "attributes"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", E("Attribute", ATTR("a", "1") E("NAME", "b"))), "name"},
    {SLOTS, SLOTS_A E("filter", SIMPLE("equals")) E("filter", SIMPLE("equals")), "filter"},
    {SLOTS, SLOTS_A E("filter", SIMPLE("equals") SIMPLE("equals")), "simple filter"},
    {SLOTS, SLOTS_A E("filter", SIMPLE("equals") E("union", E("unionKind", "OR") E("subs", SIMPLE("equals")))),
     "union"},
    {SLOTS, SLOTS_A E("filter", ""), "filter"},
    /* two shapes at once */
    {BOOK, BOOK_A BOOK_B E("serviceId", "a") E("serviceId", E("string", "b")) BOOK_C, "serviceId"},
    {BOOK, BOOK_A BOOK_B E("serviceId", E("string", "a")) E("serviceId", E("string", "b")) BOOK_C, "serviceId"},
    {BOOK, BOOK_A BOOK_B E("serviceId", "x" E("string", "a")) BOOK_C, "serviceId"},
    {BOOK, BOOK_A BOOK_B E("serviceId", E("string", "a") E("int", "5")) BOOK_C, "serviceId"},
    {BOOK, BOOK_A BOOK_B E("serviceId", E("string", E("string", "a"))) BOOK_C, "serviceId"},
    {BOOK, BOOK_A BOOK_B E("serviceId", "<o:string>a</o:string>") BOOK_C, "serviceId"},
    {SLOTS,
     SLOTS_A E("filter", E("union", E("unionKind", "OR") E("subs", E("Predicate", SIMPLE("equals")))
                                        E("subs", SIMPLE("equals")))),
     "subs"},
    {SLOTS,
     SLOTS_A E("filter", E("union", E("unionKind", "OR") E("subs", E("Predicate", SIMPLE("equals")) SIMPLE("equals")))),
     "subs"},
    /* fields with something inside, or beside */
    {STATUS, E("bookId", E("x", "1")) ESIA, "bookId"},
    {STATUS, E("bookId", "1" E("x", "")) ESIA, "bookId"},
    {BOOK, ID E("slotId", "s") E("organizationId", E("string", "R")) BOOK_B BOOK_C, "organizationId"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", "<![CDATA[text]]>"), "attributes"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", "text" E("Attribute", ATTR("a", "1"))), "attributes"},
    {STATUS, "<w:bookId xsi:nil=\"true\">1</w:bookId>" ESIA, "bookId"},
    /* nothing is made up */
    {STATUS, "", "bookId esiaId"},
    {STATUS, ID, "esiaId"},
    {STATUS, ID "<o:esiaId>2</o:esiaId>", "esiaId"},
    {STATUS, ID "<w:junk>" ESIA "</w:junk>", "esiaId"}, /* a field outside its place is no field */
    {STATUS, ID "<w:esia_id>2</w:esia_id>", "esiaId"},
    {STATUS, ID E("esiaId", ""), "esiaId"},
    {STATUS, ID "<w:esiaId xsi:nil=\"true\"/>", "esiaId"},
    {STATUS, ID "<w:еsiaId>2</w:еsiaId>", "esiaId"}, /* its first letter is Cyrillic */
    {BOOK, ID E("organizationId", "R") BOOK_B BOOK_C, "slotId"},
    {BOOK, ID E("slotId", "") E("organizationId", "R") BOOK_B BOOK_C, "slotId"},
    {BOOK, BOOK_A E("userKind", "PHYSIC") ESIA BOOK_C, "userType"}, /* only userKind may be missing */
    {BOOK, BOOK_A E("userType", "ANONYMOUS") E("userKind", "PHYSIC") ESIA BOOK_C, "userType"}, /* A10: looking only */
    {BOOK, BOOK_A E("userType", "BASIC") E("userKind", "PHYSIC") ESIA BOOK_C, "userType"},
    {BOOK, BOOK_A E("userType", "SIMPLE") E("userKind", "ROBOT") ESIA BOOK_C, "userKind"},
    {BOOK, BOOK_A BOOK_B E("preliminaryReservation", "no"), "preliminaryReservation"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", E("docNumber", "1"))) BOOK_C, "docType"},
    {BOOK, BOOK_A BOOK_B E("userDoc", E("Document", "")) BOOK_C, "docType docNumber"},
    {BOOK, BOOK_A BOOK_B E("userDoc", "words") BOOK_C, "userDoc"},
    {BOOK, BOOK_A BOOK_B BOOK_C E("attributes", E("value", "1")), "name"},
    {SLOTS, SLOTS_A E("filter", SIMPLE("like")), "condition"},
    {SLOTS, SLOTS_A E("filter", SIMPLE("equal_s_")) E("areaId", "x") E("filter", ""), "filter"},
    {SLOTS, SLOTS_A E("filter", E("union", E("unionKind", "xor") E("subs", SIMPLE("equals")))), "unionKind"},
    {SLOTS, SLOTS_A E("filter", E("union", E("unionKind", "or"))), "subs"},
    {SLOTS, SLOTS_A E("filter", E("union", E("unionKind", "or") E("subs", ""))), "subs"},
    {BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", ""), "statusCode"},
    {BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", "20"), "statusCode"},
    {BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", "201") E("status", "302"), "status"},
    {BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", "201" E("statusCode", "302")), "status"},
};

static void M10_what_must_not_be_guessed(void **state)
{
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct outcome o = read_as(*state, (enum booking_method)bad[i].method, bad[i].content, &lenient);
        if (strcmp(o.fields, bad[i].fields) != 0)
            fail_msg("%s\n  gave %s\n  wrong fields '%s', want '%s'", bad[i].content, o.text, o.fields, bad[i].fields);
    }
}

static void M10_neither_of_two_is_taken(void **state)
{
    struct outcome o = read_as(*state, BOOKING_CANCEL_BOOKING, ID ESIA "<BOOKID>9</BOOKID>", &lenient);
    assert_string_equal(o.text, S("esiaId", "2"));
    assert_string_equal(o.errors.items[0].field, "bookId");
    assert_int_equal(o.errors.items[0].code, 1);
    assert_string_equal(o.errors.items[0].message, "Поле указано более одного раза");
}

/* What is left out since something is wrong with it is told as that, and not as missing. */
static void M10_what_is_wrong_is_not_missing(void **state)
{
    struct outcome o = read_as(*state, BOOKING_GET_BOOKING_STATUS, E("bookId", "1" E("x", "")), &lenient);
    assert_string_equal(o.text, "");
    assert_string_equal(o.fields, "bookId esiaId");
    assert_string_equal(o.errors.items[0].message, FIELD_ELEMENTS);
    assert_string_equal(o.errors.items[1].message, FIELD_REQUIRED);
}

/* A leniency that is switched off leaves the field wrong, by its name; what the others allow is put right all the same.
 */
static void M10_each_switch_by_itself(void **state)
{
    static const struct {
        enum leniency off;
        int method;
        const char *content, *fields;
    } cases[] = {
        {LENIENCY_namespaces, STATUS, "<bookId>1</bookId>" ESIA, "bookId"},
        {LENIENCY_namespaces, BOOK, BOOK_A BOOK_B E("serviceId", "<string>a</string>") BOOK_C, "serviceId"},
        {LENIENCY_order, STATUS, ESIA ID, "bookId"},
        {LENIENCY_names, STATUS, ID "<w:ESIAID>2</w:ESIAID>", "esiaId"},
        {LENIENCY_unknown, STATUS, ID ESIA "<w:junk/>", "junk"},
        {LENIENCY_unknown, STATUS, "<w:bookId a=\"1\">1</w:bookId>" ESIA, "bookId"},
        {LENIENCY_unknown, BOOK, BOOK_A BOOK_B "<w:areaId xsi:nil=\"true\"/>" BOOK_C, "areaId"},
        {LENIENCY_unknown, STATUS, "<w:bookId xsi:nil=\"maybe\">1</w:bookId>" ESIA, "bookId"},
        {LENIENCY_unknown, STATUS, "<w:bookId xsi:x=\"1\">1</w:bookId>" ESIA, "bookId"},
        {LENIENCY_arrays, BOOK, BOOK_A BOOK_B E("serviceId", E("string", "a")) BOOK_C, "serviceId"},
        {LENIENCY_arrays, BOOK, BOOK_A BOOK_B E("userDoc", DOC_IN) BOOK_C, "userDoc"},
        {LENIENCY_arrays, BOOK, BOOK_A BOOK_B BOOK_C E("attributes", ATTR("a", "1")), "attributes"},
        {LENIENCY_values, BOOK, BOOK_A E("userType", "simple") E("userKind", "PHYSIC") ESIA BOOK_C, "userType"},
        {LENIENCY_values, SLOTS, SLOTS_A E("filter", SIMPLE("Equals")), "condition"},
        {LENIENCY_user_kind, BOOK, BOOK_A E("userType", "SIMPLE") ESIA BOOK_C, "userKind"},
        {LENIENCY_user_kind, BOOK, BOOK_A E("userType", "SIMPLE") E("userKind", "") ESIA BOOK_C, "userKind"},
        {LENIENCY_user_type, SLOTS, E("organizationId", "R") E("userType", "BASIC") E("userKind", "PHYSIC") ESIA,
         "userType"},
        {LENIENCY_status, BOOKING_UPDATE_BOOKING_DETAILS, ID ESIA E("status", "201"), "status"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct config_reading one = lenient;
        struct outcome o = read_as(*state, (enum booking_method)cases[i].method, cases[i].content, &one);
        assert_string_equal(o.fields, "");
        one.lenient[cases[i].off] = false;
        o = read_as(*state, (enum booking_method)cases[i].method, cases[i].content, &one);
        if (strcmp(o.fields, cases[i].fields) != 0)
            fail_msg("without %s: %s\n  wrong fields '%s', want '%s'", leniency_names[cases[i].off], cases[i].content,
                     o.fields, cases[i].fields);
    }
}

static void A5_the_namespace_to_answer_in(void **state)
{
    static const struct {
        const char *content;
        enum soap_namespace children;
    } cases[] = {
        {ID ESIA, SOAP_CHILDREN_WS},
        {"<t:bookId>1</t:bookId><t:esiaId>2</t:esiaId>", SOAP_CHILDREN_TYPES},
        {"<bookId>1</bookId><esiaId>2</esiaId>", SOAP_CHILDREN_BARE},
        {"<bookId>1</bookId><t:esiaId>2</t:esiaId>", SOAP_CHILDREN_BARE}, /* mixed: as its first field */
        {"<junk/><t:bookId>1</t:bookId><esiaId>2</esiaId>", SOAP_CHILDREN_TYPES},
        {"<o:bookId>1</o:bookId>", SOAP_CHILDREN_WS},
        {"", SOAP_CHILDREN_WS},
    };
    struct config_reading off = lenient;
    off.lenient[LENIENCY_namespaces] = false;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(read_as(*state, BOOKING_GET_BOOKING_STATUS, cases[i].content, &lenient).children,
                         cases[i].children);
        assert_int_equal(read_as(*state, BOOKING_GET_BOOKING_STATUS, cases[i].content, &off).children,
                         SOAP_CHILDREN_WS);
    }
}

/* J3: what is logged of an unknown element is a name, never a person's data. */
static void J3_the_name_of_the_unknown(void **state)
{
    static const struct {
        const char *content, *name;
    } cases[] = {{"<w:declarantType>1</w:declarantType>", "declarantType"},
                 {"<w:x1/><w:good/>", "good"},
                 {"<w:Тестов/>", NULL},
                 {"<w:p4509987654/>", NULL},
                 {"<w:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>", NULL}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct outcome o = read_as(*state, BOOKING_GET_BOOKING_STATUS, cases[i].content, &lenient);
        if (cases[i].name == NULL)
            assert_null(o.normalized.first_unknown);
        else
            assert_string_equal(o.normalized.first_unknown, cases[i].name);
    }
}

static double unknown_ms(void *arg, unsigned n)
{
    const struct config_reading *reading = arg;
    struct arena *a = arena_new();
    struct buf b;
    struct normalized result;
    struct field_errors f = {.arena = a};
    struct error e = {0};
    struct xml_doc *bare, *strict;
    buf_init(&b, a, 1 << 20);
    buf_add_str(&b, "<AppData>");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, "<unknown%u/>", i);
    buf_add_str(&b, "<bookId>1</bookId><esiaId>2</esiaId></AppData>");
    assert_int_equal(xml_regraft(a, xml_root(parse(a, b.p)), SOAP_NS, "getBookingStatusRequest", &bare, &e), ERR_OK);
    double from_ms = growth_now_ms();
    assert_int_equal(normalize(a, xml_root(bare), BOOKING_GET_BOOKING_STATUS, reading, &strict, &f, &result, &e),
                     ERR_OK);
    double ms = growth_now_ms() - from_ms;
    assert_int_equal(result.used[LENIENCY_unknown], n);
    assert_int_equal(f.n, reading->lenient[LENIENCY_unknown] ? 0 : 100);
    arena_free(a);
    return ms;
}

static void M9_ten_thousand_unknown_elements(void **state)
{
    (void)state;
    struct config_reading readings[] = {lenient, lenient};
    readings[1].lenient[LENIENCY_unknown] = false;
    for (unsigned i = 0; i < 2; i++)
        assert_true(growth_is_linear(unknown_ms, &readings[i], 10000, "unknown elements"));
}

static void M10_an_answer_can_hold_every_name_told(void **state)
{
    struct arena *a = *state;
    char name[301];
    memset(name, 'x', 300);
    name[300] = '\0';
    struct config_reading off = lenient;
    off.lenient[LENIENCY_unknown] = false;
    struct outcome o = read_as(a, BOOKING_GET_BOOKING_STATUS, arena_printf(a, ID ESIA "<%s/>", name), &off);
    assert_string_equal(o.fields, "getBookingStatusRequest");
}

/* ---- the property: however a lenient caller writes it, the same request is bound ---- */

static uint64_t seed;

static unsigned any(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

struct tree {
    const char *name, *text; /* text NULL: children */
    struct tree *children[24];
    unsigned n;
    bool is_list;  /* of text; may be wrapped */
    bool is_shell; /* holds structures of one kind; may be taken away */
};

static struct tree *leaf(struct arena *a, const char *name, const char *text)
{
    struct tree *t = arena_alloc(a, sizeof *t);
    *t = (struct tree){.name = name, .text = text};
    return t;
}

static void add(struct tree *t, struct tree *child)
{
    t->children[t->n++] = child;
}

static void add_texts(struct arena *a, struct tree *t, const char *name, unsigned least)
{
    struct tree *list = leaf(a, name, NULL);
    list->is_list = true;
    for (unsigned n = least + any(3), i = 0; i < n; i++)
        add(list, leaf(a, name, arena_printf(a, "v%u&lt;Ж", any(1000))));
    if (list->n > 0)
        add(t, list);
}

static struct tree *random_predicate(struct arena *a, const char *name, unsigned depth)
{
    static const char *const conditions[] = {"equals", "notEquals", "GREATER_THAN", "wordStarts", "STARTS_WITH"};
    struct tree *p = leaf(a, name, NULL);
    if (depth == 0 || any(2) == 0) {
        struct tree *s = leaf(a, "simple", NULL);
        add(s, leaf(a, "attributeName", "A"));
        add(s, leaf(a, "condition", conditions[any(5)]));
        add(s, leaf(a, "checkAllValues", any(2) ? "true" : "0"));
        add(s, leaf(a, "value", "v"));
        add(p, s);
        return p;
    }
    struct tree *u = leaf(a, "union", NULL);
    add(u, leaf(a, "unionKind", any(2) ? "AND" : "OR"));
    for (unsigned n = 1 + any(3), i = 0; i < n; i++)
        add(u, random_predicate(a, "subs", depth - 1));
    add(p, u);
    return p;
}

static void add_attributes(struct arena *a, struct tree *t)
{
    struct tree *list = leaf(a, "attributes", NULL);
    list->is_shell = true;
    for (unsigned n = any(4), i = 0; i < n; i++) {
        struct tree *one = leaf(a, "Attribute", NULL);
        add(one, leaf(a, "name", arena_printf(a, "n%u", i)));
        add(one, leaf(a, "value", i == 0 ? "" : "v"));
        add(list, one);
    }
    add(t, list);
}

static void add_applicant(struct arena *a, struct tree *t)
{
    static const char *const names[] = {"lastName",    "firstName", "middleName", "email",
                                        "mobilePhone", "userSnils", "userLogin"};
    for (unsigned i = 0; i < LENGTH(names); i++)
        if (any(2))
            add(t, leaf(a, names[i], arena_printf(a, "x%u", any(100))));
    if (any(2)) {
        struct tree *doc = leaf(a, "userDoc", NULL), *one = leaf(a, "Document", NULL);
        doc->is_shell = true;
        add(one, leaf(a, "docType", "MIL TICKET"));
        if (any(2))
            add(one, leaf(a, "docSeries", "АА"));
        add(one, leaf(a, "docNumber", "7"));
        if (any(2))
            add(one, leaf(a, "issueDate", "2020-02-29"));
        add(doc, one);
        add(t, doc);
    }
    if (any(2))
        add(t, leaf(a, "businessINN", "7700000009"));
}

static struct tree *random_request(struct arena *a, enum booking_method method)
{
    struct tree *t = leaf(a, "", NULL);
    bool is_book = method == BOOKING_BOOK;
    if (is_book) {
        add(t, leaf(a, "bookId", "52f7e417-23dd-4f3c-999a-1cf196e81220"));
        add_texts(a, t, "slotId", 1);
        add(t, leaf(a, "organizationId", "R7700018"));
    } else {
        add_texts(a, t, "organizationId", 1);
    }
    add(t, leaf(a, "userType", any(2) ? "SIMPLE" : "QUALIFIED"));
    add(t, leaf(a, "userKind", any(2) ? "PERSBUSINESS" : "PHYSIC"));
    add(t, leaf(a, "esiaId", "1000000000"));
    add_applicant(a, t);
    add_texts(a, t, "serviceId", 0);
    add_texts(a, t, "areaId", 0);
    if (is_book)
        add(t, leaf(a, "preliminaryReservation", any(2) ? "true" : "false"));
    else if (any(2))
        add(t, random_predicate(a, "filter", 3));
    if (any(2))
        add_attributes(a, t);
    return t;
}

static void write_strict(const struct tree *t, struct buf *out)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct tree *c = t->children[i];
        if (c->is_list) {
            write_strict(c, out);
            continue;
        }
        buf_printf(out, "<w:%s>%s", c->name, c->text == NULL ? "" : c->text);
        write_strict(c, out);
        buf_printf(out, "</w:%s>", c->name);
    }
}

static const char *any_case(struct arena *a, const char *s)
{
    char *copy = arena_strdup(a, s);
    for (char *p = copy; *p != '\0' && any(2); p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
            *p = (char)(*p ^ (any(2) ? 0x20 : 0));
    return copy;
}

static void write_junk(struct buf *out)
{
    static const char *const junk[] = {
        "<w:reasonId>1</w:reasonId>",      "<o:bookId>9</o:bookId>", "<!-- c -->", "\n  ",
        "<junk><esiaId>3</esiaId></junk>", "<t:child a=\"1\"/>"};
    if (any(4) == 0)
        buf_add_str(out, junk[any(LENGTH(junk))]);
}

static void write_lenient(struct arena *a, const struct tree *t, struct buf *out);

static void write_loose(struct arena *a, const struct tree *c, const char *name, struct buf *out)
{
    static const char *const prefixes[] = {"w:", "t:", ""};
    const char *spelled = arena_printf(a, "%s%s", prefixes[any(3)], any_case(a, name));
    buf_printf(out, "<%s", spelled);
    buf_add_str(out, any(6) == 0 ? " lang=\"ru\">" : ">");
    if (c->text != NULL)
        buf_add_str(out, c->text);
    else
        write_lenient(a, c, out);
    buf_printf(out, "</%s>", spelled);
}

static void write_lenient(struct arena *a, const struct tree *t, struct buf *out)
{
    /* Any order of the kinds; within a kind the order is the message's. */
    unsigned order[24];
    for (unsigned i = 0; i < t->n; i++)
        order[i] = i;
    for (unsigned i = t->n; i > 1; i--) {
        unsigned k = any(i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
    bool is_written[24] = {0};
    for (unsigned i = 0; i < t->n; i++) {
        /* The first one of this kind not yet written. */
        const char *kind = t->children[order[i]]->name;
        unsigned k = 0;
        while (is_written[k] || strcmp(t->children[k]->name, kind) != 0)
            k++;
        is_written[k] = true;
        const struct tree *c = t->children[k];
        write_junk(out);
        if (c->is_list && any(2)) {
            struct tree wrapped = *c;
            const char *inner = any(2) ? "string" : c->name;
            struct buf b;
            buf_init(&b, a, 256);
            for (unsigned j = 0; j < c->n; j++)
                write_loose(a, c->children[j], inner, &b);
            wrapped.text = b.p;
            write_loose(a, &wrapped, c->name, out);
        } else if (c->is_list) {
            for (unsigned j = 0; j < c->n; j++)
                write_loose(a, c->children[j], c->name, out);
        } else if (c->is_shell && any(2) && c->n > 0) {
            for (unsigned j = 0; j < c->n; j++)
                write_loose(a, c->children[j], c->name, out);
        } else {
            write_loose(a, c, c->name, out);
        }
    }
    write_junk(out);
}

static void dump_text(struct buf *b, const char *s)
{
    buf_add_str(b, s == NULL ? "~" : s);
    buf_add_char(b, '\n');
}

static void dump_strings(struct buf *b, const struct strings *s)
{
    buf_printf(b, "%u:", s->n);
    for (unsigned i = 0; i < s->n; i++)
        dump_text(b, s->items[i]);
}

/* Every member of the request that getSlots or book has; the filter is compared by the octets it is bound from. */
static const char *dump(struct arena *a, enum booking_method method, const char *octets)
{
    struct booking_request r;
    struct error e = {0};
    assert_int_equal(soap_bind_request(a, method, span_of(octets), &r, &e), ERR_OK);
    struct buf b;
    buf_init(&b, a, 1024);
    const struct applicant *p = &r.applicant;
    const char *texts[] = {r.book_id,        r.esia_id,     r.user_type,    r.user_kind,     r.preliminary_period_min,
                           p->last_name,     p->first_name, p->middle_name, p->email,        p->mobile_phone,
                           p->user_snils,    p->user_login, p->user_inn,    p->business_inn, p->business_ogrn,
                           p->business_name, p->case_number};
    for (unsigned i = 0; i < LENGTH(texts); i++)
        dump_text(&b, texts[i]);
    if (p->user_doc != NULL) {
        const struct user_document *d = p->user_doc;
        const char *doc[] = {d->doc_type,   d->doc_series, d->doc_number, d->issue_date,
                             d->valid_date, d->issued_by,  d->issue_dept};
        for (unsigned i = 0; i < LENGTH(doc); i++)
            dump_text(&b, doc[i]);
    }
    dump_strings(&b, &r.slot_ids);
    dump_strings(&b, &r.organization_ids);
    dump_strings(&b, &r.service_ids);
    dump_strings(&b, &r.area_ids);
    buf_printf(&b, "%d %u", r.preliminary, r.attributes.n);
    for (unsigned i = 0; i < r.attributes.n; i++) {
        dump_text(&b, r.attributes.items[i].name);
        dump_text(&b, r.attributes.items[i].value);
    }
    return b.p;
}

static void M9_however_it_is_written_the_same_is_bound(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct arena *a = arena_new();
        seed = 0x9E3779B97F4A7C15u * (round + 1);
        enum booking_method method = any(2) ? BOOKING_BOOK : BOOKING_GET_SLOTS;
        const struct tree *t = random_request(a, method);
        struct buf strict, loose;
        buf_init(&strict, a, 1024);
        buf_init(&loose, a, 1024);
        write_strict(t, &strict);
        write_lenient(a, t, &loose);
        struct outcome s = read_as(a, method, strict.p, &lenient), l = read_as(a, method, loose.p, &lenient);
        if (*s.fields != '\0' || *s.used != '\0')
            fail_msg("round %u: strict form: '%s' '%s'\n%s", round, s.fields, s.used, strict.p);
        if (*l.fields != '\0' || strcmp(s.octets, l.octets) != 0)
            fail_msg("round %u: wrong fields '%s'\n%s\n%s\n%s", round, l.fields, loose.p, l.octets, s.octets);
        /* what strict reading binds, it binds */
        const char *name = booking_ops[method].name;
        struct buf canonical;
        struct error e = {0};
        buf_init(&canonical, a, 1024);
        struct xml_doc *doc =
            parse(a, arena_printf(a, "<w:%sRequest xmlns:w=\"" SOAP_NS "\">%s</w:%sRequest>", name, strict.p, name));
        assert_int_equal(xml_c14n(xml_root(doc), NULL, &canonical, &e), ERR_OK);
        assert_string_equal(dump(a, method, canonical.p), dump(a, method, l.octets));
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(M9_what_is_put_right, setup, teardown),
        cmocka_unit_test_setup_teardown(M10_what_must_not_be_guessed, setup, teardown),
        cmocka_unit_test_setup_teardown(M10_neither_of_two_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(M10_what_is_wrong_is_not_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(M10_each_switch_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(A5_the_namespace_to_answer_in, setup, teardown),
        cmocka_unit_test_setup_teardown(J3_the_name_of_the_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(M9_ten_thousand_unknown_elements, setup, teardown),
        cmocka_unit_test_setup_teardown(M10_an_answer_can_hold_every_name_told, setup, teardown),
        cmocka_unit_test(M9_however_it_is_written_the_same_is_bound),
    };
    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
