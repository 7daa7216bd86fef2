/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Rows to answers, and what a write's first row says. The rows are those of the SQL contract; broken ones are refused.
 */
#include "fake_db_result.h"

#include "booking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const answer_names[] = {
    "kind",       "status_code",     "status_message", "error_code", "error_message", "field",           "slot_id",
    "service_id", "organization_id", "area_id",        "visit_at",   "book_end_at",   "queue_number",    "duration",
    "attributes", "journal_id",      "journal_at",     "stored",     "visit_offset",  "book_end_offset", NULL};

#define ANSWER(status, text, code, message)                                                                            \
    "answer", status, text, code, message, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "17",           \
        "2026-11-22 10:00:00+03", NULL, NULL, NULL
#define FIELD(name, code, message)                                                                                     \
    "field", NULL, NULL, code, message, name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,  \
        NULL, NULL
/* time and end: at, offset; the last two columns */
#define SLOT(id, service, area, time, end, attributes) SLOT_OF(id, service, area, time, end, "15", attributes)
#define SLOT_OF(...)                                   SLOT_CELLS(__VA_ARGS__)
#define SLOT_CELLS(id, service, area, at, offset, end_at, end_offset, minutes, attributes)                             \
    "slot", NULL, NULL, NULL, NULL, NULL, id, service, "R7700018", area, at, end_at, NULL, minutes, attributes, NULL,  \
        NULL, NULL, offset, end_offset
#define AT(at, offset) at, offset
#define NEVER          NULL, NULL
#define LONE(kind, stored)                                                                                             \
    kind, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, stored,      \
        NULL, NULL

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

static const struct booking_request book_request = {.method = BOOKING_BOOK, .book_id = " B ", .esia_id = "E"};

static enum err read_rows(void **state, enum booking_method method, const struct db_result *res,
                          struct booking_reply *out)
{
    struct booking_request r = book_request;
    r.method = method;
    struct error e = {0};
    *out = (struct booking_reply){0};
    enum err err = booking_ops[method].result(&r, res, out, *state, &e);
    assert_int_equal(err, e.code);
    return err;
}

static void m2_booked(void **state)
{
    struct db_result res = FAKE_RESULT(answer_names, ANSWER("201", "Забронировано", "0", NULL),
                                       SLOT("s1", NULL, "hall-1", AT("1796193900", "180"), AT("1795337100", "180"),
                                            "[{\"name\": \"a\", \"value\": \"\\\"b\\\\\\u0449\\ud834\\udd1e\\n\"}, "
                                            "{\"value\": 7, \"name\": \"n\"}, {\"name\": \"z\", \"value\": null}]"),
                                       SLOT("s2", "10000593393", NULL, AT("1796194800", "-570"), NEVER, "[]"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_BOOK, &res, &r), ERR_OK);
    assert_int_equal(r.method, BOOKING_BOOK);
    assert_string_equal(r.book_id, " B ");
    assert_string_equal(r.esia_id, "E");
    assert_string_equal(r.status_code, "201");
    assert_string_equal(r.status_message, "Забронировано");
    assert_int_equal(r.error_code, 0);
    assert_string_equal(r.error_message, "ОК");
    assert_int_equal(r.fields.n, 0);
    assert_int_equal(r.nslots, 2);
    assert_string_equal(r.slots[0].slot_id, "s1");
    assert_null(r.slots[0].service_id);
    assert_string_equal(r.slots[0].area_id, "hall-1");
    assert_string_equal(r.slots[0].book_end_time, "2026-11-22T11:45:00+03:00");
    assert_string_equal(r.slots[0].visit_time, "2026-12-02T09:45:00+03:00");
    assert_int_equal(r.slots[0].visit_at_s, 1796193900);
    assert_string_equal(r.slots[0].duration, "15");
    assert_int_equal(r.slots[0].duration_min, 15);
    assert_int_equal(r.slots[0].attributes.n, 3);
    assert_string_equal(r.slots[0].attributes.items[0].value, "\"b\\щ\xF0\x9D\x84\x9E\n");
    assert_string_equal(r.slots[0].attributes.items[1].name, "n");
    assert_string_equal(r.slots[0].attributes.items[1].value, "7");
    assert_string_equal(r.slots[0].attributes.items[2].value, "");
    assert_string_equal(r.slots[1].visit_time, "2026-12-01T21:30:00-09:30"); /* T1 */
    assert_null(r.slots[1].book_end_time);
    assert_int_equal(r.slots[1].attributes.n, 0);
}

