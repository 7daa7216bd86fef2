/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * All wrong fields of a request in one answer (M10): requests of every method, after the tables of order 329,
 * Appendix 2. What is expected comes from those tables: each field is required or not, may be repeated or not, and has
 * values that are none. Values never appear in messages (J3). The schema refuses the same requests.
 */
#include "request/structure.h"
#include "xml_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECRET   "TESTOV"
#define NS       " xmlns='http://epgu.rtlabs.ru/equeue/ws/'"
#define NAMES    100
#define NAME_MAX 64

static int begin(void **state)
{
    return xml_fixture_begin(state, SOURCE_DIR "/schemas/equeue-bare.xsd");
}

/* ---- sets of names, "a b c" ---- */

struct names {
    char items[NAMES][NAME_MAX];
    unsigned n;
    bool repeats;
};

static bool names_have(const struct names *s, const char *name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->items[i], name) == 0)
            return true;
    return false;
}

static void names_add(struct names *s, const char *name, size_t length)
{
    char copy[NAME_MAX];
    assert_true(length < sizeof copy && s->n < NAMES);
    snprintf(copy, sizeof copy, "%.*s", (int)length, name);
    if (!names_have(s, copy))
        memcpy(s->items[s->n++], copy, sizeof copy);
}

static void names_add_all(struct names *s, const char *words)
{
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        names_add(s, at, length);
        at += length;
    }
}

static bool names_equal(const struct names *a, const struct names *b)
{
    for (unsigned i = 0; i < a->n; i++)
        if (!names_have(b, a->items[i]))
            return false;
    return a->n == b->n;
}

static void names_print(const char *title, const struct names *s)
{
    print_error("  %s:", title);
    for (unsigned i = 0; i < s->n; i++)
        print_error(" %s", s->items[i]);
    print_error("\n");
}

static void note(void *arg, const char *element, const char *message)
{
    bool *leaks = arg;
    *leaks = *leaks || *element == '\0' || strstr(message, SECRET) != NULL || strchr(message, '\n') != NULL;
}

static enum booking_method method_of(const char *element)
{
    unsigned m = 0;
    while (strncmp(booking_ops[m].name, element, strlen(booking_ops[m].name)) != 0 ||
           strcmp(element + strlen(booking_ops[m].name), "Request") != 0)
        assert_true(++m < BOOKING_METHOD_COUNT);
    return (enum booking_method)m;
}

/* True when exactly these fields are told of, each once, and the document is the same before and after. */
static bool fields_are(struct xml_fixture *f, const char *text, const struct names *wanted)
{
    struct arena *a = arena_new();
    struct xml_doc *doc = NULL;
    struct error e = {.code = ERR_OK};
    struct names told = {.n = 0};
    struct field_errors found = {.arena = a};
    struct structure s;
    struct buf before, after;
    bool leaks = false;
    buf_init(&before, a, 0);
    buf_init(&after, a, 0);
    if (xml_parse(a, span_of(text), &doc, &e) != ERR_OK)
        fail_msg("%s: %s", text, e.detail);
    assert_int_equal(xml_c14n(xml_root(doc), NULL, &before, &e), ERR_OK);
    structure_check(xml_root(doc), method_of(xml_local(xml_root(doc))), &found, &s);
    assert_int_equal(s.is_wrong, wanted->n > 0);
    assert_int_equal(xml_validate(f->schema, doc, note, &leaks, &e), wanted->n == 0 ? ERR_OK : ERR_INPUT);
    assert_int_equal(xml_c14n(xml_root(doc), NULL, &after, &e), ERR_OK);
    for (unsigned i = 0; i < found.n; i++) {
        const struct field_error *one = &found.items[i];
        leaks = leaks || strstr(one->message, SECRET) != NULL || one->code != 1;
        told.repeats = told.repeats || names_have(&told, one->field);
        names_add(&told, one->field, strlen(one->field));
    }
    bool is_good =
        names_equal(&told, wanted) && !leaks && !told.repeats && span_equals(buf_span(&before), buf_span(&after));
    arena_free(a);
    if (is_good)
        return true;
    print_error("%s\n", text);
    names_print("wanted", wanted);
    names_print("got", &told);
    return false;
}

