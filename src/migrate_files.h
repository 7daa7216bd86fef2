/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* The SQL files `zapisd migrate` works from, read and put in order before the database is touched. */
#pragma once

#include "arena.h"
#include "error.h"

#include <stdbool.h>

#define SHA256_HEX_SIZE    65
/* Folders of functions, in the order they are applied in, as an array of SQL; and what their files' names begin with.
 */
#define SQL_FOLDERS        "'{inner,api,admin,afterwards}'::text[]"
#define SQL_FOLDER_PATTERN "'^(inner|api|admin|afterwards)/'"

struct sql_file {
    struct sql_file *next;
    const char *name; /* "001_tables.sql", "api/book.sql", "inner/time/wire_time.sql": the key in data.schema_version */
    const char *text;
    unsigned number; /* of a migration */
    char sha256[SHA256_HEX_SIZE];
};

struct migrate_files {
    struct arena *arena;
    const char *sql_dir;
    bool has_demo;
    struct sql_file *migrations; /* 001, 002, ... in rising order */
    struct sql_file *functions;  /* by folder (SQL_FOLDERS), each in name order */
    struct sql_file *demo;       /* NULL unless has_demo */
};

/* arena, sql_dir and has_demo are given; the lists are filled. ERR_CONFIG when something is not as it must be. */
MUST_CHECK enum err migrate_read_files(struct migrate_files *m, struct error *e);
/* The first file that is not as this program was built with; NULL: all are. */
const char *migrate_other_build(const struct migrate_files *m);
