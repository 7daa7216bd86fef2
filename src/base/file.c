/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
#include "file.h"

#include "clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static _Thread_local struct file_trace *trace;

void file_trace(struct file_trace *t)
{
    trace = t;
}

void file_at(const char *file)
{
    if (trace == NULL)
        return;
    (void)pthread_mutex_lock(&trace->guard);
    (void)snprintf(trace->file, sizeof trace->file, "%s", file != NULL ? file : "");
    trace->since_us = clock_mono_us();
    (void)pthread_mutex_unlock(&trace->guard);
}

uint64_t file_trace_read(struct file_trace *t, char out[FILE_TRACE_BYTES])
{
    (void)pthread_mutex_lock(&t->guard);
    memcpy(out, t->file, sizeof t->file);
    uint64_t since_us = t->since_us;
    (void)pthread_mutex_unlock(&t->guard);
    return since_us;
}

enum err file_may_be_opened(const char *file, struct error *e)
{
    struct stat st;
    file_at(file);
    if (stat(file, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return ERR_OK;
    return error_set(e, ERR_CONFIG, "%s: is not a file but a pipe, socket or device", file);
}

bool file_is_folder(const char *file)
{
    struct stat st;
    file_at(file);
    return stat(file, &st) == 0 && S_ISDIR(st.st_mode);
}

static int is_list(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t n = strlen(name);
    return *name != '.' && n > 4 && (strcmp(name + n - 4, ".crl") == 0 || strcmp(name + n - 4, ".pem") == 0);
}

int file_lists_in(struct arena *a, const char *folder, const char ***files)
{
    struct dirent **entries = NULL;
    file_at(folder);
    int n = scandir(folder, &entries, is_list, alphasort);
    if (n < 0)
        return -1;
    *files = arena_array(a, (size_t)n + 1, sizeof(char *));
    for (int i = 0; i < n; i++) {
        (*files)[i] = arena_printf(a, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return n;
}
