/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * M9, M10: the names that order 329 prints in two ways (Appendix 2, items 4 to 6, 12 to 16), what toolkits say of
 * fields by attributes (XML Schema part 1, 2.6; SOAP 1.1, 4.1.1), and what a strict reading calls a wrong field.
 */
#include "bound.h"
#include "request/settle.h"
#include "request/structure.h"
#include "request/wrong.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DECLARED                                                                                                       \
    " xmlns='" SOAP_NS "' xmlns:i='" NS_XSI "' xmlns:xs='http://www.w3.org/2001/XMLSchema'"                            \
    " xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:t='" SOAP_NS_TYPES "'"
#define E(name, content) "<" name ">" content "</" name ">"
#define ORG              E("organizationId", "o")
#define WHO              E("userType", "SIMPLE") E("userKind", "PHYSIC") E("esiaId", "1")
#define SLOTS            ORG WHO
#define BOOK             E("bookId", "1") E("slotId", "s") ORG WHO
#define PRE              E("preliminaryReservation", "false")
#define IDS              E("bookId", "1") E("esiaId", "1")
#define ITEMS            E("refName", "r") E("treeFiltering", "SUBTREE") E("pageNum", "0") E("pageSize", "0")
#define VISIT            E("visitTime", "2026-01-02T10:00:00+03:00")
#define DOC              E("docType", "PASSPORT") E("docNumber", "1")
#define NAME             E("attributeName", "A") E("condition", "equals") E("checkAllValues", "false")

static int begin(void **state)
{
    soap_binding_init();
    return xml_fixture_begin(state, SOURCE_DIR "/schemas/equeue-bare.xsd");
}

static int end(void **state)
{
    soap_binding_fini();
    return xml_fixture_end(state);
}

static void on_violation(void *arg, const char *element, const char *message)
{
    (void)arg;
    fail_msg("the schema refuses %s: %s", element, message);
}

