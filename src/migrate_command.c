/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Migrations: plain numbered SQL files, forward only, one transaction each, recorded with their SHA-256 in
 * data.schema_version. Functions (sql/api, sql/admin) are replaced all together in one transaction whenever one of
 * them changed. Each transaction takes the same transaction-level advisory lock and looks at the table only then, so
 * two of us at once do no harm, and PgBouncer may stand between. An applied migration that has changed, vanished or
 * been numbered below a later one is refused: nothing is repaired silently.
 *
 * Roles and rights are no part of a dump of one database. So each transaction that applies a file notes in it the
 * rights as the files have left them, and what a restore has left out of them is put back, and told, before anything is
 * applied (sql/admin/rights.sql). What somebody has granted by hand is told and not noted.
 */
#include "migrate_command.h"

#include "config.h"
#include "db.h"
#include "migrate_files.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define LOCK_SQL "select pg_advisory_xact_lock(8242905071923)" /* a number of our own, no meaning */
struct migrate {
    struct arena *arena;
    struct migrate_files files;
    struct db_blocking *db;
    const char *conninfo;
    bool is_dry_run;
    bool has_table; /* data.schema_version is there */
    unsigned ndone;
};

/* ---- the database ---- */

static enum err run(struct migrate *m, const char *sql, struct error *e)
{
    return db_exec_blocking(m->db, m->arena, sql, NULL, e);
}

/* File names come from a folder of the operator's, and need quoting all the same. */
static const char *quote(struct migrate *m, const char *s)
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

static enum err recorded_sha256(struct migrate *m, const char *name, const char **out, struct error *e)
{
    *out = NULL;
    if (!m->has_table)
        return ERR_OK;
    const char *sql = arena_printf(m->arena, "select sha256 from data.schema_version where name = %s", quote(m, name));
    return db_exec_blocking(m->db, m->arena, sql, out, e);
}

static enum err record(struct migrate *m, const struct sql_file *f, struct error *e)
{
    return run(m,
               arena_printf(m->arena,
                            "insert into data.schema_version (name, sha256) values (%s, '%s') on conflict (name) do "
                            "update set sha256 = excluded.sha256, applied_at = now()",
                            quote(m, f->name), f->sha256),
               e);
}

static void roll_back(struct migrate *m)
{
    struct error ignored = {.code = ERR_OK}; /* the first error is the one to tell */
    if (run(m, "rollback", &ignored) != ERR_OK)
        fprintf(stderr, "migrate: rollback: %s\n", ignored.detail);
}

static enum err look_for_table(struct migrate *m, struct error *e)
{
    const char *is_there = NULL;
    enum err err =
        db_exec_blocking(m->db, m->arena, "select to_regclass('data.schema_version') is not null", &is_there, e);
    m->has_table = err == ERR_OK && is_there != NULL && strcmp(is_there, "t") == 0;
    return err;
}

static enum err make_table(struct migrate *m, struct error *e)
{
    enum err err = look_for_table(m, e);
    if (err != ERR_OK || m->has_table || m->is_dry_run)
        return err;
    err = run(m,
              "begin; " LOCK_SQL "; create schema if not exists data;"
              "create table if not exists data.schema_version (name text primary key, sha256 text not null,"
              " applied_at timestamptz not null default now());"
              "comment on table data.schema_version is 'What zapisd migrate has applied: file, SHA-256, when';"
              "commit",
              e);
    if (err != ERR_OK)
        roll_back(m);
    m->has_table = err == ERR_OK;
    return err;
}

/* Applied migrations that are no longer in the folder: the program is older than the database, or files were lost. */
static enum err check_vanished(struct migrate *m, struct error *e)
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
            f->number, quote(m, f->name)),
        &later, e);
    if (err == ERR_OK && later != NULL)
        return error_set(e, ERR_CONFIG, "%s is not applied, but %s is: a gap in the migrations", f->name, later);
    return err;
}

static void tell(struct migrate *m, const char *what, const char *name)
{
    m->ndone++;
    printf("%s%s %s\n", m->is_dry_run ? "would " : "", what, name);
    fflush(stdout);
}

static enum err tell_error(const char *name, const struct error *said, struct error *e)
{
    return error_set(e, said->code, "%s: %.400s", name, said->detail);
}

/* Runs one file inside the open transaction, and makes sure that it is still the same one afterwards. */
static enum err run_file(struct migrate *m, const struct sql_file *f, struct error *e)
{
    struct error said = {.code = ERR_OK};
    const char *before = NULL, *after = NULL;

