/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* What came of a call, in words of our tables, and what is made of an answer that is not SMEV's. */
#include "adapter.h"

#include "clock.h"

#include <string.h>

#define MNEMONIC_MAX 250 /* bytes */

const char *const adapter_result_names[ADAPTER_RESULTS] = {"message", "empty", "fault", "nothing", "untrusted"};

unsigned adapter_call_kind(const struct adapter_call *c)
{
    return c->status_to != NULL ? ADAPTER_KIND_STATUS : c->is_rejecting ? ADAPTER_KIND_REJECTION : (unsigned)c->op;
}

bool adapter_call_is_good(const struct adapter_call *c)
{
    return c->err == ERR_OK && c->is_read && c->reply.kind != SMEV3_FAULT;
}

enum smev3_reaction adapter_call_reaction(const struct adapter_call *c)
{
    return c->err == ERR_OK && c->is_read && c->reply.kind == SMEV3_FAULT ? c->reply.fault.reaction : SMEV3_AGAIN;
}

bool adapter_call_is_smevs(const struct adapter_call *c)
{
    if (!c->is_read)
        return false;
    switch (c->reply.kind) {
    case SMEV3_FAULT:
        return c->reply.fault.name != NULL;
    case SMEV3_SENT:
        return c->err == ERR_OK; /* about this message */
    default:
        return !smev3_kind_is_signed(c->reply.kind) || c->signature.octets.n > 0;
    }
}

bool adapter_call_has_left(const struct adapter_call *c)
{
    return c->endpoint != NULL && c->fate != CLIENT_UNSENT;
}

bool adapter_call_is_done(const struct adapter_call *c)
{
    return adapter_call_is_good(c) || adapter_call_reaction(c) == SMEV3_DONE;
}

const char *adapter_call_word(const struct adapter_call *c)
{
    if (!c->is_read || c->err != ERR_OK)
        return c->fate != CLIENT_ANSWERED && c->err == ERR_SYSTEM ? "UNREACHABLE" : error_name(c->err);
    if (c->reply.kind != SMEV3_FAULT)
        return "OK";
    const struct smev3_fault *f = &c->reply.fault;
    return f->inner != NULL ? f->inner : f->name != NULL ? f->name : "fault";
}

bool adapter_is_refusal(const struct adapter_call *c)
{
    if (c->err != ERR_OK || !c->is_read || c->reply.kind != SMEV3_FAULT)
        return false;
    const struct smev3_fault *f = &c->reply.fault;
    return f->reaction == SMEV3_STOP || f->reaction == SMEV3_CONFIGURE || (f->is_smevs && !f->is_foreseen);
}

/* An hour is for what waited for SMEV; it takes ids for a day. */
bool adapter_is_clock_wrong(const char *word, const char *message_id)
{
    int64_t made_us;
    return word != NULL && strcmp(word, "StaleMessageId") == 0 && uuid_v1_time(message_id, &made_us) &&
           clock_wall_us() - made_us < INT64_C(3600000000);
}

const char *adapter_verdict(const struct adapter_call *c)
{
    if (c->sender_word == NULL) /* an error of SMEV's */
        return ADAPTER_GOOD;
    const char *person = strcmp(c->person_word, ADAPTER_UNSIGNED) == 0 ? "" : "; person: ";
    return arena_printf(c->arena, ADAPTER_GOOD "; sender: %s%s%s", c->sender_word, person,
                        *person != '\0' ? c->person_word : "");
}

bool adapter_is_mnemonic(const char *sender)
{
    return sender != NULL && sender[0] != '\0' && strlen(sender) <= MNEMONIC_MAX;
}

enum adapter_result adapter_result_of(const struct adapter_call *c)
{
    if (!c->is_read)
        return ADAPTER_RESULT_NOTHING;
    if (c->err != ERR_OK)
        return ADAPTER_RESULT_UNTRUSTED;
    switch (c->reply.kind) {
    case SMEV3_FAULT:
        return ADAPTER_RESULT_FAULT;
    case SMEV3_REQUEST:
    case SMEV3_CANCEL:
    case SMEV3_RESPONSE:
    case SMEV3_STATUS:
        return ADAPTER_RESULT_MESSAGE;
    default:
        return ADAPTER_RESULT_EMPTY;
    }
}

bool adapter_is_by_stranger(const struct adapter_call *c)
{
    switch (c->err) {
    case ERR_SENDER:
    case ERR_TOKEN:
    case ERR_TOKEN_UNAVAILABLE:
    case ERR_ALGORITHM: /* gost2001 = no */
        return c->is_read;
    default:
        return false;
    }
}

struct db_call adapter_refused_row(const struct adapter_call *c, const char *reason)
{
    char id[UUID_TEXT_SIZE];
    const char *claimed = c->op == SMEV3_ACK      ? c->message_id
                          : c->claimed_id != NULL ? c->claimed_id
                                                  : c->reply.claimed_id;
    uuid_v4(id);
    const struct booking_refused row = {
        .listener = c->conf->name,
        .peer = c->endpoint,
        .request_id = claimed != NULL ? claimed : arena_strdup(c->arena, id),
        .reason = reason,
        .messages = 1,
        .bytes = c->answered.n,
        .digest = {(const char *)c->digest, c->has_refused_digest ? 32 : 0},
        .head = c->answered,
        .answer = c->asked, /* both halves of the exchange (J1) */
    };
    return booking_journal_refused(&row, c->arena);
}