/* As the program reads a strict caller's: settled, walked, and validated when the walk lets it pass. */
static const char *read_strict(struct xml_fixture *f, enum booking_method method, const char *content,
                               struct field_errors *errors)
{
    struct error e = {.code = ERR_OK};
    struct structure s;
    struct xml_doc *doc, *bare;
    struct buf octets;
    const char *name = arena_printf(f->a, "%sRequest", booking_ops[method].name);
    const char *text = arena_printf(f->a, "<%s" DECLARED ">%s</%s>", name, content, name);
    if (xml_parse(f->a, span_of(text), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", e.detail, text);
    assert_int_equal(xml_regraft(f->a, xml_root(doc), SOAP_NS, name, &bare, &e), ERR_OK);
    *errors = (struct field_errors){.arena = f->a};
    settle_request(f->a, xml_root(bare), method);
    structure_check(xml_root(bare), method, errors, &s);
    if (!s.is_wrong)
        assert_int_equal(xml_validate(f->schema, bare, on_violation, NULL, &e), ERR_OK);
    buf_init(&octets, f->a, 1024);
    assert_int_equal(xml_c14n(xml_root(bare), NULL, &octets, &e), ERR_OK);
    return bound_request(f->a, method, buf_span(&octets));
}

/* ---- the order's own words ---- */

static const struct {
    enum booking_method method;
    const char *ours, *theirs;
} spellings[] = {
    /* items 4 to 6 */
    {BOOKING_GET_SLOTS,
     SLOTS E("filter", E("union", E("unionKind", "OR") E("subs", E("simple", NAME E("value", "1")))
                                      E("subs", E("union", E("unionKind", "AND") E("subs", E("simple", NAME)))))),
     SLOTS E("filter", E("Union", E("unionKind", "OR") E("Subs", E("simple", NAME E("Value", "1")))
                                      E("Subs", E("Union", E("unionKind", "AND") E("Subs", E("simple", NAME))))))},
    {BOOKING_GET_REF_ITEMS_LIST,
     E("refName", "r") E("treeFiltering", "SUBTREE") E("filter", E("simple", NAME E("value", "x"))) E("pageNum", "0")
         E("pageSize", "0"),
     E("refName", "r") E("treeFiltering", "SUBTREE") E("filter", E("simple", NAME E("Value", "x"))) E("pageNum", "0")
         E("pageSize", "0")},
    /* items 12 to 15 */
    {BOOKING_BOOK, BOOK E("mobilePhone", "79990000000") PRE,
     E("bookId", "1") E("SlotId", "s") ORG E("UserType", "SIMPLE") E("UserKind", "PHYSIC") E("esiaId", "1")
         E("MobilePhone", "79990000000") PRE},
    {BOOKING_BOOK, E("bookId", "1") E("slotId", "s") E("slotId", "t") ORG WHO PRE,
     E("bookId", "1") E("slotId", "s") E("SlotId", "t") ORG WHO PRE}, /* a list is a list */
    {BOOKING_GET_SLOTS, SLOTS E("mobilePhone", "79990000000"),
     ORG E("UserType", "SIMPLE") E("UserKind", "PHYSIC") E("esiaId", "1") E("MobilePhone", "79990000000")},
    /* items 18 and 19: userDoc | UserDocument, and no list of them; a field is where it is, whoever names it first */
    {BOOKING_BOOK, BOOK E("userDoc", E("Document", DOC)) PRE, BOOK E("userDoc", DOC) PRE},
    {BOOKING_GET_SLOTS, SLOTS E("userDoc", E("Document", DOC)), SLOTS E("userDoc", " <!-- item 7 --> " DOC)},
    {BOOKING_BOOK, BOOK E("userDoc", E("Document", DOC)) PRE,
     BOOK "<userDoc i:type='xs:UserDocument'><docType i:type='xs:string'>PASSPORT</docType>" E(
         "docNumber", "1") "<issueDate i:nil='1'/></userDoc>" PRE},
    /* items 16 and 24 */
    {BOOKING_GET_REF_ITEMS_LIST, ITEMS E("version", "7"), ITEMS E("Version", "7")},
    /* item 13, in the structure of item 18 */
    {BOOKING_UPDATE_BOOKING_DETAILS,
     IDS E("timeslot", E("slotId", "s") ORG E("areaId", "a") VISIT) E("status", E("statusCode", "201")),
     IDS E("timeslot", E("SlotId", "s") ORG E("areaId", "a") VISIT) E("status", E("statusCode", "201"))},
};

static void M9_what_the_order_spells_in_two_ways_is_one(void **state)
{
    struct field_errors errors;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        const char *ours = read_strict(*state, spellings[i].method, spellings[i].ours, &errors);
        assert_int_equal(errors.n, 0);
        const char *theirs = read_strict(*state, spellings[i].method, spellings[i].theirs, &errors);
        if (errors.n > 0)
            fail_msg("%s: %s %s", spellings[i].theirs, errors.items[0].field, errors.items[0].message);
        assert_string_equal(ours, theirs);
    }
}

/* ---- what is wrong is called by its name ---- */

struct wrong {
    const char *field, *message;
};
static const struct {
    enum booking_method method;
    const char *content;
    struct wrong wrong[4]; /* in any order; field NULL: no more */
} cases[] = {
    /* in the wrong place, and there: neither missing nor a bad value */
    {BOOKING_GET_BOOKING_STATUS, E("esiaId", "1") E("bookId", "1"), {{"bookId", FIELD_MISPLACED}}},
    {BOOKING_BOOK, E("slotId", "s") ORG WHO PRE E("bookId", "1"), {{"bookId", FIELD_MISPLACED}}},
    {BOOKING_BOOK, E("bookId", "1") ORG E("slotId", "s") WHO PRE, {{"slotId", FIELD_MISPLACED}}},
    {BOOKING_BOOK,
     E("esiaId", "1") E("bookId", "1") E("slotId", "s") ORG E("userType", "SIMPLE") E("userKind", "PHYSIC") PRE,
     {{"esiaId", FIELD_MISPLACED}}},
    {BOOKING_BOOK, BOOK PRE E("lastName", "x"), {{"lastName", FIELD_MISPLACED}}},
    {BOOKING_BOOK, BOOK E("docType", "PASSPORT") PRE, {{"docType", FIELD_MISPLACED}}}, /* of userDoc */
    {BOOKING_BOOK,
     BOOK E("userDoc", E("Document", E("docNumber", "1") E("docType", "PASSPORT"))) PRE,
     {{"docType", FIELD_MISPLACED}}},
    /* a document in the order's form and in the deployed one at once is neither */
    {BOOKING_BOOK,
     BOOK E("userDoc", E("Document", DOC) DOC) PRE,
     {{"docType", FIELD_MISPLACED}, {"docNumber", FIELD_MISPLACED}}},
    {BOOKING_BOOK, BOOK E("userDoc", E("docSeries", "9") E("Document", DOC)) PRE, {{"docSeries", FIELD_MISPLACED}}},
    {BOOKING_BOOK,
     BOOK E("userDoc", DOC E("UserDocument", DOC)) PRE,
     {{"docType", FIELD_MISPLACED},
      {"docNumber", FIELD_MISPLACED},
      {"UserDocument", FIELD_UNKNOWN},
      {"Document", FIELD_REQUIRED}}},
    {BOOKING_BOOK, BOOK E("userDoc", DOC) E("userDoc", E("Document", DOC)) PRE, {{"userDoc", FIELD_TWICE}}},
    /* and what is wrong in it is told as in Document */
    {BOOKING_BOOK, BOOK E("userDoc", E("docNumber", "1") E("docType", "PASSPORT")) PRE, {{"docType", FIELD_MISPLACED}}},
    {BOOKING_BOOK, BOOK E("userDoc", E("docNumber", "1")) PRE, {{"docType", FIELD_REQUIRED}}},
    {BOOKING_BOOK, BOOK E("userDoc", DOC E("docNumber", "2")) PRE, {{"docNumber", FIELD_TWICE}}},
    {BOOKING_BOOK, BOOK E("userDoc", DOC E("expires", "2")) PRE, {{"expires", FIELD_UNKNOWN}}},
    {BOOKING_BOOK, BOOK E("userDoc", "" DOC "words") PRE, {{"userDoc", FIELD_WORDS}}},
    {BOOKING_BOOK,
     BOOK E("userDoc", E("expires", "2")) PRE,
     {{"expires", FIELD_UNKNOWN}, {"Document", FIELD_REQUIRED}}},
    {BOOKING_BOOK,
     BOOK E("userDoc", "<t:docType>PASSPORT</t:docType>" E("docNumber", "1")) PRE,
     {{"docType", FIELD_NAMESPACE}}},
    {BOOKING_GET_SLOTS,
     SLOTS E("attributes", E("Attribute", E("value", "v") E("name", "n"))),
     {{"name", FIELD_MISPLACED}}},
    /* and it hides none of the others */
    {BOOKING_BOOK,
     E("slotId", "s") ORG E("userType", "NOBODY") E("userKind", "PHYSIC") PRE E("bookId", "1"),
     {{"bookId", FIELD_MISPLACED}, {"userType", FIELD_BAD_VALUE}, {"esiaId", FIELD_REQUIRED}}},
    /* missing and bad stay what they are */
    {BOOKING_GET_BOOKING_STATUS, E("bookId", "1"), {{"esiaId", FIELD_REQUIRED}}},
    {BOOKING_GET_BOOKING_STATUS, E("bookId", "1") E("esiaId", ""), {{"esiaId", FIELD_BAD_VALUE}}},
    {BOOKING_GET_BOOKING_STATUS, "", {{"bookId", FIELD_REQUIRED}, {"esiaId", FIELD_REQUIRED}}},
    /* twice, in whatever spelling */
    {BOOKING_GET_BOOKING_STATUS, E("bookId", "1") E("bookId", "2") E("esiaId", "1"), {{"bookId", FIELD_TWICE}}},
    {BOOKING_GET_BOOKING_STATUS, E("bookId", "1") E("esiaId", "1") E("esiaId", "2"), {{"esiaId", FIELD_TWICE}}},
    {BOOKING_GET_SLOTS, SLOTS E("filter", E("simple", NAME E("value", "1") E("Value", "1"))), {{"value", FIELD_TWICE}}},
    {BOOKING_BOOK, E("bookId", "1") E("slotId", "s") ORG E("userType", "SIMPLE") WHO PRE, {{"userType", FIELD_TWICE}}},
    {BOOKING_GET_SLOTS,
     SLOTS E("filter", E("simple", NAME) E("Union", E("unionKind", "OR") E("Subs", E("simple", NAME)))),
     {{"union", FIELD_BAD_VALUE}}},
    /* what the order spells so in an answer, or for another method */
    {BOOKING_UPDATE_BOOKING_DETAILS,
     IDS E("timeSlot", "1") E("status", E("statusCode", "201")),
     {{"timeSlot", FIELD_UNKNOWN}}},
    /* nobody's */
    {BOOKING_GET_BOOKING_STATUS, IDS E("reason", "x"), {{"reason", FIELD_UNKNOWN}}},
    {BOOKING_GET_BOOKING_STATUS, IDS E("BookId", "1"), {{"BookId", FIELD_UNKNOWN}}},
    {BOOKING_GET_BOOKING_STATUS, E("bookId", "1") "<t:esiaId>1</t:esiaId>", {{"esiaId", FIELD_NAMESPACE}}},
    {BOOKING_GET_SLOTS, SLOTS E("filter", "words" E("simple", NAME)), {{"filter", FIELD_WORDS}}},
    {BOOKING_GET_BOOKING_STATUS,
     E("bookId", "1" E("x", "")) E("esiaId", E("string", "1")),
     {{"bookId", FIELD_ELEMENTS}, {"esiaId", FIELD_ELEMENTS}}},
    /* attributes: by name, and all of them */
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId kind='x'>1</bookId>" E("esiaId", "1"),
     {{"bookId", "Атрибут kind не предусмотрен"}}},
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId i:x='1'>1</bookId><esiaId xml:space='preserve'>1</esiaId>",
     {{"bookId", "Атрибут xsi:x не предусмотрен"}, {"esiaId", "Атрибут space не предусмотрен"}}},
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId s:mustUnderstand='1'>1</bookId>" E("esiaId", "1"),
     {{"bookId", "Атрибут mustUnderstand не предусмотрен"}}},
    /* a text stays with a booking and is read by people: nothing but plain names comes into it */
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId a\u200db='1'>1</bookId><esiaId \u0442\u0435\u043b8800='1'>1</esiaId>",
     {{"bookId", "Атрибут поля не предусмотрен"}, {"esiaId", "Атрибут поля не предусмотрен"}}},
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId a\u0301='1'>1</bookId><esiaId i:abcdefghijklmnopqrstuvwxyzabcdefghijklmno='1'>1</esiaId>",
     {{"bookId", "Атрибут поля не предусмотрен"}, {"esiaId", "Атрибут поля не предусмотрен"}}},
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId i:nil='true'>1</bookId>" E("esiaId", "1"),
     {{"bookId", "Атрибут xsi:nil здесь не допускается"}}},
    {BOOKING_GET_BOOKING_STATUS,
     "<bookId i:nil='maybe'>1</bookId>" E("esiaId", ""),
     {{"bookId", "Атрибут xsi:nil здесь не допускается"}, {"esiaId", FIELD_BAD_VALUE}}},
    /* a type that is named hides nothing behind it */
    {BOOKING_BOOK,
     "<bookId i:type='xs:int'>1</bookId>" E("slotId", "s") ORG
     "<userType i:type='xs:string'>NOBODY</userType>" E("userKind", "ROBOT") E("esiaId", "1") PRE,
     {{"userType", FIELD_BAD_VALUE}, {"userKind", FIELD_BAD_VALUE}}},
    /* nil is what is not there: of a required field that is what is told */
    {BOOKING_GET_BOOKING_STATUS, "<bookId i:nil='true'/>" E("esiaId", "1"), {{"bookId", FIELD_REQUIRED}}},
    {BOOKING_GET_BOOKING_STATUS, E("bookId", "1") "<bookId i:nil='true'/>" E("esiaId", "1"), {{"bookId", FIELD_TWICE}}},
};