static void a32_refused(void **state)
{
    struct db_result res =
        FAKE_RESULT(answer_names, ANSWER("208", "Запрашиваемое время не может быть забронировано", "4", "Занято"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_BOOK, &res, &r), ERR_OK);
    assert_string_equal(r.status_code, "208");
    assert_int_equal(r.error_code, 4);
    assert_string_equal(r.error_message, "Занято");
    assert_int_equal(r.nslots, 0);
}

static void m10_fields_of_both_sides_are_merged(void **state)
{
    struct db_result res =
        FAKE_RESULT(answer_names, ANSWER("207", NULL, "2", NULL), FIELD("userSnils", "1", "Недопустимое значение поля"),
                    FIELD("organizationId", "2", "Значение не найдено в справочнике"));
    struct error e = {0};
    struct booking_reply r = {.fields = {.arena = *state}};
    field_errors_add(&r.fields, "userSnils", 1, "СНИЛС");
    assert_int_equal(booking_ops[BOOKING_BOOK].result(&book_request, &res, &r, *state, &e), ERR_OK);
    assert_int_equal(r.fields.n, 2);
    assert_string_equal(r.fields.items[0].message, "СНИЛС");
    assert_string_equal(r.fields.items[1].field, "organizationId");
    assert_int_equal(r.fields.items[1].code, 2);
    assert_string_equal(r.error_message, "Ошибка во входных параметрах");
}

/* M8, item 17: the answer has an error and nothing else */
static void m8_update_tells_no_status(void **state)
{
    struct db_result res = FAKE_RESULT(answer_names, ANSWER("202", "Принят", "4", "Статус заявления: 202"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_UPDATE_BOOKING_DETAILS, &res, &r), ERR_OK);
    assert_int_equal(r.method, BOOKING_UPDATE_BOOKING_DETAILS);
    assert_string_equal(r.book_id, " B ");
    assert_string_equal(r.esia_id, "E");
    assert_int_equal(r.error_code, 4);
    assert_string_equal(r.error_message, "Статус заявления: 202");
    assert_null(r.status_code);
    assert_null(r.status_message);
    assert_int_equal(r.nslots, 0);
}

static void success_with_bad_fields_is_a_mistake(void **state)
{
    struct db_result res = FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL));
    struct error e = {0};
    struct booking_reply r = {.fields = {.arena = *state}};
    field_errors_add(&r.fields, "userSnils", 1, "СНИЛС");
    assert_int_equal(booking_ops[BOOKING_BOOK].result(&book_request, &res, &r, *state, &e), ERR_INTERNAL);
}

