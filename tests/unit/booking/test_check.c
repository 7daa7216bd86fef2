/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Field checks of every operation: each wrong field is named, all at once (M10), and a right request names none. */
#include "booking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LIST(...)                                                                                                      \
    {                                                                                                                  \
        (const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)                          \
    }

static const struct booking_request good_book = {
    .method = BOOKING_BOOK,
    .book_id = "52f7e417-23dd-4f3c-999a-1cf196e81220",
    .slot_ids = LIST("e513be00-ee1b-11f1-8001-010000000012"),
    .organization_ids = LIST("R7700018"),
    .user_type = "QUALIFIED",
    .user_kind = "PHYSIC",
    .esia_id = "1000000000",
};

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

/* "field:code field:code" in the order found */
static const char *found(struct arena *a, const struct booking_request *r)
{
    struct field_errors f = {.arena = a};
    booking_check(r, &f, a);
    struct buf b;
    buf_init(&b, a, 64);
    for (unsigned i = 0; i < f.n; i++) {
        assert_non_null(f.items[i].message);
        assert_true((unsigned char)f.items[i].message[0] >= 0xD0); /* Russian */
        buf_printf(&b, "%s%s:%d", i == 0 ? "" : " ", f.items[i].field, f.items[i].code);
    }
    return b.n == 0 ? "" : b.p;
}

static void book_right(void **state)
{
    struct booking_request r = good_book;
    assert_string_equal(found(*state, &r), "");

    struct user_document doc = {
        .doc_type = "MIL_TICKET", .doc_number = "1", .issue_date = "2020-02-29", .valid_date = "2020-02-29"};
    r.applicant = (struct applicant){.last_name = "Тестов",
                                     .email = "test@example.ru",
                                     .mobile_phone = "7 900 000 00 00",
                                     .user_snils = "112-233-445 95",
                                     .user_doc = &doc,
                                     .user_inn = "770000000082",
                                     .business_inn = "7700000009",
                                     .business_ogrn = "1027700000008"};
    r.slot_ids = (struct strings)LIST("a", "b", "c");
    assert_string_equal(found(*state, &r), "");

    r.slot_ids = (struct strings)LIST("blind_request");
    r.user_kind = "BUSINESS";
    assert_string_equal(found(*state, &r), "");

    r.user_kind = "PERSBUSINESS";
    r.applicant.business_inn = "770000000082";
    r.applicant.business_ogrn = "304770000000008";
    assert_string_equal(found(*state, &r), "");
}

static void m10_everything_wrong_in_one_answer(void **state)
{
    struct booking_request nothing = {.method = BOOKING_BOOK};
    assert_string_equal(found(*state, &nothing), "bookId:1 slotId:1 organizationId:1 userType:1 userKind:1 esiaId:1");

    struct user_document doc = {.doc_type = "VISA", .issue_date = "2020-02-30", .valid_date = "20.02.2030"};
    struct booking_request r = good_book;
    r.book_id = "number one";
    r.user_type = "ANONYMOUS";
    r.user_kind = "physic";
    r.applicant = (struct applicant){.email = "nobody",
                                     .mobile_phone = "911",
                                     .user_snils = "112-233-445 96",
                                     .user_doc = &doc,
                                     .user_inn = "7700000009",
                                     .business_inn = "1",
                                     .business_ogrn = "2"};
    assert_string_equal(found(*state, &r),
                        "bookId:1 userType:1 userKind:1 email:1 mobilePhone:1 userSnils:1 userINN:1 businessINN:1 "
                        "businessOGRN:1 docType:1 docNumber:1 issueDate:1 validDate:1");
}

static void case24_kind_decides_the_numbers(void **state)
{
    struct booking_request r = good_book;
    r.user_kind = "BUSINESS";
    assert_string_equal(found(*state, &r), ""); /* item 19 marks it N */
    r.applicant.business_inn = "770000000082";  /* a person's */
    assert_string_equal(found(*state, &r), "businessINN:1");
    r.applicant.business_inn = "7700000009";
    r.applicant.business_ogrn = "304770000000008"; /* OGRNIP */
    assert_string_equal(found(*state, &r), "businessOGRN:1");

    r.user_kind = "PERSBUSINESS";
    r.applicant.business_ogrn = "1027700000008";
    assert_string_equal(found(*state, &r), "businessINN:1 businessOGRN:1");
    r.applicant = (struct applicant){0};
    assert_string_equal(found(*state, &r), "");
}