/* ---- by hand ---- */

#define E(name, content) "<" name ">" content "</" name ">"
#define REQUEST(name)    "<" name "Request" NS ">"
#define BOOK(fields)     REQUEST("book") fields "</bookRequest>"
#define SLOTS(fields)    REQUEST("getSlots") fields "</getSlotsRequest>"
#define STATUS(fields)   REQUEST("getBookingStatus") fields "</getBookingStatusRequest>"
#define CANCEL(fields)   REQUEST("cancelBooking") fields "</cancelBookingRequest>"
#define REFS(fields)     REQUEST("getRefsList") fields "</getRefsListRequest>"
#define REFATTR(fields)  REQUEST("getRefAttributesList") fields "</getRefAttributesListRequest>"
#define ITEMS(fields)    REQUEST("getRefItemsList") fields "</getRefItemsListRequest>"
#define UPDATE(fields)   REQUEST("updateBookingDetails") fields "</updateBookingDetailsRequest>"

#define ID             E("bookId", "1")
#define SLOT           E("slotId", "s")
#define ORG            E("organizationId", "o")
#define TYPE           E("userType", "SIMPLE")
#define TYPE_BAD       E("userType", SECRET)
#define KIND           E("userKind", "PHYSIC")
#define KIND_BAD       E("userKind", SECRET)
#define ESIA           E("esiaId", "1")
#define PRE            E("preliminaryReservation", "false")
#define PRE_BAD        E("preliminaryReservation", "maybe")
#define DOC(inside)    E("userDoc", E("Document", inside))
#define DOC_BAD        DOC(E("docType", "PASSPORT") E("docNumber", "1") E("issueDate", SECRET))
#define ATTR(inside)   E("attributes", E("Attribute", inside))
#define REST           ORG TYPE KIND ESIA
#define UNION(inside)  E("filter", E("union", inside))
#define SIMPLE(inside) E("simple", inside)
#define ZONED          "2026-01-02T10:00:00+03:00"

