/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Memory that belongs to a lifetime: a request, a connection, the process.
 *
 * Nothing taken from an arena is freed singly; arena_free() gives all of it back, after running the deferred
 * cleanups last-in first-out, and wipes it first: personal data lives here. An arena belongs to one thread at a
 * time (a request is handed from the loop to a worker and back, never shared).
 *
 * Allocation never returns NULL. When the system has no memory left the process logs one line and aborts: all that
 * matters is in PostgreSQL, and the service manager starts us again.
 */
#pragma once

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
struct arena *arena_new_small(void); /* takes little from the system at a time: for what many have at once */
void arena_free(struct arena *a);    /* NULL is allowed */

void *arena_alloc(struct arena *a, size_t size);               /* zeroed, aligned for any type */
void *arena_room(struct arena *a, size_t size);                /* the same, with whatever is in it */
void *arena_array(struct arena *a, size_t count, size_t size); /* the same; aborts when count * size overflows */
void *arena_copy(struct arena *a, const void *p, size_t size); /* adds a NUL behind the copy */
char *arena_strdup(struct arena *a, const char *s);            /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Runs fn(p) when the arena is freed. Call it on the line after a foreign handle was obtained. */
typedef void (*arena_cleanup_fn)(void *p);
void arena_defer(struct arena *a, arena_cleanup_fn fn, void *p);
/* All that were deferred with this fn are run now, last-in first-out: for what is large and has done its service. */
void arena_run_deferred(struct arena *a, arena_cleanup_fn fn);

/* A large piece, which has room of its own, goes before the rest; of another nothing happens. p is not used after. */
void arena_give_back(struct arena *a, const void *p);
size_t arena_size(const struct arena *a); /* bytes taken from the system so far */
