/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Answers: the order of children is the schema's (Appendix 2), and the text is its own exclusive canonical form. Both
 * are judged by xmllint, which shares no code with the writer.
 */
#include "soap.h"

#include "xmllint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof *(array)))

/* Markup, quotes, CR, TAB, LF, U+007F, C1, line separator, beyond the BMP, the end of a CDATA section. */
static char nasty[] = "&<>\"' a\rb\tc\nd \x7F \xC2\x85 \xE2\x80\xA8 \xF0\x9D\x84\x9E ]]> &amp; Щ  ";

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

static const char *write_content(struct arena *a, const struct booking_reply *r)
{
    struct buf b;
    struct error e = {0};
    buf_init(&b, a, 256);
    assert_int_equal(soap_write_content(a, r, NULL, &b, &e), ERR_OK);
    return b.p;
}

static const char *whole(struct arena *a, const struct booking_reply *r)
{
    const char *name = booking_ops[r->method].name;
    return arena_printf(a, "<eq:%sResponse xmlns:eq=\"" SOAP_NS "\">%s</eq:%sResponse>", name, write_content(a, r),
                        name);
}

static void assert_canonical(struct arena *a, const char *text)
{
    const char *canonical = "";
    assert_int_equal(xmllint_run(a, text, (const char *const[]){"--exc-c14n", NULL}, &canonical), 0);
    assert_string_equal(text, canonical);
}

/* By what we check ourselves, and by what others made their programs of (V4): an answer is never beyond that. */
static bool is_valid(struct arena *a, const char *text)
{
    return xmllint_is_valid(a, "equeue-bare.xsd", text) &&
           xmllint_is_valid_by(a, BUILD_DIR "/contract/equeue-bare.xsd", text);
}

static struct attribute two_attributes[] = {{"organizationId", nasty}, {"empty", ""}};
static struct time_slot two_slots[] = {
    {.slot_id = "e513be00-ee1b-11f1-8001-010000000012",
     .service_id = "10000593393",
     .organization_id = "R7700018",
     .area_id = "hall-1",
     .visit_time = "2026-12-02T09:45:00+03:00",
     .book_end_time = "2026-11-22T11:45:00+03:00",
     .queue_number = "А7",
     .duration = "15",
     .attributes = {two_attributes, 2}},
    {.slot_id = "f513be00-ee1b-11f1-8001-010000000012",
     .organization_id = "R7700018",
     .visit_time = "2026-12-02T10:00:00+03:00"},
};
static struct field_error two_fields[] = {{"userSnils", 1, "СНИЛС: 11 цифр"}, {"organizationId", 2, NULL}};

static void book_answer_in_the_orders_order(void **state)
{
    struct booking_reply r = {.method = BOOKING_BOOK,
                              .book_id = "B",
                              .esia_id = "E",
                              .status_code = "201",
                              .status_message = "Забронировано",
                              .slots = two_slots,
                              .nslots = 2,
                              .error_message = "ОК"};
    two_attributes[0].value = "x";
    assert_string_equal(
        write_content(*state, &r),
        "<eq:bookId>B</eq:bookId><eq:esiaId>E</eq:esiaId><eq:status><eq:statusCode>201</"
        "eq:statusCode><eq:statusMessage>"
        "Забронировано</eq:statusMessage></eq:status><eq:timeSlot><eq:slotId>e513be00-ee1b-11f1-8001-010000000012"
        "</eq:slotId><eq:serviceId>10000593393</eq:serviceId><eq:organizationId>R7700018</"
        "eq:organizationId><eq:areaId>hall-1"
        "</eq:areaId><eq:visitTime>2026-12-02T09:45:00+03:00</eq:visitTime><eq:bookEndTime>2026-11-22T11:45:00+03:00"
        "</eq:bookEndTime><eq:queueNumber>А7</eq:queueNumber><eq:duration>15</eq:duration><eq:attributes><eq:Attribute>"
        "<eq:name>organizationId</eq:name><eq:value>x</eq:value></eq:Attribute><eq:Attribute><eq:name>empty</eq:name>"
        "<eq:value></eq:value></eq:Attribute></eq:attributes></eq:timeSlot><eq:timeSlot><eq:slotId>"
        "f513be00-ee1b-11f1-8001-010000000012</eq:slotId><eq:organizationId>R7700018</eq:organizationId><eq:areaId>"
        "</eq:areaId><eq:visitTime>2026-12-02T10:00:00+03:00</eq:visitTime></eq:timeSlot><eq:error><eq:errorDetail>"
        "<eq:errorCode>0</eq:errorCode><eq:errorMessage>ОК</eq:errorMessage></eq:errorDetail></eq:error>");
    two_attributes[0].value = nasty;
}

