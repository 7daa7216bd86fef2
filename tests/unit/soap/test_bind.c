/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* M9: every parameter of every request reaches its member; whatever is missing, foreign or wrong leaves the rest
 * readable. */
#include "soap.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EQ " xmlns:eq=\"" SOAP_NS "\""

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

static enum err bind_text(struct arena *a, enum booking_method m, const char *xml, struct booking_request *out)
{
    struct error e = {0};
    enum err err = soap_bind_request(a, m, span_of(xml), out, &e);
    assert_int_equal(err, e.code);
    return err;
}

static void assert_list(const struct strings *list, const char *joined)
{
    char text[512] = "";
    size_t n = 0;
    for (unsigned i = 0; i < list->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i == 0 ? "" : "|", list->items[i]);
    assert_string_equal(text, joined);
}

static const char applicant_xml[] =
    "<eq:lastName>Тестов</eq:lastName><eq:firstName>Тест</eq:firstName><eq:middleName>Тестович</eq:middleName>"
    "<eq:email>test@example.ru</eq:email><eq:mobilePhone>7 900 000 00 00</eq:mobilePhone>"
    "<eq:userSnils>112-233-445 95</eq:userSnils><eq:userLogin>login</eq:userLogin><eq:userDoc><eq:Document>"
    "<eq:docType>MIL TICKET</eq:docType><eq:docSeries>АБ</eq:docSeries><eq:docNumber>000001</eq:docNumber>"
    "<eq:issueDate> 2020-02-29 </eq:issueDate><eq:validDate>2030-01-01</eq:validDate><eq:issuedBy>Отдел «№ "
    "1»</eq:issuedBy>"
    "<eq:issueDept>770-001</eq:issueDept></eq:Document></eq:userDoc><eq:userINN>770000000082</eq:userINN>"
    "<eq:businessINN>7700000009</eq:businessINN><eq:businessOGRN>1027700000008</eq:businessOGRN>"
    "<eq:businessName>ООО &lt;Тест&gt; &amp; Ко</eq:businessName><eq:caseNumber>42</eq:caseNumber>";

static void assert_applicant(const struct applicant *p)
{
    assert_string_equal(p->last_name, "Тестов");
    assert_string_equal(p->first_name, "Тест");
    assert_string_equal(p->middle_name, "Тестович");
    assert_string_equal(p->email, "test@example.ru");
    assert_string_equal(p->mobile_phone, "7 900 000 00 00");
    assert_string_equal(p->user_snils, "112-233-445 95");
    assert_string_equal(p->user_login, "login");
    assert_non_null(p->user_doc);
    assert_string_equal(p->user_doc->doc_type, "MIL TICKET");
    assert_string_equal(p->user_doc->doc_series, "АБ");
    assert_string_equal(p->user_doc->doc_number, "000001");
    assert_string_equal(p->user_doc->issue_date, "2020-02-29");
    assert_string_equal(p->user_doc->valid_date, "2030-01-01");
    assert_string_equal(p->user_doc->issued_by, "Отдел «№ 1»");
    assert_string_equal(p->user_doc->issue_dept, "770-001");
    assert_string_equal(p->user_inn, "770000000082");
    assert_string_equal(p->business_inn, "7700000009");
    assert_string_equal(p->business_ogrn, "1027700000008");
    assert_string_equal(p->business_name, "ООО <Тест> & Ко");
    assert_string_equal(p->case_number, "42");
}