static const struct {
    const char *document, *fields; /* "": valid */
} samples[] = {
    /* bad values behind a missing field */
    {BOOK(SLOT ORG TYPE_BAD KIND ESIA DOC_BAD PRE_BAD), "bookId userType issueDate preliminaryReservation"},
    {BOOK(SLOT ORG TYPE_BAD KIND_BAD ESIA PRE_BAD), "bookId userType userKind preliminaryReservation"},
    {BOOK(ID ORG TYPE_BAD KIND ESIA PRE E("preliminaryReservationPeriod", SECRET)),
     "slotId userType preliminaryReservationPeriod"},
    {BOOK(ID SLOT TYPE_BAD KIND_BAD E("esiaId", "") PRE_BAD),
     "organizationId userType userKind esiaId preliminaryReservation"},
    {BOOK(E("bookId", "") E("slotId", "") TYPE_BAD ESIA PRE_BAD),
     "bookId slotId organizationId userType userKind preliminaryReservation"},
    {BOOK(PRE_BAD), "bookId slotId organizationId userType userKind esiaId preliminaryReservation"},
    {BOOK(""), "bookId slotId organizationId userType userKind esiaId preliminaryReservation"},
    {BOOK(DOC_BAD), "bookId slotId organizationId userType userKind esiaId issueDate preliminaryReservation"},
    {BOOK(SLOT E("slotId", "") REST PRE), "bookId slotId"},
    /* missing in a structure, while others are missing around it */
    {BOOK(ID SLOT ORG TYPE KIND DOC(E("docType", "PASSPORT")) PRE), "esiaId docNumber"},
    {BOOK(ID SLOT ORG TYPE KIND DOC("") PRE_BAD), "esiaId docType docNumber preliminaryReservation"},
    {BOOK(SLOT REST "<userDoc/>" PRE), "bookId Document"},
    {BOOK(SLOT REST DOC(E("docType", "") E("issueDate", SECRET) E("validDate", SECRET)) PRE_BAD),
     "bookId docType docNumber issueDate validDate preliminaryReservation"},
    {BOOK(SLOT REST DOC(E("docNumber", "1") E("validDate", SECRET)) ATTR(E("value", ""))),
     "bookId docType validDate preliminaryReservation name"},
    {BOOK(ID SLOT REST E("attributes", "<Attribute/><Attribute/>")), "preliminaryReservation name value"},
    {BOOK(ID REST PRE E("attributes", E("Attribute", E("name", "") E("value", "")) "<Attribute/>")),
     "slotId name value"},
    /* unknown elements among them */
    {BOOK("<unknown>" SECRET "</unknown>" SLOT ORG TYPE_BAD KIND ESIA PRE_BAD),
     "unknown bookId userType preliminaryReservation"},
    {BOOK(ID "<one/>" SLOT "<two/>" ORG "<three/>" TYPE_BAD "<four/>" KIND_BAD "<five/>" ESIA "<six/>" PRE_BAD
             "<seven/>"),
     "one two three four five six seven userType userKind preliminaryReservation"},
    {BOOK(ID "<unknown><userType/><deep><deeper/></deep></unknown>" SLOT REST PRE_BAD),
     "unknown preliminaryReservation"},
    {BOOK(ID SLOT REST E("userDoc", "<unknown/>" E("Document", "<other/>" E("docNumber", ""))) PRE_BAD),
     "unknown other docType docNumber preliminaryReservation"},
    {BOOK("<bookId xmlns='urn:other'>1</bookId>" SLOT ORG TYPE_BAD KIND ESIA PRE), "bookId userType"},
    {BOOK("<bookId xmlns=''>1</bookId>" ID SLOT ORG TYPE_BAD KIND ESIA PRE), "bookId userType"},
    {"<r:bookRequest xmlns:r='http://epgu.rtlabs.ru/equeue/ws/'>" ID SLOT "</r:bookRequest>",
     "bookId slotId organizationId userType userKind esiaId preliminaryReservation"},
    /* given twice */
    {BOOK(ID ID SLOT ORG TYPE_BAD KIND ESIA PRE_BAD), "bookId userType preliminaryReservation"},
    {BOOK(ID SLOT ORG ORG ORG TYPE KIND_BAD ESIA PRE_BAD), "organizationId userKind preliminaryReservation"},
    {BOOK(ID SLOT REST E("lastName", "x") E("lastName", SECRET) DOC_BAD PRE_BAD),
     "lastName issueDate preliminaryReservation"},
    {BOOK(ID SLOT REST DOC(E("docType", "PASSPORT") E("docNumber", "1")) DOC_BAD PRE), "userDoc issueDate"},
    {BOOK(ID SLOT REST DOC_BAD DOC(E("validDate", SECRET)) PRE_BAD),
     "userDoc issueDate validDate docType docNumber preliminaryReservation"},
    {BOOK(ID SLOT REST PRE PRE_BAD ATTR(E("name", ""))), "preliminaryReservation name value"},
    /* in the wrong order */
    {BOOK(ID SLOT ORG KIND TYPE_BAD ESIA PRE_BAD), "userType preliminaryReservation"},
    {BOOK(SLOT ORG TYPE_BAD KIND ESIA PRE ID), "bookId userType"},
    {BOOK(ESIA ID SLOT ORG TYPE_BAD KIND PRE_BAD), "esiaId userType preliminaryReservation"},
    {BOOK(ESIA SLOT ORG TYPE_BAD KIND PRE_BAD), "esiaId bookId userType preliminaryReservation"},
    {BOOK(PRE_BAD ID SLOT ORG TYPE_BAD KIND ESIA), "preliminaryReservation userType"},
    {BOOK(ID SLOT REST PRE DOC_BAD), "userDoc issueDate"},
    {BOOK(ID SLOT REST PRE E("userDoc", E("Document", E("docType", "PASSPORT") E("docType", "")))),
     "userDoc docType docNumber"},
    {BOOK(DOC(E("docNumber", "1") E("docType", "")) ID SLOT REST PRE_BAD), "userDoc docType preliminaryReservation"},
    {BOOK(ID SLOT REST E("firstName", "x") E("lastName", "x") PRE_BAD), "lastName preliminaryReservation"},
    /* with other violations of the same elements */
    {BOOK("text" SLOT ORG TYPE_BAD KIND ESIA PRE), "bookRequest bookId userType"},
    {BOOK(SLOT ORG "<userType kind='" SECRET "'>SIMPLE</userType>" KIND ESIA PRE_BAD),
     "bookId userType preliminaryReservation"},
    {BOOK(SLOT E("organizationId", "<x>" SECRET "</x>") TYPE_BAD KIND ESIA PRE), "bookId organizationId userType"},
    {BOOK(SLOT "<!-- --> <![CDATA[ ]]>" ORG TYPE_BAD KIND ESIA PRE), "bookRequest bookId userType"},
    /* getSlots */
    {SLOTS(TYPE_BAD KIND_BAD), "organizationId userType userKind esiaId"},
    {SLOTS(""), "organizationId userType userKind esiaId"},
    {SLOTS(ORG TYPE_BAD ESIA UNION(E("unionKind", SECRET) E("subs", SIMPLE(E("condition", SECRET))))),
     "userType userKind unionKind condition checkAllValues"},
    {SLOTS(ORG KIND ESIA UNION(E("subs", "") E("subs", SIMPLE("")))), "userType unionKind subs checkAllValues"},
    {SLOTS(TYPE KIND ESIA UNION(E("unionKind", "AND"))), "organizationId subs"},
    {SLOTS(TYPE KIND ESIA "<filter/>" ATTR("")), "organizationId filter name value"},
    {SLOTS(ORG TYPE KIND_BAD ESIA UNION(E("unionKind", "OR") E("subs", UNION(""))
                                            E("subs", SIMPLE(E("checkAllValues", SECRET))))),
     "userKind filter subs checkAllValues"},
    {SLOTS(ORG TYPE ESIA E("filter", SIMPLE(E("checkAllValues", "true")) E("union", E("unionKind", SECRET)))),
     "userKind union unionKind subs"},
    {SLOTS(ORG TYPE ESIA E("mobilePhone", "1") E("email", "1") E("email", "1") DOC_BAD), "userKind email issueDate"},
    /* getBookingStatus, cancelBooking */
    {STATUS(E("esiaId", "")), "bookId esiaId"},
    {STATUS("<unknown/>" E("bookId", "")), "unknown bookId esiaId"},
    {STATUS(ESIA E("bookId", "")), "bookId"},
    {CANCEL(""), "bookId esiaId"},
    {CANCEL(E("bookId", "") "<reason/>"), "bookId reason esiaId"},
    {CANCEL(ID E("esiaId", "") ID), "esiaId bookId"},
    /* reference lists */
    {REFS(""), ""},
    {REFS("<unknown>" SECRET "</unknown>"), "unknown"},
    {REFATTR(""), "refNames"},
    {REFATTR("<unknown/>" E("refNames", "a") E("refNames", "")), "unknown refNames"},
    {ITEMS(""), "refName treeFiltering pageNum pageSize"},
    {ITEMS(E("treeFiltering", SECRET) E("pageNum", "-1") E("pageSize", SECRET)),
     "refName treeFiltering pageNum pageSize"},
    {ITEMS(E("refName", "r") E("pageNum", SECRET)), "treeFiltering pageNum pageSize"},
    {ITEMS(E("refName", "r") E("filter", SIMPLE(E("condition", SECRET))) E("pageSize", "x")),
     "treeFiltering condition checkAllValues pageNum pageSize"},
    {ITEMS(E("refName", "") E("treeFiltering", "SUBTREE") E("orderBy", "a") E("selectAttributes", "a")
               E("pageNum", "x")),
     "refName selectAttributes pageNum pageSize"},
    /* updateBookingDetails */
    {UPDATE(E("timeslot", "")), "bookId esiaId slotId organizationId areaId visitTime status"},
    {UPDATE(ID E("timeslot", SLOT E("visitTime", SECRET) E("duration", "-1")) E("status", E("statusCode", "x"))),
     "esiaId organizationId areaId visitTime duration statusCode"},
    {UPDATE(ESIA E("status", E("statusMessage", "x"))), "bookId statusCode"},
    {UPDATE(ESIA E("timeslot", SLOT ORG E("areaId", "a") E("visitTime", ZONED)) E("status", "")), "bookId statusCode"},
    {UPDATE(ID ESIA E("status", E("statusCode", "201"))
                E("timeslot", SLOT ORG E("areaId", "a") E("visitTime", SECRET))),
     "timeslot visitTime"},
};