static void broken_rows_are_refused(void **state)
{
    const struct db_result broken[] = {
        {.names = answer_names, .cells = NULL, .rows = 0},
        FAKE_RESULT(answer_names, FIELD("a", "1", NULL)),
        FAKE_RESULT(answer_names, LONE("stored", "\\x00")),
        FAKE_RESULT(answer_names, ANSWER(NULL, NULL, "0", NULL)), /* book without a status */
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "zero", NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, NULL, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "-1", NULL)),
        FAKE_RESULT(answer_names, ANSWER("207", NULL, "2", NULL), FIELD(NULL, "1", NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL), LONE("else", NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL), LONE(NULL, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT(NULL, NULL, "a", AT("1796193900", "180"), NEVER, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL), SLOT("s", NULL, "a", NEVER, NEVER, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("1796193900", NULL), NEVER, NULL)), /* T1 */
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL), SLOT("s", NULL, "a", AT(NULL, "180"), NEVER, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("2026-12-02T09:45:00+03:00", "180"), NEVER, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("1796193900", "841"), NEVER, NULL)), /* more than fourteen hours */
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("1796193900", "-841"), NEVER, NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("253402300800", "0"), NEVER, NULL)), /* the year 10000 */
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("-30610224001", "0"), NEVER, NULL)), /* the year 999 */
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT("s", NULL, "a", AT("1796193900", "180"), AT("1796193900", NULL), NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT_OF("s", NULL, "a", AT("1796193900", "180"), NEVER, "-1", NULL)),
        FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                    SLOT_OF("s", NULL, "a", AT("1796193900", "180"), NEVER, "quarter", NULL)),
    };
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct booking_reply r;
        if (read_rows(state, BOOKING_BOOK, &broken[i], &r) == ERR_OK)
            fail_msg("rows %u should be refused", i);
    }
}

static void broken_attributes_are_refused(void **state)
{
    static const char *const texts[] = {"{}",
                                        "[",
                                        "[{}]",
                                        "[{\"name\":\"a\"},]",
                                        "[{\"name\":1,\"value\":[1]}]",
                                        "[{\"value\":\"a\"}]",
                                        "[{\"name\":\"a\",\"value\":\"b}]",
                                        "[{\"name\":\"a\",\"value\":\"\\q\"}]",
                                        "[{\"name\":\"a\",\"value\":\"\\ud834\"}]",
                                        "[{\"name\":\"a\",\"value\":\"\\u12\"}]",
                                        "[{\"name\":\"a\",\"other\":\"b\"}]",
                                        "[] x",
                                        "null",
                                        "[{\"name\":\"a\",\"value\":\"\\",
                                        "[{\"name\" \"a\"}]",
                                        "[{\"name\":}]"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct db_result res = FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL),
                                           SLOT("s", NULL, "a", AT("1796193900", "180"), NEVER, texts[i]));
        struct booking_reply r;
        if (read_rows(state, BOOKING_BOOK, &res, &r) != ERR_INTERNAL)
            fail_msg("attributes %s should be refused", texts[i]);
    }
}

static void a26_unknown_booking(void **state)
{
    struct db_result res = FAKE_RESULT(answer_names, ANSWER(NULL, NULL, "2", NULL), FIELD("bookId", "2", NULL));
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_GET_BOOKING_STATUS, &res, &r), ERR_OK);
    assert_null(r.status_code);
    assert_int_equal(r.error_code, 2);
    assert_string_equal(r.fields.items[0].field, "bookId");
    assert_int_equal(r.fields.items[0].code, 2);
    assert_int_equal(read_rows(state, BOOKING_CANCEL_BOOKING, &res, &r), ERR_OK);
    assert_int_equal(r.fields.n, 1);
}

static void m5_refs_list(void **state)
{
    static const char *const names[] = {"name", "title", "kind", NULL};
    struct db_result res = FAKE_RESULT(names, "Organizations", "Подразделения", "H", "Services", "Услуги", "P");
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_GET_REFS_LIST, &res, &r), ERR_OK);
    assert_int_equal(r.nrefs, 2);
    assert_string_equal(r.refs[1].title, "Услуги");
    assert_string_equal(r.refs[0].kind, "H");
    assert_int_equal(r.error_code, 0);
    assert_string_equal(r.error_message, "ОК");
    res = (struct db_result){.names = names};
    assert_int_equal(read_rows(state, BOOKING_GET_REFS_LIST, &res, &r), ERR_OK);
    assert_int_equal(r.nrefs, 0);
}