static void m9_get_slots(void **state)
{
    struct booking_request r;
    const char *xml = arena_printf(
        *state,
        "<eq:getSlotsRequest" EQ "><eq:organizationId>R7700018</eq:organizationId><eq:organizationId>R4100001"
        "</eq:organizationId><eq:userType>QUALIFIED</eq:userType><eq:userKind>PHYSIC</eq:userKind><eq:esiaId>1000000000"
        "</eq:esiaId>%s<eq:serviceId>10000593393</eq:serviceId><eq:serviceId>10000593394</"
        "eq:serviceId><eq:areaId>hall-1"
        "</eq:areaId><eq:areaId></eq:areaId><eq:filter><eq:union><eq:unionKind>AND</eq:unionKind><eq:subs><eq:simple>"
        "<eq:attributeName>DATE</eq:attributeName><eq:condition>equals</eq:condition><eq:checkAllValues> 1 "
        "</eq:checkAllValues><eq:value>2026-12-01</eq:value></eq:simple></eq:subs><eq:subs><eq:union><eq:unionKind>OR"
        "</eq:unionKind><eq:subs><eq:simple><eq:attributeName>areaId</eq:attributeName><eq:checkAllValues>false"
        "</eq:checkAllValues><eq:value></eq:value></eq:simple></eq:subs></eq:union></eq:subs></eq:union></"
        "eq:filter><eq:attributes>"
        "<eq:Attribute><eq:name>SlotsPeriod</eq:name><eq:value>2026-12</eq:value></"
        "eq:Attribute><eq:Attribute><eq:name>n"
        "</eq:name><eq:value></eq:value></eq:Attribute></eq:attributes></eq:getSlotsRequest>",
        applicant_xml);
    assert_int_equal(bind_text(*state, BOOKING_GET_SLOTS, xml, &r), ERR_OK);
    assert_int_equal(r.method, BOOKING_GET_SLOTS);
    assert_list(&r.organization_ids, "R7700018|R4100001");
    assert_string_equal(r.user_type, "QUALIFIED");
    assert_string_equal(r.user_kind, "PHYSIC");
    assert_string_equal(r.esia_id, "1000000000");
    assert_applicant(&r.applicant);
    assert_list(&r.service_ids, "10000593393|10000593394");
    assert_list(&r.area_ids, "hall-1"); /* the empty one says nothing */
    assert_non_null(r.filter);          /* P1 */
    assert_int_equal(r.filter->kind, PREDICATE_UNION);
    assert_string_equal(r.filter->union_kind, "AND");
    assert_int_equal(r.filter->nsubs, 2);
    const struct predicate *p = &r.filter->subs[0];
    assert_int_equal(p->kind, PREDICATE_SIMPLE);
    assert_string_equal(p->attribute_name, "DATE");
    assert_string_equal(p->condition, "equals");
    assert_true(p->check_all_values);
    assert_string_equal(p->value, "2026-12-01");
    p = &r.filter->subs[1];
    assert_int_equal(p->kind, PREDICATE_UNION);
    assert_string_equal(p->union_kind, "OR");
    assert_int_equal(p->nsubs, 1);
    assert_string_equal(p->subs[0].attribute_name, "areaId");
    assert_null(p->subs[0].condition);
    assert_false(p->subs[0].check_all_values);
    assert_null(p->subs[0].value); /* A17: an empty value is none */
    assert_int_equal(r.attributes.n, 2);
    assert_string_equal(r.attributes.items[0].name, "SlotsPeriod");
    assert_string_equal(r.attributes.items[0].value, "2026-12");
    assert_string_equal(r.attributes.items[1].value, "");
}

/* What the schema refuses is bound as it is, for the check to tell. */
static void p1_filters_that_are_none(void **state)
{
    static const struct {
        const char *inside;
        int kind;
    } cases[] = {
        {"", PREDICATE_NEITHER},
        {"<eq:simple/>", PREDICATE_SIMPLE},
        {"<eq:union/>", PREDICATE_UNION},
        {"<eq:simple/><eq:union/>", PREDICATE_BOTH},
        {"<eq:union><eq:subs/></eq:union>", PREDICATE_UNION},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct booking_request r;
        const char *xml = arena_printf(
            *state, "<eq:getRefItemsListRequest" EQ "><eq:filter>%s</eq:filter></eq:getRefItemsListRequest>",
            cases[i].inside);
        assert_int_equal(bind_text(*state, BOOKING_GET_REF_ITEMS_LIST, xml, &r), ERR_OK);
        assert_non_null(r.filter);
        assert_int_equal(r.filter->kind, cases[i].kind);
        assert_int_equal(r.filter->nsubs, i == 4);
        if (i == 4)
            assert_int_equal(r.filter->subs[0].kind, PREDICATE_NEITHER);
    }
}

