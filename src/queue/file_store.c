/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The store in a folder: a draft is a hidden file, synchronised before it is renamed, and the folder after that. Two
 * who keep the same content at once rename one over the other, octet for octet the same.
 */
#include "file_store.h"

#include "queue.h"

#include "clock.h"
#include "fault.h"
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DRAFT       ".draft-"
#define DRAFT_OLD_S 3600

static enum err failed(struct error *e, const char *what, const char *path)
{
    return error_set(e, ERR_SYSTEM, "%s %s: %s", what, path, strerror(errno));
}

enum err file_store_check(const char *folder, struct error *e)
{
    struct stat st;
    file_at(folder);
    if (stat(folder, &st) != 0)
        return error_set(e, ERR_CONFIG, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(e, ERR_CONFIG, "%s is no folder", folder);
    if (faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        return error_set(e, ERR_CONFIG, "%s cannot be written by this user: %s", folder, strerror(errno));
    return ERR_OK;
}

enum err file_store_begin(struct arena *a, const char *folder, struct file_draft *out, struct error *e)
{
    char id[UUID_TEXT_SIZE];
    uuid_v4(id);
    *out = (struct file_draft){.home = arena_strdup(a, folder), .path = arena_printf(a, "%s/" DRAFT "%s", folder, id)};
    file_at(folder);
    int file = open(out->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0600);
    if (file < 0)
        return failed(e, "a draft of a file,", out->path);
    out->file = file;
    return ERR_OK;
}

enum err file_draft_write(const struct file_draft *d, struct span octets, struct error *e)
{
    while (octets.n > 0) {
        ssize_t n = write(d->file, octets.p, octets.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(e, "writing", d->path);
        octets.p += n;
        octets.n -= (size_t)n;
    }
    return ERR_OK;
}

static void name_write(const unsigned char digest[32], char out[FILE_NAME_SIZE])
{
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
}

enum err file_draft_measure(const struct file_draft *d, struct file_kept *out, struct error *e)
{
    static const enum digest_alg algs[] = {DIGEST_SHA256, DIGEST_GOST94, DIGEST_STREEBOG256};
    unsigned char digests[3][DIGEST_MAX];
    enum err err = digest_file(d->file, algs, 3, digests, &out->size, e);
    if (err != ERR_OK)
        return err;
    name_write(digests[0], out->name);
    memcpy(out->gost94, digests[1], sizeof out->gost94);
    memcpy(out->streebog256, digests[2], sizeof out->streebog256);
    return ERR_OK;
}

static enum err sync_folder(const char *folder, struct error *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(e, "opening", folder);
    enum err err = fsync(fd) == 0 ? ERR_OK : failed(e, "synchronising", folder);
    (void)close(fd);
    return err;
}

static enum err keep(const struct file_draft *d, const struct file_kept *kept, struct error *e)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", d->home, kept->name) >= (int)sizeof path)
        return error_set(e, ERR_SYSTEM, "%s: too long a path", d->home);
    if (FAULT_FAILS(queue_file_sync, ERR_SYSTEM, e))
        return e->code;
    if (fsync(d->file) != 0)
        return failed(e, "synchronising", d->path);
    if (rename(d->path, path) != 0)
        return failed(e, "naming", path);
    FAULT_POINT(queue_file_named);
    return sync_folder(d->home, e);
}

enum err file_store_keep(struct file_draft *d, const struct file_kept *kept, struct error *e)
{
    file_at(d->home);
    enum err err = keep(d, kept, e);
    if (err != ERR_OK) {
        file_store_drop(d); /* under its name it stays: it is whole, and asked for again */
        return err;
    }
    (void)close(d->file);
    *d = (struct file_draft){0};
    return ERR_OK;
}

void file_store_drop(struct file_draft *d)
{
    if (d->file == 0)
        return;
    (void)unlink(d->path);
    (void)close(d->file);
    *d = (struct file_draft){0};
}

void file_store_sweep(const char *folder)
{
    struct stat st;
    file_at(folder);
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (const struct dirent *one; (one = readdir(dir)) != NULL;)
        if (strncmp(one->d_name, DRAFT, sizeof DRAFT - 1) == 0 &&
            fstatat(dirfd(dir), one->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime + DRAFT_OLD_S < time(NULL))
            (void)unlinkat(dirfd(dir), one->d_name, 0);
    (void)closedir(dir);
}
