/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* `zapisd migrate`: what it is told, and the order in which the database is brought up to date (migrate_apply.c,
 * migrate_rights.c). */
#include "migrate_command.h"

#include "config.h"
#include "migrate_private.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

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

/* ---- whose files they are ---- */

static void build_report(const struct migrate *m)
{
    const char *other = migrate_other_build(&m->files);
    if (other != NULL)
        fprintf(stderr, "migrate: %s is of another build than this program (%s): this program will not be ready\n",
                m->files.sql_dir, other);
}

/* ---- the command ---- */

static enum err migrate_all(struct migrate *m, struct error *e)
{
    bool is_refreshed = true;
    enum err err = migrate_read_files(&m->files, e);

    if (err == ERR_OK)
        build_report(m);
    if (err == ERR_OK)
        err = db_connect_blocking(m->conninfo, &m->db, e);
    if (err == ERR_OK)
        err = database_check(m, e);
    if (err == ERR_OK)
        err = migrate_make_table(m, e);
    if (err == ERR_OK)
        err = migrate_check_vanished(m, e);
    if (err == ERR_OK)
        err = migrate_judges_refresh(m, &is_refreshed, e);
    if (err == ERR_OK)
        err = migrate_rights_repair(m, e);
    if (err == ERR_OK && !is_refreshed)
        err = migrate_judges_refresh(m, &is_refreshed, e);
    if (err == ERR_OK)
        err = migrate_migrations(m, e);
    if (err == ERR_OK)
        err = migrate_functions(m, e);
    if (err == ERR_OK && !m->is_dry_run)
        err = migrate_rights_repair(m, e); /* of a new database, which had nothing to ask before */
    if (err == ERR_OK)
        err = migrate_report(m, e);
    if (err == ERR_OK && m->files.demo != NULL)
        err = migrate_demo(m, e);
    if (err == ERR_OK && m->ndone > 0 && !m->is_dry_run)
        err = daemons_report(m, e);
    return err;
}

static int usage(void)
{
    fputs("usage: zapisd migrate [--config FILE | --conninfo STRING] [--sql-dir DIR] [--dry-run] [--demo]\n", stderr);
    return EXIT_USAGE;
}

#define USUAL_CONFIG "/etc/zapisd/zapisd.conf"

/* path NULL: the usual one. */
static bool take_config(struct migrate *m, const char *path)
{
    if (path == NULL && access(USUAL_CONFIG, F_OK) != 0) {
        fprintf(stderr, "migrate: %s is not given, and there is no " USUAL_CONFIG " that says it\n",
                m->conninfo == NULL ? "--conninfo" : "--sql-dir");
        return false;
    }
    path = path != NULL ? path : USUAL_CONFIG;
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
    if ((m.conninfo == NULL || m.files.sql_dir == NULL) && !take_config(&m, config)) {
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
