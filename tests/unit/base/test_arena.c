/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The promises of arena.h: order of cleanups, zeroed and aligned pieces, wiping, and death instead of NULL. */
#include "arena.h"
#include "buf.h"

#include <setjmp.h>
#include <signal.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    unsigned char *last = NULL;
    for (size_t size = 0; size < 9000; size = size * 2 + 1) {
        for (int round = 0; round < 20; round++) {
            unsigned char *p = arena_alloc(a, size);
            assert_non_null(p);
            assert_ptr_not_equal(p, last);
            assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xAA, size); /* whatever comes next must still be zero */
            last = p;
        }
    }
    arena_free(a);
}

static void pieces_do_not_overlap(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    enum { COUNT = 500 };
    unsigned char *p[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        p[i] = arena_alloc(a, i * 37 % 6000 + 1); /* small ones and ones with a chunk of their own, mixed */
        memset(p[i], (int)(i % 251), i * 37 % 6000 + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i * 37 % 6000 + 1; j++)
            assert_int_equal(p[i][j], i % 251);
    }
    arena_free(a);
}

static void copies_are_terminated(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const char raw[3] = {'a', 'b', 'c'};
    assert_string_equal(arena_copy(a, raw, sizeof raw), "abc");
    assert_string_equal(arena_copy(a, NULL, 0), "");
    assert_string_equal(arena_strdup(a, "слово"), "слово");
    assert_null(arena_strdup(a, NULL));
    assert_string_equal(arena_strndup(a, raw, 2), "ab");
    assert_string_equal(arena_strndup(a, "ab", 10), "ab");
    assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
    char *big = arena_printf(a, "%0100000d", 1);
    assert_int_equal(strlen(big), 100000);
    arena_free(a);
}

static char order[16];
static void note(void *p)
{
    size_t n = strlen(order);
    order[n] = *(char *)p;
}

static struct arena *self;
static char late = 'L';
static void defer_more(void *p)
{
    note(p);
    arena_defer(self, note, &late);
}

static void cleanups_run_last_in_first_out(void **state)
{
    (void)state;
    memset(order, 0, sizeof order);
    self = arena_new();
    char one = '1', three = '3';
    char *two = arena_strdup(self, "2"); /* memory of the arena is still there while cleanups run */
    arena_defer(self, note, &one);
    arena_defer(self, defer_more, two);
    arena_defer(self, note, &three);
    arena_free(self);
    assert_string_equal(order, "32L1");
    arena_free(NULL);
}

/* Stands in for the C library's, so that wiping can be seen from outside. */
static size_t wiped;
static bool personal_was_there;
void __explicit_bzero_chk(void *p, size_t n, size_t room);
void explicit_bzero(void *p, size_t n)
{
    wiped += n;
    void *volatile seen = p; /* gcc holds the buffer for write-only */
    personal_was_there |= memmem(seen, n, "4509 123456", 11) != NULL;
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
}
void __explicit_bzero_chk(void *p, size_t n, size_t room)
{
    (void)room;
    explicit_bzero(p, n);
}

static void J3_everything_given_out_is_wiped(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    arena_strdup(a, "4509 123456");
    arena_alloc(a, 50000);
    arena_alloc(a, 100);
    wiped = 0;
    personal_was_there = false;
    arena_free(a);
    assert_true(wiped >= 50000 + 100 + 12);
    assert_true(personal_was_there);
}

/* Memory that is used again looks as if it never had been: nothing of before is in it, and it is as clear as new. */
static void J3_what_is_used_again_holds_nothing_of_before(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct arena *many[20];
        for (size_t i = 0; i < 20; i++) {
            many[i] = arena_new();
            for (size_t n = 1; n < 5000; n = n * 3 + 1) {
                unsigned char *p = arena_alloc(many[i], n);
                for (size_t k = 0; k < n; k++)
                    assert_int_equal(p[k], 0);
                memset(p, 0x45, n);
                p = arena_room(many[i], n);
                for (size_t k = 0; k < n && n < 4000; k++)
                    assert_int_not_equal(p[k], 0x45);
                memset(p, 0x45, n);
                assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
            }
        }
        for (size_t i = 0; i < 20; i++)
            arena_free(many[i]);
    }
}

static void size_tells_what_was_taken(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    size_t empty = arena_size(a);
    arena_alloc(a, 1000000);
    assert_true(arena_size(a) >= empty + 1000000);
    assert_true(arena_size(a) < empty + 1100000);
    arena_free(a);
}

/* What is large goes back at once, from wherever it stands; what shares its room stays, and so do all others. */
static void given_back(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *first = arena_copy(a, "first", 5);
    size_t before = arena_size(a);
    char *large = arena_room(a, 1000000), *larger = arena_room(a, 2000000);
    char *last = arena_copy(a, "last", 4);
    memset(large, 'x', 1000000);
    arena_give_back(a, larger);
    arena_give_back(a, first);
    arena_give_back(a, last);
    arena_give_back(a, large + 1);
    arena_give_back(a, NULL);
    assert_true(arena_size(a) >= before + 1000000 && arena_size(a) < before + 1100000);
    assert_int_equal(large[999999], 'x');
    arena_give_back(a, large);
    assert_int_equal(arena_size(a), before);
    assert_string_equal(first, "first");
    assert_string_equal(last, "last");
    assert_string_equal(arena_strdup(a, "more"), "more");
    arena_free(a);
}

/* Runs fn in a child; true when it aborted. */
static int aborts(void (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void ask_overflowing_array(void)
{
    arena_array(arena_new(), SIZE_MAX / 4, 8);
}
static void ask_everything(void)
{
    arena_alloc(arena_new(), SIZE_MAX - 3);
}
static void copy_everything(void)
{
    arena_copy(arena_new(), "", SIZE_MAX);
}
static void grow_beyond_everything(void)
{
    struct buf b;
    buf_init(&b, arena_new(), 0);
    buf_add(&b, "x", 1);
    buf_add(&b, "x", SIZE_MAX - 1);
}
static void ask_little(void)
{
    arena_free(arena_new());
}

static void impossible_sizes_abort(void **state)
{
    (void)state;
    assert_true(aborts(ask_overflowing_array));
    assert_true(aborts(ask_everything));
    assert_true(aborts(copy_everything));
    assert_true(aborts(grow_beyond_everything));
    assert_false(aborts(ask_little));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(cleanups_run_last_in_first_out),
        cmocka_unit_test(J3_everything_given_out_is_wiped),
        cmocka_unit_test(J3_what_is_used_again_holds_nothing_of_before),
        cmocka_unit_test(size_tells_what_was_taken),
        cmocka_unit_test(given_back),
        cmocka_unit_test(impossible_sizes_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