static void m9_book(void **state)
{
    struct booking_request r;
    const char *xml = arena_printf(
        *state,
        "<eq:bookRequest" EQ "><eq:bookId>52f7e417-23dd-4f3c-999a-1cf196e81220</eq:bookId><eq:slotId>s1</eq:slotId>"
        "<eq:slotId>s2</eq:slotId><eq:slotId>s3</eq:slotId><eq:organizationId>R7700018</"
        "eq:organizationId><eq:userType>SIMPLE"
        "</eq:userType><eq:userKind>BUSINESS</eq:userKind><eq:esiaId>1000000000</eq:esiaId>%s<eq:serviceId>1</"
        "eq:serviceId>"
        "<eq:areaId>a</eq:areaId><eq:preliminaryReservation> 1 "
        "</eq:preliminaryReservation><eq:preliminaryReservationPeriod>"
        "+60</eq:preliminaryReservationPeriod><eq:attributes></eq:attributes></eq:bookRequest>",
        applicant_xml);
    assert_int_equal(bind_text(*state, BOOKING_BOOK, xml, &r), ERR_OK);
    assert_string_equal(r.book_id, "52f7e417-23dd-4f3c-999a-1cf196e81220");
    assert_list(&r.slot_ids, "s1|s2|s3");
    assert_list(&r.organization_ids, "R7700018");
    assert_string_equal(r.user_type, "SIMPLE");
    assert_string_equal(r.user_kind, "BUSINESS");
    assert_string_equal(r.esia_id, "1000000000");
    assert_applicant(&r.applicant);
    assert_list(&r.service_ids, "1");
    assert_list(&r.area_ids, "a");
    assert_true(r.preliminary);
    assert_string_equal(r.preliminary_period_min, "60");
    assert_int_equal(r.attributes.n, 0);
    assert_null(r.filter);
}

static void a30_phone_before_email(void **state)
{
    struct booking_request r;
    const char *xml = "<eq:bookRequest" EQ "><eq:lastName>Т</eq:lastName><eq:mobilePhone>79000000000</eq:mobilePhone>"
                      "<eq:email>a@example.ru</eq:email></eq:bookRequest>";
    assert_int_equal(bind_text(*state, BOOKING_BOOK, xml, &r), ERR_OK);
    assert_string_equal(r.applicant.email, "a@example.ru");
    assert_string_equal(r.applicant.mobile_phone, "79000000000");
    xml = "<eq:getSlotsRequest" EQ "><eq:mobilePhone>79000000000</eq:mobilePhone></eq:getSlotsRequest>";
    assert_int_equal(bind_text(*state, BOOKING_GET_SLOTS, xml, &r), ERR_OK);
    assert_string_equal(r.applicant.mobile_phone, "79000000000");
    assert_null(r.applicant.email);
}

static void m9_the_short_ones(void **state)
{
    struct booking_request r;
    assert_int_equal(bind_text(*state, BOOKING_GET_BOOKING_STATUS,
                               "<eq:getBookingStatusRequest" EQ "><eq:bookId>1</eq:bookId><eq:esiaId>2</eq:esiaId>"
                               "</eq:getBookingStatusRequest>",
                               &r),
                     ERR_OK);
    assert_string_equal(r.book_id, "1");
    assert_string_equal(r.esia_id, "2");
    assert_int_equal(bind_text(*state, BOOKING_CANCEL_BOOKING,
                               "<eq:cancelBookingRequest" EQ "><eq:bookId>3</eq:bookId><eq:esiaId>4</eq:esiaId>"
                               "</eq:cancelBookingRequest>",
                               &r),
                     ERR_OK);
    assert_string_equal(r.book_id, "3");
    assert_string_equal(r.esia_id, "4");
    assert_int_equal(
        bind_text(*state, BOOKING_GET_REFS_LIST, "<eq:getRefsListRequest" EQ "></eq:getRefsListRequest>", &r), ERR_OK);
    assert_int_equal(bind_text(*state, BOOKING_GET_REF_ATTRIBUTES_LIST,
                               "<eq:getRefAttributesListRequest" EQ
                               "><eq:refNames>Organizations</eq:refNames><eq:refNames>"
                               "Services</eq:refNames></eq:getRefAttributesListRequest>",
                               &r),
                     ERR_OK);
    assert_list(&r.ref_names, "Organizations|Services");
}