static void fields_of_samples_M10(void **state)
{
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct names wanted = {.n = 0};
        names_add_all(&wanted, samples[i].fields);
        failed += !fields_are(*state, samples[i].document, &wanted);
    }
    assert_int_equal(failed, 0);
}

/* ---- every two faults of every method ---- */

struct parameter {
    const char *name;
    char kind; /* '1': required, '?': may be left out, '+': required and repeated, '*': repeated */
    const char *good, *bad;
    const char *bad_fields; /* NULL: its name */
};

#define TEXT(name)                                                                                                     \
    {                                                                                                                  \
        name, '?', "x", "<x/>", NULL                                                                                   \
    }
#define APPLICANT                                                                                                      \
    TEXT("lastName"), TEXT("firstName"), TEXT("middleName"), TEXT("email"), TEXT("mobilePhone"), TEXT("userSnils"),    \
        TEXT("userLogin"),                                                                                             \
        {"userDoc", '?', E("Document", E("docType", "MIL TICKET") E("docNumber", "1")),                                \
         E("Document", E("docType", "") E("issueDate", "x")), "docType docNumber issueDate"},                          \
        TEXT("userINN"), TEXT("businessINN"), TEXT("businessOGRN"), TEXT("businessName"), TEXT("caseNumber"),          \
        {"serviceId", '*', "1", "<x/>", NULL},                                                                         \
    {                                                                                                                  \
        "areaId", '*', "1", "<x/>", NULL                                                                               \
    }
