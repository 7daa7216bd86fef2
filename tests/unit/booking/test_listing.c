/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* M9: rows of api.get_slots to an answer (item 18, docs/decisions/0321): what lists tell together, each interval says
 * for itself; lists that do not belong together are refused. */
#include "fake_db_result.h"

#include "booking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"kind",      "error_code",    "error_message", "field",
                                    "visit_at",  "visit_offsets", "slot_ids",      "area_keys",
                                    "durations", "service_id",    "own_services",  "organization_id",
                                    "area_id",   "zone",          "attributes",    NULL};

#define ANSWER(code)                                          "answer", code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
#define FIELD(name, code)                                     "field", code, NULL, name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
#define AREA_OF(...)                                          AREA_CELLS(__VA_ARGS__)
#define AREA_CELLS(key, organization, area, zone, attributes) ONE_CELLS(key, NULL, organization, area, zone, attributes)
#define ONE_CELLS(key, service, organization, area, zone, attributes)                                                  \
    "area", NULL, NULL, NULL, NULL, NULL, NULL, key, NULL, service, NULL, organization, area, zone, attributes
#define ONE_OF(...) ONE_CELLS(__VA_ARGS__)
#define SLOTS(at, offsets, ids, keys, minutes, service, own)                                                           \
    "slots", NULL, NULL, NULL, at, offsets, ids, keys, minutes, service, own, NULL, NULL, NULL, NULL

#define A     "00000000-0000-1000-8000-00000000000a"
#define B     "00000000-0000-1000-8000-00000000000b"
#define C     "00000000-0000-1000-8000-00000000000c"
#define HALL  AREA_OF("{5}", "R7700018", "hall", "1", "[{\"name\": \"a\", \"value\": \"b\"}]")
#define FAR   AREA_OF("{-2}", "R4100001", NULL, "2", NULL)
#define NOON  "1796193900" /* 2026-12-02 06:45:00 UTC */
#define LATER "1796194800"

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

static enum err read_rows(void **state, const struct db_result *res, struct booking_reply *out)
{
    struct booking_request r = {.method = BOOKING_GET_SLOTS};
    struct error e = {0};
    *out = (struct booking_reply){0};
    enum err err = booking_ops[BOOKING_GET_SLOTS].result(&r, res, out, *state, &e);
    assert_int_equal(err, e.code);
    return err;
}

static void assert_slot(const struct time_slot *s, const char *id, const char *organization, const char *time,
                        const char *duration)
{
    assert_string_equal(s->slot_id, id);
    assert_string_equal(s->organization_id, organization);
    assert_string_equal(s->visit_time, time);
    assert_string_equal(s->duration, duration);
    assert_int_equal(s->duration_min, strtol(duration, NULL, 10));
    assert_null(s->book_end_time);
    assert_null(s->queue_number);
}

static void m1_intervals_in_the_order_of_the_rows(void **state)
{
    struct db_result res = FAKE_RESULT(
        names, ANSWER("0"), SLOTS(NOON, "{180,-570}", "{" A "," B "," C "}", "{5,-2,5}", "{15}", NULL, NULL), HALL,
        SLOTS(LATER, "{180,720}", "{" B "," A "}", "{-2,5}", "{30,45}", "s1", "{NULL,\"s,2\"}"), FAR, HALL);
    struct booking_reply r;
    assert_int_equal(read_rows(state, &res, &r), ERR_OK);
    assert_int_equal(r.error_code, 0);
    assert_string_equal(r.error_message, "ОК");
    assert_int_equal(r.nslots, 5);
    assert_slot(&r.slots[0], A, "R7700018", "2026-12-02T09:45:00+03:00", "15"); /* T1: each in its zone */
    assert_slot(&r.slots[1], B, "R4100001", "2026-12-01T21:15:00-09:30", "15");
    assert_slot(&r.slots[2], C, "R7700018", "2026-12-02T09:45:00+03:00", "15");
    assert_slot(&r.slots[3], B, "R4100001", "2026-12-02T19:00:00+12:00", "30"); /* and as the zone is then */
    assert_slot(&r.slots[4], A, "R7700018", "2026-12-02T10:00:00+03:00", "45");
    assert_int_equal(r.slots[0].visit_at_s, 1796193900);
    assert_int_equal(r.slots[4].visit_at_s, 1796194800);
    assert_string_equal(r.slots[0].area_id, "hall");
    assert_null(r.slots[1].area_id);
    assert_null(r.slots[0].service_id);
    assert_string_equal(r.slots[3].service_id, "s1");
    assert_string_equal(r.slots[4].service_id, "s,2");
    assert_int_equal(r.slots[2].attributes.n, 1);
    assert_string_equal(r.slots[2].attributes.items[0].value, "b");
    assert_int_equal(r.slots[3].attributes.n, 0);
}

/* Item 18, serviceId: what the interval names, else what was asked for, else the one its area is for. */
static void m9_the_one_service_of_an_area(void **state)
{
    struct db_result res = FAKE_RESULT(
        names, ANSWER("0"), SLOTS(NOON, "{180,720}", "{" A "," B "}", "{5,-2}", "{15}", NULL, "{s1,NULL}"),
        ONE_OF("{5}", "s2", "R7700018", "hall", "1", NULL), ONE_OF("{-2}", "s3", "R4100001", "desk", "2", NULL),
        SLOTS(LATER, "{180,720}", "{" A "," B "}", "{5,-2}", "{15}", NULL, NULL),
        SLOTS(LATER, "{180,720}", "{" C "}", "{5}", "{15}", "s4", NULL));
    struct booking_reply r;
    assert_int_equal(read_rows(state, &res, &r), ERR_OK);
    assert_int_equal(r.nslots, 5);
    assert_string_equal(r.slots[0].service_id, "s1");
    assert_string_equal(r.slots[1].service_id, "s3");
    assert_string_equal(r.slots[2].service_id, "s2");
    assert_string_equal(r.slots[3].service_id, "s3");
    assert_string_equal(r.slots[4].service_id, "s4");
}

