/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The filter of items 4 to 6 before it reaches the database (P1, P2, P4): what is no predicate is refused by the
 * field's name, its size is bounded, and what the caller wrote travels as data.
 */
#include "booking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

#define SIMPLE(name, cond, val)                                                                                        \
    {                                                                                                                  \
        .kind = PREDICATE_SIMPLE, .attribute_name = (name), .condition = (cond), .value = (val)                        \
    }
#define UNION(word, ...)                                                                                               \
    {                                                                                                                  \
        .kind = PREDICATE_UNION, .union_kind = (word), .subs = (const struct predicate[]){__VA_ARGS__},                \
        .nsubs = sizeof((const struct predicate[]){__VA_ARGS__}) / sizeof(struct predicate)                            \
    }

static struct booking_request request(enum booking_method method, const struct predicate *filter)
{
    static const char *organizations[] = {"R7700018"}, *refs[] = {"organizations"};
    return (struct booking_request){.method = method,
                                    .organization_ids = {organizations, 1},
                                    .user_type = "SIMPLE",
                                    .user_kind = "PHYSIC",
                                    .ref_names = {refs, 1},
                                    .tree_filtering = "SUBTREE",
                                    .page_num = "0",
                                    .page_size = "0",
                                    .filter = filter};
}

/* Whether both methods take the filter; a refusal is of this field, code 1, in Russian, and of nothing else. */
static bool is_taken_or(const char *field, struct arena *a, const struct predicate *p, unsigned depth_max,
                        unsigned nodes_max)
{
    static const enum booking_method methods[] = {BOOKING_GET_SLOTS, BOOKING_GET_REF_ITEMS_LIST};
    bool taken[2];
    for (unsigned i = 0; i < 2; i++) {
        struct booking_request r = request(methods[i], p);
        struct field_errors f = {.arena = a};
        r.filter_depth_max = depth_max;
        r.filter_nodes_max = nodes_max;
        booking_ops[r.method].check(&r, &f, a);
        taken[i] = f.n == 0;
        if (f.n == 0)
            continue;
        assert_int_equal(f.n, 1);
        assert_string_equal(f.items[0].field, field);
        assert_int_equal(f.items[0].code, 1);
        assert_true((unsigned char)f.items[0].message[0] >= 0xD0);
    }
    assert_int_equal(taken[0], taken[1]);
    return taken[0];
}

static bool is_taken(struct arena *a, const struct predicate *p, unsigned depth_max, unsigned nodes_max)
{
    return is_taken_or("filter", a, p, depth_max, nodes_max);
}

/* Unions inside each other, `unions` of them, with a condition at the bottom. */
static const struct predicate *nested(struct arena *a, unsigned unions)
{
    struct predicate *p = arena_alloc(a, sizeof *p);
    *p = (struct predicate)SIMPLE("DATE", "equals", "2026-12-01");
    for (unsigned i = 0; i < unions; i++) {
        struct predicate *outer = arena_alloc(a, sizeof *outer);
        *outer =
            (struct predicate){.kind = PREDICATE_UNION, .union_kind = i % 2 == 0 ? "AND" : "OR", .subs = p, .nsubs = 1};
        p = outer;
    }
    return p;
}

static const struct predicate *wide(struct arena *a, unsigned conditions)
{
    struct predicate *p = arena_alloc(a, sizeof *p), *subs = arena_array(a, conditions, sizeof *subs);
    for (unsigned i = 0; i < conditions; i++)
        subs[i] = (struct predicate)SIMPLE("DATE", "equals", "2026-12-01");
    *p = (struct predicate){.kind = PREDICATE_UNION, .union_kind = "OR", .subs = subs, .nsubs = conditions};
    return p;
}

static void p1_no_filter_is_no_error(void **state)
{
    assert_true(is_taken(*state, NULL, 0, 0));
}