#define ATTRIBUTES                                                                                                     \
    {                                                                                                                  \
        "attributes", '?', E("Attribute", E("name", "n") E("value", "")), "<Attribute/>", "name value"                 \
    }
#define FILTER                                                                                                         \
    {                                                                                                                  \
        "filter", '?', E("simple", E("checkAllValues", "true")), E("simple", E("condition", "x")),                     \
            "condition checkAllValues"                                                                                 \
    }

static const struct parameter book_fields[] = {{"bookId", '1', "1", "", NULL},
                                               {"slotId", '+', "s", "", NULL},
                                               {"organizationId", '1', "o", "", NULL},
                                               {"userType", '1', "QUALIFIED", "x", NULL},
                                               {"userKind", '1', "BUSINESS", "x", NULL},
                                               {"esiaId", '1', "1", "", NULL},
                                               APPLICANT,
                                               {"preliminaryReservation", '1', "true", "x", NULL},
                                               {"preliminaryReservationPeriod", '?', "10", "x", NULL},
                                               ATTRIBUTES,
                                               {.name = NULL}};
static const struct parameter slots_fields[] = {{"organizationId", '+', "o", "", NULL},
                                                {"userType", '1', "SIMPLE", "x", NULL},
                                                {"userKind", '1', "PERSBUSINESS", "x", NULL},
                                                {"esiaId", '1', "", "<x/>", NULL},
                                                APPLICANT,
                                                FILTER,
                                                ATTRIBUTES,
                                                {.name = NULL}};