static void m9_get_ref_items_list(void **state)
{
    struct booking_request r;
    const char *xml =
        "<eq:getRefItemsListRequest" EQ "><eq:refName>Organizations</eq:refName><eq:parentRefItemValue>R77"
        "</eq:parentRefItemValue><eq:treeFiltering>SUBTREE</eq:treeFiltering><eq:selectAttributes>code"
        "</eq:selectAttributes><eq:selectAttributes>title</eq:selectAttributes><eq:orderBy>title</eq:orderBy>"
        "<eq:orderBy>code</eq:orderBy><eq:pageNum>2</eq:pageNum><eq:pageSize>100</eq:pageSize><eq:version>41"
        "</eq:version></eq:getRefItemsListRequest>";
    assert_int_equal(bind_text(*state, BOOKING_GET_REF_ITEMS_LIST, xml, &r), ERR_OK);
    assert_list(&r.ref_names, "Organizations");
    assert_string_equal(r.parent_ref_item_value, "R77");
    assert_string_equal(r.tree_filtering, "SUBTREE");
    assert_list(&r.select_attributes, "code|title");
    assert_list(&r.order_by, "title|code");
    assert_string_equal(r.page_num, "2");
    assert_string_equal(r.page_size, "100");
    assert_string_equal(r.version, "41");
    assert_null(r.filter);
}

static void m9_update_booking_details(void **state)
{
    struct booking_request r;
    const char *xml =
        "<eq:updateBookingDetailsRequest" EQ "><eq:bookId>1</eq:bookId><eq:esiaId>2</eq:esiaId><eq:timeslot>"
        "<eq:slotId>s</eq:slotId><eq:serviceId>v</eq:serviceId><eq:organizationId>o</eq:organizationId><eq:areaId>a"
        "</eq:areaId><eq:visitTime>2026-12-03T10:00:00+12:00</eq:visitTime><eq:bookEndTime>"
        "2026-12-03T11:00:00+12:00</eq:bookEndTime><eq:queueNumber>А7</eq:queueNumber><eq:duration>15</eq:duration>"
        "<eq:attributes><eq:Attribute><eq:name>n</eq:name><eq:value>v</eq:value></eq:Attribute></eq:attributes>"
        "</eq:timeslot><eq:status><eq:statusCode>206001</eq:statusCode><eq:statusMessage>Нет документов"
        "</eq:statusMessage></eq:status></eq:updateBookingDetailsRequest>";
    assert_int_equal(bind_text(*state, BOOKING_UPDATE_BOOKING_DETAILS, xml, &r), ERR_OK);
    assert_non_null(r.timeslot);
    assert_string_equal(r.timeslot->slot_id, "s");
    assert_string_equal(r.timeslot->service_id, "v");
    assert_string_equal(r.timeslot->organization_id, "o");
    assert_string_equal(r.timeslot->area_id, "a");
    assert_string_equal(r.timeslot->visit_time, "2026-12-03T10:00:00+12:00"); /* the zone survives */
    assert_string_equal(r.timeslot->book_end_time, "2026-12-03T11:00:00+12:00");
    assert_string_equal(r.timeslot->queue_number, "А7");
    assert_string_equal(r.timeslot->duration, "15");
    assert_string_equal(r.timeslot->attributes.items[0].value, "v");
    assert_string_equal(r.status_code, "206001");
    assert_string_equal(r.status_message, "Нет документов");
}

