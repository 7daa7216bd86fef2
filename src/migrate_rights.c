/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Roles and rights are no part of a dump of one database. So each transaction that applies a file notes in it the
 * rights as the files have left them, and what a restore has left out of them is put back, and told, before anything is
 * applied (sql/inner/rights/rights.sql). What somebody has granted by hand is told and not noted.
 * So it is with functions, views and triggers that somebody has changed (sql/inner/rights/built.sql).
 */
#include "migrate_private.h"

#include "fault.h"

#include <string.h>

static enum err is_there(struct migrate *m, const char *function, bool *out, struct error *e)
{
    const char *said = NULL;
    enum err err = db_exec_blocking(
        m->db, m->arena, arena_printf(m->arena, "select to_regprocedure(%s) is not null", migrate_quote(m, function)),
        &said, e);
    *out = err == ERR_OK && said != NULL && *said == 't';
    return err;
}

static enum err call_if_there(struct migrate *m, const char *function, struct error *e)
{
    bool has_function;
    enum err err = is_there(m, function, &has_function, e);
    return err == ERR_OK && has_function ? migrate_run(m, arena_printf(m->arena, "select %s", function), e) : err;
}

/* In the open transaction, before a file. A new database, or one of before, has nothing to set aside. */
enum err migrate_note_aside(struct migrate *m, bool *has_note, struct error *e)
{
    enum err err = is_there(m, "data.rights_aside()", has_note, e);
    if (err == ERR_OK)
        err = call_if_there(m, "data.rights_aside()", e);
    return err == ERR_OK ? call_if_there(m, "data.built_aside()", e) : err;
}

/* ... and behind it, when the files have brought what notes. */
enum err migrate_note(struct migrate *m, struct error *e)
{
    enum err err = call_if_there(m, "data.rights_note()", e);
    return err == ERR_OK ? call_if_there(m, "data.built_note()", e) : err;
}

/* Whether something is not as our files have made it: the functions are replaced then. */
enum err migrate_built_differs(struct migrate *m, bool *out, struct error *e)
{
    const char *said = NULL;
    enum err err = is_there(m, "data.built_wrong()", out, e);
    if (err != ERR_OK || !*out)
        return err;
    err = db_exec_blocking(m->db, m->arena, "select exists (select from data.built_wrong())", &said, e);
    if (err != ERR_OK && m->is_dry_run) /* which replaces nothing: this function itself is not as it was */
        return ERR_OK;
    *out = err == ERR_OK && said != NULL && *said == 't';
    return err;
}

/* ---- what all of it is judged by ---- */

/* Tells whether running a file has changed a function: one that stands as it is in the file is made as it was. */
static enum err fingerprint(struct migrate *m, const char **out, struct error *e)
{
    return db_exec_blocking(m->db, m->arena,
                            "select md5(string_agg(to_jsonb(p)::text, ' ' order by p.oid)) from pg_proc as p where "
                            "p.pronamespace = 'data'::regnamespace",
                            out, e);
}

/* Run whether recorded or not: somebody may have changed by hand what is to tell that somebody has. */
static enum err refresh_run(struct migrate *m, const struct sql_file *f, bool *is_news, struct error *e)
{
    const char *sha256 = NULL, *before = NULL, *after = NULL;
    enum err err = migrate_recorded(m, f->name, &sha256, e);
    bool is_recorded = sha256 != NULL && strcmp(sha256, f->sha256) == 0;
    if (err == ERR_OK)
        err = fingerprint(m, &before, e);
    if (err == ERR_OK)
        err = migrate_run_file(m, f, e);
    if (err == ERR_OK)
        err = fingerprint(m, &after, e);
    if (err == ERR_OK && !is_recorded)
        err = migrate_record(m, f, e);
    if (err == ERR_OK)
        *is_news = !is_recorded || before == NULL || after == NULL || strcmp(before, after) != 0;
    return err;
}

