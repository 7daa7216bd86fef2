/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * A call with much to send. libpq copies it into a buffer, and while the socket takes a part of it after the other it
 * moves all the rest to the front each time: 65 MB cost the loop 0.1 s at once and two more in pieces. So the
 * connection is lent to a thread that sends and waits, as libpq would have it; until it comes home nobody else touches
 * it. When the time is over, or nobody waits any more, the loop shuts the socket down, by a name of its own: the
 * thread then comes home by itself, and the connection ends with it.
 */
#include "db_private.h"

#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BULK_BYTES = 1 << 20 };

struct db_bulk {
    struct arena *arena;
    struct db_session *s; /* NULL: nobody waits any more */
    PGconn *pg;
    int socket; /* another name of its socket */
    struct db_call *calls;
    unsigned n;
    enum err err;
    char detail[400];
};

static size_t value_bytes(const struct db_call *call, unsigned i)
{
    bool is_binary = call->is_binary != NULL && call->is_binary[i] != 0;
    return is_binary && call->values[i] != NULL ? (size_t)call->lengths[i] : 0;
}

/* What the values in binary take; texts are short and not counted. */
static size_t bulk_bytes(const struct db_call *calls, unsigned n)
{
    size_t bytes = 0;
    for (unsigned k = 0; k < n; k++)
        for (unsigned i = 0; i < calls[k].nparams; i++)
            bytes += value_bytes(&calls[k], i);
    return bytes;
}

/* ---- on the thread ---- */

static void bulk_work(void *arg)
{
    struct db_bulk *k = arg;
    if (PQsetnonblocking(k->pg, 0) != 0)
        k->err = ERR_DATABASE;
    else
        k->err = db_pipeline_queue(k->pg, k->calls, k->n);
    if (k->err == ERR_OK && (PQflush(k->pg) < 0 || PQsetnonblocking(k->pg, 1) != 0 || PQsocket(k->pg) < 0))
        k->err = ERR_UNCERTAIN;
    if (k->err != ERR_OK)
        db_complaint(k->pg, k->detail, sizeof k->detail);
}

/* ---- on the loop ---- */

static struct db_call call_copy(struct arena *a, const struct db_call *call)
{
    struct db_call copy = *call;
    const char **values = arena_array(a, call->nparams + 1, sizeof *values);
    for (unsigned i = 0; i < call->nparams; i++) {
        bool is_kept = call->is_kept != NULL && call->is_kept[i] != 0;
        bool is_binary = call->is_binary != NULL && call->is_binary[i] != 0;
        if (call->values[i] == NULL || is_kept)
            values[i] = call->values[i];
        else if (is_binary)
            values[i] = arena_copy(a, call->values[i], (size_t)call->lengths[i]);
        else
            values[i] = arena_strdup(a, call->values[i]);
    }
    copy.values = values;
    copy.lengths = call->lengths == NULL ? NULL : arena_copy(a, call->lengths, call->nparams * sizeof *call->lengths);
    copy.is_binary = call->is_binary == NULL ? NULL : arena_copy(a, call->is_binary, call->nparams);
    return copy;
}

static void bulk_done(void *arg)
{
    struct db_bulk *k = arg;
    struct db_session *s = k->s;
    close(k->socket);
    if (s == NULL) {
        PQfinish(k->pg);
    } else {
        struct db_pool *p = s->conn->pool;
        db_pool_dispatch_begin(p);
        s->conn->bulk = NULL;
        s->conn->sent_us = clock_mono_us();
        db_session_sent(s, k->err, k->detail);
        db_pool_dispatch_end(p);
    }
    arena_free(k->arena);
}

bool db_bulk_start(struct db_session *s, const struct db_call *first, const struct db_call *calls, unsigned n)
{
    struct db_conn *c = s->conn;
    size_t bytes = bulk_bytes(calls, n);
    int name = bytes < BULK_BYTES ? -1 : dup(PQsocket(c->pg));
    if (name < 0)
        return false;
    struct arena *a = arena_new();
    struct db_bulk *k = arena_alloc(a, sizeof *k);
    *k = (struct db_bulk){.arena = a, .s = s, .pg = c->pg, .socket = name};
    k->calls = arena_array(a, n + 1, sizeof *k->calls);
    if (first != NULL)
        k->calls[k->n++] = call_copy(a, first);
    for (unsigned i = 0; i < n; i++)
        k->calls[k->n++] = call_copy(a, &calls[i]);
    c->bulk = k;
    s->is_stale |= bytes > DB_ROOM_KEPT_BYTES;
    worker_run_alone(c->pool->loop, bulk_work, bulk_done, k);
    return true;
}

void db_bulk_leave(struct db_bulk *k)
{
    k->s = NULL;
    (void)shutdown(k->socket, SHUT_RDWR);
}