/* The schema's violations are all reported together, so binding must not stop at one (M10). */
static void wrong_values_do_not_stop_the_binding(void **state)
{
    struct booking_request r;
    const char *xml =
        "<eq:bookRequest" EQ "><eq:junk><eq:bookId>no</eq:bookId></eq:junk><eq:bookId> x &amp; y\n</eq:bookId>"
        "<eq:userType>ROOT</eq:userType><eq:userKind></eq:userKind><eq:preliminaryReservation>maybe"
        "</eq:preliminaryReservation><eq:preliminaryReservationPeriod>an hour</eq:preliminaryReservationPeriod>"
        "<eq:esiaId>1</eq:esiaId><eq:userDoc></eq:userDoc></eq:bookRequest>";
    assert_int_equal(bind_text(*state, BOOKING_BOOK, xml, &r), ERR_OK);
    assert_string_equal(r.book_id, " x & y\n"); /* echoed byte for byte */
    assert_string_equal(r.esia_id, "1");
    assert_string_equal(r.user_type, "ROOT");
    assert_null(r.user_kind);
    assert_false(r.preliminary);
    assert_string_equal(r.preliminary_period_min, "an hour");
    assert_int_equal(r.slot_ids.n, 0);
    assert_int_equal(r.organization_ids.n, 0);
    assert_non_null(r.applicant.user_doc);
    assert_null(r.applicant.user_doc->doc_number);

    assert_int_equal(bind_text(*state, BOOKING_BOOK, "<eq:bookRequest" EQ "></eq:bookRequest>", &r), ERR_OK);
    assert_null(r.book_id);
    assert_null(r.applicant.user_doc);
}

static void what_is_not_the_element(void **state)
{
    static const char *const texts[] = {"",
                                        "junk",
                                        "<",
                                        "<eq:bookRequest" EQ ">",
                                        "<eq:bookRequest" EQ "><eq:bookId>1</eq:bookId>",
                                        "<eq:bookRequest" EQ "><eq:bookId>1</eq:bookRequest>",
                                        "<eq:cancelBookingRequest" EQ "></eq:cancelBookingRequest>",
                                        "<eq:bookRequest xmlns:eq=\"http://example.org/other/\"></eq:bookRequest>",
                                        "<bookRequest></bookRequest>",
                                        "POST / HTTP/1.1\r\n\r\n<eq:bookRequest" EQ "></eq:bookRequest>",
                                        "--boundary\r\nContent-Type: text/xml\r\n\r\n<eq:bookRequest" EQ
                                        "></eq:bookRequest>"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct booking_request r;
        if (bind_text(*state, BOOKING_BOOK, texts[i], &r) != ERR_INPUT)
            fail_msg("text %u should not bind", i);
        assert_null(r.book_id);
    }
    struct booking_request r;
    struct error e = {0};
    assert_int_equal(soap_bind_request(*state, BOOKING_METHOD_COUNT, SPAN_LIT("<a/>"), &r, &e), ERR_INTERNAL);
    /* and the context is as good as new afterwards */
    assert_int_equal(
        bind_text(*state, BOOKING_BOOK, "<eq:bookRequest" EQ "><eq:bookId>7</eq:bookId></eq:bookRequest>", &r), ERR_OK);
    assert_string_equal(r.book_id, "7");
}

static void soap_encoded_references_are_not_followed(void **state)
{
    struct booking_request r;
    const char *xml = "<eq:bookRequest" EQ "><eq:bookId id=\"a\">1</eq:bookId><eq:esiaId href=\"#a\"></eq:esiaId>"
                      "</eq:bookRequest>";
    if (bind_text(*state, BOOKING_BOOK, xml, &r) == ERR_OK)
        assert_null(r.esia_id);
}

static void long_values_and_long_lists(void **state)
{
    struct booking_request r;
    struct buf b;
    buf_init(&b, *state, 1 << 20);
    buf_add_str(&b, "<eq:getSlotsRequest" EQ ">");
    for (int i = 0; i < 5000; i++)
        buf_printf(&b, "<eq:organizationId>R%d</eq:organizationId>", i);
    buf_add_str(&b, "<eq:lastName>");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&b, "щ");
    buf_add_str(&b, "\xF0\x9D\x84\x9E</eq:lastName></eq:getSlotsRequest>");
    struct error e = {0};
    assert_int_equal(soap_bind_request(*state, BOOKING_GET_SLOTS, buf_span(&b), &r, &e), ERR_OK);
    assert_int_equal(r.organization_ids.n, 5000);
    assert_string_equal(r.organization_ids.items[4999], "R4999");
    assert_int_equal(strlen(r.applicant.last_name), 200004);
    assert_string_equal(r.applicant.last_name + 199998, "щ\xF0\x9D\x84\x9E"); /* not cut to 8 bits */
}

