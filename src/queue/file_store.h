/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Where files of messages are kept: by their content, each once, whole or not at all. Today a folder of this machine;
 * whoever puts another store behind this keeps what is promised here. Everything waits for a disk: for threads of their
 * own, any of them.
 *
 * A file is first a draft that nobody else sees. What is killed leaves drafts, which file_store_sweep() takes away, and
 * never half a file under a name.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "crypto.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

#define FILE_NAME_SIZE 65 /* SHA-256 of the content, in hex */

struct file_draft {
    int file;         /* what is kept is what was written here; 0: there is none */
    char *path;       /* of the draft */
    const char *home; /* of the store */
};
/* What a file turned out to be. */
struct file_kept {
    char name[FILE_NAME_SIZE];
    uint64_t size;
    unsigned char gost94[32], streebog256[32]; /* one of them is the Hash by which SMEV 3 names it */
};

/* Whether a folder is one: file_store_check() in queue.h. */
/* A draft in that store; its strings in a. ERR_SYSTEM. */
MUST_CHECK enum err file_store_begin(struct arena *a, const char *folder, struct file_draft *out, struct error *e);
MUST_CHECK enum err file_draft_write(const struct file_draft *d, struct span octets, struct error *e);
/* Reads what was written. */
MUST_CHECK enum err file_draft_measure(const struct file_draft *d, struct file_kept *out, struct error *e);
/*
 * Under the name of its content, and on the disk when this says so, whatever happens next; one that is there already
 * is as good. The draft is over, whatever is answered.
 */
MUST_CHECK enum err file_store_keep(struct file_draft *d, const struct file_kept *kept, struct error *e);
void file_store_drop(struct file_draft *d); /* harmless when there is none */
/* Takes away drafts that nobody has written to for an hour. */
void file_store_sweep(const char *folder);
