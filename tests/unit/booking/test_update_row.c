/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* M8: a row of the outbox as the delivery has it; rows of another form are refused, not guessed at. */
#include "fake_db_result.h"

#include "booking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"outbox_id",  "attempt",         "agency_code", "message_id",     "octets",
                                    "book_id",    "esia_id",         "status_code", "status_message", "slot_id",
                                    "service_id", "organization_id", "area_id",     "visit_time",     "queue_number",
                                    "duration",   "attributes",      NULL};
enum {
    OUTBOX_ID,
    ATTEMPT,
    AGENCY,
    MESSAGE_ID,
    OCTETS,
    BOOK_ID,
    STATUS = 7,
    SLOT = 9,
    ORGANIZATION = 11,
    TIME = 13,
    ATTRIBUTES = 16,
    CELLS
};

static const char *const whole[CELLS] = {"70000000001",
                                         "3",
                                         "AAAA00001",
                                         "m-1",
                                         "\\x3c61",
                                         "B",
                                         "E",
                                         "201",
                                         "да",
                                         "s",
                                         "10000593393",
                                         "R7700018",
                                         "hall-1",
                                         "2026-12-02T09:45:00+03:00",
                                         "А7",
                                         "15",
                                         "[{\"name\": \"Кабинет\", \"value\": 12}]"};

static enum err read_row(struct arena *a, const char *const *cells, struct booking_update *out)
{
    struct db_result res = {.names = names, .cells = cells, .rows = 1};
    struct error e = {0};
    return booking_update_read(a, &res, 0, out, &e);
}

static void M8_a_whole_row(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct booking_update u;
    assert_int_equal(read_row(a, whole, &u), ERR_OK);
    assert_true(u.outbox_id == 70000000001 && u.attempt == 3);
    assert_string_equal(u.agency_code, "AAAA00001");
    assert_string_equal(u.message_id, "m-1");
    assert_true(span_is(u.octets, "<a"));
    assert_string_equal(u.book_id, "B");
    assert_string_equal(u.esia_id, "E");
    assert_string_equal(u.status_code, "201");
    assert_string_equal(u.status_message, "да");
    assert_string_equal(u.timeslot->slot_id, "s");
    assert_string_equal(u.timeslot->service_id, "10000593393");
    assert_string_equal(u.timeslot->organization_id, "R7700018");
    assert_string_equal(u.timeslot->area_id, "hall-1");
    assert_string_equal(u.timeslot->visit_time, "2026-12-02T09:45:00+03:00");
    assert_string_equal(u.timeslot->queue_number, "А7");
    assert_string_equal(u.timeslot->duration, "15");
    assert_int_equal(u.timeslot->attributes.n, 1);
    assert_string_equal(u.timeslot->attributes.items[0].value, "12");
    arena_free(a);
}

static void M8_a_row_without_a_visit_never_sent(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct booking_update u;
    const char *cells[CELLS];
    memcpy(cells, whole, sizeof cells);
    for (int i = SLOT; i < CELLS; i++)
        cells[i] = NULL;
    cells[MESSAGE_ID] = cells[OCTETS] = NULL;
    cells[STATUS + 1] = "";
    assert_int_equal(read_row(a, cells, &u), ERR_OK);
    assert_null(u.timeslot);
    assert_null(u.message_id);
    assert_null(u.status_message);
    assert_int_equal(u.octets.n, 0);
    arena_free(a);
}

static void M8_rows_of_another_form(void **state)
{
    (void)state;
    static const struct {
        int column;
        const char *cell;
    } rows[] = {{OUTBOX_ID, NULL},  {ATTEMPT, NULL},     {AGENCY, NULL},     {MESSAGE_ID, NULL},   {OCTETS, NULL},
                {OCTETS, "\\x"},    {BOOK_ID, NULL},     {STATUS, NULL},     {ORGANIZATION, NULL}, {TIME, NULL},
                {ATTRIBUTES, "{}"}, {ATTRIBUTES, "[1]"}, {OUTBOX_ID, "many"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_new();
        struct booking_update u;
        const char *cells[CELLS];
        memcpy(cells, whole, sizeof cells);
        cells[rows[i].column] = rows[i].cell;
        if (read_row(a, cells, &u) == ERR_OK)
            fail_msg("row %zu is taken", i);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(M8_a_whole_row),
        cmocka_unit_test(M8_a_row_without_a_visit_never_sent),
        cmocka_unit_test(M8_rows_of_another_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