/* A file of functions over a table; a database of before has no such table yet. */
static enum err refresh_file(struct migrate *m, const char *name, const char *table, bool *is_news, struct error *e)
{
    const struct sql_file *f = m->files.functions;
    const char *has_table = NULL;
    while (f != NULL && strcmp(f->name, name) != 0)
        f = f->next;
    enum err err = db_exec_blocking(
        m->db, m->arena, arena_printf(m->arena, "select to_regclass(%s) is not null", migrate_quote(m, table)),
        &has_table, e);
    if (err != ERR_OK || f == NULL || has_table == NULL || *has_table != 't')
        return err;
    return refresh_run(m, f, is_news, e);
}

/* A dump in a cluster without its roles: the functions of before must make them (data.rights_repair()). */
static enum err has_owner(struct migrate *m, bool *out, struct error *e)
{
    const char *said = NULL;
    enum err err = db_exec_blocking(m->db, m->arena, "select to_regrole('zapisd_owner') is not null", &said, e);
    *out = err == ERR_OK && said != NULL && *said == 't';
    return err;
}

/* Together they call no function but their own: a run that ended between the migrations and the functions has left none
 * of the others. */
static const struct {
    const char *file, *table;
} judges[] = {
    {"inner/rights/settings.sql", "data.rights"},
    {"inner/rights/rights.sql", "data.rights"},
    {"inner/rights/built.sql", "data.built"},
};
enum { JUDGES = sizeof judges / sizeof judges[0] };

static enum err refresh_all(struct migrate *m, bool is_news[JUDGES], struct error *e)
{
    enum err err = migrate_begin(m, e);
    if (err == ERR_OK)
        err = migrate_run(m, "set local check_function_bodies = off", e);
    for (unsigned i = 0; i < JUDGES && err == ERR_OK; i++)
        err = refresh_file(m, judges[i].file, judges[i].table, &is_news[i], e);
    if (err == ERR_OK)
        err = call_if_there(m, "data.rights_own()", e); /* as sql/afterwards does with all others */
    if (err == ERR_OK)
        err = call_if_there(m, "data.built_note_own()", e);
    return migrate_end(m, err, e);
}

/* The functions about rights and about what was built are replaced before anything else: what follows is judged by
 * them. *is_done false: there are no roles yet, to be asked again when they have been put right. */
enum err migrate_judges_refresh(struct migrate *m, bool *is_done, struct error *e)
{
    bool is_news[JUDGES] = {false};
    *is_done = true;
    if (m->is_dry_run)
        return ERR_OK;
    enum err err = has_owner(m, is_done, e);
    if (err != ERR_OK || !*is_done)
        return err;
    err = refresh_all(m, is_news, e);
    for (unsigned i = 0; i < JUDGES && err == ERR_OK; i++)
        if (is_news[i])
            migrate_tell(m, "replace", judges[i].file);
    return err;
}

enum err migrate_rights_repair(struct migrate *m, struct error *e)
{
    const char *missing = NULL;
    bool has_function;
    enum err err = is_there(m, "data.rights_repair(boolean)", &has_function, e);

    if (err != ERR_OK || !has_function)
        return err;
    if (m->is_dry_run) {
        err = db_exec_blocking(m->db, m->arena, "select data.rights_repair(true)", &missing, e);
    } else {
        FAULT_POINT(rights_begun);
        err = migrate_begin(m, e);
        if (err == ERR_OK)
            err = db_exec_blocking(m->db, m->arena, "select data.rights_repair()", &missing, e);
        err = migrate_end(m, err, e);
    }
    if (err == ERR_OK && missing != NULL && *missing != '\0')
        migrate_tell(m, "put right", missing);
    return err;
}

/* What is not ours, and what of ours could not be put right. */
enum err migrate_report(struct migrate *m, struct error *e)
{
    enum err err = call_if_there(m, "data.rights_report()", e);
    return err == ERR_OK && !m->is_dry_run ? call_if_there(m, "data.built_report()", e) : err;
}