static void p1_exactly_one_of_simple_and_union(void **state)
{
    struct predicate p = SIMPLE("DATE", "equals", "2026-12-01");
    assert_true(is_taken(*state, &p, 0, 0));
    p.kind = PREDICATE_NEITHER;
    assert_false(is_taken(*state, &p, 0, 0));
    const struct predicate sub = SIMPLE("DATE", "equals", "2026-12-01");
    p.kind = PREDICATE_BOTH;
    p.union_kind = "OR";
    p.subs = &sub;
    p.nsubs = 1;
    assert_false(is_taken(*state, &p, 0, 0));
    const struct predicate one = SIMPLE("DATE", "equals", "1");
    const struct predicate inner = UNION("OR", SIMPLE("DATE", "equals", "1"),
                                         {.kind = PREDICATE_BOTH,
                                          .attribute_name = "DATE",
                                          .condition = "equals",
                                          .value = "1",
                                          .union_kind = "OR",
                                          .subs = &one,
                                          .nsubs = 1});
    assert_false(is_taken(*state, &inner, 0, 0));
}

static void p1_a_union_has_a_kind_and_something_in_it(void **state)
{
    static const char *const bad[] = {"XOR", "and", "NOT", "AND ", "A", NULL};
    const struct predicate one = SIMPLE("DATE", "equals", "2026-12-01");
    struct predicate p = {.kind = PREDICATE_UNION, .union_kind = "AND", .subs = &one, .nsubs = 1};
    assert_true(is_taken(*state, &p, 0, 0));
    p.union_kind = "OR";
    assert_true(is_taken(*state, &p, 0, 0));
    p.nsubs = 0;
    assert_false(is_taken_or("subs", *state, &p, 0, 0));
    p.nsubs = 1;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) { /* the last one: none at all */
        p.union_kind = bad[i];
        assert_false(is_taken_or("unionKind", *state, &p, 0, 0));
    }
}

static void p1_depth(void **state)
{
    assert_true(is_taken(*state, nested(*state, 8), 0, 0)); /* the default */
    assert_false(is_taken(*state, nested(*state, 9), 0, 0));
    assert_true(is_taken(*state, nested(*state, 1), 1, 0));
    assert_false(is_taken(*state, nested(*state, 2), 1, 0));
    assert_true(is_taken(*state, nested(*state, 12), 12, 0));
    assert_false(is_taken(*state, nested(*state, 60), 0, 0));
}

static void p1_number_of_nodes(void **state)
{
    assert_true(is_taken(*state, wide(*state, 199), 0, 0)); /* with the union: 200 */
    assert_false(is_taken(*state, wide(*state, 200), 0, 0));
    assert_false(is_taken(*state, wide(*state, 100000), 0, 0));
    assert_true(is_taken(*state, wide(*state, 3), 0, 4));
    assert_false(is_taken(*state, wide(*state, 3), 0, 3));
}

/* A21: both spellings of the ten, and nothing else. */
static void p2_conditions(void **state)
{
    static const char *const good[] = {"equals",
                                       "notEquals",
                                       "greaterThan",
                                       "lessThan",
                                       "greaterThanOrEquals",
                                       "lessThanOrEquals",
                                       "contains",
                                       "startsWith",
                                       "endsWith",
                                       "wordStarts",
                                       "EQUALS",
                                       "NOT_EQUALS",
                                       "GREATER_THAN",
                                       "LESS_THAN",
                                       "GREATER_THAN_OR_EQUALS",
                                       "LESS_THAN_OR_EQUALS",
                                       "CONTAINS",
                                       "STARTS_WITH",
                                       "ENDS_WITH",
                                       "WORD_STARTS"};
    static const char *const bad[] = {
        "like",   "equal",        "equalsTo", "EQUALS_", "NOTEQUALS", "not_equals", "Not_Equals",
        "NOT_EQ", "_EQUALS",      "=",        "",        " equals",   "equals ",    "STARTSWITH",
        "in",     "STARTS__WITH", "greater",  "or 1=1",  "null"};
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct predicate p = SIMPLE("DATE", good[i], "2026-12-01");
        assert_true(is_taken(*state, &p, 0, 0));
    }
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct predicate p = SIMPLE("DATE", bad[i], "2026-12-01");
        assert_false(is_taken_or("condition", *state, &p, 0, 0));
    }
}

