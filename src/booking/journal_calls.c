/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * The journal's side of an operation (J1, B6): what a write's first row says besides the answer, and the calls that
 * put the signed answer beside the request. Builds calls only; request/ decides in which transaction they run.
 */
#include "call.h"

#include <string.h>

static enum err read_new(struct arena *a, const struct db_result *res, struct booking_outcome *out, struct error *e)
{
    const char *id = db_text(res, 0, db_column(res, "journal_id"));
    const char *at = db_text(res, 0, db_column(res, "journal_at"));
    if (id == NULL || at == NULL)
        return error_set(e, ERR_INTERNAL, "a write without its place in the journal");
    *out = (struct booking_outcome){
        .kind = OUTCOME_NEW, .journal_id = arena_strdup(a, id), .journal_at = arena_strdup(a, at)};
    return ERR_OK;
}

static enum err read_stored(struct arena *a, const struct db_result *res, struct booking_outcome *out, struct error *e)
{
    out->kind = OUTCOME_REPLAY;
    enum err err = db_bytes(a, res, 0, db_column(res, "stored"), &out->stored, e);
    if (err == ERR_OK && out->stored.n == 0)
        return error_set(e, ERR_INTERNAL, "a repeated message whose first answer is not in the journal");
    return err;
}

enum err booking_outcome_read(struct arena *a, const struct db_result *res, struct booking_outcome *out,
                              struct error *e)
{
    *out = (struct booking_outcome){0};
    int col = db_column(res, "kind");
    const char *kind = col < 0 || db_rows(res) == 0 ? NULL : db_text(res, 0, col);
    if (kind == NULL)
        return error_set(e, ERR_INTERNAL, "a write without rows");
    if (strcmp(kind, "answer") == 0)
        return read_new(a, res, out, e);
    if (strcmp(kind, "stored") == 0)
        return read_stored(a, res, out, e);
    if (strcmp(kind, "reused") != 0)
        return error_set(e, ERR_INTERNAL, "a row of unknown kind from SQL");
    out->kind = OUTCOME_REUSED;
    return ERR_OK;
}

struct db_call booking_journal_reply(const struct booking_outcome *o, struct span answer, const char *status,
                                     struct arena *a)
{
    struct call *c = call_new(a);
    call_add_text(c, o->journal_id);
    call_add_text(c, o->journal_at);
    call_add_text(c, status);
    call_add_bytes(c, answer);
    return call_end(c, "select api.journal_reply($1::bigint, $2::timestamptz, $3::text, $4::bytea)");
}

struct db_call booking_recall(const struct booking_message *m, struct arena *a)
{
    struct call *c = call_new(a);
    call_add_text(c, m->sender_code);
    call_add_bytes(c, (struct span){(const char *)m->digest, sizeof m->digest});
    return call_end(c, "select * from api.recall_message($1::text, $2::bytea)");
}

struct db_call booking_lock(const char *const *book_ids, unsigned n, struct arena *a)
{
    struct call *c = call_new(a);
    call_add_text(c, db_text_array(a, book_ids, n));
    return call_end(c, "select api.lock_bookings($1::text[])");
}

static struct call *exchange_call(const struct booking_message *m, struct span answer, bool is_kept, const char *status,
                                  struct arena *a)
{
    struct call *c = call_new(a);
    call_add_message(c, m);
    call_add_text(c, status);
    if (is_kept)
        call_add_kept(c, answer);
    else
        call_add_bytes(c, answer);
    return c;
}

struct db_call booking_journal_exchange(const struct booking_message *m, struct span answer, bool is_kept,
                                        const char *status, struct arena *a)
{
    return call_end(exchange_call(m, answer, is_kept, status, a),
                    "select api.journal_exchange(" CALL_MESSAGE ", $16::text, $17::bytea)");
}

struct db_call booking_journal_answer(const struct booking_message *m, struct span answer, bool is_kept,
                                      const char *status, struct arena *a)
{
    return call_end(exchange_call(m, answer, is_kept, status, a),
                    "select * from api.journal_answer(" CALL_MESSAGE ", $16::text, $17::bytea)");
}

struct db_call booking_journal_refused(const struct booking_refused *r, struct arena *a)
{
    struct call *c = call_new(a);
    call_add_text(c, r->listener);
    call_add_text(c, r->peer);
    call_add_text(c, r->request_id);
    call_add_text(c, r->reason);
    call_add_text(c, arena_printf(a, "%llu", (unsigned long long)r->messages));
    call_add_text(c, arena_printf(a, "%llu", (unsigned long long)r->bytes));
    call_add_bytes(c, r->digest);
    call_add_kept(c, r->head);
    call_add_kept(c, r->answer);
    return call_end(
        c, "select api.journal_refused($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bytea, "
           "$8::bytea, $9::bytea)");
}