static void m10_error_answer(void **state)
{
    struct booking_reply r = {.method = BOOKING_GET_SLOTS,
                              .error_code = 2,
                              .error_message = "Ошибка",
                              .fields = {.items = two_fields, .n = 2}};
    assert_string_equal(
        write_content(*state, &r),
        "<eq:error><eq:errorDetail><eq:errorCode>2</eq:errorCode><eq:errorMessage>Ошибка</eq:errorMessage></"
        "eq:errorDetail>"
        "<eq:fieldErrors><eq:FieldError><eq:fieldName>userSnils</eq:fieldName><eq:errorDetail><eq:errorCode>1</"
        "eq:errorCode>"
        "<eq:errorMessage>СНИЛС: 11 "
        "цифр</eq:errorMessage></eq:errorDetail></eq:FieldError><eq:FieldError><eq:fieldName>"
        "organizationId</eq:fieldName><eq:errorDetail><eq:errorCode>2</eq:errorCode></eq:errorDetail></eq:FieldError>"
        "</eq:fieldErrors></eq:error>");
}

static void a11_empty_lists_are_success(void **state)
{
    struct booking_reply r = {.method = BOOKING_GET_SLOTS, .error_message = "ОК"};
    const char *end = "<eq:error><eq:errorDetail><eq:errorCode>0</eq:errorCode><eq:errorMessage>ОК</eq:errorMessage>"
                      "</eq:errorDetail></eq:error>";
    assert_string_equal(write_content(*state, &r), arena_printf(*state, "<eq:slots></eq:slots>%s", end));
    r.method = BOOKING_GET_REFS_LIST;
    assert_string_equal(write_content(*state, &r), arena_printf(*state, "<eq:refsList></eq:refsList>%s", end));
    r.method = BOOKING_GET_REF_ITEMS_LIST;
    assert_string_equal(write_content(*state, &r), arena_printf(*state, "<eq:totalItems>0</eq:totalItems>%s", end));
}

/* Every kind of answer with everything in it, in plain and in nasty text. */
static unsigned fill(struct booking_reply *out, const char *text)
{
    static struct ref_info refs[] = {{"Organizations", nasty, "H"}, {"Services", "Услуги", "P"}};
    static struct ref_attribute_info infos[] = {{"Organizations", "latitude", nasty, "DECIMAL", NULL, false},
                                                {"Organizations", "service", "Услуга", "STRING", "Services", true}};
    static struct ref_item leaf[] = {{"R7700018", NULL, 0, {two_attributes, 2}}, {"R7700018", NULL, 0, {NULL, 0}}};
    static struct ref_item branch[] = {{"R7700018", leaf, 2, {two_attributes, 1}}};
    static struct ref_item items[] = {{NULL, branch, 1, {two_attributes, 2}}, {NULL, NULL, 0, {two_attributes, 2}}};
    unsigned n = 0;
    for (unsigned method = 0; method < BOOKING_METHOD_COUNT; method++) {
        for (unsigned with_errors = 0; with_errors < 2; with_errors++) {
            out[n++] = (struct booking_reply){.method = (enum booking_method)method,
                                              .book_id = text,
                                              .esia_id = with_errors ? NULL : text,
                                              .status_code = "206001",
                                              .status_message = text,
                                              .slots = two_slots,
                                              .nslots = with_errors ? 0 : 2,
                                              .refs = refs,
                                              .nrefs = 2,
                                              .ref_attributes = infos,
                                              .nref_attributes = 2,
                                              .items = items,
                                              .nitems = 2,
                                              .total_items = "4",
                                              .version = text,
                                              .error_code = with_errors ? 2 : 0,
                                              .error_message = text,
                                              .fields = {.items = two_fields, .n = with_errors ? 2 : 0}};
        }
    }
    return n;
}

static void every_answer_is_canonical_and_valid(void **state)
{
    static const char *const texts[] = {"plain", "", NULL};
    struct booking_reply replies[2 * BOOKING_METHOD_COUNT];
    for (unsigned t = 0; t < LENGTH(texts); t++) {
        unsigned n = fill(replies, texts[t] == NULL ? nasty : texts[t]);
        for (unsigned i = 0; i < n; i++) {
            struct arena *a = arena_new();
            const char *text = whole(a, &replies[i]);
            assert_canonical(a, text);
            assert_true(is_valid(a, text));
            arena_free(a);
        }
    }
    (void)state;
}

