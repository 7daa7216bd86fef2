/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Values of a result. Results come in text format; bytea in its hex form is decoded here, and only a real bytea is. */
#include "db_private.h"

#include "ascii.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OID_BYTEA = 17 };

void db_drop(struct db_result *kept)
{
    if (kept == NULL)
        return;
    PQclear(kept->pg);
    kept->pg = NULL;
}

static void kept_cleanup(void *p)
{
    db_drop(p);
}

struct db_result *db_keep(struct arena *a, struct db_result *r)
{
    struct db_result *kept = arena_alloc(a, sizeof *kept);
    kept->pg = r->pg;
    r->pg = NULL;
    arena_defer(a, kept_cleanup, kept);
    return kept;
}

size_t db_result_bytes(const struct db_result *r)
{
    return r->pg == NULL ? 0 : PQresultMemorySize(r->pg);
}

unsigned db_rows(const struct db_result *r)
{
    return (unsigned)PQntuples(r->pg);
}

int db_column(const struct db_result *r, const char *name)
{
    int n = PQnfields(r->pg);

    for (int i = 0; i < n; i++) /* not PQfnumber: it folds case and copies the name each time */
        if (strcmp(PQfname(r->pg, i), name) == 0)
            return i;
    return -1;
}

static bool is_inside(const struct db_result *r, unsigned row, int col)
{
    return col >= 0 && col < PQnfields(r->pg) && row < (unsigned)PQntuples(r->pg);
}

bool db_is_null(const struct db_result *r, unsigned row, int col)
{
    return !is_inside(r, row, col) || PQgetisnull(r->pg, (int)row, col) == 1;
}

const char *db_text(const struct db_result *r, unsigned row, int col)
{
    return db_is_null(r, row, col) ? NULL : PQgetvalue(r->pg, (int)row, col);
}

static enum err bytea_decode(struct arena *a, const char *text, size_t n, struct span *out, struct error *e)
{
    if (n < 2 || text[0] != '\\' || text[1] != 'x' || n % 2 != 0)
        return error_set(e, ERR_DATABASE, "a bytea value is not in hex form: bytea_output must be hex");
    char *bytes = arena_alloc(a, n / 2);
    for (size_t i = 2; i < n; i += 2) {
        int high = ascii_hex(text[i]), low = ascii_hex(text[i + 1]);
        if (high < 0 || low < 0)
            return error_set(e, ERR_DATABASE, "a bytea value has a character that is not hexadecimal");
        bytes[i / 2 - 1] = (char)(unsigned char)(high << 4 | low);
    }
    *out = (struct span){bytes, n / 2 - 1};
    return ERR_OK;
}

enum err db_bytes(struct arena *a, const struct db_result *r, unsigned row, int col, struct span *out, struct error *e)
{
    *out = (struct span){NULL, 0};
    if (!is_inside(r, row, col))
        return error_set(e, ERR_INTERNAL, "no column %d or row %u in a result", col, row);
    if (PQgetisnull(r->pg, (int)row, col) == 1)
        return ERR_OK;
    const char *text = PQgetvalue(r->pg, (int)row, col);
    size_t n = (size_t)PQgetlength(r->pg, (int)row, col);
    if (PQftype(r->pg, col) == OID_BYTEA)
        return bytea_decode(a, text, n, out, e);
    *out = (struct span){arena_copy(a, text, n), n};
    return ERR_OK;
}

enum err db_int(const struct db_result *r, unsigned row, int col, int64_t *out, struct error *e)
{
    const char *text = db_text(r, row, col);
    char *end;

    if (text == NULL)
        return error_set(e, ERR_INTERNAL, "column %d of row %u is NULL where a number is needed", col, row);
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return error_set(e, ERR_INTERNAL, "column %d of row %u is not a whole number", col, row);
    *out = value;
    return ERR_OK;
}
