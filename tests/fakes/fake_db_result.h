/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A db_result made of literals: column names and cells, NULL for SQL NULL. Include it in exactly one file of a test
 * program; the accessors below then stand in for those of db/row.c.
 */
#pragma once

#include "db.h"

#include <stdlib.h>
#include <string.h>

struct db_result {
    const char *const *names; /* NULL-ended */
    const char *const *cells; /* row after row */
    unsigned rows;
};

#define FAKE_RESULT(names_, ...)                                                                                       \
    {                                                                                                                  \
        .names = (names_), .cells = (const char *const[]){__VA_ARGS__},                                                \
        .rows = (unsigned)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *) / fake_columns(names_))         \
    }

static unsigned fake_columns(const char *const *names)
{
    unsigned n = 0;
    while (names[n] != NULL)
        n++;
    return n;
}

unsigned db_rows(const struct db_result *r)
{
    return r->rows;
}

int db_column(const struct db_result *r, const char *name)
{
    for (int i = 0; r->names[i] != NULL; i++) {
        if (strcmp(r->names[i], name) == 0)
            return i;
    }
    return -1;
}

const char *db_text(const struct db_result *r, unsigned row, int col)
{
    unsigned columns = fake_columns(r->names);
    if (col < 0 || (unsigned)col >= columns || row >= r->rows)
        return NULL;
    return r->cells[row * columns + (unsigned)col];
}

bool db_is_null(const struct db_result *r, unsigned row, int col)
{
    return db_text(r, row, col) == NULL;
}

enum err db_int(const struct db_result *r, unsigned row, int col, int64_t *out, struct error *e)
{
    const char *text = db_text(r, row, col);
    char *end = NULL;
    if (text == NULL)
        return error_set(e, ERR_DATABASE, "NULL where a number was expected");
    *out = strtoll(text, &end, 10);
    return *end == '\0' ? ERR_OK : error_set(e, ERR_DATABASE, "not a number");
}

enum err db_bytes(struct arena *a, const struct db_result *r, unsigned row, int col, struct span *out, struct error *e)
{
    const char *text = db_text(r, row, col);
    if (text == NULL) {
        *out = (struct span){0};
        return ERR_OK;
    }
    size_t n = strlen(text);
    if (n < 2 || n % 2 != 0 || text[0] != '\\' || text[1] != 'x')
        return error_set(e, ERR_DATABASE, "not a bytea");
    char *bytes = arena_alloc(a, n / 2);
    for (size_t i = 2; i < n; i += 2) {
        char pair[3] = {text[i], text[i + 1], '\0'};
        bytes[i / 2 - 1] = (char)strtol(pair, NULL, 16);
    }
    *out = (struct span){bytes, n / 2 - 1};
    return ERR_OK;
}

/* A copy, and the session's rows are none any more: who reads them there is found out. */
struct db_result *db_keep(struct arena *a, struct db_result *r)
{
    unsigned cells = r->rows * fake_columns(r->names);
    const char **copies = arena_array(a, (size_t)cells + 1, sizeof *copies);
    struct db_result *kept = arena_alloc(a, sizeof *kept);
    for (unsigned i = 0; i < cells; i++)
        copies[i] = arena_strdup(a, r->cells[i]);
    *kept = (struct db_result){.names = r->names, .cells = copies, .rows = r->rows};
    r->rows = 0;
    return kept;
}

void db_drop(struct db_result *kept)
{
    if (kept != NULL)
        kept->rows = 0;
}

size_t db_result_bytes(const struct db_result *r)
{
    return (size_t)r->rows * fake_columns(r->names) * sizeof(char *);
}
