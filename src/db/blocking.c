/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* A plain blocking connection for `check` and `migrate`. Never on a running loop. */
#include "db_private.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct db_blocking {
    PGconn *pg;
};

/* libpq would print every "does not exist, skipping"; the operator wants the warnings. */
static void pass_warnings(void *arg, const PGresult *r)
{
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    (void)arg;
    if (severity != NULL && strcmp(severity, "WARNING") == 0)
        log_event(LOG_LEVEL_WARNING, "database_warning", "text", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), NULL);
}

enum err db_connect_blocking(const char *conninfo, struct db_blocking **out, struct error *e)
{
    char detail[400];

    *out = NULL;
    PGconn *pg = db_target_connect_blocking(conninfo);
    if (pg == NULL || PQstatus(pg) != CONNECTION_OK) {
        db_complaint(pg, detail, sizeof detail);
        PQfinish(pg);
        return error_set(e, ERR_DATABASE, "%s", detail);
    }
    struct db_blocking *b = calloc(1, sizeof *b);
    if (b == NULL) {
        PQfinish(pg);
        return error_set(e, ERR_SYSTEM, "out of memory");
    }
    b->pg = pg;
    PQsetNoticeReceiver(pg, pass_warnings, NULL);
    *out = b;
    return ERR_OK;
}

/* The operator's file needs its line; the position counts characters, not bytes. */
static unsigned line_of_position(const char *sql, const char *position)
{
    unsigned line = 1;
    long rest = position != NULL ? strtol(position, NULL, 10) : 0;

    if (rest <= 0)
        return 0;
    for (; *sql != '\0' && rest > 1; sql++) {
        line += *sql == '\n';
        if ((*(sql + 1) & 0xC0) != 0x80)
            rest--;
    }
    return line;
}

static enum err blocking_error(struct db_blocking *b, const PGresult *r, const char *sql, struct error *e)
{
    struct error said = {.code = ERR_OK};
    char detail[400];

    if (r == NULL) {
        db_complaint(b->pg, detail, sizeof detail);
        return error_set(e, ERR_DATABASE, "%s", detail);
    }
    enum err err = db_error(&said, r);
    unsigned line = line_of_position(sql, PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION));
    if (line > 0)
        return error_set(e, err, "line %u: %.480s", line, said.detail);
    return error_set(e, err, "%s", said.detail);
}

enum err db_exec_blocking(struct db_blocking *b, struct arena *a, const char *sql, const char **out, struct error *e)
{
    enum err err = ERR_OK;

    if (out != NULL)
        *out = NULL;
    PGresult *r = PQexec(b->pg, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
        err = blocking_error(b, r, sql, e);
    else if (out != NULL && PQntuples(r) > 0 && PQnfields(r) > 0 && PQgetisnull(r, 0, 0) == 0)
        *out = arena_strdup(a, PQgetvalue(r, 0, 0));
    PQclear(r);
    return err;
}

void db_close_blocking(struct db_blocking *b)
{
    if (b == NULL)
        return;
    PQfinish(b->pg);
    free(b);
}