static void m6_ref_attributes_list(void **state)
{
    static const char *const names[] = {"kind",  "error_code", "error_message", "field",           "ref_name", "name",
                                        "title", "type",       "attr_ref_name", "allow_filtering", NULL};
    struct db_result res =
        FAKE_RESULT(names, "answer", "0", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "attribute", NULL, NULL, NULL,
                    "Organizations", "code", "Код", "STRING", NULL, "t", "attribute", NULL, NULL, NULL, "Organizations",
                    "service", "Услуга", "STRING", "Services", "f");
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_GET_REF_ATTRIBUTES_LIST, &res, &r), ERR_OK);
    assert_int_equal(r.nref_attributes, 2);
    assert_true(r.ref_attributes[0].allow_filtering);
    assert_null(r.ref_attributes[0].attr_ref_name);
    assert_false(r.ref_attributes[1].allow_filtering);
    assert_string_equal(r.ref_attributes[1].attr_ref_name, "Services");

    struct db_result unknown = FAKE_RESULT(names, "answer", "3", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                           "field", "2", NULL, "refNames", NULL, NULL, NULL, NULL, NULL, NULL);
    assert_int_equal(read_rows(state, BOOKING_GET_REF_ATTRIBUTES_LIST, &unknown, &r), ERR_OK);
    assert_int_equal(r.error_code, 3);
    assert_int_equal(r.fields.n, 1);
    assert_string_equal(r.error_message, "Необходимая информация не найдена");
}

static const char *const item_names[] = {"kind",  "error_code",  "error_message", "field",  "total_items", "version",
                                         "depth", "parent_item", "names",         "values", NULL};
#define ITEMS_ANSWER(code, total, version) "answer", code, NULL, NULL, total, version, NULL, NULL, NULL, NULL
#define ITEM(depth, parent, names, values) "item", NULL, NULL, NULL, NULL, NULL, depth, parent, names, values

static void r1_items_become_a_tree(void **state)
{
    struct db_result res = FAKE_RESULT(
        item_names, ITEMS_ANSWER("0", "5", "42"), ITEM("0", NULL, "{code,title}", "{R7700018,\"Зал, \\\"А\\\"\"}"),
        ITEM("1", "R7700018", "{code}", "{hall-1}"), ITEM("2", "hall-1", "{code}", "{room-11}"),
        ITEM("1", "R7700018", "{code}", "{hall-2}"), ITEM("0", NULL, "{code,latitude}", "{R4100001,NULL}"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_GET_REF_ITEMS_LIST, &res, &r), ERR_OK);
    assert_string_equal(r.total_items, "5");
    assert_string_equal(r.version, "42");
    assert_int_equal(r.nitems, 2);
    assert_int_equal(r.items[0].attributes.n, 2);
    assert_string_equal(r.items[0].attributes.items[1].value, "Зал, \"А\"");
    assert_int_equal(r.items[0].nchildren, 2);
    assert_string_equal(r.items[0].children[0].parent_item, "R7700018");
    assert_int_equal(r.items[0].children[0].nchildren, 1);
    assert_string_equal(r.items[0].children[0].children[0].attributes.items[0].value, "room-11");
    assert_string_equal(r.items[0].children[1].attributes.items[0].value, "hall-2");
    assert_int_equal(r.items[0].children[1].nchildren, 0);
    assert_int_equal(r.items[1].attributes.n, 1); /* without a value there is no attribute */
    assert_null(r.items[1].parent_item);
}

static void a15_up_to_date(void **state)
{
    struct db_result res = FAKE_RESULT(item_names, ITEMS_ANSWER("5", "0", "42"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, BOOKING_GET_REF_ITEMS_LIST, &res, &r), ERR_OK);
    assert_int_equal(r.error_code, 5);
    assert_string_equal(r.error_message, "Ваш справочник имеет актуальную версию");
    assert_string_equal(r.total_items, "0");
    assert_int_equal(r.nitems, 0);
}

