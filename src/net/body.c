/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The bytes of a body. They grow with what has come and not with what was announced, and a chunked one as a plain one.
 * A large one has pages of its own: it grows by moving them, never by a second copy, and the system has them back the
 * moment it is freed. Wiped before it goes: personal data.
 */
#include "http.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_BYTES ((size_t)16 * 1024)
#define PAGES_BYTES ((size_t)64 * 1024) /* from here on in steps of as much, in pages of its own */

static _Noreturn void body_die(void)
{
    log_event(LOG_LEVEL_ERROR, "memory", "why", "exhausted", "where", "body", "reason", strerror(errno), NULL);
    abort();
}

size_t body_capacity_for(const struct buf *b, size_t n)
{
    if (b->n + n <= b->cap)
        return b->cap;
    size_t need = b->n + n;
    if (need <= FIRST_BYTES)
        return FIRST_BYTES;
    return (need + PAGES_BYTES - 1) / PAGES_BYTES * PAGES_BYTES;
}

static char *small_to_pages(struct buf *b, size_t cap)
{
    char *p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        body_die();
    if (b->p != NULL) {
        memcpy(p, b->p, b->n);
        explicit_bzero(b->p, b->n);
        free(b->p);
    }
    return p;
}

static void body_reserve(struct buf *b, size_t n)
{
    size_t cap = body_capacity_for(b, n);
    if (cap == b->cap)
        return;
    char *p = NULL;
    if (cap < PAGES_BYTES)
        p = malloc(cap); /* the first piece, always */
    else if (b->cap < PAGES_BYTES)
        p = small_to_pages(b, cap);
    else
        p = mremap(b->p, b->cap, cap, MREMAP_MAYMOVE);
    if (p == NULL || p == MAP_FAILED)
        body_die();
    b->p = p;
    b->cap = cap;
}

void body_add(struct buf *b, const char *p, size_t n)
{
    if (n == 0)
        return;
    body_reserve(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void body_free(struct buf *b)
{
    if (b->p == NULL)
        return;
    if (b->cap >= PAGES_BYTES) {
        (void)munmap(b->p, b->cap); /* the system clears pages before anybody else sees them */
    } else {
        explicit_bzero(b->p, b->n);
        free(b->p);
    }
    *b = (struct buf){0};
}
