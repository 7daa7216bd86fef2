/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Q3: a MessageID is a UUID of version 1 in lower case, and no two are the same whatever the clock does (RFC
 * 4122, 4.1, 4.2). */
#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HALF 500000

static int64_t wall_us;

static uint64_t still_mono(void)
{
    return 1;
}

static int64_t set_wall(void)
{
    return wall_us;
}

static uint64_t hex_of(const char *s, size_t n)
{
    char text[17] = "";
    memcpy(text, s, n);
    return strtoull(text, NULL, 16);
}

/* The timestamp, put together as 4.1.4 tells: time_low-time_mid-time_hi. */
static uint64_t instant_of(const char *id)
{
    return hex_of(id, 8) | hex_of(id + 9, 4) << 32 | (hex_of(id + 14, 4) & 0x0FFF) << 48;
}

static void Q3_form_of_version_1(void **state)
{
    (void)state;
    char id[UUID_TEXT_SIZE];
    for (int i = 0; i < 1000; i++) {
        uuid_v1(id);
        assert_true(uuid_is_valid(id));
        assert_int_equal(id[14], '1');
        assert_non_null(strchr("89ab", id[19]));
        assert_int_equal(hex_of(id + 24, 2) & 1, 1); /* 4.5: multicast, so that it is nobody's card */
        assert_int_equal(strspn(id, "0123456789abcdef-"), UUID_TEXT_SIZE - 1);
    }
}

/* 4.1.4: steps of 100 ns since 15 October 1582. */
static void Q3_says_when_it_was_made(void **state)
{
    (void)state;
    char before[UUID_TEXT_SIZE], after[UUID_TEXT_SIZE];
    uuid_v1(before);
    int64_t seconds = clock_wall_us() / 1000000;
    uint64_t since_1582 = 12219292800; /* seconds to 1970: days from 1582-10-15, 141427, times 86400 */
    assert_in_range(instant_of(before) / 10000000 - since_1582, seconds - 60, seconds + 60);
    wall_us = (seconds + 86400) * 1000000;
    clock_replace(still_mono, set_wall);
    uuid_v1(after);
    clock_replace(NULL, NULL);
    assert_int_equal(instant_of(after), (uint64_t)wall_us * 10 + since_1582 * 10000000);
    assert_string_equal(before + 19, after + 19); /* node and clock sequence are the process's */
}

static uint64_t instant_at(int64_t us)
{
    return (uint64_t)us * 10 + UINT64_C(12219292800) * 10000000;
}

static uint64_t sequence_of(const char *id)
{
    return hex_of(id + 19, 4) & 0x3FFF;
}

/* RFC 4122, 4.1.5, 4.2.1: SMEV takes no id of the future, so a clock that was wrong for a moment is believed no longer.
 */
static void Q3_a_clock_set_back_tells_its_time_and_repeats_nothing(void **state)
{
    (void)state;
    static const struct {
        int64_t step_us;
        bool is_set_back;
    } steps[] = {{0, false},
                 {-1, false},
                 {-998000, false}, /* slewed, not set */
                 {3600000000, false},
                 {-2000000, true},
                 {-INT64_C(3600000000), true},
                 {1, false},
                 {-INT64_C(86400000000) * 365, true},
                 {5, false},
                 {INT64_C(86400000000) * 365, false},
                 {-INT64_C(86400000000), true},
                 {INT64_C(86400000000), false}};
    char id[UUID_TEXT_SIZE], node[13], seen[64][UUID_TEXT_SIZE];
    wall_us = 2100000000000000;
    clock_replace(still_mono, set_wall);
    uuid_v1(id);
    memcpy(node, id + 24, sizeof node);
    size_t nseen = 0;
    uint64_t sequence = sequence_of(id);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        wall_us += steps[i].step_us;
        for (int j = 0; j < 1000; j++) {
            uuid_v1(id);
            assert_in_range(instant_of(id), instant_at(wall_us), instant_at(wall_us) + 10000000);
            assert_string_equal(id + 24, node);
            assert_int_equal(sequence_of(id), (sequence + (j == 0 && steps[i].is_set_back)) % 0x4000);
            sequence = sequence_of(id);
            if (j == 0)
                memcpy(seen[nseen++], id, sizeof id);
        }
    }
    clock_replace(NULL, NULL);
    for (size_t i = 0; i < nseen; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
}

/* The clock is set to and fro between two seconds: at each instant there is an id of every sequence, and one of each.
 */
static int64_t swinging_wall(void)
{
    static uint64_t turn;
    return 2200000000000000 + (int64_t)(__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % 4) * 3600000000;
}

enum { SWINGERS = 4, SWINGS = 2000 };

static void *make_swinging(void *arg)
{
    char(*ids)[UUID_TEXT_SIZE] = arg;
    for (size_t i = 0; i < SWINGS; i++)
        uuid_v1(ids[i]);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void Q3_threads_and_a_clock_set_to_and_fro_repeat_nothing(void **state)
{
    (void)state;
    static char ids[SWINGERS * SWINGS][UUID_TEXT_SIZE];
    pthread_t threads[SWINGERS];
    clock_replace(still_mono, swinging_wall);
    for (size_t i = 0; i < SWINGERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_swinging, ids[i * SWINGS]), 0);
    for (size_t i = 0; i < SWINGERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    clock_replace(NULL, NULL);
    qsort(ids, sizeof ids / sizeof ids[0], sizeof ids[0], by_text);
    for (size_t i = 1; i < sizeof ids / sizeof ids[0]; i++)
        assert_string_not_equal(ids[i], ids[i - 1]);
}

static void *make_half(void *arg)
{
    uint64_t *instants = arg;
    char id[UUID_TEXT_SIZE];
    for (size_t i = 0; i < HALF; i++) {
        uuid_v1(id);
        instants[i] = instant_of(id);
    }
    return NULL;
}

static void Q3_two_threads_make_a_million_that_differ(void **state)
{
    (void)state;
    static uint64_t made[2][HALF];
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, make_half, made[1]), 0);
    make_half(made[0]);
    assert_int_equal(pthread_join(other, NULL), 0);
    size_t i = 1, j = 1;
    for (; i < HALF; i++)
        assert_true(made[0][i] > made[0][i - 1] && made[1][i] > made[1][i - 1]);
    for (i = 0, j = 0; i < HALF && j < HALF;) {
        assert_true(made[0][i] != made[1][j]);
        if (made[0][i] < made[1][j])
            i++;
        else
            j++;
    }
}

/* The identifier of RFC 4122's own example, read by Python's uuid; and what is none of version 1. */
static void M8_age_of_a_message(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
                                        "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fag-7dec-11d0-a765-00a0c91e6bf6"};
    int64_t at_us = 1;
    assert_true(uuid_v1_time("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", &at_us));
    assert_int_equal(at_us, 854991792216875);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(uuid_v1_time(wrong[i], &at_us));
        assert_int_equal(at_us, 0);
    }
    assert_false(uuid_v1_time(NULL, &at_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(Q3_form_of_version_1),
        cmocka_unit_test(Q3_says_when_it_was_made),
        cmocka_unit_test(Q3_a_clock_set_back_tells_its_time_and_repeats_nothing),
        cmocka_unit_test(Q3_threads_and_a_clock_set_to_and_fro_repeat_nothing),
        cmocka_unit_test(M8_age_of_a_message),
        cmocka_unit_test(Q3_two_threads_make_a_million_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