static void broken_items_are_refused(void **state)
{
    const struct db_result broken[] = {
        FAKE_RESULT(item_names, ITEM("0", NULL, "{a}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("1", NULL, "{a}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("0", NULL, "{a}", "{b}"),
                    ITEM("2", NULL, "{a}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("-1", NULL, "{a}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("33", NULL, "{a}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM(NULL, NULL, "{a}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("0", NULL, "{a,c}", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("0", NULL, NULL, "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEM("0", NULL, "a", "{b}")),
        FAKE_RESULT(item_names, ITEMS_ANSWER("0", "1", "1"), ITEMS_ANSWER("0", "1", "1")),
    };
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct booking_reply r;
        if (read_rows(state, BOOKING_GET_REF_ITEMS_LIST, &broken[i], &r) == ERR_OK)
            fail_msg("rows %u should be refused", i);
    }
}

static void b6_outcomes(void **state)
{
    struct booking_outcome o;
    struct error e = {0};
    struct db_result fresh = FAKE_RESULT(answer_names, ANSWER("201", NULL, "0", NULL));
    assert_int_equal(booking_outcome_read(*state, &fresh, &o, &e), ERR_OK);
    assert_int_equal(o.kind, OUTCOME_NEW);
    assert_string_equal(o.journal_id, "17");
    assert_string_equal(o.journal_at, "2026-11-22 10:00:00+03");

    struct db_result stored = FAKE_RESULT(answer_names, LONE("stored", "\\x3c00ff"));
    assert_int_equal(booking_outcome_read(*state, &stored, &o, &e), ERR_OK);
    assert_int_equal(o.kind, OUTCOME_REPLAY);
    assert_int_equal(o.stored.n, 3);
    assert_memory_equal(o.stored.p, "<\0\xFF", 3);

    struct db_result reused = FAKE_RESULT(answer_names, LONE("reused", NULL));
    assert_int_equal(booking_outcome_read(*state, &reused, &o, &e), ERR_OK);
    assert_int_equal(o.kind, OUTCOME_REUSED);

    const struct db_result broken[] = {
        {.names = answer_names, .rows = 0},
        FAKE_RESULT(answer_names, LONE(NULL, NULL)),
        FAKE_RESULT(answer_names, LONE("stored", NULL)),
        FAKE_RESULT(answer_names, LONE("answer", NULL)),
        FAKE_RESULT(answer_names, LONE("slot", NULL)),
    };
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        e = (struct error){0};
        assert_int_not_equal(booking_outcome_read(*state, &broken[i], &o, &e), ERR_OK);
    }
}

static void m2_book_always_tells_a_status(void **state)
{
    static const struct {
        int code;
        const char *status;
    } cases[] = {{1, "208"}, {2, "207"}, {3, "207"}, {4, "208"}};
    struct field_errors f = {.arena = *state};
    field_errors_add(&f, "bookId", 1, "плохо");
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct booking_reply r;
        booking_reply_error(&book_request, cases[i].code, NULL, &f, &r);
        assert_string_equal(r.status_code, cases[i].status);
        assert_string_equal(r.book_id, " B ");
        assert_int_equal(r.fields.n, 1);
        assert_non_null(r.error_message);
    }
    struct booking_request status = {.method = BOOKING_GET_BOOKING_STATUS};
    struct booking_reply r;
    booking_reply_error(&status, 2, "слова", NULL, &r);
    assert_null(r.status_code);
    assert_string_equal(r.error_message, "слова");
    assert_int_equal(r.fields.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(m2_booked),
        TEST(a32_refused),
        TEST(m10_fields_of_both_sides_are_merged),
        TEST(m8_update_tells_no_status),
        TEST(success_with_bad_fields_is_a_mistake),
        TEST(broken_rows_are_refused),
        TEST(broken_attributes_are_refused),
        TEST(a26_unknown_booking),
        TEST(m5_refs_list),
        TEST(m6_ref_attributes_list),
        TEST(r1_items_become_a_tree),
        TEST(a15_up_to_date),
        TEST(broken_items_are_refused),
        TEST(b6_outcomes),
        TEST(m2_book_always_tells_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
