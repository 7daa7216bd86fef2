/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What the files of `zapisd migrate` share. All of it asks one blocking connection, with an error told in *e. */
#pragma once

#include "buf.h"
#include "db.h"
#include "migrate_files.h"

struct migrate {
    struct arena *arena;
    struct migrate_files files;
    struct db_blocking *db;
    const char *conninfo;
    bool is_dry_run; /* nothing is begun, changed or recorded; what would be is told */
    bool has_table;  /* data.schema_version is there */
    unsigned ndone;
};

/* ---- migrate_steps.c ---- */

MUST_CHECK enum err migrate_run(struct migrate *m, const char *sql, struct error *e);
const char *migrate_quote(struct migrate *m, const char *s); /* as an SQL literal, of m's arena */

/* A transaction with the lock that lets in one of us at a time; its end: commit, or roll back and return err. */
MUST_CHECK enum err migrate_begin(struct migrate *m, struct error *e);
MUST_CHECK enum err migrate_end(struct migrate *m, enum err err, struct error *e);

/* Within one: runs a file; whether it is recorded, and as what (NULL: it is not); records it. */
MUST_CHECK enum err migrate_run_file(struct migrate *m, const struct sql_file *f, struct error *e);
MUST_CHECK enum err migrate_recorded(struct migrate *m, const char *name, const char **sha256, struct error *e);
MUST_CHECK enum err migrate_record(struct migrate *m, const struct sql_file *f, struct error *e);

void migrate_tell(struct migrate *m, const char *what, const char *name); /* a line of what was, or would be, done */

MUST_CHECK enum err migrate_make_table(struct migrate *m, struct error *e);
MUST_CHECK enum err migrate_check_vanished(struct migrate *m, struct error *e);
/* ---- migrate_apply.c ---- */

MUST_CHECK enum err migrate_migrations(struct migrate *m, struct error *e);
MUST_CHECK enum err migrate_functions(struct migrate *m, struct error *e);
MUST_CHECK enum err migrate_demo(struct migrate *m, struct error *e);

/* ---- migrate_rights.c ---- */

MUST_CHECK enum err migrate_note_aside(struct migrate *m, bool *has_note, struct error *e);
MUST_CHECK enum err migrate_note(struct migrate *m, struct error *e);
MUST_CHECK enum err migrate_built_differs(struct migrate *m, bool *out, struct error *e);
MUST_CHECK enum err migrate_judges_refresh(struct migrate *m, bool *is_done, struct error *e);
MUST_CHECK enum err migrate_rights_repair(struct migrate *m, struct error *e);
MUST_CHECK enum err migrate_report(struct migrate *m, struct error *e);
