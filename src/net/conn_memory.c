/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What a connection holds, entered into the ledger: itself, the request it is sending, those in work, the answers it
 * does not take. And what it loses when memory is short: the unfinished request, with a 503; when there is none, the
 * connection, with an answer its peer was too slow to take. The answer is in the journal; a repeat gets it again.
 */
#include "conn.h"

#include <string.h>

/* Of libuv, OpenSSL and ours, measured on idle connections. */
#define PLAIN_BYTES 2048
#define TLS_BYTES   (20 * 1024)

/* Is there a request that could be answered? Of one that is still ciphertext nobody knows, but something was said. */
static bool has_begun(const struct conn *c)
{
    return http_parser_message(c->parser) != NULL || c->held != NULL ||
           (c->tls_stage == CONN_TLS_UP && c->tls_unread > 0);
}

static void conn_give_back(void *arg)
{
    struct conn *c = arg;
    const char *reason = "memory was short and the answer not taken";
    if (c->claim.bytes[LEDGER_READING] > 0 && c->state == CONN_SERVING) {
        bool is_begun = has_begun(c);
        http_parser_give_up(c->parser, 503, HTTP_REASON_NO_ROOM);
        conn_enter_phase(c);
        if (is_begun) {
            conn_refuse(c, 503, HTTP_REASON_NO_ROOM, "Retry-After: 5\r\n");
            conn_held_drop(c);
            conn_weigh(c);
            return;
        }
        if (c->tls != NULL && c->tls_stage != CONN_TLS_UP)
            reason = "memory was short during the TLS handshake";
    }
    refusal_tell(c->loop, LOG_LEVEL_INFO, &(struct refusal){.reason = reason, .peer = c->peer});
    conn_reset(c);
}

static bool may_grow(void *arg, size_t more)
{
    struct conn *c = arg;
    if (!ledger_make_room(&c->claim, more))
        return false;
    ledger_set(&c->claim, LEDGER_READING, c->claim.bytes[LEDGER_READING] + more);
    return true;
}

void conn_memory_begin(struct conn *c)
{
    c->claim.give_back = conn_give_back;
    c->claim.arg = c;
    ledger_join(c->loop->ledger, &c->claim, &c->key);
    ledger_set(&c->claim, LEDGER_FIXED, sizeof(*c) + (c->listener->tls != NULL ? TLS_BYTES : PLAIN_BYTES));
    http_parser_ask(c->parser, may_grow, c);
}

/* What is still ciphertext, and the room into which a worker reads it. When no more is read it means nothing, and goes
 * with the connection. */
static size_t encrypted_bytes(struct conn *c)
{
    if (c->tls == NULL || c->state != CONN_SERVING)
        return 0;
    if (!c->tls_lent)
        c->tls_unread = tls_unread(c->tls);
    return c->tls_unread + c->loan.cap;
}

void conn_weigh(struct conn *c)
{
    if (c->claim.ledger == NULL)
        return;
    ledger_set(&c->claim, LEDGER_READING, http_parser_bytes(c->parser) + c->held_n + encrypted_bytes(c));
    ledger_set(&c->claim, LEDGER_WORKING, c->working_bytes);
    ledger_set(&c->claim, LEDGER_WRITING, c->writing_bytes);
    ledger_settle(&c->claim);
}

void conn_memory_end(struct conn *c)
{
    conn_pace_leave(c);
    ledger_leave(&c->claim);
}

/* ---- exchanges ---- */

static size_t *sum_of(struct exchange *x)
{
    return x->weight_kind == LEDGER_WORKING ? &x->conn->working_bytes : &x->conn->writing_bytes;
}

static size_t bytes_of(const struct exchange *x)
{
    if (x->message != NULL)
        return sizeof(*x) + http_message_bytes(x->message);
    return sizeof(*x) + (x->answer_arena != NULL ? arena_size(x->answer_arena) : 0);
}

void exchange_unweigh(struct exchange *x)
{
    if (x->orphan_ledger != NULL) {
        ledger_orphan(x->orphan_ledger, 0, x->weight);
        ledger_release(x->orphan_ledger);
        x->orphan_ledger = NULL;
    } else if (x->conn != NULL && x->weight > 0) {
        *sum_of(x) -= x->weight;
    }
    x->weight = 0;
}

void exchange_weigh(struct exchange *x)
{
    if (x->conn == NULL)
        return;
    exchange_unweigh(x);
    x->weight_kind = x->message != NULL ? LEDGER_WORKING : LEDGER_WRITING;
    x->weight = bytes_of(x);
    *sum_of(x) += x->weight;
}

void exchange_orphan(struct exchange *x)
{
    struct conn *c = x->conn;
    size_t weight = x->weight;
    exchange_unweigh(x);
    x->conn = NULL;
    x->weight = weight;
    x->orphan_ledger = c->loop->ledger;
    ledger_hold(x->orphan_ledger);
    ledger_orphan(x->orphan_ledger, weight, 0);
}