static void a9_document_types_of_the_configuration(void **state)
{
    static const struct {
        const char *list, *type, *fields;
    } cases[] = {
        {NULL, "VISA", "docType:1"},
        {"VISA", "VISA", ""},
        {" BIRTH CERTIFICATE ,VISA,\tID", "VISA", ""},
        {" BIRTH CERTIFICATE ,VISA,\tID", "BIRTH CERTIFICATE", ""},
        {" BIRTH CERTIFICATE ,VISA,\tID ", "ID", ""},
        {"BIRTH CERTIFICATE,VISA", "CERTIFICATE", "docType:1"},
        {"BIRTH CERTIFICATE,VISA", "BIRTH", "docType:1"},
        {"VISA", "visa", "docType:1"},
        {"VISA", "VIS", "docType:1"},
        {"VISA", "VISAS", "docType:1"},
        {"A,B", "A,B", "docType:1"},
        {",", ",", "docType:1"},
        {"VISA", "PASSPORT", ""},
        {"VISA", "MIL TICKET", ""},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct user_document doc = {.doc_type = cases[i].type, .doc_number = "1"};
        struct booking_request r = good_book;
        r.applicant.user_doc = &doc;
        r.doc_types = cases[i].list;
        assert_string_equal(found(*state, &r), cases[i].fields);
    }
}

static void a6_minutes_of_a_visit(void **state)
{
    static const struct {
        int64_t first_s;
        int first_min;
        int64_t last_s;
        int last_min;
        const char *minutes;
    } cases[] = {
        {1796193900, 15, 1796194800, 15, "30"},
        {1796193900, 60, 1796194800, 15, "60"},  /* the first ends last */
        {1796194800, 15, 1796193900, 15, "30"},  /* in any order */
        {1796193900, 15, 1796201100, 20, "140"}, /* breaks included */
        {-900, 15, 0, 15, "30"},
        {1796193900, 0, 1796193900, 0, "0"},
        {1796193900, -1, 1796194800, 15, NULL},
        {1796193900, 15, 1796194800, -1, NULL},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct time_slot slots[] = {{.visit_at_s = cases[i].first_s, .duration_min = cases[i].first_min},
                                    {.visit_at_s = cases[i].last_s, .duration_min = cases[i].last_min}};
        const char *minutes = booking_visit_minutes(*state, slots, 2);
        if (cases[i].minutes == NULL)
            assert_null(minutes);
        else
            assert_string_equal(minutes, cases[i].minutes);
    }
    assert_null(booking_visit_minutes(*state, NULL, 0));
}

static void document_valid_before_issue(void **state)
{
    struct user_document doc = {
        .doc_type = "PASSPORT", .doc_number = "1", .issue_date = "2020-03-01", .valid_date = "2020-02-29"};
    struct booking_request r = good_book;
    r.applicant.user_doc = &doc;
    assert_string_equal(found(*state, &r), "validDate:1");
}

static void a7_slots(void **state)
{
    struct booking_request r = good_book;
    r.slot_ids = (struct strings)LIST("a", "b", "a");
    assert_string_equal(found(*state, &r), "slotId:1");
    r.slot_ids = (struct strings)LIST("blind_request", "a");
    assert_string_equal(found(*state, &r), "slotId:1");
    r.slot_ids = (struct strings)LIST("a", "blind_request");
    assert_string_equal(found(*state, &r), "slotId:1");
    r.slot_ids = (struct strings)LIST("BLIND_REQUEST", "a"); /* not the keyword: an unknown slot, which SQL says */
    assert_string_equal(found(*state, &r), "");

    char names[51][4];
    const char *many[51];
    for (int i = 0; i < 51; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        many[i] = names[i];
    }
    r.slot_ids = (struct strings){many, 50};
    assert_string_equal(found(*state, &r), "");
    r.slot_ids = (struct strings){many, 51};
    assert_string_equal(found(*state, &r), "slotId:1");
}

/* Appendix 3, note: the applicant's data are the final booking's affair */
static void a_hold_asks_for_a_time(void **state)
{
    struct booking_request r = good_book;
    r.applicant.mobile_phone = "911";
    r.applicant.user_snils = "1-2";
    assert_string_equal(found(*state, &r), "mobilePhone:1 userSnils:1");
    r.preliminary = true;
    assert_string_equal(found(*state, &r), "");
    r.user_type = "ANYBODY"; /* the form is not */
    assert_string_equal(found(*state, &r), "userType:1");
}