static void m1_nothing_is_free(void **state)
{
    struct db_result res = FAKE_RESULT(names, ANSWER("0"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, &res, &r), ERR_OK);
    assert_int_equal(r.nslots, 0);
}

static void m10_fields(void **state)
{
    struct db_result res = FAKE_RESULT(names, ANSWER("2"), FIELD("serviceId", "2"), FIELD("areaId", "2"));
    struct booking_reply r;
    assert_int_equal(read_rows(state, &res, &r), ERR_OK);
    assert_int_equal(r.error_code, 2);
    assert_int_equal(r.fields.n, 2);
    assert_string_equal(r.fields.items[1].field, "areaId");
}

/* Each but for one thing as good as the first of them. */
static void broken_rows_are_refused(void **state)
{
    struct db_result good =
        FAKE_RESULT(names, ANSWER("0"), HALL, SLOTS(NOON, "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL));
    struct booking_reply r;
    assert_int_equal(read_rows(state, &good, &r), ERR_OK);
    const struct db_result broken[] = {
        {.names = names, .rows = 0},
        FAKE_RESULT(names, HALL),
        FAKE_RESULT(names, ANSWER(NULL)),
        FAKE_RESULT(names, ANSWER("0"), FIELD("serviceId", "2")),
        FAKE_RESULT(names, ANSWER("0"), ANSWER("0")),
#define BROKEN(...) FAKE_RESULT(names, ANSWER("0"), HALL, SLOTS(__VA_ARGS__))
        BROKEN(NULL, "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN("noon", "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN("253402300800", "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, NULL, "{" A "," B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{841}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", NULL, "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "," C "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A ";" B "}", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B ",", "{5,5}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", NULL, "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,6}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,NULL}", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}x", "{15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}", NULL, NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}", "{15,15,15}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}", "{-1}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}", "{2147483648}", NULL, NULL),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, "{s1}"),
        BROKEN(NOON, "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, "s1"),
#undef BROKEN
#define BROKEN(...)                                                                                                    \
    FAKE_RESULT(names, ANSWER("0"), AREA_OF(__VA_ARGS__),                                                              \
                SLOTS(NOON, "{180}", "{" A "," B "}", "{5,5}", "{15}", NULL, NULL))
        BROKEN(NULL, "R7700018", "hall", "1", NULL),
        BROKEN("{5,5}", "R7700018", "hall", "1", NULL),
        BROKEN("{5}", NULL, "hall", "1", NULL),
        BROKEN("{5}", "R7700018", "hall", NULL, NULL),
        BROKEN("{5}", "R7700018", "hall", "0", NULL),
        BROKEN("{5}", "R7700018", "hall", "2", NULL),
        BROKEN("{5}", "R7700018", "hall", "4294967297", NULL),
        BROKEN("{5}", "R7700018", "hall", "1", "{}"),
#undef BROKEN
    };
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++)
        if (read_rows(state, &broken[i], &r) == ERR_OK)
            fail_msg("rows %u should be refused", i);
}

/* L1: what an answer will take is known from its rows: a text told once may be said by every interval. */
static void l1_what_intervals_share_is_weighed(void **state)
{
    char text[601] = "", service[201] = "";
    memset(text, 'a', sizeof text - 1);
    memset(service, 's', sizeof service - 1);
    struct db_result res = FAKE_RESULT(names, ANSWER("0"),
                                       SLOTS(NOON, "{180,-570}", "{" A "," B "," C "}", "{5,-2,5}", "{15}", NULL, NULL),
                                       AREA_OF("{5}", "R7700018", "hall", "1", text),
                                       SLOTS(LATER, "{180,720}", "{" B "," A "}", "{-2,5}", "{15}", service, NULL), FAR,
                                       AREA_OF("{5}", "R7700018", "hall", "1", text));
    assert_int_equal(booking_shared_bytes(&res, *state), 3 * (600 + strlen("R7700018hall")) + 2 * 200);
    struct db_result plain = FAKE_RESULT(
        names, ANSWER("0"), SLOTS(NOON, "{180,-570}", "{" A "," B "}", "{5,-2}", "{15}", "s1", NULL), HALL, FAR);
    assert_int_equal(booking_shared_bytes(&plain, *state), 0);
    struct db_result odd =
        FAKE_RESULT(names, ANSWER("0"), SLOTS(NOON, NULL, NULL, NULL, NULL, service, NULL),
                    SLOTS(NOON, NULL, NULL, "{5,x", NULL, NULL, NULL), AREA_OF(NULL, "R7700018", "hall", "1", text));
    assert_int_equal(booking_shared_bytes(&odd, *state), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(m1_intervals_in_the_order_of_the_rows),
        TEST(m9_the_one_service_of_an_area),
        TEST(m1_nothing_is_free),
        TEST(m10_fields),
        TEST(broken_rows_are_refused),
        TEST(l1_what_intervals_share_is_weighed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
