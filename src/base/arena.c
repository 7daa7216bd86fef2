/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The arena: a list of chunks filled from the front, and a list of deferred cleanups. Owns every byte it gave out.
 * Never returns NULL and never gives a single piece back. Under AddressSanitizer each piece is fenced, so that an
 * overrun inside a chunk is seen although malloc() knows nothing of it.
 *
 * Chunks of the usual size are used again by whoever comes next: a request takes a few of them, in other threads than
 * give them back, which is what malloc() is slowest at. They were wiped when they came back, so pieces of them need not
 * be cleared once more.
 */
#include "arena.h"

#include "log.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_FENCED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_FENCED 1
#endif
#endif

#ifdef ARENA_FENCED
#include <sanitizer/asan_interface.h>
#define FENCE_BYTES 16
#define SPARE_MAX   0 /* so that what is used after it was freed is seen, too */
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define FENCE_BYTES                       0
#define SPARE_MAX                         128
#endif

#define CHUNK_BYTES       16384
#define CHUNK_SMALL_BYTES 3072
#define ALIGN             alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t used, size; /* of data[] */
    bool is_clear;     /* all zeros behind `used` */
    alignas(max_align_t) unsigned char data[];
};

struct cleanup {
    struct cleanup *next;
    arena_cleanup_fn fn;
    void *p;
};

struct arena {
    struct chunk *chunks; /* the first one is being filled */
    struct cleanup *cleanups;
    size_t total;
    size_t chunk_bytes;
};

static _Noreturn void arena_die(const char *why, size_t size)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", size);
    log_event(LOG_LEVEL_ERROR, "memory", "why", why, "bytes", text, NULL);
    abort();
}

/* ---- chunks ---- */

static struct {
    pthread_mutex_t lock;
    struct chunk *first; /* of CHUNK_BYTES each, wiped */
    unsigned n;
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct chunk *spare_take(void)
{
    pthread_mutex_lock(&spare.lock);
    struct chunk *c = spare.first;
    if (c != NULL) {
        spare.first = c->next;
        spare.n--;
    }
    pthread_mutex_unlock(&spare.lock);
    return c;
}

static bool spare_put(struct chunk *c)
{
    pthread_mutex_lock(&spare.lock);
    bool is_kept = spare.n + 1 <= SPARE_MAX; /* which may be 0 */
    if (is_kept) {
        c->next = spare.first;
        spare.first = c;
        spare.n++;
    }
    pthread_mutex_unlock(&spare.lock);
    return is_kept;
}

static struct chunk *chunk_new(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct chunk))
        arena_die("overflow", size);
    bool is_usual = size == CHUNK_BYTES && SPARE_MAX > 0;
    struct chunk *c = is_usual ? spare_take() : NULL;
    if (c == NULL)
        c = is_usual ? calloc(1, sizeof *c + size) : malloc(sizeof *c + size);
    if (c == NULL)
        arena_die("exhausted", size);
    c->used = 0;
    c->size = size;
    c->is_clear = is_usual;
    a->total += sizeof *c + size;
    ASAN_POISON_MEMORY_REGION(c->data, size);
    return c;
}

static void chunk_free(struct chunk *c)
{
    ASAN_UNPOISON_MEMORY_REGION(c->data, c->size);
    explicit_bzero(c->data, c->used);
    if (!c->is_clear || !spare_put(c))
        free(c);
}

/* ---- arenas ---- */

struct arena *arena_new(void)
{
    struct arena *a = calloc(1, sizeof *a);
    if (a == NULL)
        arena_die("exhausted", sizeof *a);
    a->total = sizeof *a;
    a->chunk_bytes = CHUNK_BYTES;
    return a;
}

struct arena *arena_new_small(void)
{
    struct arena *a = arena_new();
    a->chunk_bytes = CHUNK_SMALL_BYTES;
    return a;
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    /* A cleanup may defer another one: take them off one by one. */
    while (a->cleanups != NULL) {
        struct cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->p);
    }
    while (a->chunks != NULL) {
        struct chunk *c = a->chunks;
        a->chunks = c->next;
        chunk_free(c);
    }
    free(a);
}

/* The piece, and whether it is all zeros already. */
static void *arena_take(struct arena *a, size_t size, bool *is_clear)
{
    if (size > SIZE_MAX / 2)
        arena_die("overflow", size);
    size_t room = (size + FENCE_BYTES + ALIGN - 1) / ALIGN * ALIGN;
    if (room == 0)
        room = ALIGN; /* two pieces never share an address */
    struct chunk *c = a->chunks;
    if (c == NULL || c->size - c->used < room) {
        bool is_big = room > a->chunk_bytes / 2;
        struct chunk *fresh = chunk_new(a, is_big ? room : a->chunk_bytes);
        if (is_big && c != NULL) { /* keep filling the chunk we have */
            fresh->next = c->next;
            c->next = fresh;
        } else {
            fresh->next = c;
            a->chunks = fresh;
        }
        c = fresh;
    }
    unsigned char *p = c->data + c->used;
    c->used += room;
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    *is_clear = c->is_clear;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    bool is_clear;
    void *p = arena_take(a, size, &is_clear);
    if (!is_clear)
        memset(p, 0, size);
    return p;
}

void *arena_room(struct arena *a, size_t size)
{
    bool is_clear;
    return arena_take(a, size, &is_clear);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        arena_die("overflow", count);
    return arena_alloc(a, bytes);
}

void *arena_copy(struct arena *a, const void *p, size_t size)
{
    if (size == SIZE_MAX)
        arena_die("overflow", size);
    char *copy = arena_room(a, size + 1);
    if (size > 0)
        memcpy(copy, p, size);
    copy[size] = '\0';
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s == NULL ? NULL : arena_copy(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    return s == NULL ? NULL : arena_copy(a, s, strnlen(s, n));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        arena_die("format", 0);
    char *s = arena_room(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

void arena_defer(struct arena *a, arena_cleanup_fn fn, void *p)
{
    struct cleanup *c = arena_alloc(a, sizeof *c);
    c->fn = fn;
    c->p = p;
    c->next = a->cleanups;
    a->cleanups = c;
}

void arena_run_deferred(struct arena *a, arena_cleanup_fn fn)
{
    for (struct cleanup **at = &a->cleanups; *at != NULL;) {
        struct cleanup *c = *at;
        if (c->fn != fn) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        fn(c->p);
    }
}

void arena_give_back(struct arena *a, const void *p)
{
    for (struct chunk **at = &a->chunks; *at != NULL; at = &(*at)->next) {
        struct chunk *c = *at;
        if (c->data != p || c->size <= a->chunk_bytes)
            continue;
        *at = c->next;
        a->total -= sizeof *c + c->size;
        chunk_free(c);
        return;
    }
}

size_t arena_size(const struct arena *a)
{
    return a->total;
}