static const struct parameter id_fields[] = {
    {"bookId", '1', "1", "", NULL}, {"esiaId", '1', "1", "", NULL}, {.name = NULL}};
static const struct parameter items_fields[] = {{"refName", '1', "r", "", NULL},
                                                TEXT("parentRefItemValue"),
                                                {"treeFiltering", '1', "ONELEVEL", "x", NULL},
                                                {"selectAttributes", '*', "a", "<x/>", NULL},
                                                FILTER,
                                                {"orderBy", '*', "a", "<x/>", NULL},
                                                {"pageNum", '1', "1", "x", NULL},
                                                {"pageSize", '1', "1", "x", NULL},
                                                TEXT("version"),
                                                {.name = NULL}};
static const struct parameter update_fields[] = {
    {"bookId", '1', "1", "", NULL},
    {"esiaId", '1', "1", "", NULL},
    {"timeslot", '?', SLOT ORG E("areaId", "") E("visitTime", ZONED), SLOT E("visitTime", "x"),
     "organizationId areaId visitTime"},
    {"status", '1', E("statusCode", "202"), E("statusMessage", ""), "statusCode"},
    {.name = NULL}};

static const struct {
    const char *name;
    const struct parameter *fields;
} methods[] = {
    {"book", book_fields},        {"getSlots", slots_fields},        {"getBookingStatus", id_fields},
    {"cancelBooking", id_fields}, {"getRefItemsList", items_fields}, {"updateBookingDetails", update_fields},
};

enum fault { GOOD, MISSING, BAD, TWICE, BEFORE_UNKNOWN, LAST, FAULTS };

static void add_field(struct buf *b, const struct parameter *f, bool is_bad)
{
    buf_add_str(b, "<");
    buf_add_str(b, f->name);
    buf_add_str(b, ">");
    buf_add_str(b, is_bad ? f->bad : f->good);
    buf_add_str(b, "</");
    buf_add_str(b, f->name);
    buf_add_str(b, ">");
}

static void add_fault(struct buf *b, struct names *wanted, const struct parameter *f, enum fault fault)
{
    bool is_required = f->kind == '1' || f->kind == '+';
    bool is_repeated = f->kind == '*' || f->kind == '+';
    if (fault == BEFORE_UNKNOWN) {
        buf_add_str(b, "<unknown><x>" SECRET "</x></unknown>");
        names_add_all(wanted, "unknown");
    }
    if (fault != MISSING && fault != LAST)
        add_field(b, f, fault == BAD);
    if (fault == TWICE)
        add_field(b, f, false);
    if (fault == BAD)
        names_add_all(wanted, f->bad_fields == NULL ? f->name : f->bad_fields);
    if ((fault == MISSING && is_required) || (fault == TWICE && !is_repeated))
        names_add_all(wanted, f->name);
}

/* A request whose fields have these faults: are just these told of? */
static bool faults_are_told(struct xml_fixture *f, size_t method, const enum fault *faults)
{
    struct arena *a = arena_new();
    struct names wanted = {.n = 0};
    struct buf b;
    const struct parameter *fields = methods[method].fields;
    buf_init(&b, a, 0);
    buf_add_str(&b, arena_printf(a, "<%sRequest" NS ">", methods[method].name));
    for (size_t i = 0; fields[i].name != NULL; i++)
        add_fault(&b, &wanted, &fields[i], faults[i]);
    for (size_t i = 0; fields[i].name != NULL; i++) {
        if (faults[i] != LAST)
            continue;
        add_field(&b, &fields[i], false);
        if (fields[i + 1].name != NULL)
            names_add_all(&wanted, fields[i].name);
    }
    buf_add_str(&b, arena_printf(a, "</%sRequest>", methods[method].name));
    bool is_good = fields_are(f, arena_strndup(a, b.p, b.n), &wanted);
    arena_free(a);
    return is_good;
}

static size_t count_fields(size_t method)
{
    size_t n = 0;
    while (methods[method].fields[n].name != NULL)
        n++;
    return n;
}

