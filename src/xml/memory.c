/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Memory for libxml2, which asks for it seven hundred times a message in small pieces of a few sizes. Each thread keeps
 * the pieces it was given back, by size, within bounds, and hands them out again; and they are wiped when they come
 * back, as arenas are: what stood in a document does not outlive it (J3).
 *
 * A piece may come back on another thread than it was taken on. Under AddressSanitizer nothing is kept, so that what is
 * used after it was freed is seen.
 */
#include "memory.h"

#include <libxml/xmlmemory.h>

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define KEPT_MAX_BYTES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEPT_MAX_BYTES 0
#endif
#endif
#ifndef KEPT_MAX_BYTES
#define KEPT_MAX_BYTES ((size_t)256 << 10) /* of one thread */
#endif

/* Up to SMALL_MAX in steps of SMALL_STEP, then by doubling; what is larger is malloc()'s. */
#define SMALL_STEP ((size_t)32)
#define SMALL_MAX  ((size_t)1024)
#define LARGE_MAX  ((size_t)16384)
#define KINDS      (32 + 4)
#define NO_KIND    KINDS

struct piece {
    union {
        size_t size; /* that was asked for; of those that are kept: */
        struct piece *next;
    };
    unsigned kind; /* how much room there is; NO_KIND: as much as was asked for */
    alignas(max_align_t) unsigned char data[];
};

static _Thread_local struct {
    struct piece *kept[KINDS];
    size_t bytes;
    bool is_known; /* to thread_end() */
    bool is_over;
} mine;

static pthread_key_t key;
static bool has_key;

static unsigned kind_of(size_t size)
{
    if (KEPT_MAX_BYTES == 0)
        return NO_KIND;
    if (size <= SMALL_MAX)
        return size == 0 ? 0 : (unsigned)((size - 1) / SMALL_STEP);
    unsigned kind = 32;
    for (size_t room = 2 * SMALL_MAX; room <= LARGE_MAX; room *= 2, kind++)
        if (size <= room)
            return kind;
    return NO_KIND;
}

static size_t room_of(unsigned kind)
{
    return kind < 32 ? (kind + 1) * SMALL_STEP : SMALL_MAX << (kind - 31);
}

static struct piece *piece_of(void *p)
{
    return (struct piece *)((unsigned char *)p - offsetof(struct piece, data));
}

/* ---- what libxml2 calls ---- */

static void *memory_take(size_t size)
{
    unsigned kind = kind_of(size);
    struct piece *piece = kind != NO_KIND ? mine.kept[kind] : NULL;
    if (piece != NULL) {
        mine.kept[kind] = piece->next;
        mine.bytes -= room_of(kind);
    } else {
        size_t room = kind != NO_KIND ? room_of(kind) : size;
        piece = room <= SIZE_MAX - sizeof *piece ? malloc(sizeof *piece + room) : NULL;
    }
    if (piece == NULL)
        return NULL;
    piece->size = size;
    piece->kind = kind;
    return piece->data;
}

/* The thread's end gives back what it keeps. */
static bool may_be_kept(unsigned kind)
{
    if (kind == NO_KIND || mine.is_over || mine.bytes + room_of(kind) > KEPT_MAX_BYTES)
        return false;
    if (!mine.is_known)
        mine.is_known = has_key && pthread_setspecific(key, &mine) == 0;
    return mine.is_known;
}

static void memory_give(void *p)
{
    if (p == NULL)
        return;
    struct piece *piece = piece_of(p);
    explicit_bzero(piece->data, piece->size);
    if (!may_be_kept(piece->kind)) {
        free(piece);
        return;
    }
    piece->next = mine.kept[piece->kind];
    mine.kept[piece->kind] = piece;
    mine.bytes += room_of(piece->kind);
}

static void *memory_change(void *p, size_t size)
{
    if (p == NULL)
        return memory_take(size);
    struct piece *piece = piece_of(p);
    if (piece->kind != NO_KIND && size >= piece->size && size <= room_of(piece->kind)) {
        piece->size = size;
        return p;
    }
    void *fresh = memory_take(size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, p, size < piece->size ? size : piece->size);
    memory_give(p);
    return fresh;
}

static char *memory_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = memory_take(size);
    if (copy != NULL)
        memcpy(copy, s, size);
    return copy;
}

/* ---- life ---- */

static void thread_end(void *arg)
{
    (void)arg;
    mine.is_over = true;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        while (mine.kept[kind] != NULL) {
            struct piece *piece = mine.kept[kind];
            mine.kept[kind] = piece->next;
            free(piece);
        }
    }
    mine.bytes = 0;
}

void xml_memory_init(void)
{
    if (!has_key)
        has_key = pthread_key_create(&key, thread_end) == 0;
    (void)xmlMemSetup(memory_give, memory_take, memory_change, memory_strdup);
}
