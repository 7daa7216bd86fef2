/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The SQL calls: every placeholder has its parameter, in the order of the SQL contract, and no value becomes SQL (P4).
 */
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

static const struct booking_message message = {.listener = "l",
                                               .channel = "plain",
                                               .peer = "127.0.0.1",
                                               .sender_code = "PGU001001",
                                               .recipient_code = "AAAA00001",
                                               .message_id = "id-1",
                                               .method = "book",
                                               .verdict = "good",
                                               .portal_time = "2026-11-22T10:45:00.000+03:00",
                                               .case_number = NULL,
                                               .digest = {0x01, 0x00, 0xFF},
                                               .received_us = 1795344300123456,
                                               .test = true,
                                               .body = {"<a\0b>", 5}};

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

static struct db_call make(void **state, const struct booking_request *r, const struct field_errors *bad)
{
    return booking_ops[r->method].call(r, &message, bad, *state);
}

/* $1 to $n are all there, and $n + 1 is not. */
static void assert_placeholders(const struct db_call *c)
{
    for (unsigned i = 1; i <= c->nparams + 1; i++) {
        char name[8];
        snprintf(name, sizeof name, "$%u:", i);
        assert_int_equal(strstr(c->sql, name) != NULL, i <= c->nparams);
    }
}

static void assert_message(const struct db_call *c)
{
    assert_non_null(strstr(c->sql, "$14::bytea, $15::boolean)::api.message"));
    static const char *const texts[] = {
        "l", "plain", "127.0.0.1", "PGU001001", "AAAA00001", "id-1", "book", "good", "2026-11-22T10:45:00.000+03:00"};
    for (unsigned i = 0; i < 9; i++)
        assert_string_equal(c->values[i], texts[i]);
    assert_null(c->values[9]);
    assert_int_equal(c->lengths[10], 32);
    assert_memory_equal(c->values[10], message.digest, 32);
    assert_string_equal(c->values[11], "2026-11-22T10:45:00.123+00:00");
    assert_string_equal(c->values[12], "true");
    assert_int_equal(c->lengths[13], 5);
    assert_memory_equal(c->values[13], "<a\0b>", 5);
    assert_string_equal(c->values[14], "false");
    for (unsigned i = 0; i < c->nparams; i++)
        assert_int_equal(c->is_binary[i] != 0, i == 10 || i == 13);
}

static void book_everything(void **state)
{
    struct user_document doc = {"PASSPORT", "4500", "000001", "2020-01-01", NULL, "Отдел", "770-001"};
    struct attribute attributes[] = {{"serviceId", "1\"'; drop table data.slot; --"}, {"b", ""}};
    struct booking_request r = {
        .method = BOOKING_BOOK,
        .book_id = "52f7e417-23dd-4f3c-999a-1cf196e81220",
        .slot_ids = LIST("s1", "a\"b,c}"),
        .organization_ids = LIST("R7700018"),
        .user_type = "SIMPLE",
        .user_kind = "PHYSIC",
        .esia_id = "1000000000",
        .applicant = {"Тестов", "Тест", "Тестович", "a@example.ru", "+7 (900) 000-00-00", "112-233-445 95", "login",
                      &doc, "770000000082", "7700000009", "1027700000008", "ООО \"Тест\"", "42"},
        .service_ids = LIST("10000593393"),
        .preliminary = true,
        .preliminary_period_min = "60",
        .attributes = {attributes, 2},
    };
    struct db_call c = make(state, &r, NULL);
    assert_int_equal(c.nparams, 31);
    assert_placeholders(&c);
    assert_message(&c);
    assert_non_null(strstr(c.sql, "select * from api.book(row("));
    assert_string_equal(c.values[15], "52f7e417-23dd-4f3c-999a-1cf196e81220");
    assert_string_equal(c.values[16], db_text_array(*state, (const char *const[]){"s1", "a\"b,c}"}, 2));
    assert_string_equal(c.values[17], "R7700018");
    assert_string_equal(c.values[18], "SIMPLE");
    assert_string_equal(c.values[19], "PHYSIC");
    assert_string_equal(c.values[20], "1000000000");
    assert_string_equal(
        c.values[21],
        "{\"lastName\":\"Тестов\",\"firstName\":\"Тест\",\"middleName\":\"Тестович\",\"email\":\"a@example.ru\","
        "\"mobilePhone\":\"79000000000\",\"userSnils\":\"11223344595\",\"userLogin\":\"login\",\"userDoc\":{"
        "\"docType\":"
        "\"PASSPORT\",\"docSeries\":\"4500\",\"docNumber\":\"000001\",\"issueDate\":\"2020-01-01\",\"issuedBy\":"
        "\"Отдел\","
        "\"issueDept\":\"770-001\"},\"userINN\":\"770000000082\",\"businessINN\":\"7700000009\",\"businessOGRN\":"
        "\"1027700000008\",\"businessName\":\"ООО \\\"Тест\\\"\",\"caseNumber\":\"42\"}");
    assert_string_equal(c.values[23], "{}");
    assert_string_equal(c.values[24], "true");
    assert_string_equal(c.values[25], "60");
    assert_string_equal(c.values[26], "[{\"name\":\"serviceId\",\"value\":\"1\\\"'; drop table data.slot; --\"},"
                                      "{\"name\":\"b\",\"value\":\"\"}]");
    assert_string_equal(c.values[27], "{}");
}