static void a23_period_matters_only_when_preliminary(void **state)
{
    static const char *const fine[] = {"0", "60", "100000", "99999999999999999999", NULL};
    static const char *const wrong[] = {"-1", "1.5", "an hour", " ", NULL};
    struct booking_request r = good_book;
    r.preliminary = true;
    assert_string_equal(found(*state, &r), "");
    for (unsigned i = 0; fine[i] != NULL; i++) {
        r.preliminary_period_min = fine[i];
        assert_string_equal(found(*state, &r), "");
    }
    for (unsigned i = 0; wrong[i] != NULL; i++) {
        r.preliminary = true;
        r.preliminary_period_min = wrong[i];
        assert_string_equal(found(*state, &r), "preliminaryReservationPeriod:1");
        r.preliminary = false;
        assert_string_equal(found(*state, &r), "");
    }
}

static void a10_get_slots_without_esia_id(void **state)
{
    struct booking_request r = {.method = BOOKING_GET_SLOTS,
                                .organization_ids = LIST("R7700018"),
                                .user_type = "SIMPLE",
                                .user_kind = "PHYSIC"};
    assert_string_equal(found(*state, &r), "");
    r.user_kind = "BUSINESS"; /* neither looking nor booking needs an INN */
    assert_string_equal(found(*state, &r), "");
    r.method = BOOKING_BOOK;
    r.book_id = "1";
    r.slot_ids = (struct strings)LIST("a");
    assert_string_equal(found(*state, &r), "esiaId:1");
}

static void get_slots_wrong(void **state)
{
    struct booking_request r = {.method = BOOKING_GET_SLOTS};
    assert_string_equal(found(*state, &r), "organizationId:1 userType:1 userKind:1");
    const char *many[501];
    for (unsigned i = 0; i < 501; i++)
        many[i] = "R7700018";
    r = (struct booking_request){.method = BOOKING_GET_SLOTS,
                                 .organization_ids = {many, 500},
                                 .user_type = "SIMPLE",
                                 .user_kind = "PHYSIC",
                                 .applicant.user_snils = "1"};
    assert_string_equal(found(*state, &r), "userSnils:1");
    r.organization_ids.n = 501;
    r.filter = &(struct predicate){.kind = PREDICATE_BOTH}; /* two at once, and the union is of nothing */
    assert_string_equal(found(*state, &r), "organizationId:1 userSnils:1 filter:1 unionKind:1 subs:1");
}

static void reference_books(void **state)
{
    struct booking_request r = {.method = BOOKING_GET_REFS_LIST};
    assert_string_equal(found(*state, &r), "");
    r.method = BOOKING_GET_REF_ATTRIBUTES_LIST;
    assert_string_equal(found(*state, &r), "refNames:1");
    r.ref_names = (struct strings)LIST("Organizations", "Services");
    assert_string_equal(found(*state, &r), "");
    r.method = BOOKING_GET_REF_ITEMS_LIST;
    assert_string_equal(found(*state, &r), "refName:1 treeFiltering:1 pageNum:1 pageSize:1");
    r.ref_names.n = 1;
    r.tree_filtering = "subtree";
    r.page_num = "-1";
    r.page_size = "x";
    assert_string_equal(found(*state, &r), "treeFiltering:1 pageNum:1 pageSize:1");
}

static void keys_of_status_and_cancel(void **state)
{
    static const enum booking_method methods[] = {BOOKING_GET_BOOKING_STATUS, BOOKING_CANCEL_BOOKING};
    for (unsigned i = 0; i < 2; i++) {
        struct booking_request r = {.method = methods[i]};
        assert_string_equal(found(*state, &r), "bookId:1 esiaId:1");
        r.book_id = "12345678901234567890";
        r.esia_id = "1";
        assert_string_equal(found(*state, &r), "bookId:1");
        r.book_id = "1234567890123456789";
        assert_string_equal(found(*state, &r), "");
    }
}

