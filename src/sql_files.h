/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The SQL files this program was built with (migrations and functions), by digest: a database made by others
 * is not the one it was tested with. sql_files.cmake writes the table when the program is built.
 */
#pragma once

struct sql_digest {
    const char *name; /* as in data.schema_version: "001_tables.sql", "api/book.sql" */
    const char *sha256;
};

extern const struct sql_digest sql_digests[]; /* ends with a name of NULL */
extern const char sql_digests_json[];         /* the same as an object, name: digest, for api.ready() */
