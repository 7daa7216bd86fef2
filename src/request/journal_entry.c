/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/*
 * One row of the journal, from a request whose answer is made: what is known of it, whether it got far or not. The
 * digest is computed on a worker, for a body may be long; the rest on the loop.
 */
#include "request_private.h"

#include "clock.h"
#include "crypto.h"

#include <string.h>

/* ---- on a worker, when the answer is made ---- */

void journal_digest(struct request *r)
{
    struct error ignored = {0};
    unsigned char digest[DIGEST_MAX];
    bool is_repeat = r->failed == ERR_OK && r->outcome.kind == OUTCOME_REPLAY;
    if (r->failed == ERR_OK && !is_repeat && !request_is_unverified(r) && !request_is_padded(r))
        return;
    if (digest_once(DIGEST_SHA256, r->body.p, r->body.n, digest, &ignored) == ERR_OK)
        memcpy(r->body_digest, digest, sizeof r->body_digest);
}

/* ---- on the loop, when the row is to be written ---- */

static const char *text_or_empty(const char *s)
{
    return s != NULL ? s : "";
}

static const char *entry_status(const struct request *r)
{
    if (r->failed != ERR_OK)
        return error_name(r->failed);
    if (r->outcome.kind == OUTCOME_REPLAY)
        return "replay";
    return arena_printf(r->arena, "error %d", r->reply.error_code);
}

/* What stands around the signed octets has no author: kept are these octets, and the digest of all that came. */
static void entry_describe_padded(struct request *r)
{
    struct booking_message *m = &r->message;
    struct buf b;
    buf_init(&b, r->arena, 160);
    buf_printf(&b, "%s; of %zu octets what was signed, SHA-256 of all ", m->verdict, r->body.n);
    buf_add_hex(&b, r->body_digest, sizeof r->body_digest);
    m->verdict = b.p;
    m->body = r->wsse.body;
}

/* A source of one agency never speaks for all, whatever has become of that agency's key and section. */
const char *request_recipient(const struct request *r)
{
    if (r->agency != NULL)
        return r->agency->code;
    return text_or_empty(r->source->agency);
}

/* A message that failed before it was understood has no method and no id of its own. */
void journal_describe(struct request *r)
{
    struct booking_message *m = &r->message;
    bool is_fault = r->failed != ERR_OK && error_faultcode(r->failed) != NULL;
    m->listener = r->source->name;
    m->peer = text_or_empty(r->peer);
    if (m->sender_code == NULL)
        m->sender_code = r->sender != NULL ? r->sender->code : "";
    if (m->recipient_code == NULL)
        m->recipient_code = request_recipient(r);
    if (m->message_id == NULL)
        m->message_id = arena_printf(r->arena, "req:%s", r->id);
    m->method = text_or_empty(m->method);
    if (is_fault)
        m->verdict = error_name(r->failed);
    if (m->received_us == 0)
        m->received_us = clock_wall_us() - (int64_t)(clock_mono_us() - r->started_us);
    m->body = r->body;
    r->journal_status = entry_status(r);
    if (request_is_padded(r))
        entry_describe_padded(r);
}
