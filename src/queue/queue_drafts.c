/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Drafts of files that are of no use any more: a disk may take its time to forget one, so each has a thread for it. */
#include "queue_private.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_US 3600000000u /* a folder may have very many files; a draft is old after as long */

static void on_worker_drop(void *arg)
{
    file_store_drop(arg);
}

static void on_loop_free(void *arg)
{
    free(arg);
}

void queue_draft_drop(struct queue_fetch *f)
{
    const struct file_draft *d = &f->draft;
    if (d->file == 0)
        return;
    size_t n = strlen(d->path) + 1;
    struct file_draft *own = malloc(sizeof *own + n); /* the message may be gone before the disk answers */
    if (own == NULL)
        abort();
    *own = (struct file_draft){.file = d->file, .path = (char *)(own + 1)};
    memcpy(own->path, d->path, n);
    f->draft = (struct file_draft){0};
    worker_run_alone(f->source->queues->loop, on_worker_drop, on_loop_free, own);
}

static void on_worker_sweep(void *arg)
{
    file_store_sweep(arg);
}

void queue_files_sweep(struct queue_source *s)
{
    s->sweep_due_us = clock_mono_us() + SWEEP_US;
    if (s->conf.files.policy != FILES_FETCH)
        return;
    char *folder = strdup(s->conf.files.dir); /* the source may be gone before the disk answers */
    if (folder == NULL)
        abort();
    worker_run_alone(s->queues->loop, on_worker_sweep, on_loop_free, folder);
}