    if (db_exec_blocking(m->db, m->arena, "select pg_current_xact_id()::text", &before, &said) != ERR_OK ||
        run(m, f->text, &said) != ERR_OK ||
        db_exec_blocking(m->db, m->arena, "select pg_current_xact_id()::text", &after, &said) != ERR_OK)
        return tell_error(f->name, &said, e);
    if (strcmp(before, after) != 0)
        return error_set(e, ERR_CONFIG, "%s: ends the transaction by itself: its effect is not recorded", f->name);
    return ERR_OK;
}

/* ---- rights ---- */

static enum err is_there(struct migrate *m, const char *function, bool *out, struct error *e)
{
    const char *said = NULL;
    enum err err = db_exec_blocking(
        m->db, m->arena, arena_printf(m->arena, "select to_regprocedure(%s) is not null", quote(m, function)), &said,
        e);
    *out = err == ERR_OK && said != NULL && *said == 't';
    return err;
}

/* In the open transaction, before a file. A new database, or one of before, has nothing to set aside. */
static enum err rights_aside(struct migrate *m, bool *has_note, struct error *e)
{
    enum err err = is_there(m, "data.rights_aside()", has_note, e);
    return err == ERR_OK && *has_note ? run(m, "select data.rights_aside()", e) : err;
}

/* ... and behind it, when the files have brought what notes. */
static enum err rights_note(struct migrate *m, struct error *e)
{
    bool is_noting = false;
    enum err err = is_there(m, "data.rights_note()", &is_noting, e);
    return err == ERR_OK && is_noting ? run(m, "select data.rights_note()", e) : err;
}

/* ---- numbered migrations ---- */

static enum err migration_check(struct migrate *m, const struct sql_file *f, bool *is_applied, struct error *e)
{
    const char *sha256;
    enum err err = recorded_sha256(m, f->name, &sha256, e);

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
    enum err err = run(m, "begin; " LOCK_SQL, e);

    if (err == ERR_OK)
        err = migration_check(m, f, &is_applied, e); /* under the lock: another one may have been quicker */
    if (err == ERR_OK && !is_applied)
        err = rights_aside(m, &has_note, e);
    if (err == ERR_OK && !is_applied)
        err = run_file(m, f, e);
    if (err == ERR_OK && has_note)
        err = rights_note(m, e);
    if (err == ERR_OK && !is_applied)
        err = record(m, f, e);
    if (err == ERR_OK)
        err = run(m, "commit", e);
    if (err != ERR_OK)
        roll_back(m);
    else if (!is_applied)
        tell(m, "apply", f->name);
    return err;
}

static enum err migrations_apply(struct migrate *m, struct error *e)
{
    for (const struct sql_file *f = m->files.migrations; f != NULL; f = f->next) {
        bool is_applied;
        enum err err = migration_check(m, f, &is_applied, e);
        if (err != ERR_OK)
            return err;
        if (is_applied)
            continue;
        if (m->is_dry_run)
            tell(m, "apply", f->name);
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
    enum err err = db_exec_blocking(
        m->db, m->arena,
        "select coalesce(string_agg(name || ' ' || sha256, ',' order by split_part(name, '/', 1) desc, name "
        "collate \"C\"), '') from data.schema_version where name ~ '^(api|admin)/'",
        &recorded, e);
    if (err == ERR_OK)
        *out = recorded == NULL || strcmp(recorded, names.n > 0 ? names.p : "") != 0;
    return err;
}

/*
 * All in one transaction, twice: functions may name each other in any order, so the first pass does not look into
 * their bodies, and the second one does.
 */
static enum err functions_run(struct migrate *m, struct error *e)
{
    enum err err = run(m, "delete from data.schema_version where name ~ '^(api|admin)/'", e);

    for (int pass = 1; pass <= 2; pass++) {
        if (err == ERR_OK)
            err =
                run(m, pass == 1 ? "set local check_function_bodies = off" : "set local check_function_bodies = on", e);
        for (const struct sql_file *f = m->files.functions; err == ERR_OK && f != NULL; f = f->next)
            err = run_file(m, f, e);
    }
    for (const struct sql_file *f = m->files.functions; err == ERR_OK && f != NULL; f = f->next)
        err = record(m, f, e);
    return err;
}

static enum err functions_apply(struct migrate *m, struct error *e)
{
    bool is_changed = false, has_note = false;
    enum err err = m->is_dry_run ? ERR_OK : run(m, "begin; " LOCK_SQL, e);

