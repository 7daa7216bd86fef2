/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Files that somebody else names. They may hang for ever: what is none is not opened, and which one it is can be told.
 */
#pragma once

#include "arena.h"
#include "error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * ERR_CONFIG when there is a pipe, a socket or a device, which to open or read may hang for ever (L1); ERR_OK for all
 * else: a file that is not there, or a folder, is told by whoever opens it. Names the file as file_at() does.
 */
MUST_CHECK enum err file_may_be_opened(const char *file, struct error *e);

bool file_is_folder(const char *file);
/*
 * A folder of revocation lists: its files *.crl and *.pem with the folder before their names, in the order of these;
 * hidden ones are somebody's unfinished work. Returns how many; -1 with errno set.
 */
int file_lists_in(struct arena *a, const char *folder, const char ***files);

/* ---- where a thread is ---- */

#define FILE_TRACE_BYTES 256
/* Which file a thread is at, for others to tell while it does not come back (L4). */
struct file_trace {
    pthread_mutex_t guard;
    char file[FILE_TRACE_BYTES]; /* "" before the first */
    uint64_t since_us;           /* of the monotonic clock */
};
#define FILE_TRACE_INIT                                                                                                \
    {                                                                                                                  \
        .guard = PTHREAD_MUTEX_INITIALIZER                                                                             \
    }

void file_trace(struct file_trace *t); /* from now on this thread is followed in t; NULL: no more */
void file_at(const char *file);        /* this thread is about to touch that file; NULL: none for now */
/* The file, cut to what fits, and since when it is at it; of any thread. */
uint64_t file_trace_read(struct file_trace *t, char out[FILE_TRACE_BYTES]);

/* For what reads before anybody else could tell: a file the calling thread is at for so long is told to the log. */
#define FILE_SLOW_S 10
void file_watch_begin(unsigned after_s);
void file_watch_end(void); /* by the same thread; harmless when there is none */