static void book_nothing_and_bad_fields(void **state)
{
    struct booking_request r = {.method = BOOKING_BOOK};
    struct field_errors bad = {.arena = *state};
    field_errors_add(&bad, "bookId", 1, "x");
    field_errors_add(&bad, "slotId", 1, "x");
    struct db_call c = make(state, &r, &bad);
    assert_placeholders(&c);
    static const unsigned nulls[] = {15, 17, 18, 19, 20, 25};
    for (unsigned i = 0; i < sizeof nulls / sizeof *nulls; i++)
        assert_null(c.values[nulls[i]]);
    assert_string_equal(c.values[16], "{}");
    assert_string_equal(c.values[21], "{}");
    assert_string_equal(c.values[24], "false");
    assert_string_equal(c.values[26], "[]");
    assert_string_equal(c.values[27], db_text_array(*state, (const char *const[]){"bookId", "slotId"}, 2));
    assert_string_equal(c.values[28], "{\"x\",\"x\"}");
}

/* L2, item 15.1: what is remembered of a request beyond its bounds is what is within them, and nothing of the person */
static void book_beyond_its_bounds(void **state)
{
    struct attribute attributes[] = {{"a", "b"}};
    struct booking_request r = {
        .method = BOOKING_BOOK,
        .book_id = "52f7e417-23dd-4f3c-999a-1cf196e81220",
        .esia_id = "an account that is far too long",
        .slot_ids = LIST("s1", "s2"),
        .organization_ids = LIST("R7700018"),
        .service_ids = LIST("1", "2"),
        .area_ids = LIST("a"),
        .user_type = "SIMPLE",
        .user_kind = "far too long",
        .applicant = {.last_name = "Тестов", .user_snils = "112-233-445 95"},
        .preliminary_period_min = "60",
        .attributes = {attributes, 1},
    };
    struct field_errors bad = {.arena = *state};
    static const char *const names[] = {"esiaId", "slotId", "serviceId", "userKind"};
    for (unsigned i = 0; i < 4; i++)
        field_errors_beyond(&bad, names[i], "слишком длинно");
    booking_keep_fit(&r, &bad);
    assert_string_equal(r.esia_id, "an account that is far too long"); /* for the echo */
    struct db_call c = make(state, &r, &bad);
    assert_string_equal(c.values[15], "52f7e417-23dd-4f3c-999a-1cf196e81220");
    assert_string_equal(c.values[16], "{}");
    assert_string_equal(c.values[17], "R7700018");
    assert_string_equal(c.values[18], "SIMPLE");
    assert_null(c.values[19]);
    assert_null(c.values[20]);
    assert_string_equal(c.values[21], "{}");
    assert_string_equal(c.values[22], "{}");
    assert_string_equal(c.values[23], "{\"a\"}");
    assert_null(c.values[25]);
    assert_string_equal(c.values[26], "[]");
    assert_string_equal(c.values[27], db_text_array(*state, names, 4));
    bad.is_beyond = false; /* what is wrong but within its bounds is told */
    assert_string_equal(make(state, &r, &bad).values[20], "an account that is far too long");
}

/* Appendix 3, note: what is wrong with the applicant of a hold goes apart, for the final booking; of a final one it is
 * bad */
static void holds_are_judged_later(void **state)
{
    struct booking_request r = {
        .method = BOOKING_BOOK, .preliminary = true, .applicant = {.mobile_phone = "911", .email = "a@example.ru"}};
    struct db_call c = make(state, &r, NULL);
    assert_string_equal(c.values[27], "{}");
    assert_string_equal(c.values[29], "{\"mobilePhone\"}");
    assert_string_equal(c.values[30], "{\"Номер телефона указывается в формате 7 XXX XXX XX XX\"}");
    r.preliminary = false;
    c = make(state, &r, NULL);
    assert_string_equal(c.values[29], "{}");
    assert_string_equal(c.values[30], "{}");
}