    if (err == ERR_OK)
        err = functions_have_changed(m, &is_changed, e);
    if (err == ERR_OK && is_changed && !m->is_dry_run)
        err = rights_aside(m, &has_note, e);
    if (err == ERR_OK && is_changed && !m->is_dry_run)
        err = functions_run(m, e);
    if (err == ERR_OK && is_changed && !m->is_dry_run)
        err = rights_note(m, e);
    if (err == ERR_OK && !m->is_dry_run)
        err = run(m, "commit", e);
    if (err != ERR_OK && !m->is_dry_run)
        roll_back(m);
    if (err == ERR_OK && is_changed)
        tell(m, "replace", "the functions of sql/api and sql/admin");
    return err;
}

/* ---- the ground it stands on ---- */

/* Before anything is made: what cannot be mended later. Names are compared and searched in Russian. */
static enum err database_check(struct migrate *m, struct error *e)
{
    const char *encoding = NULL, *knows_letters = NULL;
    enum err err = db_exec_blocking(m->db, m->arena, "select current_setting('server_encoding')", &encoding, e);
    if (err == ERR_OK && encoding != NULL && strcmp(encoding, "UTF8") != 0)
        return error_set(
            e, ERR_CONFIG,
            "the database is encoded in %s: make it anew with createdb --template=template0 --encoding=UTF8 "
            "--locale=C.UTF-8",
            encoding);
    if (err == ERR_OK)
        err = db_exec_blocking(m->db, m->arena, "select lower(U&'\\0416') = U&'\\0436'", &knows_letters, e);
    if (err == ERR_OK && knows_letters != NULL && *knows_letters != 't')
        return error_set(e, ERR_CONFIG,
                         "LC_CTYPE of the database knows no Russian letters: make it anew with createdb "
                         "--template=template0 --encoding=UTF8 --locale=C.UTF-8");
    return err;
}

/* ---- roles and rights ---- */

/* The functions about rights are replaced before anything else: the files that follow are judged by them. */
static enum err rights_refresh(struct migrate *m, struct error *e)
{
    const struct sql_file *f = m->files.functions;
    const char *sha256 = NULL, *has_table = NULL;

    while (f != NULL && strcmp(f->name, "admin/rights.sql") != 0)
        f = f->next;
    enum err err = db_exec_blocking(m->db, m->arena, "select to_regclass('data.rights') is not null", &has_table, e);
    if (err != ERR_OK || f == NULL || m->is_dry_run || has_table == NULL || *has_table != 't')
        return err;
    err = run(m, "begin; " LOCK_SQL "; set local check_function_bodies = off", e);
    if (err == ERR_OK)
        err = recorded_sha256(m, f->name, &sha256, e);
    bool is_due = sha256 == NULL || strcmp(sha256, f->sha256) != 0;
    if (err == ERR_OK && is_due)
        err = run_file(m, f, e);
    if (err == ERR_OK && is_due)
        err = record(m, f, e);
    if (err == ERR_OK)
        err = run(m, "commit", e);
    if (err != ERR_OK)
        roll_back(m);
    else if (is_due)
        tell(m, "replace", f->name);
    return err;
}

static enum err rights_repair(struct migrate *m, struct error *e)
{
    const char *missing = NULL;
    bool has_function;
    enum err err = is_there(m, "data.rights_repair(boolean)", &has_function, e);

    if (err != ERR_OK || !has_function)
        return err;
    if (m->is_dry_run) {
        err = db_exec_blocking(m->db, m->arena, "select data.rights_repair(true)", &missing, e);
    } else {
        err = run(m, "begin; " LOCK_SQL, e);
        if (err == ERR_OK)
            err = db_exec_blocking(m->db, m->arena, "select data.rights_repair()", &missing, e);
        if (err == ERR_OK)
            err = run(m, "commit", e);
        if (err != ERR_OK)
            roll_back(m);
    }
    if (err == ERR_OK && missing != NULL && *missing != '\0')
        tell(m, "put right", missing);
    return err;
}

static enum err rights_report(struct migrate *m, struct error *e)
{
    bool has_function;
    enum err err = is_there(m, "data.rights_report()", &has_function, e);
    return err == ERR_OK && has_function ? run(m, "select data.rights_report()", e) : err;
}

/* ---- demonstration data ---- */

static enum err demo_apply(struct migrate *m, struct error *e)
{
    const char *sha256 = NULL;
    enum err err = m->is_dry_run ? ERR_OK : run(m, "begin; " LOCK_SQL, e);