static const char *write_as(struct arena *a, const struct booking_reply *r, const struct soap_style *style)
{
    struct buf b;
    struct error e = {0};
    buf_init(&b, a, 256);
    assert_int_equal(soap_write_content(a, r, style, &b, &e), ERR_OK);
    buf_add_str(&b, "");
    return b.p;
}

/* A5: whichever namespace the fields are in, an answer is its own canonical form, also inside the frame of SMEV. */
static void a5_every_namespace_is_canonical(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"eq:", "eqt:", ""};
    struct booking_reply replies[2 * BOOKING_METHOD_COUNT];
    unsigned n = fill(replies, nasty);
    for (unsigned ns = 0; ns < LENGTH(prefixes); ns++) {
        struct soap_style style = {.children = (enum soap_namespace)ns};
        for (unsigned i = 0; i < n; i++) {
            struct arena *a = arena_new();
            const char *content = write_as(a, &replies[i], &style), *name = booking_ops[replies[i].method].name;
            assert_canonical(a,
                             arena_printf(a,
                                          "<eq:%sResponse xmlns:eq=\"" SOAP_NS "\"><s:D xmlns:s=\"urn:s\"><s:A>%s</s:A>"
                                          "</s:D></eq:%sResponse>",
                                          name, content, name));
            assert_non_null(strstr(content, arena_printf(a, "</%serrorDetail>", prefixes[ns])));
            assert_true((strstr(content, "eq:") == NULL) == (ns != SOAP_CHILDREN_WS));
            assert_true((strstr(content, SOAP_NS_TYPES) == NULL) == (ns != SOAP_CHILDREN_TYPES));
            /* the same answer but for the prefix */
            struct buf bare;
            const char *declared = " xmlns:eqt=\"" SOAP_NS_TYPES "\"";
            buf_init(&bare, a, 4096);
            for (const char *p = content; *p != '\0';) {
                if (strncmp(p, declared, strlen(declared)) == 0)
                    p += strlen(declared);
                else if (*prefixes[ns] != '\0' && p > content && (p[-1] == '<' || p[-1] == '/') &&
                         strncmp(p, prefixes[ns], strlen(prefixes[ns])) == 0)
                    p += strlen(prefixes[ns]);
                else
                    buf_add_char(&bare, *p++);
            }
            style.children = SOAP_CHILDREN_BARE;
            assert_string_equal(bare.p, write_as(a, &replies[i], &style));
            style.children = (enum soap_namespace)ns;
            arena_free(a);
        }
    }
}

static void a11_error_left_out_on_success(void **state)
{
    const struct soap_style style = {.omit_error_on_success = true};
    struct booking_reply r = {.method = BOOKING_CANCEL_BOOKING, .book_id = "B", .esia_id = "E", .error_message = "ОК"};
    assert_string_equal(write_as(*state, &r, &style), "<eq:bookId>B</eq:bookId><eq:esiaId>E</eq:esiaId>");
    r.fields = (struct field_errors){.items = two_fields, .n = 1};
    assert_non_null(strstr(write_as(*state, &r, &style), "userSnils"));
    r.fields.n = 0;
    for (r.error_code = 1; r.error_code < 6; r.error_code++)
        assert_non_null(strstr(write_as(*state, &r, &style), "<eq:error>"));
    r = (struct booking_reply){.method = BOOKING_GET_REFS_LIST};
    assert_string_equal(write_as(*state, &r, &style), "<eq:refsList></eq:refsList>");
    r = (struct booking_reply){.method = BOOKING_UPDATE_BOOKING_DETAILS, .error_message = "ОК"};
    assert_non_null(strstr(write_as(*state, &r, &style), "<eq:error>")); /* item 17: required */
}

