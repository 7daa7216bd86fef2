/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The memory libxml2 is given: pieces are apart, grow with what is in them, go from thread to thread, and are wiped. */
#include "xml.h"
#include "xml_fixture.h"

#include <libxml/xmlmemory.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Stands in for the C library's, so that wiping can be seen from outside. */
static _Thread_local bool personal_was_wiped;
static _Thread_local size_t wiped;
void __explicit_bzero_chk(void *p, size_t n, size_t room);
void explicit_bzero(void *p, size_t n)
{
    void *volatile seen = p; /* gcc holds the buffer for write-only */
    wiped += n;
    personal_was_wiped |= memmem(seen, n, "4509 123456", 11) != NULL;
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
}
void __explicit_bzero_chk(void *p, size_t n, size_t room)
{
    (void)room;
    explicit_bzero(p, n);
}

static const size_t sizes[] = {0,    1,    16,   31,   32,   33,   64,    120,   1000,  1023,  1024,   1025,
                               2047, 2048, 2049, 4096, 5120, 8192, 16383, 16384, 16385, 70000, 1000000};
enum { SIZES = sizeof sizes / sizeof sizes[0], EACH = 40 };

static unsigned char mark_of(size_t i, size_t k)
{
    return (unsigned char)(i * 7 + k * 31 + 1);
}

static bool is_filled(const unsigned char *p, size_t n, unsigned char mark)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != mark)
            return false;
    return true;
}

static void pieces_are_apart(void **state)
{
    (void)state;
    unsigned char *p[SIZES][EACH];
    for (int round = 0; round < 3; round++) {
        for (size_t k = 0; k < EACH; k++)
            for (size_t i = 0; i < SIZES - 1; i++) {
                p[i][k] = xmlMalloc(sizes[i]);
                assert_non_null(p[i][k]);
                assert_int_equal((uintptr_t)p[i][k] % alignof(max_align_t), 0);
                memset(p[i][k], mark_of(i, k), sizes[i]);
            }
        for (size_t k = 0; k < EACH; k++)
            for (size_t i = 0; i < SIZES - 1; i++) {
                assert_true(is_filled(p[i][k], sizes[i], mark_of(i, k)));
                xmlFree(p[i][k]);
            }
    }
    xmlFree(NULL);
}

static void pieces_keep_what_is_in_them(void **state)
{
    (void)state;
    for (size_t from = 0; from < SIZES; from++)
        for (size_t to = 0; to < SIZES; to++) {
            size_t least = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            unsigned char *p = xmlMalloc(sizes[from]);
            memset(p, mark_of(from, to), sizes[from]);
            p = xmlRealloc(p, sizes[to]);
            assert_true(is_filled(p, least, mark_of(from, to)));
            memset(p, 1, sizes[to]);
            xmlFree(p);
        }
    unsigned char *p = xmlRealloc(NULL, 100);
    memset(p, 1, 100);
    xmlFree(p);
    char *copy = xmlMemStrdup("слово");
    assert_string_equal(copy, "слово");
    xmlFree(copy);
    const volatile size_t beyond = SIZE_MAX - 8;
    assert_null(xmlMalloc(beyond));
}

static void J3_what_stood_in_it_is_wiped(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        if (sizes[i] < 12)
            continue;
        char *p = xmlMalloc(sizes[i]);
        memset(p, 'x', sizes[i]);
        memcpy(p + sizes[i] - 12, "4509 123456", 12);
        personal_was_wiped = false;
        p = xmlRealloc(p, sizes[i] + 40000); /* the old place, too */
        assert_true(personal_was_wiped);
        personal_was_wiped = false;
        xmlFree(p);
        assert_true(personal_was_wiped);
    }
}

static void J3_a_document_leaves_nothing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct xml_doc *doc = NULL;
    struct error e = {0};
    assert_int_equal(xml_parse(a, SPAN_LIT("<a n='v'><b>4509 123456</b></a>"), &doc, &e), ERR_OK);
    personal_was_wiped = false;
    xml_docs_free(a);
    assert_true(personal_was_wiped);
    arena_free(a);
}

static void *free_all(void *arg)
{
    void **pieces = arg;
    for (size_t i = 0; i < SIZES; i++) {
        xmlFree(pieces[i]);
        pieces[i] = xmlMalloc(sizes[i]);
        memset(pieces[i], 2, sizes[i]);
    }
    return NULL;
}

/* Taken on one, given back on another, which ends soon after. */
static void pieces_go_from_thread_to_thread(void **state)
{
    (void)state;
    void *pieces[SIZES];
    for (size_t i = 0; i < SIZES; i++)
        pieces[i] = xmlMalloc(sizes[i]);
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, free_all, (void *)pieces), 0);
        pthread_join(thread, NULL);
        for (size_t i = 0; i < SIZES; i++)
            assert_true(is_filled(pieces[i], sizes[i], 2));
    }
    for (size_t i = 0; i < SIZES; i++)
        xmlFree(pieces[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_apart),
        cmocka_unit_test(pieces_keep_what_is_in_them),
        cmocka_unit_test(J3_what_stood_in_it_is_wiped),
        cmocka_unit_test(J3_a_document_leaves_nothing),
        cmocka_unit_test(pieces_go_from_thread_to_thread),
    };
    return cmocka_run_group_tests(tests, xml_begin, xml_end);
}