static const char *message_of(const struct field_errors *f, const char *field)
{
    for (unsigned i = 0; i < f->n; i++)
        if (strcmp(f->items[i].field, field) == 0)
            return f->items[i].message;
    return "(not told)";
}

static void M10_what_is_wrong_is_called_by_its_name(void **state)
{
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct field_errors errors;
        unsigned n = 0;
        (void)read_strict(*state, cases[i].method, cases[i].content, &errors);
        for (; n < 4 && cases[i].wrong[n].field != NULL; n++) {
            const struct wrong *w = &cases[i].wrong[n];
            if (strcmp(message_of(&errors, w->field), w->message) == 0)
                continue;
            print_error("%s\n  %s: %s, wanted %s\n", cases[i].content, w->field, message_of(&errors, w->field),
                        w->message);
            failed++;
        }
        if (errors.n != n)
            print_error("%s\n  %u told, wanted %u\n", cases[i].content, errors.n, n);
        failed += errors.n != n;
    }
    assert_int_equal(failed, 0);
}

/* ---- what toolkits say of a field ---- */

static const struct {
    enum booking_method method;
    const char *plain, *said;
} said[] = {
    {BOOKING_GET_BOOKING_STATUS, IDS, "<bookId i:type='xs:string'>1</bookId><esiaId i:type='xs:long'>1</esiaId>"},
    {BOOKING_GET_BOOKING_STATUS, IDS,
     "<bookId i:type='t:Number' s:encodingStyle='http://schemas.xmlsoap.org/soap/encoding/'>1"
     "</bookId><esiaId i:nil='false'>1</esiaId>"},
    {BOOKING_GET_BOOKING_STATUS, IDS, "<bookId i:nil=' 0 '>1</bookId><esiaId i:type=''>1</esiaId>"},
    {BOOKING_BOOK, BOOK PRE,
     BOOK "<middleName i:nil='true'/><userDoc i:nil='1'></userDoc><serviceId i:nil='true'/>" PRE
          "<preliminaryReservationPeriod i:nil='true'/><attributes i:nil='true'> </attributes>"},
    {BOOKING_GET_SLOTS, SLOTS E("filter", E("simple", NAME)),
     SLOTS E("filter", E("simple", NAME "<Value i:nil='true'/>") "<Union i:nil='true'/>")},
    {BOOKING_GET_SLOTS, SLOTS, SLOTS "<serviceId i:nil='true'/><areaId i:nil='true'/><filter i:nil='true'/>"},
    {BOOKING_GET_SLOTS, SLOTS E("filter", E("simple", NAME)),
     SLOTS "<filter i:type='t:Predicate'><simple i:type='x'>" NAME "</simple></filter>"},
};

static void M9_what_toolkits_say_of_a_field_changes_nothing(void **state)
{
    struct field_errors errors;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const char *plain = read_strict(*state, said[i].method, said[i].plain, &errors);
        assert_int_equal(errors.n, 0);
        const char *more = read_strict(*state, said[i].method, said[i].said, &errors);
        if (errors.n > 0)
            fail_msg("%s: %s %s", said[i].said, errors.items[0].field, errors.items[0].message);
        assert_string_equal(plain, more);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M9_what_the_order_spells_in_two_ways_is_one),
        cmocka_unit_test(M10_what_is_wrong_is_called_by_its_name),
        cmocka_unit_test(M9_what_toolkits_say_of_a_field_changes_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
