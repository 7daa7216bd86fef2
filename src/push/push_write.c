/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * What the database is told of calls to a queue of answers: an answer with its effect; what is none, apart, and by the
 * ids that it claims where people must know of it; what SMEV said to an Ack.
 */
#include "push_private.h"

#define SAID_SQL                                                                                                       \
    "select api.outbox_answer($1::text, $2::text, $3::text, $4::text, $5::text, $6::interval, $7::text, $8::text, "    \
    "$9::text, $10::text, $11::bytea, $12::bytea, $13::text, $14::text, $15::boolean)"
#define ACKED_SQL                                                                                                      \
    "select api.outbox_acked($1::text, $2::text, $3::text, $4::boolean, $5::text, $6::text, $7::text, $8::bytea, "     \
    "$9::bytea)"
#define UNREAD_SQL    "select api.inbox_unread($1::text, $2::text, $3::text, $4::text, $5::text, $6::text)"
#define UNTRUSTED_SQL "select api.outbox_untrusted($1::text, $2::text, $3::text, $4::text, $5::text)"
#define UNHEARD_SQL   "select api.journal_unheard($1::text, $2::text, $3::text, $4::text, $5::text, $6::bytea)"
#define UNTAKEN_SQL   "select api.inbox_refused($1::text, $2::text, $3::text, $4::text)"

void push_statement_set_octets(struct push_statement *s, unsigned i, struct span octets)
{
    s->values[i] = octets.p;
    s->lengths[i] = (int)octets.n;
    s->is_binary[i] = s->is_kept[i] = 1;
}

struct db_call push_statement_call(const struct push_statement *s, const char *sql, unsigned n)
{
    return (struct db_call){sql, n, s->values, s->lengths, s->is_binary, s->is_kept};
}

static struct db_call answer_write(struct arena *a, const struct push_poll *q)
{
    struct push_statement *s = arena_alloc(a, sizeof *s);
    const struct adapter_call *c = q->call;
    bool is_response = c->reply.kind == SMEV3_RESPONSE;
    s->values[0] = q->source->agency;
    s->values[1] = q->said.original_id;
    s->values[2] = q->said.outcome;
    s->values[3] = q->said.words;
    s->values[4] = q->said.book_id;
    s->values[5] = NULL; /* by the number of its attempts */
    s->values[6] = q->source->name;
    s->values[7] = smev3_op_name(c->op);
    s->values[8] = q->said.answer_id;
    s->values[9] = c->endpoint;
    push_statement_set_octets(s, 10, c->asked);
    push_statement_set_octets(s, 11, c->answered);
    s->values[12] =
        is_response && adapter_is_mnemonic(c->response.metadata.sender) ? c->response.metadata.sender : NULL;
    s->values[13] = adapter_verdict(c);
    s->values[14] = is_response && c->response.kind == SMEV3_ASYNC ? "t" : "f";
    return push_statement_call(s, SAID_SQL, 15);
}

static struct db_call ack_write(struct arena *a, const struct push_poll *q)
{
    struct push_statement *s = arena_alloc(a, sizeof *s);
    const struct adapter_call *c = q->call;
    s->values[0] = q->source->agency;
    s->values[1] = q->source->name;
    s->values[2] = c->message_id;
    s->values[3] = adapter_call_is_done(c) ? "t" : "f";
    s->values[4] = adapter_call_word(c);
    s->values[5] = adapter_is_refusal(c) ? adapter_call_word(c) : NULL;
    s->values[6] = c->endpoint;
    push_statement_set_octets(s, 7, c->asked);
    push_statement_set_octets(s, 8, c->answered);
    return push_statement_call(s, ACKED_SQL, 9);
}

static struct db_call unread_write(struct arena *a, const struct push_poll *q)
{
    struct push_statement *s = arena_alloc(a, sizeof *s);
    s->values[0] = q->source->name;
    s->values[1] = q->source->agency;
    s->values[2] = q->call->claimed_id;
    s->values[3] = adapter_call_word(q->call);
    s->values[4] = smev3_op_name(q->call->op);
    s->values[5] = q->call->claimed_original;
    return push_statement_call(s, UNREAD_SQL, 6);
}

static struct db_call unheard_write(struct arena *a, const struct push_poll *q)
{
    struct push_statement *s = arena_alloc(a, sizeof *s);
    s->values[0] = q->source->name;
    s->values[1] = q->source->agency;
    s->values[2] = smev3_op_name(q->call->op);
    s->values[3] = adapter_call_word(q->call);
    s->values[4] = q->call->endpoint;
    push_statement_set_octets(s, 5, q->call->asked);
    return push_statement_call(s, UNHEARD_SQL, 6);
}

static struct db_call untaken_write(struct arena *a, const struct push_poll *q)
{
    struct push_statement *s = arena_alloc(a, sizeof *s);
    s->values[0] = q->source->name;
    s->values[1] = q->source->agency;
    s->values[2] = smev3_op_name(q->call->op);
    s->values[3] = q->is_taken ? NULL : adapter_call_word(q->call);
    return push_statement_call(s, UNTAKEN_SQL, 4);
}

/* fault NULL: what came is SMEV's. */
static struct db_call untrusted_write(struct arena *a, const struct push_poll *q, const char *fault)
{
    struct push_statement *s = arena_alloc(a, sizeof *s);
    s->values[0] = q->source->name;
    s->values[1] = q->source->agency;
    s->values[2] = fault;
    s->values[3] = q->call->claimed_original;
    s->values[4] = q->call->claimed_id;
    return push_statement_call(s, UNTRUSTED_SQL, 5);
}

static bool is_by_stranger(const struct push_poll *q)
{
    return q->call->op == SMEV3_GET_RESPONSE && adapter_is_by_stranger(q->call);
}

static bool is_unread(const struct push_poll *q)
{
    return q->call->is_claimed && !adapter_is_by_stranger(q->call);
}

bool push_said_is_noted(const struct push_poll *q)
{
    return is_unread(q) || is_by_stranger(q);
}

unsigned push_said_write(struct arena *a, const struct push_poll *q, struct db_call calls[PUSH_SAID_CALLS])
{
    unsigned n = 0;
    if (q->write == PUSH_WRITE_ANSWER)
        calls[n++] = answer_write(a, q);
    if (q->write == PUSH_WRITE_ANSWER && q->call->op == SMEV3_GET_RESPONSE && !q->source->is_trust_told)
        calls[n++] = untrusted_write(a, q, NULL);
    if (q->write == PUSH_WRITE_ACK)
        calls[n++] = ack_write(a, q);
    if (q->write == PUSH_WRITE_UNHEARD)
        calls[n++] = unheard_write(a, q);
    if (q->is_taken)
        calls[n++] = untaken_write(a, q);
    if (q->write != PUSH_WRITE_REFUSED)
        return n;
    if (is_unread(q))
        calls[n++] = unread_write(a, q);
    if (is_by_stranger(q))
        calls[n++] = untrusted_write(a, q, adapter_call_word(q->call));
    if (q->is_whole)
        calls[n++] = adapter_refused_row(q->call, adapter_call_word(q->call));
    if (q->is_whole && q->call->op == SMEV3_GET_STATUS && adapter_is_refusal(q->call))
        calls[n++] = untaken_write(a, q);
    return n;
}
