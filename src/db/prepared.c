/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * Statements by name. The texts are few, and parsing one costs the server a good part of what carrying it out does; so
 * a connection of our own prepares each the first time, in the pipeline it is used in. A name belongs to the server's
 * session: behind a pooler, where the next transaction may meet another one, statements stay unnamed. Which process is
 * at work is told in front of each transaction; a pooler has named another one when it let us in. Preparing is no part
 * of a transaction: it stands when that is rolled back.
 */
#include "db_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void db_prepared_meet(struct db_conn *c, const PGresult *r)
{
    if (PQntuples(r) < 1 || PQnfields(r) < PATIENCE_COLUMNS)
        return;
    bool is_promised = strtol(PQgetvalue(r, 0, PATIENCE_COLUMNS - 1), NULL, 10) == (long)PQbackendPID(c->pg);
    c->is_servers_own = is_promised && (!c->is_met || c->is_servers_own);
    c->is_met = true;
}

void db_prepared_forget(struct db_conn *c)
{
    c->is_met = c->is_servers_own = false;
    memset(c->prepared, 0, sizeof c->prepared);
}

void db_prepared_distrust(struct db_pool *p)
{
    for (unsigned i = 0; i < p->conf.connections; i++)
        p->conns[i].is_servers_own = false;
}

void db_prepared_settle(struct db_conn *c)
{
    for (unsigned i = 0; i < DB_PREPARED_MAX; i++)
        if (c->prepared[i] == PREPARED_SENT)
            c->prepared[i] = PREPARED_NOT;
}

void db_prepared_answered(struct db_conn *c, unsigned text)
{
    c->prepared[text - 1] = PREPARED_THERE;
}

/* FNV-1a: the same text has the same name, whoever prepares it. */
static unsigned long long text_hash(const char *sql)
{
    unsigned long long hash = 14695981039346656037ULL;
    for (; *sql != '\0'; sql++)
        hash = (hash ^ (unsigned char)*sql) * 1099511628211ULL;
    return hash;
}

/* Its place among the pool's texts, counted from 1; 0: there are too many. */
static unsigned prepared_text_of(struct db_pool *p, const char *sql)
{
    for (unsigned i = 0; i < p->ntexts; i++)
        if (strcmp(p->texts[i].sql, sql) == 0)
            return i + 1;
    if (p->ntexts == DB_PREPARED_MAX)
        return 0;
    struct db_text *t = &p->texts[p->ntexts++];
    t->sql = arena_strdup(p->arena, sql);
    (void)snprintf(t->name, sizeof t->name, "z%016llx", text_hash(sql));
    return p->ntexts;
}

bool db_prepared_add(struct db_conn *c, const struct db_call *call, unsigned *awaited)
{
    unsigned text = c->is_servers_own && call->nparams > 0 ? prepared_text_of(c->pool, call->sql) : 0;
    int formats[DB_PARAMS_MAX];

    *awaited = 0;
    if (text == 0)
        return db_pipeline_add(c->pg, call);
    const char *name = c->pool->texts[text - 1].name;
    c->session.has_names = true;
    if (c->prepared[text - 1] == PREPARED_NOT) {
        if (PQsendPrepare(c->pg, name, call->sql, 0, NULL) != 1)
            return false;
        c->prepared[text - 1] = PREPARED_SENT;
        *awaited = text;
    }
    db_call_formats(call, formats);
    return PQsendQueryPrepared(c->pg, name, (int)call->nparams, call->values, call->lengths, formats, 0) == 1;
}