static void a25_unknown_status(void **state)
{
    static const char *const good[] = {"201", "202", "203", "205", "206",       "206001", "207",
                                       "208", "301", "302", "303", "303000001", NULL};
    static const char *const bad[] = {"204", "999",  "20",     "2x6",  "20a",    "2060000000",          "001", "100",
                                      "101", "200",  "300",    "304",  "100001", "2010000000",          "-20", "+201",
                                      "20 ", " 201", "201.00", "20１", "201 ",   "9223372036854775807", "",    NULL};
    struct booking_request r = {.method = BOOKING_UPDATE_BOOKING_DETAILS, .book_id = "1", .esia_id = "1"};
    assert_string_equal(found(*state, &r), "status:1");
    for (unsigned i = 0; good[i] != NULL; i++) {
        r.status_code = good[i];
        assert_string_equal(found(*state, &r), "");
    }
    for (unsigned i = 0; bad[i] != NULL; i++) {
        r.status_code = bad[i];
        struct field_errors f = {.arena = *state};
        booking_check(&r, &f, *state);
        assert_int_equal(f.n, 1);
        assert_string_equal(f.items[0].field, "status");
        assert_int_equal(f.items[0].code, 1);
        assert_string_equal(f.items[0].message, "Данный статус заявления не поддерживается в текущей версии");
    }
}

/* A2: the time to move to is one that was offered */
static void a2_timeslot(void **state)
{
    struct time_slot slot = {.slot_id = "1"};
    struct booking_request r = {.method = BOOKING_UPDATE_BOOKING_DETAILS,
                                .book_id = "1",
                                .esia_id = "1",
                                .timeslot = &slot,
                                .status_code = "201"};
    assert_string_equal(found(*state, &r), "");
    slot.slot_id = NULL;
    assert_string_equal(found(*state, &r), "slotId:1");
    slot.slot_id = "blind_request";
    assert_string_equal(found(*state, &r), "slotId:1");
    r.book_id = "x";
    r.esia_id = NULL;
    r.status_code = "204";
    assert_string_equal(found(*state, &r), "bookId:1 esiaId:1 slotId:1 status:1");
}

static void errors_are_kept_once(void **state)
{
    struct field_errors f = {.arena = *state};
    field_errors_add(&f, "bookId", 1, FIELD_BAD_VALUE); /* the schema comes first */
    field_errors_add(&f, "bookId", 2, "Значение не найдено в справочнике");
    field_errors_add(&f, "bookId", 1, "подробнее");
    field_errors_add(&f, "bookId", 1, "и ещё");
    assert_int_equal(f.n, 2);
    assert_string_equal(f.items[0].message, "подробнее");
    for (int i = 0; i < 100; i++)
        field_errors_add(&f, arena_printf(*state, "f%d", i), 1, FIELD_BAD_VALUE);
    assert_int_equal(f.n, 102);
    assert_string_equal(f.items[101].field, "f99");
    assert_string_equal(f.items[1].message, "Значение не найдено в справочнике");
}

static void table_of_operations(void **state)
{
    (void)state;
    static const char *const served[] = {"getSlots",       "book",        "getBookingStatus",
                                         "cancelBooking",  "getRefsList", "getRefAttributesList",
                                         "getRefItemsList"};
    for (unsigned i = 0; i < sizeof served / sizeof *served; i++) {
        enum booking_method method = BOOKING_METHOD_COUNT;
        const struct booking_op *op = booking_op_by_name(served[i], &method);
        assert_non_null(op);
        assert_ptr_equal(op, &booking_ops[method]);
        assert_true(op->is_served);
        assert_int_equal(op->is_write, strcmp(served[i], "book") == 0 || strcmp(served[i], "cancelBooking") == 0);
    }
    /* A2: a write, and served only where a listener says so */
    enum booking_method method = BOOKING_METHOD_COUNT;
    const struct booking_op *update = booking_op_by_name("updateBookingDetails", &method);
    assert_ptr_equal(update, &booking_ops[BOOKING_UPDATE_BOOKING_DETAILS]);
    assert_int_equal(method, BOOKING_UPDATE_BOOKING_DETAILS);
    assert_true(update->is_write && !update->is_served);
    static const char *const unknown[] = {"updatebookingdetails", "updateBooking", "Book", "bookRequest", "", "book "};
    for (unsigned i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_null(booking_op_by_name(unknown[i], NULL));
    assert_null(booking_op_by_name(NULL, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(book_right),
        TEST(m10_everything_wrong_in_one_answer),
        TEST(case24_kind_decides_the_numbers),
        TEST(document_valid_before_issue),
        TEST(a9_document_types_of_the_configuration),
        TEST(a6_minutes_of_a_visit),
        TEST(a7_slots),
        TEST(a_hold_asks_for_a_time),
        TEST(a23_period_matters_only_when_preliminary),
        TEST(a10_get_slots_without_esia_id),
        TEST(get_slots_wrong),
        TEST(reference_books),
        TEST(keys_of_status_and_cancel),
        TEST(a25_unknown_status),
        TEST(a2_timeslot),
        TEST(errors_are_kept_once),
        TEST(table_of_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