static void a23_period(void **state)
{
    static const struct {
        bool preliminary;
        const char *period, *sent;
    } cases[] = {{true, "60", "60"}, {true, "0060", "60"},       {true, "0", "0"},
                 {true, NULL, NULL}, {true, "100000", "100000"}, {true, "99999999999999999999999", "1000000"},
                 {true, "-1", NULL}, {true, "60 minutes", NULL}, {false, "240", NULL}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct booking_request r = {
            .method = BOOKING_BOOK, .preliminary = cases[i].preliminary, .preliminary_period_min = cases[i].period};
        const char *sent = make(state, &r, NULL).values[25];
        if (cases[i].sent == NULL)
            assert_null(sent);
        else
            assert_string_equal(sent, cases[i].sent);
    }
}

static void wrong_numbers_go_as_they_came(void **state)
{
    struct booking_request r = {.method = BOOKING_BOOK, .applicant = {.mobile_phone = "911", .user_snils = "1-2"}};
    assert_string_equal(make(state, &r, NULL).values[21], "{\"mobilePhone\":\"911\",\"userSnils\":\"1-2\"}");
}

/* M8, A2: the timeslot's members one by one; none is NULL everywhere */
static void update_booking_details(void **state)
{
    struct attribute attributes[] = {{"a", "b"}, {"ServiceID", "10000593394"}, {"serviceId", NULL}};
    struct time_slot slot = {.slot_id = "s'1",
                             .service_id = "10000593393",
                             .organization_id = "R7700018",
                             .area_id = "hall-1",
                             .visit_time = "2026-12-02T09:45:00+03:00",
                             .queue_number = "A1",
                             .duration = "15",
                             .attributes = {attributes, 3}};
    struct booking_request r = {.method = BOOKING_UPDATE_BOOKING_DETAILS,
                                .book_id = "1",
                                .esia_id = "2",
                                .timeslot = &slot,
                                .status_code = "201",
                                .status_message = "'); drop table data.slot; --"};
    struct db_call c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_message(&c);
    assert_int_equal(c.nparams, 27);
    assert_non_null(strstr(c.sql, "select * from api.update_booking_details(row("));
    static const char *const wanted[] = {"1",
                                         "2",
                                         "s'1",
                                         "R7700018",
                                         "hall-1",
                                         "10000593393",
                                         "2026-12-02T09:45:00+03:00",
                                         "15",
                                         "201",
                                         "'); drop table data.slot; --",
                                         "{}",
                                         "{\"10000593394\"}"};
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_string_equal(c.values[15 + i], wanted[i]);
    slot.duration = "99999999999999999999999";
    assert_string_equal(make(state, &r, NULL).values[22], "1000000");

    struct field_errors bad = {.arena = *state};
    field_errors_add(&bad, "status", 1, FIELD_BAD_VALUE);
    r = (struct booking_request){.method = BOOKING_UPDATE_BOOKING_DETAILS};
    c = make(state, &r, &bad);
    assert_int_equal(c.nparams, 27);
    for (unsigned i = 15; i < 25; i++)
        assert_null(c.values[i]);
    assert_string_equal(c.values[25], db_text_array(*state, (const char *const[]){"status"}, 1));
}