static void endless_lists_and_depths_are_refused(void **state)
{
    struct booking_request r;
    struct buf b;
    buf_init(&b, *state, 1 << 20);
    buf_add_str(&b, "<eq:getRefAttributesListRequest" EQ ">");
    for (int i = 0; i < 60000; i++)
        buf_add_str(&b, "<eq:refNames>a</eq:refNames>");
    buf_add_str(&b, "</eq:getRefAttributesListRequest>");
    struct error e = {0};
    assert_int_equal(soap_bind_request(*state, BOOKING_GET_REF_ATTRIBUTES_LIST, buf_span(&b), &r, &e), ERR_INPUT);

    buf_reset(&b);
    buf_add_str(&b, "<eq:getSlotsRequest" EQ "><eq:filter>");
    for (int i = 0; i < 5000; i++)
        buf_add_str(&b, "<eq:union><eq:subs>");
    e = (struct error){0};
    assert_int_equal(soap_bind_request(*state, BOOKING_GET_SLOTS, buf_span(&b), &r, &e), ERR_INPUT);
}

static void *bind_often(void *arg)
{
    bool *is_good = arg;
    *is_good = true;
    for (int i = 0; i < 500 && *is_good; i++) {
        struct arena *a = arena_new();
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        const char *xml =
            arena_printf(a, "<eq:cancelBookingRequest" EQ "><eq:bookId>%s</eq:bookId></eq:cancelBookingRequest>", id);
        struct booking_request r;
        struct error e = {0};
        *is_good =
            soap_bind_request(a, BOOKING_CANCEL_BOOKING, span_of(xml), &r, &e) == ERR_OK && strcmp(r.book_id, id) == 0;
        arena_free(a);
    }
    return NULL;
}

static void threads_have_their_own_context(void **state)
{
    (void)state;
    pthread_t threads[4];
    bool is_good[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, bind_often, &is_good[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(is_good[i]);
    }
}

/* The requests kept outside of this tree, where they are there. */
static void the_samples_bind(void **state)
{
    const char *folder = SOURCE_DIR "/../shared/booking/proposal/samples";
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        print_message("skipped: no %s\n", folder);
        skip();
    }
    unsigned bound = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strstr(entry->d_name, "request") == NULL || strncmp(entry->d_name, "smev2", 5) == 0)
            continue;
        FILE *f = fopen(arena_printf(*state, "%s/%s", folder, entry->d_name), "rb");
        assert_non_null(f);
        char text[8192];
        size_t n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        text[n] = '\0';
        const char *element = strstr(text, "?>");
        assert_non_null(element);
        element = strchr(element, '<');
        enum booking_method method = BOOKING_METHOD_COUNT;
        for (unsigned i = 0; i < BOOKING_METHOD_COUNT; i++) {
            const char *start = arena_printf(*state, "<%sRequest", booking_ops[i].name);
            if (strncmp(element, start, strlen(start)) == 0)
                method = (enum booking_method)i;
        }
        struct booking_request r;
        assert_int_equal(bind_text(*state, method, element, &r), ERR_OK);
        bool has_key = method == BOOKING_BOOK || method == BOOKING_GET_BOOKING_STATUS ||
                       method == BOOKING_CANCEL_BOOKING || method == BOOKING_UPDATE_BOOKING_DETAILS;
        assert_true(!has_key || strncmp(r.book_id, "52f7e417-23dd-4f3c-999a-1cf196e8122", 35) == 0);
        bound++;
    }
    closedir(dir);
    assert_int_equal(bound, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(m9_get_slots),
        TEST(p1_filters_that_are_none),
        TEST(m9_book),
        TEST(a30_phone_before_email),
        TEST(m9_the_short_ones),
        TEST(m9_get_ref_items_list),
        TEST(m9_update_booking_details),
        TEST(wrong_values_do_not_stop_the_binding),
        TEST(what_is_not_the_element),
        TEST(soap_encoded_references_are_not_followed),
        TEST(long_values_and_long_lists),
        TEST(endless_lists_and_depths_are_refused),
        TEST(threads_have_their_own_context),
        TEST(the_samples_bind),
    };
    soap_binding_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    soap_binding_fini();
    return failed;
}