/* Not two that are moved: which of them is in the wrong place then is a matter of taste. */
static void any_two_faults_M10(void **state)
{
    unsigned failed = 0, tried = 0;
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        size_t n = count_fields(m);
        for (size_t i = 0; i < n; i++)
            for (size_t k = i + 1; k < n; k++)
                for (unsigned pair = 0; pair < FAULTS * FAULTS && failed < 10; pair++) {
                    enum fault faults[40] = {GOOD};
                    faults[i] = (enum fault)(pair / FAULTS);
                    faults[k] = (enum fault)(pair % FAULTS);
                    if (faults[i] == LAST && (faults[k] == LAST || k + 1 == n))
                        continue;
                    failed += !faults_are_told(*state, m, faults);
                    tried++;
                }
    }
    print_message("%u requests\n", tried);
    assert_true(tried > 1000);
    assert_int_equal(failed, 0);
}

/* All fields wrong at once, in as many mixtures as there are faults. */
static void all_fields_wrong_M10(void **state)
{
    unsigned failed = 0;
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        for (unsigned mix = 0; mix < 60; mix++) {
            enum fault faults[40];
            for (unsigned i = 0; i < 40; i++)
                faults[i] = (enum fault)((i * (1 + mix / LAST % LAST) + mix) % LAST);
            failed += !faults_are_told(*state, m, faults);
        }
    }
    assert_int_equal(failed, 0);
}

/* Many slots do not use up what a repair may cost. */
static void faults_behind_a_long_list_M10(void **state)
{
    struct xml_fixture *f = *state;
    struct names wanted = {.n = 0};
    struct buf b;
    buf_init(&b, f->a, 0);
    buf_add_str(&b, REQUEST("book"));
    for (unsigned i = 0; i < 200; i++)
        buf_add_str(&b, i % 50 == 49 ? "<slotId/><unknown/>" : SLOT);
    buf_add_str(&b, ORG ORG TYPE_BAD ESIA E("firstName", "x") E("lastName", "x") DOC_BAD PRE_BAD "</bookRequest>");
    names_add_all(&wanted, "bookId slotId unknown organizationId userType userKind lastName issueDate "
                           "preliminaryReservation");
    assert_true(fields_are(f, b.p, &wanted));
}

/* However many are wrong, a hundred are told. */
static void at_most_a_hundred_fields(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct field_errors found = {.arena = a};
    struct structure s;
    struct xml_doc *doc;
    struct error e = {0};
    struct buf b;
    buf_init(&b, a, 0);
    buf_add_str(&b, REQUEST("book"));
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&b, arena_printf(a, "<u%u/>", i));
    buf_add_str(&b, "</bookRequest>");
    assert_int_equal(xml_parse(a, buf_span(&b), &doc, &e), ERR_OK);
    structure_check(xml_root(doc), BOOKING_BOOK, &found, &s);
    assert_true(s.is_wrong);
    assert_int_equal(found.n, 100);
    arena_free(a);
}

/* fieldName holds 255 characters (item 3): a longer one is told of as what it stands in. */
static void names_beyond_a_field_name(void **state)
{
    struct xml_fixture *f = *state;
    struct buf b;
    struct names wanted = {.n = 0};
    buf_init(&b, f->a, 0);
    for (unsigned i = 0; i < 256; i++)
        buf_add_char(&b, 'u');
    names_add_all(&wanted, "bookRequest");
    assert_true(fields_are(f, arena_printf(f->a, BOOK(ID SLOT REST PRE "<%s/>"), b.p), &wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_samples_M10),    cmocka_unit_test(any_two_faults_M10),
        cmocka_unit_test(all_fields_wrong_M10),     cmocka_unit_test(faults_behind_a_long_list_M10),
        cmocka_unit_test(at_most_a_hundred_fields), cmocka_unit_test(names_beyond_a_field_name),
    };
    return cmocka_run_group_tests(tests, begin, xml_fixture_end);
}