/* M10: what the form of the message has shown to be wrong already is not told again under the filter's name. */
static void m10_a_wrong_word_is_told_once(void **state)
{
    const struct {
        const char *told;
        struct predicate p;
    } cases[] = {
        {"condition", SIMPLE("DATE", "like", "2026-12-01")},
        {"unionKind", UNION("XOR", SIMPLE("DATE", "equals", "2026-12-01"))},
        {"unionKind", UNION(NULL, SIMPLE("DATE", "equals", "2026-12-01"))},
        {"subs", {.kind = PREDICATE_UNION, .union_kind = "OR"}},
        {"filter", {.kind = PREDICATE_NEITHER}},
        {"subs", UNION("OR", {.kind = PREDICATE_NEITHER})},
        {"union",
         {.kind = PREDICATE_BOTH,
          .attribute_name = "DATE",
          .condition = "equals",
          .value = "1",
          .union_kind = "OR",
          .subs = (const struct predicate[]){SIMPLE("DATE", "equals", "1")},
          .nsubs = 1}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct booking_request r = request(BOOKING_GET_SLOTS, &cases[i].p);
        struct field_errors f = {.arena = *state};
        field_errors_add(&f, cases[i].told, 1, FIELD_BAD_VALUE); /* as the structure's check has it */
        booking_ops[r.method].check(&r, &f, *state);
        assert_int_equal(f.n, 1);
    }
}

/* A17: a condition may be missing only together with the value; what is asked about is always named. */
static void a17_what_may_be_missing(void **state)
{
    struct predicate p = SIMPLE("DATE", NULL, NULL);
    assert_true(is_taken(*state, &p, 0, 0));
    p.check_all_values = true;
    assert_true(is_taken(*state, &p, 0, 0));
    p.condition = "equals";
    assert_true(is_taken(*state, &p, 0, 0));
    p.condition = NULL;
    p.value = "2026-12-01";
    assert_false(is_taken(*state, &p, 0, 0));
    p = (struct predicate)SIMPLE(NULL, "equals", "2026-12-01");
    assert_false(is_taken(*state, &p, 0, 0));
}

/* One fixed statement; names and values are inside one parameter, as JSON. */
static void p4_text_is_data(void **state)
{
    const struct predicate p =
        UNION("OR", SIMPLE("a\"'\\;--", "equals", "'); drop table data.slot; --"),
              UNION("AND", {.kind = PREDICATE_SIMPLE, .attribute_name = "ключ", .check_all_values = true},
                    SIMPLE("n", "contains", "%_\\\n\t")));
    const struct booking_message m = {.recipient_code = ""};
    static const struct {
        enum booking_method method;
        unsigned at;
    } cases[] = {{BOOKING_GET_SLOTS, 8}, {BOOKING_GET_REF_ITEMS_LIST, 9}};
    for (unsigned i = 0; i < 2; i++) {
        struct booking_request r = request(cases[i].method, NULL), with = request(cases[i].method, &p);
        struct db_call plain = booking_ops[r.method].call(&r, &m, NULL, *state);
        struct db_call c = booking_ops[r.method].call(&with, &m, NULL, *state);
        assert_string_equal(c.sql, plain.sql);
        assert_int_equal(c.nparams, plain.nparams);
        assert_null(plain.values[cases[i].at]);
        assert_string_equal(
            c.values[cases[i].at],
            "{\"unionKind\":\"OR\",\"subs\":[{\"checkAllValues\":false,\"attributeName\":\"a\\\"'\\\\;--\","
            "\"condition\":\"equals\",\"value\":\"'); drop table data.slot; --\"},{\"unionKind\":\"AND\",\"subs\":["
            "{\"checkAllValues\":true,\"attributeName\":\"ключ\"},{\"checkAllValues\":false,\"attributeName\":\"n\","
            "\"condition\":\"contains\",\"value\":\"%_\\\\\\u000a\\u0009\"}]}]}");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(p1_no_filter_is_no_error),
        TEST(p1_exactly_one_of_simple_and_union),
        TEST(p1_a_union_has_a_kind_and_something_in_it),
        TEST(p1_depth),
        TEST(p1_number_of_nodes),
        TEST(p2_conditions),
        TEST(m10_a_wrong_word_is_told_once),
        TEST(a17_what_may_be_missing),
        TEST(p4_text_is_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