static void the_other_calls(void **state)
{
    struct booking_request r = {.method = BOOKING_CANCEL_BOOKING, .book_id = "1", .esia_id = "2"};
    struct db_call c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_message(&c);
    assert_int_equal(c.nparams, 18);
    assert_string_equal(c.values[15], "1");
    assert_string_equal(c.values[16], "2");

    r.method = BOOKING_GET_BOOKING_STATUS;
    c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 3);
    assert_string_equal(c.values[0], "AAAA00001");
    assert_string_equal(c.values[2], "2");

    struct attribute attributes[] = {{"serviceId", "10000593393"}, {"SlotsPeriod", "2021-04"}, {"SERVICEID", "2"}};
    r = (struct booking_request){.method = BOOKING_GET_SLOTS,
                                 .organization_ids = LIST("R1", "R2"),
                                 .user_type = "SIMPLE",
                                 .user_kind = "PHYSIC",
                                 .attributes = {attributes, 3}};
    c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 11);
    assert_string_equal(c.values[10], db_text_array(*state, (const char *const[]){"10000593393", "2"}, 2));
    assert_string_equal(c.values[1], db_text_array(*state, (const char *const[]){"R1", "R2"}, 2));
    assert_string_equal(c.values[2], "{}");
    assert_null(c.values[6]);
    assert_string_equal(c.values[7], "20000");
    assert_null(c.values[8]); /* no filter */
    assert_string_equal(c.values[9], "plain");

    r = (struct booking_request){.method = BOOKING_GET_REFS_LIST};
    c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 1);

    r = (struct booking_request){.method = BOOKING_GET_REF_ATTRIBUTES_LIST, .ref_names = LIST("Services")};
    c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 3);
    assert_string_equal(c.values[2], "false"); /* the name as it is */
    r.in_any_case = true;
    c = make(state, &r, NULL);
    assert_string_equal(c.values[2], "true");

    r = (struct booking_request){.method = BOOKING_GET_REF_ITEMS_LIST,
                                 .ref_names = LIST("Services"),
                                 .page_num = "1",
                                 .page_size = "99999999999",
                                 .tree_filtering = "ONELEVEL",
                                 .version = "41"};
    c = make(state, &r, NULL);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 12);
    assert_string_equal(c.values[1], "Services");
    assert_null(c.values[2]);
    assert_string_equal(c.values[3], "ONELEVEL");
    assert_string_equal(c.values[6], "1");
    assert_string_equal(c.values[7], "2000000000");
    assert_string_equal(c.values[8], "41");
    assert_null(c.values[9]);                   /* no filter */
    assert_string_equal(c.values[11], "10000"); /* L2: items of one answer */
}

static void j1_journal(void **state)
{
    struct booking_outcome o = {.journal_id = "17", .journal_at = "2026-11-22 10:00:00+03"};
    struct db_call c = booking_journal_reply(&o, (struct span){"a\0b", 3}, "201", *state);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 4);
    assert_string_equal(c.values[0], "17");
    assert_string_equal(c.values[2], "201");
    assert_int_equal(c.is_binary[3], 1);
    assert_int_equal(c.lengths[3], 3);

    c = booking_journal_exchange(&message, SPAN_LIT("answer"), false, "fault", *state);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 17);
    assert_string_equal(c.values[15], "fault");
    assert_int_equal(c.is_binary[16], 1);
    assert_int_equal(c.lengths[16], 6);
    assert_int_equal(c.is_kept[16], 0);
    c = booking_journal_exchange(&message, SPAN_LIT("large"), true, "fault", *state);
    for (unsigned i = 0; i < c.nparams; i++) /* of the others nothing is known */
        assert_int_equal(c.is_kept[i], i == 16);
    c = booking_journal_exchange(&message, (struct span){0}, false, "fault", *state);
    assert_non_null(c.values[16]); /* empty, not NULL */
    assert_int_equal(c.lengths[16], 0);
}

/* Q1: of a queue, known by its id alone */
static void q1_journal_of_a_queue(void **state)
{
    struct booking_message queued = message;
    queued.by_id = true;
    struct db_call c = booking_journal_answer(&queued, SPAN_LIT("answer"), true, "error 0", *state);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 17);
    assert_string_equal(c.values[14], "true");
    assert_string_equal(c.values[15], "error 0");
    for (unsigned i = 0; i < c.nparams; i++)
        assert_int_equal(c.is_kept[i], i == 16);
    assert_memory_equal(c.values[16], "answer", 6);
}

static void j4_journal_of_the_refused(void **state)
{
    const struct booking_refused row = {.listener = "smev2",
                                        .peer = "192.0.2.1:5",
                                        .request_id = "r",
                                        .reason = "MALFORMED",
                                        .messages = 1,
                                        .bytes = 1048576,
                                        .digest = SPAN_LIT("0123456789abcdef0123456789abcdef"),
                                        .head = {"a\0b", 3},
                                        .answer = SPAN_LIT("fault")};
    struct db_call c = booking_journal_refused(&row, *state);
    assert_placeholders(&c);
    assert_int_equal(c.nparams, 9);
    assert_string_equal(c.values[3], "MALFORMED");
    assert_string_equal(c.values[4], "1");
    assert_string_equal(c.values[5], "1048576");
    for (unsigned i = 6; i < 9; i++)
        assert_int_equal(c.is_binary[i], 1);
    assert_int_equal(c.lengths[6], 32);
    assert_int_equal(c.lengths[7], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(book_everything),
        TEST(book_nothing_and_bad_fields),
        TEST(book_beyond_its_bounds),
        TEST(holds_are_judged_later),
        TEST(a23_period),
        TEST(wrong_numbers_go_as_they_came),
        TEST(update_booking_details),
        TEST(the_other_calls),
        TEST(j1_journal),
        TEST(q1_journal_of_a_queue),
        TEST(j4_journal_of_the_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
