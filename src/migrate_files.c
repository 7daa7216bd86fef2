/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Reads sql/migrations, the folders of functions and sql/demo; checks names and numbers. Knows nothing of the database.
 */
#include "migrate_files.h"

#include "buf.h"
#include "crypto.h"
#include "sql_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX_BYTES = 16 << 20, DEPTH_MAX = 1 };

static enum err sql_file_read(struct arena *a, const char *path, const char **out, struct error *e)
{
    struct buf text;
    char chunk[8192];
    size_t n;

    FILE *f = fopen(path, "re");
    if (f == NULL)
        return error_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
    buf_init(&text, a, sizeof chunk);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 && text.n <= FILE_MAX_BYTES)
        buf_add(&text, chunk, n);
    bool is_bad = ferror(f) != 0 || text.n > FILE_MAX_BYTES;
    fclose(f);
    if (is_bad)
        return error_set(e, ERR_CONFIG, "%s: cannot be read, or is too large", path);
    if (text.n == 0 || memchr(text.p, '\0', text.n) != NULL)
        return error_set(e, ERR_CONFIG, "%s: empty, or not a text", path);
    *out = text.p;
    return ERR_OK;
}

static enum err file_digest(struct sql_file *f, struct error *e)
{
    unsigned char digest[DIGEST_MAX];
    enum err err = digest_once(DIGEST_SHA256, f->text, strlen(f->text), digest, e);

    for (size_t i = 0; err == ERR_OK && i < digest_size(DIGEST_SHA256); i++)
        snprintf(f->sha256 + 2 * i, 3, "%02x", digest[i]);
    return err;
}

static void file_insert(struct sql_file **list, struct sql_file *f)
{
    while (*list != NULL && strcmp((*list)->name, f->name) < 0)
        list = &(*list)->next;
    f->next = *list;
    *list = f;
}

static bool is_sql_name(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && name[0] != '.' && strcmp(name + n - 4, ".sql") == 0;
}

static enum err file_add(struct migrate_files *m, const char *path, const char *name, struct sql_file **list,
                         struct error *e)
{
    struct sql_file *f = arena_alloc(m->arena, sizeof *f);

    f->name = name;
    enum err err = sql_file_read(m->arena, path, &f->text, e);
    if (err == ERR_OK)
        err = file_digest(f, e);
    if (err == ERR_OK)
        file_insert(list, f);
    return err;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The *.sql of one folder and of the folders in it, in the order of their names (bytes, whatever the locale). */
static enum err files_scan(struct migrate_files *m, const char *path, const char *prefix, unsigned depth,
                           struct sql_file **list, struct error *e)
{
    enum err err = ERR_OK;

    DIR *d = opendir(path);
    if (d == NULL)
        return error_set(e, ERR_CONFIG, "%s: %s", path, strerror(errno));
    for (const struct dirent *entry; err == ERR_OK && (entry = readdir(d)) != NULL;) {
        const char *inside = arena_printf(m->arena, "%s/%s", path, entry->d_name);
        const char *name = arena_printf(m->arena, "%s%s", prefix, entry->d_name);
        if (is_sql_name(entry->d_name))
            err = file_add(m, inside, name, list, e);
        else if (entry->d_name[0] != '.' && depth < DEPTH_MAX && is_folder(inside))
            err = files_scan(m, inside, arena_printf(m->arena, "%s/", name), depth + 1, list, e);
    }
    closedir(d);
    return err;
}

/* One of the folders of functions, behind those that are there already. */
static enum err functions_scan(struct migrate_files *m, const char *folder, struct error *e)
{
    struct sql_file *files = NULL, **tail = &m->functions;
    enum err err = files_scan(m, arena_printf(m->arena, "%s/%s", m->sql_dir, folder),
                              arena_printf(m->arena, "%s/", folder), 0, &files, e);
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = files;
    return err;
}

/* In rising order: a number given twice is somebody's merge gone wrong. One may be missing: lines of work that go on
 * side by side take their numbers beforehand, and not each of them is needed. */
static enum err migrations_number(struct migrate_files *m, struct error *e)
{
    unsigned last = 0;

    for (struct sql_file *f = m->migrations; f != NULL; last = f->number, f = f->next) {
        size_t digits = strspn(f->name, "0123456789");
        if (digits != 3 || f->name[3] != '_')
            return error_set(e, ERR_CONFIG, "%s: a migration is named NNN_words.sql", f->name);
        f->number = (unsigned)strtoul(f->name, NULL, 10);
        if (f->number <= last)
            return error_set(e, ERR_CONFIG, "%s: there is a migration of that number already", f->name);
    }
    if (m->migrations == NULL)
        return error_set(e, ERR_CONFIG, "%s/migrations: no migrations", m->sql_dir);
    return ERR_OK;
}

enum err migrate_read_files(struct migrate_files *m, struct error *e)
{
    static const char *const folders[] = {"inner", "api", "admin", "afterwards"}; /* SQL_FOLDERS */
    enum err err = files_scan(m, arena_printf(m->arena, "%s/migrations", m->sql_dir), "", DEPTH_MAX, &m->migrations, e);

    if (err == ERR_OK)
        err = migrations_number(m, e);
    for (size_t i = 0; err == ERR_OK && i < sizeof folders / sizeof *folders; i++)
        err = functions_scan(m, folders[i], e);
    if (err == ERR_OK && m->has_demo)
        err = file_add(m, arena_printf(m->arena, "%s/demo/demo.sql", m->sql_dir), "demo/demo.sql", &m->demo, e);
    return err;
}

/* ---- what the program was built with ---- */

static bool is_as_built(const struct sql_file *f, size_t *nfound)
{
    for (const struct sql_digest *d = sql_digests; d->name != NULL; d++) {
        if (strcmp(d->name, f->name) != 0)
            continue;
        (*nfound)++;
        return strcmp(d->sha256, f->sha256) == 0;
    }
    return false;
}

static const char *find_other(const struct sql_file *f, size_t *nfound)
{
    for (; f != NULL; f = f->next)
        if (!is_as_built(f, nfound))
            return f->name;
    return NULL;
}

const char *migrate_other_build(const struct migrate_files *m)
{
    size_t nfound = 0, nbuilt = 0;
    while (sql_digests[nbuilt].name != NULL)
        nbuilt++;
    if (nbuilt == 0)
        return NULL;
    const char *other = find_other(m->migrations, &nfound);
    if (other == NULL)
        other = find_other(m->functions, &nfound);
    return other == NULL && nfound < nbuilt ? "files are missing" : other;
}
