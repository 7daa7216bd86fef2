/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The cache of good verdicts: it must forget, and must never take one certificate for another. */
#include "arena.h"
#include "crypto/trust_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char *print(unsigned first, unsigned rest)
{
    static unsigned char p[32];
    memset(p, (int)(rest & 0xFF), sizeof p);
    p[0] = (unsigned char)first;
    p[31] = (unsigned char)(rest >> 8);
    return p;
}

static void C2_one_is_not_taken_for_another(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct trust_cache *c = trust_cache_new(a);
    assert_false(trust_cache_has(c, print(0, 0), 0)); /* an empty place is not a verdict on the print of zeros */
    trust_cache_put(c, print(7, 1), 100, 200);
    assert_true(trust_cache_has(c, print(7, 1), 150));
    assert_false(trust_cache_has(c, print(7, 2), 150));       /* the same place */
    assert_false(trust_cache_has(c, print(7, 1 + 256), 150)); /* only the last byte differs */
    assert_false(trust_cache_has(c, print(8, 1), 150));
    arena_free(a);
}

static void C2_verdicts_have_a_beginning_and_an_end(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct trust_cache *c = trust_cache_new(a);
    trust_cache_put(c, print(7, 1), 100, 200);
    assert_false(trust_cache_has(c, print(7, 1), 99));
    assert_true(trust_cache_has(c, print(7, 1), 100));
    assert_true(trust_cache_has(c, print(7, 1), 199));
    assert_false(trust_cache_has(c, print(7, 1), 200));
    trust_cache_put(c, print(7, 1), 300, 400); /* renewed, not kept twice */
    assert_false(trust_cache_has(c, print(7, 1), 150));
    assert_true(trust_cache_has(c, print(7, 1), 300));
    arena_free(a);
}

static void it_does_not_grow(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct trust_cache *c = trust_cache_new(a);
    size_t before = arena_size(a);
    for (unsigned i = 0; i < 20000; i++)
        trust_cache_put(c, print(i % 256, i / 256), i, i + 600);
    assert_int_equal(arena_size(a), before);
    assert_true(trust_cache_has(c, print(19999 % 256, 19999 / 256), 19999)); /* the newest is there */
    unsigned kept = 0;
    for (unsigned i = 0; i < 20000; i++)
        kept += trust_cache_has(c, print(i % 256, i / 256), i);
    assert_in_range(kept, 256, 4 * 256);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C2_one_is_not_taken_for_another),
        cmocka_unit_test(C2_verdicts_have_a_beginning_and_an_end),
        cmocka_unit_test(it_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
