/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The steps that everything `zapisd migrate` does is made of: a transaction with the lock that lets in one of us at a
 * time, the table of what was applied (data.schema_version), a file run and recorded.
 */
#include "migrate_private.h"

#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err migrate_run(struct migrate *m, const char *sql, struct error *e)
{
    return db_exec_blocking(m->db, m->arena, sql, NULL, e);
}

/* File names come from a folder of the operator's, and need quoting all the same. */
const char *migrate_quote(struct migrate *m, const char *s)
{
    struct buf b;
    buf_init(&b, m->arena, strlen(s) + 3);
    buf_add_char(&b, '\'');
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            buf_add_char(&b, '\'');
        buf_add_char(&b, *s);
    }
    buf_add_char(&b, '\'');
    return b.p;
}

static void roll_back(struct migrate *m)
{
    struct error ignored = {.code = ERR_OK}; /* the first error is the one to tell */
    if (migrate_run(m, "rollback", &ignored) != ERR_OK)
        fprintf(stderr, "migrate: rollback: %s\n", ignored.detail);
}

enum err migrate_begin(struct migrate *m, struct error *e)
{
    /* a number of our own, no meaning */
    return migrate_run(m, "begin; select pg_advisory_xact_lock(8242905071923)", e);
}

enum err migrate_end(struct migrate *m, enum err err, struct error *e)
{
    if (err == ERR_OK)
        err = migrate_run(m, "commit", e);
    if (err != ERR_OK)
        roll_back(m);
    return err;
}

static enum err look_for_table(struct migrate *m, struct error *e)
{
    const char *is_there = NULL;
    enum err err =
        db_exec_blocking(m->db, m->arena, "select to_regclass('data.schema_version') is not null", &is_there, e);
    m->has_table = err == ERR_OK && is_there != NULL && strcmp(is_there, "t") == 0;
    return err;
}

enum err migrate_make_table(struct migrate *m, struct error *e)
{
    enum err err = look_for_table(m, e);
    if (err != ERR_OK || m->has_table || m->is_dry_run)
        return err;
    FAULT_POINT(migrate_table);
    err = migrate_begin(m, e);
    if (err == ERR_OK)
        err = migrate_run(
            m,
            "create schema if not exists data;"
            "create table if not exists data.schema_version (name text primary key, sha256 text not null,"
            " applied_at timestamptz not null default now());"
            "comment on table data.schema_version is 'What zapisd migrate has applied: file, SHA-256, when'",
            e);
    err = migrate_end(m, err, e);
    m->has_table = err == ERR_OK;
    return err;
}

enum err migrate_recorded(struct migrate *m, const char *name, const char **out, struct error *e)
{
    *out = NULL;
    if (!m->has_table)
        return ERR_OK;
    const char *sql =
        arena_printf(m->arena, "select sha256 from data.schema_version where name = %s", migrate_quote(m, name));
    return db_exec_blocking(m->db, m->arena, sql, out, e);
}

enum err migrate_record(struct migrate *m, const struct sql_file *f, struct error *e)
{
    return migrate_run(
        m,
        arena_printf(m->arena,
                     "insert into data.schema_version (name, sha256) values (%s, '%s') on conflict (name) do "
                     "update set sha256 = excluded.sha256, applied_at = now()",
                     migrate_quote(m, f->name), f->sha256),
        e);
}

static enum err tell_error(const char *name, const struct error *said, struct error *e)
{
    return error_set(e, said->code, "%s: %.400s", name, said->detail);
}

/* Runs one file inside the open transaction, and makes sure that it is still the same one afterwards. */
enum err migrate_run_file(struct migrate *m, const struct sql_file *f, struct error *e)
{
    struct error said = {.code = ERR_OK};
    const char *before = NULL, *after = NULL;

    if (db_exec_blocking(m->db, m->arena, "select pg_current_xact_id()::text", &before, &said) != ERR_OK ||
        migrate_run(m, f->text, &said) != ERR_OK ||
        db_exec_blocking(m->db, m->arena, "select pg_current_xact_id()::text", &after, &said) != ERR_OK)
        return tell_error(f->name, &said, e);
    if (strcmp(before, after) != 0)
        return error_set(e, ERR_CONFIG, "%s: ends the transaction by itself: its effect is not recorded", f->name);
    return ERR_OK;
}

/* Applied migrations that are no longer in the folder: the program is older than the database, or files were lost. */
enum err migrate_check_vanished(struct migrate *m, struct error *e)
{
    const char *last = NULL;
    unsigned have = 0;

    if (!m->has_table)
        return ERR_OK;
    enum err err = db_exec_blocking(m->db, m->arena,
                                    "select max(name) from data.schema_version where name ~ '^[0-9]{3}_'", &last, e);
    if (err != ERR_OK || last == NULL)
        return err;
    for (const struct sql_file *f = m->files.migrations; f != NULL; f = f->next)
        have = f->number;
    if (strtoul(last, NULL, 10) > have)
        return error_set(e, ERR_CONFIG,
                         "%s is applied, but this program knows only %03u migrations: it is too old for this database",
                         last, have);
    return ERR_OK;
}

void migrate_tell(struct migrate *m, const char *what, const char *name)
{
    m->ndone++;
    printf("%s%s %s\n", m->is_dry_run ? "would " : "", what, name);
    fflush(stdout);
}