static void a4_status_as_text(void **state)
{
    const struct soap_style style = {.status_as_text = true};
    static const struct {
        enum booking_method method;
        bool is_text;
    } cases[] = {{BOOKING_CANCEL_BOOKING, true}, {BOOKING_GET_BOOKING_STATUS, true}, {BOOKING_BOOK, false}};
    for (unsigned i = 0; i < LENGTH(cases); i++) {
        struct booking_reply r = {.method = cases[i].method, .status_code = "206001", .status_message = "слова"};
        const char *text = write_as(*state, &r, &style);
        assert_int_equal(strstr(text, "<eq:status>206001</eq:status>") != NULL, cases[i].is_text);
        assert_int_equal(strstr(text, "<eq:statusCode>") == NULL, cases[i].is_text);
        r.status_code = NULL;
        assert_null(strstr(write_as(*state, &r, &style), "<eq:status>"));
    }
}

static void a6_one_time_slot_for_the_visit(void **state)
{
    const struct soap_style style = {.single_timeslot = true};
    struct time_slot slots[] = {{.slot_id = "a",
                                 .organization_id = "R",
                                 .visit_time = "2026-12-31T23:30:00+03:00",
                                 .duration = "15",
                                 .visit_at_s = 1798749000,
                                 .duration_min = 15},
                                {.slot_id = "b",
                                 .organization_id = "R",
                                 .visit_time = "2026-12-31T23:45:00+03:00",
                                 .duration = "15",
                                 .visit_at_s = 1798749900,
                                 .duration_min = 15},
                                {.slot_id = "c",
                                 .organization_id = "R",
                                 .visit_time = "2027-01-01T00:10:00+03:00",
                                 .duration = "20",
                                 .visit_at_s = 1798751400,
                                 .duration_min = 20}};
    struct booking_reply r = {.method = BOOKING_BOOK, .book_id = "B", .esia_id = "E", .slots = slots, .nslots = 3};
    const char *text = write_as(*state, &r, &style);
    assert_non_null(strstr(text, "<eq:slotId>a</eq:slotId>"));
    assert_null(strstr(text, "<eq:slotId>b</eq:slotId>"));
    assert_non_null(strstr(text, "<eq:duration>60</eq:duration>"));
    r.nslots = 1;
    assert_non_null(strstr(write_as(*state, &r, &style), "<eq:duration>15</eq:duration>"));
    r.nslots = 3;
    r.method = BOOKING_GET_SLOTS; /* those are not one visit */
    text = write_as(*state, &r, &style);
    assert_non_null(strstr(text, "<eq:slotId>c</eq:slotId>"));
    assert_null(strstr(text, "<eq:duration>60"));
    r.method = BOOKING_GET_BOOKING_STATUS;
    slots[1].duration_min = -1; /* unknown: none is better than a wrong one */
    text = write_as(*state, &r, &style);
    assert_null(strstr(text, "<eq:slotId>b"));
    assert_null(strstr(text, "<eq:duration>"));
}

static void what_the_schema_is_worth(void **state) /* that is_valid() can say no */
{
    assert_false(
        is_valid(*state, "<eq:bookResponse xmlns:eq=\"" SOAP_NS "\"><eq:esiaId>1</eq:esiaId></eq:bookResponse>"));
}

static void characters_xml_cannot_hold_are_replaced(void **state)
{
    struct booking_reply r = {.method = BOOKING_CANCEL_BOOKING,
                              .book_id = "a\x01"
                                         "b\x1F\x0B",
                              .esia_id = "\xEF\xBF\xBE\xEF\xBF\xBD\xEF\xBF\xBF"};
    const char *text = whole(*state, &r);
    assert_non_null(strstr(text, "<eq:bookId>a\xEF\xBF\xBD"
                                 "b\xEF\xBF\xBD\xEF\xBF\xBD</eq:bookId>"));
    assert_non_null(strstr(text, "<eq:esiaId>\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD</eq:esiaId>"));
    assert_canonical(*state, text);
}

static void no_such_method(void **state)
{
    struct booking_reply r = {.method = BOOKING_METHOD_COUNT};
    struct buf b;
    struct error e = {0};
    buf_init(&b, *state, 16);
    assert_int_equal(soap_write_content(*state, &r, NULL, &b, &e), ERR_INTERNAL);
    assert_int_equal(b.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(book_answer_in_the_orders_order),
        TEST(m10_error_answer),
        TEST(a5_every_namespace_is_canonical),
        TEST(a11_error_left_out_on_success),
        TEST(a4_status_as_text),
        TEST(a6_one_time_slot_for_the_visit),
        TEST(a11_empty_lists_are_success),
        TEST(every_answer_is_canonical_and_valid),
        TEST(what_the_schema_is_worth),
        TEST(characters_xml_cannot_hold_are_replaced),
        TEST(no_such_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