    if (err == ERR_OK)
        err = recorded_sha256(m, m->files.demo->name, &sha256, e);
    bool is_due = sha256 == NULL || strcmp(sha256, m->files.demo->sha256) != 0;
    if (err == ERR_OK && is_due && !m->is_dry_run)
        err = run_file(m, m->files.demo, e);
    if (err == ERR_OK && is_due && !m->is_dry_run)
        err = record(m, m->files.demo, e);
    if (err == ERR_OK && !m->is_dry_run)
        err = run(m, "commit", e);
    if (err != ERR_OK && !m->is_dry_run)
        roll_back(m);
    if (err == ERR_OK && is_due)
        tell(m, "load", m->files.demo->name);
    return err;
}

/* ---- who runs meanwhile ---- */

/* Programs that run were built for the schema of before. */
static enum err daemons_report(struct migrate *m, struct error *e)
{
    const char *n = NULL;
    enum err err = db_exec_blocking(m->db, m->arena,
                                    "select nullif(count(*), 0)::text from pg_stat_activity where usename = "
                                    "'zapisd_daemon' and datname = current_database()",
                                    &n, e);
    if (err == ERR_OK && n != NULL)
        printf("%s sessions of a zapisd that runs: it is of before, restart it (systemctl restart zapisd)\n", n);
    return err;
}

/* ---- the command ---- */

static enum err migrate_all(struct migrate *m, struct error *e)
{
    enum err err = migrate_read_files(&m->files, e);

    if (err == ERR_OK)
        err = db_connect_blocking(m->conninfo, &m->db, e);
    if (err == ERR_OK)
        err = database_check(m, e);
    if (err == ERR_OK)
        err = make_table(m, e);
    if (err == ERR_OK)
        err = check_vanished(m, e);
    if (err == ERR_OK)
        err = rights_refresh(m, e);
    if (err == ERR_OK)
        err = rights_repair(m, e);
    if (err == ERR_OK)
        err = migrations_apply(m, e);
    if (err == ERR_OK)
        err = functions_apply(m, e);
    if (err == ERR_OK && !m->is_dry_run)
        err = rights_repair(m, e); /* of a new database, which had nothing to ask before */
    if (err == ERR_OK)
        err = rights_report(m, e);
    if (err == ERR_OK && m->files.demo != NULL)
        err = demo_apply(m, e);
    if (err == ERR_OK && m->ndone > 0 && !m->is_dry_run)
        err = daemons_report(m, e);
    return err;
}

static int usage(void)
{
    fputs("usage: zapisd migrate [--config FILE | --conninfo STRING] [--sql-dir DIR] [--dry-run] [--demo]\n", stderr);
    return EXIT_USAGE;
}

static bool take_config(struct migrate *m, const char *path)
{
    struct config conf = {0};
    struct error e = {.code = ERR_OK};
    const char *mistakes = NULL;

    if (config_load(m->arena, path, &conf, &mistakes, &e) != ERR_OK) {
        fprintf(stderr, "migrate: %s\n", mistakes != NULL ? mistakes : e.detail);
        return false;
    }
    if (m->conninfo == NULL)
        m->conninfo = conf.conninfo;
    if (m->files.sql_dir == NULL)
        m->files.sql_dir = conf.sql_dir;
    return true;
}

static bool take_arguments(struct migrate *m, int argc, char *argv[], const char **config)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},  {"conninfo", required_argument, NULL, 'i'},
        {"sql-dir", required_argument, NULL, 's'}, {"dry-run", no_argument, NULL, 'n'},
        {"demo", no_argument, NULL, 'd'},          {NULL, 0, NULL, 0},
    };
    int c;

    optind = 0; /* main has read arguments before */
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            *config = optarg;
            break;
        case 'i':
            m->conninfo = optarg;
            break;
        case 's':
            m->files.sql_dir = optarg;
            break;
        case 'n':
            m->is_dry_run = true;
            break;
        case 'd':
            m->files.has_demo = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc && (*config == NULL || m->conninfo == NULL);
}

int migrate_command(int argc, char *argv[])
{
    struct migrate m = {.arena = arena_new()};
    struct error e = {.code = ERR_OK};
    const char *config = NULL;
    int status = EXIT_DONE;

    m.files.arena = m.arena;
    if (!take_arguments(&m, argc, argv, &config)) {
        status = usage();
        goto out;
    }
    if ((m.conninfo == NULL || m.files.sql_dir == NULL) &&
        !take_config(&m, config != NULL ? config : "/etc/zapisd/zapisd.conf")) {
        status = EXIT_USAGE;
        goto out;
    }
    if (migrate_all(&m, &e) != ERR_OK) {
        fprintf(stderr, "migrate: %s\n", e.detail);
        status = EXIT_FAILED;
        goto out;
    }
    if (m.ndone == 0)
        puts("nothing to do: the database is up to date");
out:
    db_close_blocking(m.db);
    arena_free(m.arena);
    return status;
}
