/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Migrations: plain numbered SQL files, forward only, one transaction each, recorded with their SHA-256 in
 * data.schema_version. Functions (sql/inner, sql/api, sql/admin; then sql/afterwards) are replaced all together in one
 * transaction whenever one of them changed, in its file or in the database. Each transaction takes the same
 * transaction-level advisory lock and looks at the table only then, so two of us at once do no harm, and PgBouncer may
 * stand between. An applied migration that has changed, vanished or been numbered below a later one is refused: nothing
 * is repaired silently.
 */
#include "migrate_private.h"

#include "fault.h"

#include <string.h>

/* ---- numbered migrations ---- */

/* A migration was numbered below one that is applied already, or renamed. */
static enum err check_gap(struct migrate *m, const struct sql_file *f, struct error *e)
{
    const char *later = NULL;

    if (!m->has_table)
        return ERR_OK;
    /* One look at the table: between two of them another run may have applied this very file. */
    enum err err = db_exec_blocking(
        m->db, m->arena,
        arena_printf(
            m->arena,
            "select max(name) from data.schema_version where name ~ '^[0-9]{3}_' and left(name, 3) >= '%03u' and "
            "not exists (select from data.schema_version where name = %s)",
            f->number, migrate_quote(m, f->name)),
        &later, e);
    if (err == ERR_OK && later != NULL)
        return error_set(e, ERR_CONFIG, "%s is not applied, but %s is: a gap in the migrations", f->name, later);
    return err;
}

static enum err migration_check(struct migrate *m, const struct sql_file *f, bool *is_applied, struct error *e)
{
    const char *sha256;
    enum err err = migrate_recorded(m, f->name, &sha256, e);

    *is_applied = sha256 != NULL;
    if (err != ERR_OK)
        return err;
    if (sha256 == NULL)
        return check_gap(m, f, e);
    if (strcmp(sha256, f->sha256) != 0)
        return error_set(e, ERR_CONFIG, "%s has changed since it was applied: write a new migration instead", f->name);
    return ERR_OK;
}

static enum err migration_apply(struct migrate *m, const struct sql_file *f, struct error *e)
{
    bool is_applied = false, has_note = false;
    enum err err = migrate_begin(m, e);

    if (err == ERR_OK)
        err = migration_check(m, f, &is_applied, e); /* under the lock: another one may have been quicker */
    FAULT_POINT(migrate_begun);
    if (err == ERR_OK && !is_applied)
        err = migrate_note_aside(m, &has_note, e);
    if (err == ERR_OK && !is_applied)
        err = migrate_run_file(m, f, e);
    FAULT_POINT(migrate_ran);
    if (err == ERR_OK && has_note)
        err = migrate_note(m, e);
    if (err == ERR_OK && !is_applied)
        err = migrate_record(m, f, e);
    FAULT_POINT(migrate_recorded);
    err = migrate_end(m, err, e);
    if (err == ERR_OK && !is_applied)
        migrate_tell(m, "apply", f->name);
    FAULT_POINT(migrate_committed);
    return err;
}

enum err migrate_migrations(struct migrate *m, struct error *e)
{
    for (const struct sql_file *f = m->files.migrations; f != NULL; f = f->next) {
        bool is_applied;
        enum err err = migration_check(m, f, &is_applied, e);
        if (err != ERR_OK)
            return err;
        if (is_applied)
            continue;
        if (m->is_dry_run)
            migrate_tell(m, "apply", f->name);
        else if ((err = migration_apply(m, f, e)) != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* ---- functions ---- */

static enum err functions_have_changed(struct migrate *m, bool *out, struct error *e)
{
    struct buf names;

    *out = true;
    if (!m->has_table)
        return ERR_OK;
    buf_init(&names, m->arena, 1024);
    for (const struct sql_file *f = m->files.functions; f != NULL; f = f->next)
        buf_printf(&names, "%s%s %s", f == m->files.functions ? "" : ",", f->name, f->sha256);
    const char *recorded = NULL;
    enum err err =
        db_exec_blocking(m->db, m->arena,
                         "select coalesce(string_agg(name || ' ' || sha256, ',' order by array_position(" SQL_FOLDERS
                         ", split_part(name, '/', 1)), name collate \"C\"), '') from data.schema_version where name "
                         "~ " SQL_FOLDER_PATTERN,
                         &recorded, e);
    if (err != ERR_OK)
        return err;
    *out = recorded == NULL || strcmp(recorded, names.n > 0 ? names.p : "") != 0;
    return *out ? ERR_OK : migrate_built_differs(m, out, e);
}

/*
 * All in one transaction, twice: functions may name each other in any order, so the first pass does not look into
 * their bodies, and the second one does.
 */
static enum err functions_run(struct migrate *m, struct error *e)
{
    enum err err = migrate_run(m, "delete from data.schema_version where name ~ " SQL_FOLDER_PATTERN, e);

    FAULT_POINT(functions_begun);
    for (int pass = 1; pass <= 2; pass++) {
        if (pass == 2)
            FAULT_POINT(functions_between);
        if (err == ERR_OK)
            err = migrate_run(
                m, pass == 1 ? "set local check_function_bodies = off" : "set local check_function_bodies = on", e);
        for (const struct sql_file *f = m->files.functions; err == ERR_OK && f != NULL; f = f->next)
            err = migrate_run_file(m, f, e);
    }
    for (const struct sql_file *f = m->files.functions; err == ERR_OK && f != NULL; f = f->next)
        err = migrate_record(m, f, e);
    FAULT_POINT(functions_recorded);
    return err;
}

enum err migrate_functions(struct migrate *m, struct error *e)
{
    bool is_changed = false, has_note = false;
    enum err err = m->is_dry_run ? ERR_OK : migrate_begin(m, e);

    if (err == ERR_OK)
        err = functions_have_changed(m, &is_changed, e);
    if (err == ERR_OK && is_changed && !m->is_dry_run)
        err = migrate_note_aside(m, &has_note, e);
    if (err == ERR_OK && is_changed && !m->is_dry_run)
        err = functions_run(m, e);
    if (err == ERR_OK && is_changed && !m->is_dry_run)
        err = migrate_note(m, e);
    if (!m->is_dry_run)
        err = migrate_end(m, err, e);
    if (err == ERR_OK && is_changed)
        migrate_tell(m, "replace", "the functions of sql/inner, sql/api and sql/admin");
    return err;
}

/* ---- demonstration data ---- */

enum err migrate_demo(struct migrate *m, struct error *e)
{
    const char *sha256 = NULL;
    enum err err = m->is_dry_run ? ERR_OK : migrate_begin(m, e);

    if (err == ERR_OK)
        err = migrate_recorded(m, m->files.demo->name, &sha256, e);
    bool is_due = sha256 == NULL || strcmp(sha256, m->files.demo->sha256) != 0;
    if (err == ERR_OK && is_due && !m->is_dry_run)
        err = migrate_run_file(m, m->files.demo, e);
    FAULT_POINT(demo_ran);
    if (err == ERR_OK && is_due && !m->is_dry_run)
        err = migrate_record(m, m->files.demo, e);
    if (!m->is_dry_run)
        err = migrate_end(m, err, e);
    if (err == ERR_OK && is_due)
        migrate_tell(m, "load", m->files.demo->name);
    return err;
}
